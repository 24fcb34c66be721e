"""W1: many small crystals of one cell, F on one cube of hkl."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

import argand
import oracles
from workloads.common import Cell, relative_error


@dataclass(frozen=True, eq=False)
class SmallCrystals:
    """W1: many small crystals of one cell, F on one cube of hkl.

    200 crystals of fcc copper, the first of the four atoms moved along a by 0 to 0.1; 13^3 reflections.
    """

    workload: ClassVar[str] = "W1"
    name: ClassVar[str] = "W1"
    title: ClassVar[str] = (
        "200 crystals x 4 Cu atoms, F on the cube -6..6 (2197 hkl), every reflection stored"
    )
    types: ClassVar[tuple[str, ...]] = ("Cu",) * 4
    cell: ClassVar[Cell] = (3.615, 3.615, 3.615, 90.0, 90.0, 90.0)
    b_iso: ClassVar[float] = 0.5
    reach: ClassVar[int] = 6

    frac: NDArray[np.float64]  # (crystals, 4, 3)

    @classmethod
    def make(cls, crystals: int = 200) -> SmallCrystals:
        fcc = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
        frac = np.repeat(fcc[None], crystals, axis=0)
        frac[:, 0, 0] += np.linspace(0, 0.1, crystals)
        return cls(frac)

    def each(self, n: int) -> SmallCrystals:
        """Each n-th crystal only."""
        return replace(self, frac=self.frac[::n])

    @cached_property
    def crystals(self) -> list[argand.Crystal]:
        return [
            argand.Crystal(self.cell, types=self.types, frac=frac, b_iso=[self.b_iso] * 4)
            for frac in self.frac
        ]

    @cached_property
    def hkl(self) -> NDArray[np.int32]:
        return argand.hkl_cube(self.reach)

    @cached_property
    def f0(self) -> NDArray[np.float64]:
        """Form factor (m,) without displacement."""
        return argand.form_factors(["Cu"], argand.stol(self.hkl, self.cell))[0]

    @cached_property
    def debye_waller(self) -> NDArray[np.float64]:
        return np.exp(-self.b_iso * argand.stol(self.hkl, self.cell) ** 2)

    @cached_property
    def truth(self) -> NDArray[np.complex128]:
        beta = argand.cell.beta_from_b_iso(np.full(4, self.b_iso), self.cell)
        form = np.tile(self.f0, (4, 1))
        return np.stack(
            [oracles.structure_factors(x, beta, np.ones(4), form, self.hkl) for x in self.frac]
        )

    def error(self, answer: ArrayLike) -> float:
        return relative_error(answer, self.truth)
