"""W4: compact boxes of hkl to densities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

import argand
from workloads.common import Cell, relative_error


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
        return argand.cell.cell_volume(self.cell)

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
        assert maps.shape == (len(self.f), *self.shape), (
            f"{maps.shape} is not the shape of the maps"
        )
        return relative_error(maps[:, a, b, c], self.truth)
