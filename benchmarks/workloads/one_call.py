"""One tiny crystal in one call: what a call costs besides its sums."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

import argand
import oracles
from argand.cell import beta_from_b_iso
from workloads.common import (
    COPPER_CELL,
    COPPER_FRAC,
    Cell,
    Complexes,
    Floats,
    relative_error,
)


@dataclass(frozen=True, eq=False)
class OneCrystal:
    """Four atoms of copper, one of them displaced, and the cube -2..2 of hkl."""

    workload: ClassVar[str] = "one call"
    name: ClassVar[str] = "one call"
    title: ClassVar[str] = (
        "one crystal of 4 Cu atoms, F on the cube -2..2 (125 hkl), from numpy arrays in one call"
    )
    cell: ClassVar[Cell] = COPPER_CELL
    types: ClassVar[tuple[str, ...]] = ("Cu",) * 4
    b_iso: ClassVar[float] = 0.5
    reach: ClassVar[int] = 2

    # Fractional coordinates (4, 3).
    frac: Floats

    @classmethod
    def make(cls) -> OneCrystal:
        """Move the first atom along a by 0.03."""
        frac = np.array(COPPER_FRAC)
        frac[0, 0] = 0.03
        return cls(frac)

    @cached_property
    def crystal(self) -> argand.Crystal:
        """Return the atoms as a crystal."""
        b_iso = [self.b_iso] * len(self.types)
        return argand.Crystal(self.cell, types=self.types, frac=self.frac, b_iso=b_iso)

    @cached_property
    def hkl(self) -> NDArray[np.int32]:
        """Return the reflections, (125, 3)."""
        return argand.hkl_cube(self.reach)

    @cached_property
    def f0(self) -> Floats:
        """Return the form factor (1, 125) without displacement."""
        return argand.form_factors(["Cu"], argand.stol(self.hkl, self.cell))

    @cached_property
    def beta(self) -> Floats:
        """Return beta (4, 6) with T = h^T beta h."""
        return beta_from_b_iso(np.full(4, self.b_iso), self.cell)

    @cached_property
    def truth(self) -> Complexes:
        """Calculate the structure factors by the definition, (125,)."""
        form = np.tile(self.f0, (4, 1))
        return oracles.structure_factors(self.frac, self.beta, np.ones(4), form, self.hkl)

    def error(self, answer: ArrayLike) -> float:
        """Return the largest error of structure factors over the largest |F|."""
        return relative_error(answer, self.truth)
