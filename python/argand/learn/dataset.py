"""Crystals whose atoms are displaced at random, as tensors on the box of Miller indices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from argand import _seam
from argand._memory import demand
from argand.crystal import Crystal
from argand.learn.reuse import Reuse
from argand.learn.samples import EXTINCT, SampleBatch, SampleDataset
from argand.radiation import reachable
from argand.reflections import hkl_cube, stol
from argand.simulate.directions import Directions
from argand.torch import tensors

__all__ = ["PerturbedCrystals"]

# Samples of each crystal that a data set has by default.
_COPIES = 1000

# Bytes of a voxel of a sample: amplitude, phase, stol^2 and weight in single precision, mask.
_BYTES_OF_VOXEL = 17

# Bytes of a voxel of a crystal: its indices as they are listed, and what the crystal has there.
_BYTES_OF_TABLE = 48

_memory = Reuse()


class PerturbedCrystals(SampleDataset):
    """Simulate copies of crystals with displaced atoms; sample i is a pure function of (seed, i).

    Sample i belongs to crystal i mod n. The defaults are the first experiment: atom 0 moves along a
    by N(0, 0.05) cell edges, Miller indices -6..6, 10 keV, 1000 copies of each crystal. With
    ``atoms=None`` all atoms move, along a, b and c independently; ``unit="angstrom"`` makes that
    isotropic, with `spread` in angstrom along each of x, y and z.

    Parameters
    ----------
    crystals
        n crystals, with any numbers of atoms; they are expanded to P 1.
    spread, atoms, directions, unit
        Which atoms move, along what and how far, see `argand.simulate.Directions`.
    hkl_max
        H of the box of Miller indices -H..H.
    energy_kev
        Photon energy; reflections with d < lambda/2 are out of reach. None: all are measured.
        Dispersion is left out.
    table
        Form factors, see `argand.form_factors`.
    seed
        Seed of all random numbers.
    length
        Number of samples that `len` and loaders see; every index >= 0 can be simulated.

    Raises
    ------
    ValueError
        `crystals` is empty, `hkl_max` is below 1, or the displacements do not fit the crystals.
    """

    def __init__(
        self,
        crystals: Sequence[Crystal],
        spread: float | Sequence[float] = 0.05,
        atoms: Sequence[int] | None = (0,),
        directions: Sequence[Sequence[float]] | None = None,
        unit: Literal["fractional", "angstrom"] = "fractional",
        *,
        hkl_max: int = 6,
        energy_kev: float | None = 10.0,
        table: str = "it92",
        seed: int = 0,
        length: int | None = None,
    ) -> None:
        if not crystals:
            raise ValueError("crystals is empty, needs at least one")
        if hkl_max < 1:
            raise ValueError(f"hkl_max is {hkl_max}, needs to be 1 or more")
        if length is None:
            length = _COPIES * len(crystals)
        super().__init__(seed, length)
        self.hkl_max = hkl_max
        tabulated = _BYTES_OF_TABLE * len(crystals) * math.prod(self._box)
        demand(f"tables of {len(crystals):,} crystals", tabulated, "choose a smaller hkl_max")
        self.directions = Directions(spread, atoms, directions, unit)
        expanded = [crystal.to_p1() for crystal in crystals]
        atom_counts = [len(crystal.types) for crystal in expanded]
        self._moved = self.directions.moved(atom_counts)
        self._axes = np.stack([self.directions.axes(crystal) for crystal in expanded])
        self._tabulate_atoms(expanded, table)
        self._tabulate_reflections(expanded, energy_kev)

    def _tabulate_atoms(self, crystals: Sequence[Crystal], table: str) -> None:
        """Pack the atoms of crystals in P 1: coordinates, occupancies, beta and form factors."""
        hkl = hkl_cube(self.hkl_max)
        packed = tensors(crystals, hkl, table=table, dtype=torch.float32)
        self._atom_ptr = packed["atom_ptr"].numpy()
        self._atom_count = np.diff(self._atom_ptr)
        self._frac = np.concatenate([crystal.frac for crystal in crystals])
        self._scatterer = packed["scatterer"].numpy()
        self._form = packed["form"].view(-1, len(hkl)).numpy()
        fully_occupied = all(bool(np.all(crystal.occ == 1.0)) for crystal in crystals)
        # None spares the core a factor of 1 for every atom.
        self._occ = None if fully_occupied else packed["occ"].numpy()
        self._beta = packed["beta"].numpy() if "beta" in packed else None

    def _tabulate_reflections(self, crystals: Sequence[Crystal], energy_kev: float | None) -> None:
        """Compute, for n crystals on the box, 1 / sum_j occ_j |f_j|, reach and stol^2."""
        hkl = hkl_cube(self.hkl_max)
        shape = (len(crystals), len(hkl))
        in_phase = np.empty(shape, np.float32)
        reach = np.empty(shape, np.bool_)
        stol2 = np.empty(shape, np.float32)
        rows = len(self._form)
        for c, crystal in enumerate(crystals):
            atoms = slice(self._atom_ptr[c], self._atom_ptr[c + 1])
            scatterer = self._scatterer[atoms]
            content = np.bincount(scatterer, weights=crystal.occ, minlength=rows)
            present = np.flatnonzero(content)
            total = content[present] @ np.abs(self._form[present])
            in_phase[c] = 1.0 / total
            reach[c] = hkl.any(axis=1)
            if energy_kev is not None:
                reach[c] &= reachable(hkl, crystal.cell, energy_kev)
            stol2[c] = stol(hkl, crystal.cell) ** 2
        self._in_phase = in_phase
        self._reach = reach
        self._stol2 = stol2.reshape(-1, *self._box)

    @property
    def _box(self) -> tuple[int, int, int]:
        side = 2 * self.hkl_max + 1
        return side, side, side

    def simulate(self, indices: Sequence[int] | NDArray[np.int64]) -> SampleBatch:
        """Simulate the samples of the indices (b,) in one call of the core."""
        index = np.asarray(indices, dtype=np.int64)
        voxels = len(index) * math.prod(self._box)
        needed = _BYTES_OF_VOXEL * voxels
        demand(f"{len(index):,} samples of boxes", needed, "draw fewer at a time")
        crystal = index % len(self._reach)
        axes = self._axes[crystal]
        shift = self.directions.displacements(self.seed, index, self._moved, axes)
        count = self._atom_count[crystal]
        ptr = np.concatenate([[0], np.cumsum(count)])
        # Number of each atom of the batch within the packed atoms of all crystals.
        offset = self._atom_ptr[crystal] - ptr[:-1]
        atom = np.arange(ptr[-1]) + np.repeat(offset, count)
        frac = self._frac[atom]
        self._displace(frac, shift, ptr[:-1], count)
        rows, voxels = self._form.shape
        form_ptr = np.arange(rows + 1) * voxels
        batch = _seam.Batch(
            atom_ptr=ptr,
            frac=frac.astype(np.float32),
            beta=None if self._beta is None else self._beta[atom],
            occ=None if self._occ is None else self._occ[atom],
            scatterer=self._scatterer[atom],
            form=self._form.reshape(-1),
            form_ptr=form_ptr,
            box=(self.hkl_max,) * 3,
        )
        b = len(index)
        shape = (b, *self._box)
        weight, amplitude, phase, stol2 = (_memory.tensor(shape, torch.float32) for _ in range(4))
        mask = _memory.tensor(shape, torch.bool)
        observation = _seam.Observation(
            *(field.view(len(index), -1) for field in (weight, amplitude, phase, mask))
        )
        detector = _seam.Detector(crystal, self._in_phase, self._reach, EXTINCT)
        _seam.measure_boxes(batch, detector, observation)
        # Mode "raise" would make a copy of the output first.
        np.take(self._stol2, crystal, axis=0, out=stol2.numpy(), mode="clip")
        return SampleBatch(
            amplitude,
            phase,
            mask,
            stol2,
            weight,
            torch.from_numpy(crystal),
            torch.from_numpy(shift.astype(np.float32)),
            torch.from_numpy(index),
        )

    def _displace(
        self,
        frac: NDArray[np.float64],
        shift: NDArray[np.float64],
        first: NDArray[np.int64],
        count: NDArray[np.int64],
    ) -> None:
        """Add the displacements (b, moved, 3) to the atoms (atoms, 3) of a batch, in place.

        `first` and `count` (b,) say where the atoms of each sample begin and how many they are.
        Displacements of atoms that a crystal lacks are set to 0 in `shift`.
        """
        chosen = self.directions.atoms
        atom = np.arange(self._moved) if chosen is None else np.asarray(chosen)
        exists = atom < count[:, None]
        shift[~exists] = 0.0
        rows = (first[:, None] + atom)[exists]
        # An atom that is named twice moves twice: `frac[rows] += ...` would move it once.
        np.add.at(frac, rows, shift[exists])
