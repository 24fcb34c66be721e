"""W4: compact boxes of hkl to densities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

import argand
from argand.cell import cell_volume
from workloads.common import Cell, Complexes, Floats, relative_error


@dataclass(frozen=True, eq=False)
class Boxes:
    """W4: compact boxes of hkl to densities.

    64 Hermitian cubes -6..6 of normal random numbers (seed 4), grids of `edge`^3 points. Answers
    are checked at 512 random points of every map.
    """

    workload: ClassVar[str] = "W4"
    title: ClassVar[str] = "64 cubes -6..6 of F to densities"
    seed: ClassVar[int] = 4
    reach: ClassVar[int] = 6
    cell: ClassVar[Cell] = (10.0, 11.0, 12.0, 90.0, 90.0, 90.0)

    # F (boxes, 13, 13, 13) with F(-h) = conj F(h).
    f: Complexes
    edge: int

    @classmethod
    def make(cls, edge: int, boxes: int = 64) -> Boxes:
        """Draw the boxes for maps of `edge`^3 points."""
        rng = np.random.default_rng(cls.seed)
        real, imaginary = rng.normal(size=(2, boxes, 13, 13, 13))
        f = real + 1j * imaginary
        mates = f[:, ::-1, ::-1, ::-1].conj()
        return cls((f + mates) / 2, edge)

    @property
    def name(self) -> str:
        """Return the name in the tables."""
        return f"W4 {self.edge}^3"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the shape of a map."""
        return (self.edge,) * 3

    @property
    def volume(self) -> float:
        """Return the volume of the cell in cubic angstrom."""
        return cell_volume(self.cell)

    @property
    def half(self) -> Complexes:
        """Return the half l >= 0 of the boxes, which determines the other, (boxes, 13, 13, 7)."""
        return np.ascontiguousarray(self.f[..., self.reach :])

    @cached_property
    def points(self) -> NDArray[np.int64]:
        """Draw the points of a map at which answers are checked, (512, 3)."""
        rng = np.random.default_rng(self.seed + 1)
        return rng.integers(self.edge, size=(512, 3))

    @cached_property
    def truth(self) -> Floats:
        """Calculate the densities at the checked points by the definition, (boxes, 512)."""
        frac = self.points / self.edge
        hkl = argand.hkl_cube(self.reach)
        waves = np.exp(-2j * np.pi * frac @ hkl.T)
        f = self.f.reshape(len(self.f), -1)
        return (f @ waves.T).real / self.volume

    def error(self, answer: ArrayLike) -> float:
        """Return the largest error of maps (boxes, edge, edge, edge) over the largest density."""
        maps = np.asarray(answer)
        expected = (len(self.f), *self.shape)
        assert maps.shape == expected, f"maps have shape {maps.shape}, need {expected}"
        a, b, c = self.points.T
        return relative_error(maps[:, a, b, c], self.truth)
