"""W3: a protein's worth of atoms in a large cell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

import argand
import oracles
from argand.cell import beta_from_b_iso
from workloads.common import Cell, Complexes, Floats, relative_error

#: Shares of the elements in a protein without hydrogen.
SHARES = {"C": 0.63, "N": 0.17, "O": 0.195, "S": 0.005}

#: Smallest and largest B in A^2.
B_RANGE = (8.0, 45.0)

# Number of atoms of the workload; its cell is 60 x 70 x 80 A.
ATOMS = 20_000

# Number of reflections at which answers are checked.
CHECKED = 300

# Atoms of which the definition is summed at once: terms of all atoms need too much memory.
CHUNK = 2000


@dataclass(frozen=True, eq=False)
class Protein:
    """W3: 20,000 atoms without symmetry at random positions (seed 3) in 60 x 70 x 80 A.

    B is 20 +- 5 A^2. The reflections are one of each pair of Friedel mates to `d_min`. Answers
    are checked at 300 random reflections.
    """

    workload: ClassVar[str] = "W3"
    title: ClassVar[str] = "20,000 atoms C N O S in 60 x 70 x 80 A, half the sphere of hkl"
    seed: ClassVar[int] = 3

    # Fractional coordinates (n, 3) and B (n,) in A^2; d_min in angstrom.
    cell: Cell
    frac: Floats
    b_iso: Floats
    types: tuple[str, ...]
    d_min: float

    @classmethod
    def make(cls, d_min: float, atoms: int = ATOMS) -> Protein:
        """Draw the atoms; with another number of them the cell grows, 17 A^3 an atom."""
        rng = np.random.default_rng(cls.seed)
        bounds = np.rint(atoms * np.cumsum([0.0, *SHARES.values()]))
        types = np.repeat(list(SHARES), np.diff(bounds).astype(int))
        b_iso = np.clip(rng.normal(20.0, 5.0, atoms), *B_RANGE)
        stretch = (atoms / ATOMS) ** (1 / 3)
        cell = (60.0 * stretch, 70.0 * stretch, 80.0 * stretch, 90.0, 90.0, 90.0)
        frac = rng.random((atoms, 3))
        return cls(cell, frac, b_iso, tuple(types.tolist()), d_min)

    @property
    def name(self) -> str:
        """Return the name in the tables."""
        return f"W3 {self.d_min:.1f} A"

    @cached_property
    def crystal(self) -> argand.Crystal:
        """Return the atoms as a crystal."""
        return argand.Crystal(self.cell, types=self.types, frac=self.frac, b_iso=self.b_iso)

    @cached_property
    def hkl(self) -> NDArray[np.int32]:
        """Return the reflections, (m, 3)."""
        return argand.miller_indices(self.cell, "P 1", self.d_min)

    @cached_property
    def stol2(self) -> Floats:
        """Return (sin theta / lambda)^2 of each reflection in 1/A^2, (m,)."""
        return argand.stol(self.hkl, self.cell) ** 2

    @property
    def flops(self) -> float:
        """Return the fewest flops of the sum over atoms."""
        return 8.0 * len(self.types) * len(self.hkl)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Return the atom types, each once."""
        return tuple(dict.fromkeys(self.types))

    @cached_property
    def kind(self) -> NDArray[np.int64]:
        """Return the index of each atom's type in `kinds`, (n,)."""
        return np.array([self.kinds.index(symbol) for symbol in self.types])

    @cached_property
    def sample(self) -> NDArray[np.int64]:
        """Draw the reflections at which answers are checked, as indices in hkl."""
        rng = np.random.default_rng(self.seed + 1)
        count = min(CHECKED, len(self.hkl))
        return rng.choice(len(self.hkl), count, replace=False)

    @cached_property
    def truth(self) -> Complexes:
        """Calculate the structure factors of the checked reflections by the definition."""
        hkl = self.hkl[self.sample]
        beta = beta_from_b_iso(self.b_iso, self.cell)
        stol = np.sqrt(self.stol2[self.sample])
        form = argand.form_factors(self.kinds, stol)
        total = np.zeros(len(hkl), np.complex128)
        for first in range(0, len(self.types), CHUNK):
            atoms = slice(first, first + CHUNK)
            frac = self.frac[atoms]
            form_of_atoms = form[self.kind[atoms]]
            occ = np.ones(len(frac))
            total += oracles.structure_factors(frac, beta[atoms], occ, form_of_atoms, hkl)
        return total

    def error(self, answer: ArrayLike) -> float:
        """Return the largest error of structure factors (m,) over the largest |F|."""
        return relative_error(np.asarray(answer)[self.sample], self.truth)
