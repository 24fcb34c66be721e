"""One tiny crystal in one call: what a call costs besides its sums."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

import argand
import oracles
from workloads.common import Cell, relative_error


@dataclass(frozen=True, eq=False)
class OneCrystal:
    """Four atoms of copper, one of them displaced, and the cube -2..2 of hkl."""

    workload: ClassVar[str] = "one call"
    name: ClassVar[str] = "one call"
    title: ClassVar[str] = (
        "one crystal of 4 Cu atoms, F on the cube -2..2 (125 hkl), from numpy arrays in one call"
    )
    cell: ClassVar[Cell] = (3.615, 3.615, 3.615, 90.0, 90.0, 90.0)
    types: ClassVar[tuple[str, ...]] = ("Cu",) * 4
    b_iso: ClassVar[float] = 0.5
    reach: ClassVar[int] = 2

    frac: NDArray[np.float64]  # (4, 3)

    @classmethod
    def make(cls) -> OneCrystal:
        return cls(np.array([[0.03, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]))

    @cached_property
    def crystal(self) -> argand.Crystal:
        return argand.Crystal(self.cell, types=self.types, frac=self.frac, b_iso=[self.b_iso] * 4)

    @cached_property
    def hkl(self) -> NDArray[np.int32]:
        return argand.hkl_cube(self.reach)

    @cached_property
    def f0(self) -> NDArray[np.float64]:
        return argand.form_factors(["Cu"], argand.stol(self.hkl, self.cell))

    @cached_property
    def beta(self) -> NDArray[np.float64]:
        return argand.cell.beta_from_b_iso(np.full(4, self.b_iso), self.cell)

    @cached_property
    def truth(self) -> NDArray[np.complex128]:
        return oracles.structure_factors(
            self.frac, self.beta, np.ones(4), np.tile(self.f0, (4, 1)), self.hkl
        )

    def error(self, answer: ArrayLike) -> float:
        return relative_error(answer, self.truth)
