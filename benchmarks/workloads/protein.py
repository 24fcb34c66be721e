"""W3: a protein's worth of atoms in a large cell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

import argand
import oracles
from workloads.common import Cell, relative_error
from workloads.molecule import Floats

#: Atoms of each kind in a hundred of a protein without hydrogen.
SHARES = {"C": 0.63, "N": 0.17, "O": 0.195, "S": 0.005}
B_RANGE = (8.0, 45.0)


@dataclass(frozen=True, eq=False)
class Protein:
    """W3: 20,000 atoms without symmetry at random places (seed 3) in 60 x 70 x 80 A, B of 20 +- 5 A^2.

    One of each pair of Friedel mates to `d_min`. Checked at 300 random reflections.
    """

    workload: ClassVar[str] = "W3"
    title: ClassVar[str] = "20,000 atoms C N O S in 60 x 70 x 80 A, half the sphere of hkl"
    seed: ClassVar[int] = 3

    cell: Cell
    frac: Floats
    b_iso: Floats
    types: tuple[str, ...]
    d_min: float

    @classmethod
    def make(cls, d_min: float, atoms: int = 20_000) -> Protein:
        """With another number of atoms the cell grows, 17 A^3 an atom."""
        rng = np.random.default_rng(cls.seed)
        edge = (atoms / 20_000) ** (1 / 3)
        types = np.repeat(
            list(SHARES), np.diff(np.rint(atoms * np.cumsum([0.0, *SHARES.values()]))).astype(int)
        )
        b_iso = np.clip(rng.normal(20.0, 5.0, atoms), *B_RANGE)
        cell = (60.0 * edge, 70.0 * edge, 80.0 * edge, 90.0, 90.0, 90.0)
        return cls(cell, rng.random((atoms, 3)), b_iso, tuple(types.tolist()), d_min)

    @property
    def name(self) -> str:
        return f"W3 {self.d_min:.1f} A"

    @cached_property
    def crystal(self) -> argand.Crystal:
        return argand.Crystal(self.cell, types=self.types, frac=self.frac, b_iso=self.b_iso)

    @cached_property
    def hkl(self) -> NDArray[np.int32]:
        return argand.miller_indices(self.cell, "P 1", self.d_min)

    @cached_property
    def stol2(self) -> Floats:
        return argand.stol(self.hkl, self.cell) ** 2

    @property
    def flops(self) -> float:
        return 8.0 * len(self.types) * len(self.hkl)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.types))

    @cached_property
    def kind(self) -> NDArray[np.int64]:
        return np.array([self.kinds.index(symbol) for symbol in self.types])

    @cached_property
    def sample(self) -> NDArray[np.int64]:
        """The reflections at which answers are checked."""
        count = min(300, len(self.hkl))
        return np.random.default_rng(self.seed + 1).choice(len(self.hkl), count, replace=False)

    @cached_property
    def truth(self) -> NDArray[np.complex128]:
        beta = argand.cell.beta_from_b_iso(self.b_iso, self.cell)
        form = argand.form_factors(self.kinds, np.sqrt(self.stol2[self.sample]))
        total = np.zeros(len(self.sample), np.complex128)
        for begin in range(0, len(self.types), 2000):
            i = slice(begin, begin + 2000)
            ones = np.ones(len(self.frac[i]))
            total += oracles.structure_factors(
                self.frac[i], beta[i], ones, form[self.kind[i]], self.hkl[self.sample]
            )
        return total

    def error(self, answer: ArrayLike) -> float:
        return relative_error(np.asarray(answer)[self.sample], self.truth)
