"""Samples of any `argand.simulate.Simulation`, as tensors on the box of Miller indices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from argand.learn.samples import EXTINCT, SampleBatch, SampleDataset
from argand.reflections import hkl_cube, in_p1, stol
from argand.rows import distinct_rows
from argand.simulate import Samples, Simulation

__all__ = ["SimulatedCrystals"]


class SimulatedCrystals(SampleDataset):
    """Draw samples of a simulation and put their reflections on the box of Miller indices -H..H.

    Equivalent reflections under the symmetry of the simulation are filled in, Friedel mates too
    unless the radiation has dispersion. Reflections of the box that are not in the list of the
    simulation, or not measured in a sample, have mask False. `amplitude` is what was measured, with
    its noise and on its scale, over sum_j occ_j |f_j| of the known crystal; `phase` and `weight`
    are true; `displacement` (b, sites, 3) is that of the sites, fractional.

    Parameters
    ----------
    simulation
        Where the samples come from; its seed and index decide each of them.
    hkl_max
        H of the box; None: the largest |h|, |k| or |l| of the list of reflections and its
        equivalents.
    length
        Number of samples that `len` and loaders see; every index >= 0 can be drawn.

    Raises
    ------
    ValueError
        `hkl_max` is below 1.
    """

    def __init__(
        self,
        simulation: Simulation,
        hkl_max: int | None = None,
        length: int = 1000,
    ) -> None:
        super().__init__(simulation.seed, length)
        self.simulation = simulation
        hkl, row, phase_factor, conjugated = _equivalents(simulation)
        largest_index = np.abs(hkl).max(axis=1)
        if hkl_max is None:
            hkl_max = int(largest_index.max())
        if hkl_max < 1:
            raise ValueError(f"hkl_max is {hkl_max}, needs to be 1 or more")
        self.hkl_max = hkl_max
        # F(000) is never measured.
        in_box = (largest_index <= hkl_max) & (largest_index > 0)
        side = 2 * hkl_max + 1
        h, k, l = (hkl[in_box] + hkl_max).T
        self._voxel = (h * side + k) * side + l
        self._row = row[in_box]
        self._phase_factor = phase_factor[in_box]
        self._conjugated = conjugated[in_box]
        self._in_phase = _in_phase(simulation)
        self._cube = hkl_cube(hkl_max)
        self._stol2 = stol(self._cube, simulation.crystal.cell) ** 2

    def simulate(self, indices: Sequence[int] | NDArray[np.int64]) -> SampleBatch:
        """Draw the samples of the indices (b,), as tensors on the box."""
        samples = self.simulation.draw(indices)
        f = samples.f[:, self._row] * self._phase_factor
        f = np.where(self._conjugated, f.conj(), f)
        in_phase = self._in_phase[self._row]
        modulus = np.abs(f)
        mask = samples.mask[:, self._row] & (modulus > EXTINCT * in_phase)
        amplitude = samples.amplitude[:, self._row] / in_phase
        displacement = samples.frac - self.simulation.crystal.frac
        return SampleBatch(
            amplitude=self._on_box(amplitude * mask),
            phase=self._on_box(np.angle(f) * mask),
            mask=self._on_box(mask, torch.bool),
            stol2=self._stol2_of(samples),
            weight=self._on_box(modulus * mask),
            crystal=torch.zeros(len(samples.sample), dtype=torch.int64),
            displacement=torch.from_numpy(displacement.astype(np.float32)),
            sample=torch.from_numpy(samples.sample),
        )

    def _on_box(self, values: NDArray[np.generic], dtype: torch.dtype = torch.float32) -> Tensor:
        """Put values (b, equivalents) on the box: (b, D, D, D), 0 elsewhere."""
        side = 2 * self.hkl_max + 1
        box = torch.zeros((len(values), side**3), dtype=dtype)
        box[:, self._voxel] = torch.from_numpy(values).to(dtype)
        return box.view(-1, side, side, side)

    def _stol2_of(self, samples: Samples) -> Tensor:
        """Return stol^2 (b, D, D, D) of the box in the cell of each sample."""
        side = 2 * self.hkl_max + 1
        known_cell = np.array(self.simulation.crystal.cell)
        strained = (samples.cell != known_cell).any(axis=1)
        of_known_cell = self._stol2.astype(np.float32)
        stol2 = np.tile(of_known_cell, (len(strained), 1))
        for row in np.flatnonzero(strained):
            cell = tuple(samples.cell[row])
            stol2[row] = stol(self._cube, cell) ** 2
        return torch.from_numpy(stol2).view(-1, side, side, side)


def _equivalents(
    simulation: Simulation,
) -> tuple[NDArray[np.int32], NDArray[np.intp], NDArray[np.complex128], NDArray[np.bool_]]:
    """Return all equivalents (n, 3) of the m reflections of a simulation and how their F follows.

    F of equivalent j is F[row[j]] * phase_factor[j], conjugated where conjugated[j]; all are (n,).
    """
    hkl, expand = in_p1(simulation.hkl, simulation.symops)
    # `expand` maps F (m,) of the list to F (n,) of the equivalents: ask it for rows and for factors
    # of modulus 1.
    m = len(simulation.hkl)
    row_modulus = np.abs(expand(np.arange(m)))
    row = np.rint(row_modulus).astype(np.intp)
    phase_factor = expand(np.ones(m))
    conjugated = np.zeros(len(hkl), np.bool_)
    if simulation.radiation.dispersion:
        return hkl, row, phase_factor, conjugated
    with_mates = np.concatenate([hkl, -hkl])
    first, _ = distinct_rows(with_mates)
    is_mate = first >= len(hkl)
    source = first % len(hkl)
    return with_mates[first], row[source], phase_factor[source], is_mate


def _in_phase(simulation: Simulation) -> NDArray[np.float64]:
    """Return sum_j occ_j |f_j| (m,) over the cell of the known crystal, for each reflection."""
    crystal = simulation.crystal.to_p1()
    types = tuple(dict.fromkeys(crystal.types))
    content = np.zeros(len(types))
    for symbol, occupancy in zip(crystal.types, crystal.occ, strict=True):
        content[types.index(symbol)] += occupancy
    form = simulation.radiation.form_factors(types, simulation.stol)
    return np.asarray(content @ np.abs(form), np.float64)
