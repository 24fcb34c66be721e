"""Between points and a grid, or some planes of one: what finufft is asked for.

Points are angles, 2 pi x with -1/2 <= x <= 1/2; x = 0 lies in the middle of a grid.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from argand.cell import FloatArray
from argand.large_cells._grid import Grid
from argand.large_cells._kernel import kernel, spreading
from argand.large_cells._pairs import Complex, Pair, Some, chosen


class Planes(NamedTuple):
    """Neighbours along the first axis of a grid, whose last plane is followed by its first."""

    first: int
    size: int

    @classmethod
    def around(cls, x: FloatArray, grid: Grid, pair: Pair) -> Planes:
        """Those that points with the angles x (p,) are spread to."""
        n, half = grid.shape[0], kernel(pair.eps, pair.single, grid.upsampling).half
        first, last = (n * (float(end) / (2.0 * np.pi) + 0.5) for end in (x.min(), x.max()))
        begin, end = math.floor(first) - half, math.ceil(last) + half
        size = max(end - begin + 1, 4 * half)  # finufft refuses less than two kernels
        return cls(begin % n, size) if size < n else cls(0, n)

    def angle(self, x: FloatArray, n: int) -> FloatArray:
        """What x is on these planes of n."""
        if self.size == n:
            return x
        place = (n * (x / (2.0 * np.pi) + 0.5) - self.first) % n
        return np.asarray(2.0 * np.pi * (place / self.size - 0.5))

    def add(self, block: Complex, values: Complex) -> None:
        """Add block (size, n2, n3) to the whole grid."""
        before = min(self.size, len(values) - self.first)
        values[self.first : self.first + before] += block[:before]
        values[: self.size - before] += block[before:]


def plan(sort: int, grid: Grid, pair: Pair, angle: FloatArray, some: Some, planes: Planes | None = None) -> Any:
    """finufft's plan for spreading (sort 1) some of the points (3, p) to a grid or its planes, or to interpolate there
    (sort 2)."""
    n, n2, n3 = grid.shape
    planes = planes or Planes(0, n)
    made = spreading(sort, (planes.size, n2, n3), pair.eps, pair.single, grid.upsampling)
    x, y, z = (chosen(axis, some) for axis in angle)
    made.setpts(*(np.ascontiguousarray(axis, pair.real) for axis in (planes.angle(x, n), y, z)))
    return made
