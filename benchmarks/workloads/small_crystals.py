"""W1: many small crystals of one cell, F on one cube of hkl."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
class SmallCrystals:
    """W1: many small crystals of one cell, F on one cube of hkl.

    200 crystals of fcc copper, the first of the four atoms moved along a by 0 to 0.1; 13^3
    reflections.
    """

    workload: ClassVar[str] = "W1"
    name: ClassVar[str] = "W1"
    title: ClassVar[str] = (
        "200 crystals x 4 Cu atoms, F on the cube -6..6 (2197 hkl), every reflection stored"
    )
    types: ClassVar[tuple[str, ...]] = ("Cu",) * 4
    cell: ClassVar[Cell] = COPPER_CELL
    b_iso: ClassVar[float] = 0.5
    reach: ClassVar[int] = 6
    # A term is a complex multiply-add.
    flops_a_term: ClassVar[int] = 8

    # Fractional coordinates (crystals, 4, 3).
    frac: Floats

    @classmethod
    def make(cls, crystals: int = 200) -> SmallCrystals:
        """Move the first atom of each crystal."""
        frac = np.tile(np.array(COPPER_FRAC), (crystals, 1, 1))
        frac[:, 0, 0] += np.linspace(0, 0.1, crystals)
        return cls(frac)

    def each(self, n: int) -> SmallCrystals:
        """Return the workload with each n-th crystal only."""
        return replace(self, frac=self.frac[::n])

    @cached_property
    def crystals(self) -> list[argand.Crystal]:
        """Return the atoms as crystals."""
        b_iso = [self.b_iso] * len(self.types)
        crystals = []
        for frac in self.frac:
            crystal = argand.Crystal(self.cell, types=self.types, frac=frac, b_iso=b_iso)
            crystals.append(crystal)
        return crystals

    @cached_property
    def hkl(self) -> NDArray[np.int32]:
        """Return the reflections, (2197, 3)."""
        return argand.hkl_cube(self.reach)

    @cached_property
    def f0(self) -> Floats:
        """Return the form factor (2197,) without displacement."""
        stol = argand.stol(self.hkl, self.cell)
        return argand.form_factors(["Cu"], stol)[0]

    @cached_property
    def debye_waller(self) -> Floats:
        """Return exp(-B stol^2) of each reflection, (2197,)."""
        stol = argand.stol(self.hkl, self.cell)
        return np.exp(-self.b_iso * stol**2)

    @cached_property
    def truth(self) -> Complexes:
        """Calculate the structure factors by the definition, (crystals, 2197)."""
        beta = beta_from_b_iso(np.full(4, self.b_iso), self.cell)
        form = np.tile(self.f0, (4, 1))
        occ = np.ones(4)
        answers = []
        for frac in self.frac:
            answers.append(oracles.structure_factors(frac, beta, occ, form, self.hkl))
        return np.stack(answers)

    def error(self, answer: ArrayLike) -> float:
        """Return the largest error of structure factors over the largest |F|."""
        return relative_error(answer, self.truth)
