"""The workloads: what is computed of which numbers, and the definition to check every answer against."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

import argand
import oracles

Cell = tuple[float, float, float, float, float, float]


def relative_error(answer: ArrayLike, truth: NDArray[Any]) -> float:
    """Largest deviation over the largest value."""
    return float(np.abs(np.asarray(answer).reshape(truth.shape) - truth).max() / np.abs(truth).max())


@dataclass(frozen=True, eq=False)
class SmallCrystals:
    """W1: many small crystals of one cell, F on one cube of hkl.

    200 crystals of fcc copper, the first of the four atoms moved along a by 0 to 0.1; 13^3 reflections.
    """

    workload: ClassVar[str] = "W1"
    name: ClassVar[str] = "W1"
    title: ClassVar[str] = "200 crystals x 4 Cu atoms, F on the cube -6..6 (2197 hkl), every reflection stored"
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
        return [argand.Crystal(self.cell, types=self.types, frac=frac, b_iso=[self.b_iso] * 4) for frac in self.frac]

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
        beta = argand.beta_from_b_iso(np.full(4, self.b_iso), self.cell)
        form = np.tile(self.f0, (4, 1))
        return np.stack([oracles.structure_factors(x, beta, np.ones(4), form, self.hkl) for x in self.frac])

    def error(self, answer: ArrayLike) -> float:
        return relative_error(answer, self.truth)


@dataclass(frozen=True, eq=False)
class Boxes:
    """W4: compact boxes of hkl to densities.

    64 Hermitian cubes -6..6 of normal random numbers (seed 4), grids of `edge`^3 points. Checked at 512 random
    points of every map.
    """

    workload: ClassVar[str] = "W4"
    title: ClassVar[str] = "64 cubes -6..6 of F to densities"
    seed: ClassVar[int] = 4
    reach: ClassVar[int] = 6
    cell: ClassVar[Cell] = (10.0, 11.0, 12.0, 90.0, 90.0, 90.0)

    f: NDArray[np.complex128]  # (boxes, 13, 13, 13), F(-h) = conj F(h)
    edge: int

    @classmethod
    def make(cls, edge: int, boxes: int = 64) -> Boxes:
        rng = np.random.default_rng(cls.seed)
        real, imaginary = rng.normal(size=(2, boxes, 13, 13, 13))
        f = real + 1j * imaginary
        return cls((f + f[:, ::-1, ::-1, ::-1].conj()) / 2, edge)

    @property
    def name(self) -> str:
        return f"W4 {self.edge}^3"

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.edge,) * 3

    @property
    def volume(self) -> float:
        return argand.cell_volume(self.cell)

    @property
    def half(self) -> NDArray[np.complex128]:
        """The half l >= 0 that determines the other, (boxes, 13, 13, 7)."""
        return np.ascontiguousarray(self.f[..., self.reach :])

    @cached_property
    def points(self) -> NDArray[np.int64]:
        return np.random.default_rng(self.seed + 1).integers(self.edge, size=(512, 3))

    @cached_property
    def truth(self) -> NDArray[np.float64]:
        waves = np.exp(-2j * np.pi * (self.points / self.edge) @ argand.hkl_cube(self.reach).T)
        return (self.f.reshape(len(self.f), -1) @ waves.T).real / self.volume

    def error(self, answer: ArrayLike) -> float:
        a, b, c = self.points.T
        maps = np.asarray(answer)
        assert maps.shape == (len(self.f), *self.shape), f"{maps.shape} is not the shape of the maps"
        return relative_error(maps[:, a, b, c], self.truth)


WORKLOADS = (SmallCrystals, Boxes)
