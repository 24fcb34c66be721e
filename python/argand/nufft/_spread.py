"""Between points and a grid, or some planes of one: what finufft is asked for.

Points are angles, 2 pi x with -1/2 <= x <= 1/2; x = 0 lies in the middle of a grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from argand.cell import FloatArray
from argand.nufft._grid import Grid
from argand.nufft._kernel import kernel, spreading
from argand.nufft._pairs import Pair, Strengths


class Slab(NamedTuple):
    """Points that are neighbours along the first axis, some perhaps by an angle that lies beyond pi; or all points."""

    angle: FloatArray  # (3, p)
    strengths: Strengths


def slabs_of(angle: FloatArray, strengths: Strengths, count: int) -> list[Slab]:
    """As many points in each, and not all slabs across the end of the axis."""
    if count == 1:
        return [Slab(angle, strengths)]
    points = angle.shape[1]
    inner = ((np.arange(count) + 0.5) * (points / count)).astype(int)
    order = np.argpartition(angle[0], inner)
    parts = [order[begin:end] for begin, end in pairwise(inner)]
    before, after = order[: inner[0]], order[inner[-1] :]
    parts.append(np.concatenate([before, after]))
    slabs = [Slab(angle.take(part, axis=1), strengths.some(part)) for part in parts]
    slabs[-1].angle[0, : len(before)] += 2.0 * np.pi
    return slabs


class Planes(NamedTuple):
    """Neighbours along the first axis of a grid, whose last plane is followed by its first."""

    first: int  # may lie before or after the grid, which repeats itself
    size: int

    @classmethod
    def around(cls, x: FloatArray, grid: Grid, pair: Pair) -> Planes:
        """Those that points with the angles x (p,) are spread to."""
        n, half = grid.shape[0], kernel(pair.eps, pair.single, grid.upsampling).half
        begin, end = (n * (float(end) / (2.0 * np.pi) + 0.5) for end in (x.min(), x.max()))
        first = math.floor(begin) - half
        size = max(
            math.ceil(end) + half - first + 1, 4 * half
        )  # finufft refuses less than two kernels
        return cls(first, size) if size < n else cls(0, n)

    def angle(self, x: FloatArray, n: int) -> FloatArray:
        """What x is on these planes of n."""
        if self.size == n:
            return x
        place = n * (x / (2.0 * np.pi) + 0.5) - self.first
        return np.asarray(2.0 * np.pi * (place / self.size - 0.5))


def most_slabs(grid: Grid, pair: Pair) -> int:
    """More of them would have more planes in common than of their own."""
    return grid.shape[0] // (2 * kernel(pair.eps, pair.single, grid.upsampling).half)


class Piece(NamedTuple):
    """Neighbours, before the last plane of the grid, each of which lies in the same ones of some slabs."""

    planes: slice
    rows: list[tuple[int, slice]]  # number of a slab that has them, and where; in their order


def pieces_of(slabs: Sequence[Planes], n: int, most: int) -> Iterator[Piece]:
    """All n planes, in pieces of at most so many."""
    ends = {0, n, *(end % n for slab in slabs for end in (slab.first, slab.first + slab.size))}
    for begin, end in pairwise(sorted(ends)):
        for first in range(begin, end, most):
            size = min(most, end - first)
            rows = [(i, (first - slab.first) % n) for i, slab in enumerate(slabs)]
            inside = [(i, slice(row, row + size)) for i, row in rows if row < slabs[i].size]
            yield Piece(slice(first, first + size), inside)


def plan(sort: int, grid: Grid, pair: Pair, angle: FloatArray, planes: Planes | None = None) -> Any:
    """finufft's plan for spreading (sort 1) points at angles (3, p) to a grid or some planes of it, or to interpolate
    there (sort 2)."""
    n, n2, n3 = grid.shape
    planes = planes or Planes(0, n)
    made = spreading(sort, (planes.size, n2, n3), pair.eps, pair.single, grid.upsampling)
    x, y, z = angle
    made.setpts(*(np.ascontiguousarray(axis, pair.real) for axis in (planes.angle(x, n), y, z)))
    return made
