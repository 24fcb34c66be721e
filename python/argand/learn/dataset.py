"""Simulated crystals whose atoms are displaced at random: amplitudes to phases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from argand import _seam
from argand.crystal import Crystal
from argand.learn.batch import Batch
from argand.learn.perturb import Perturbation
from argand.learn.reuse import Reuse
from argand.learn.tables import make_tables

__all__ = ["PerturbedCrystals"]

#: |F| below this share of the sum of all form factors counts as zero: rounding, not a reflection
EXTINCT = 1e-5


_memory = Reuse()


class PerturbedCrystals(Dataset[Batch]):
    """Copies of crystals with displaced atoms; sample i is a pure function of (seed, i).

    Sample i belongs to crystal i mod n. The defaults are the first experiment: atom 0 moves along a by N(0, 0.05)
    cell edges, Miller indices -6..6, 10 keV, 1000 copies of each crystal.

    Parameters
    ----------
    crystals
        n crystals, with as many atoms as they like; they are expanded to P 1.
    spread, atoms, directions, unit
        See `Perturbation`.
    hkl_max
        H of the cube of Miller indices -H..H.
    energy_kev
        Reflections with d < lambda/2 are out of reach; None: all are measured. Dispersion is left out.
    table
        Form factors, see `argand.form_factors`.
    length
        Number of samples that `len` and loaders see; every index >= 0 can be simulated.
    """

    def __init__(
        self,
        crystals: Sequence[Crystal],
        spread: float | Sequence[float] = 0.05,
        atoms: Sequence[int] | None = (0,),
        directions: Sequence[Sequence[float]] = ((1.0, 0.0, 0.0),),
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
        expanded = [crystal.to_p1() for crystal in crystals]
        self.hkl_max = hkl_max
        self.seed = seed
        self.length = 1000 * len(expanded) if length is None else length
        self.tables = make_tables(expanded, hkl_max, energy_kev, table)
        self.perturbation = Perturbation(spread, atoms, directions, unit)
        self._moved = self.perturbation.moved([len(crystal.types) for crystal in expanded])
        self._axes = np.stack([self.perturbation.axes(crystal) for crystal in expanded])

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Batch:
        """One sample, without the batch axis."""
        if not 0 <= index < self.length:
            raise IndexError(f"index is {index}, needs to be from 0 to {self.length - 1}")
        return Batch(*(field[0] for field in self.simulate([index])))

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """Many samples in one call: what a torch `DataLoader` asks for, to be collated by `argand.learn.collate`."""
        return self.simulate(indices)

    def simulate(self, indices: Sequence[int] | npt.NDArray[np.int64]) -> Batch:
        """Samples of the given indices (b,), in one call of the core."""
        index = np.asarray(indices, dtype=np.int64)
        t = self.tables
        crystal = index % len(t.reach)
        shift = self.perturbation.displacements(self.seed, index, self._moved, self._axes[crystal])
        first, count = t.atom_ptr[crystal], np.diff(t.atom_ptr)[crystal]
        ptr = np.concatenate([[0], np.cumsum(count)])
        atom = np.arange(ptr[-1]) + np.repeat(first - ptr[:-1], count)
        frac = self._displaced(t.frac[atom], shift, ptr[:-1], count)
        batch = _seam.Batch(
            atom_ptr=ptr,
            frac=frac.astype(np.float32),
            beta=None if t.beta is None else t.beta[atom],
            occ=None if t.occ is None else t.occ[atom],
            scatterer=t.scatterer[atom],
            form=t.form.reshape(-1),
            form_ptr=np.arange(len(t.form) + 1) * t.form.shape[1],
            box=(self.hkl_max,) * 3,
        )
        shape = (len(index), *t.reach.shape[1:])
        weight, amplitude, phase, stol2 = (_memory.tensor(shape, torch.float32) for _ in range(4))
        mask = _memory.tensor(shape, torch.bool)
        seen = _seam.Observation(
            *(field.view(len(index), -1) for field in (weight, amplitude, phase, mask))
        )
        scale, reach = (table.reshape(len(t.reach), -1) for table in (t.in_phase, t.reach))
        _seam.measure_boxes(batch, _seam.Detector(crystal, scale, reach, EXTINCT), seen)
        np.take(
            t.stol2, crystal, axis=0, out=stol2.numpy(), mode="clip"
        )  # mode "raise" would make a copy first
        rest = (torch.from_numpy(field) for field in (crystal, shift.astype(np.float32), index))
        return Batch(amplitude, phase, mask, stol2, weight, *rest)

    def _displaced(
        self,
        frac: npt.NDArray[np.float64],
        shift: npt.NDArray[np.float64],
        first: npt.NDArray[np.int64],
        count: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float64]:
        """Atoms after their displacement; displacements of atoms that a crystal lacks are set to 0 in `shift`."""
        chosen = self.perturbation.atoms
        atom = np.arange(self._moved) if chosen is None else np.asarray(chosen)
        exists = atom < count[:, None]
        shift[~exists] = 0.0
        # add.at, so that an atom that is named twice moves twice
        np.add.at(frac, (first[:, None] + atom)[exists], shift[exists])
        return frac
