"""Spread points to some planes of a grid, so that several threads can work on one grid.

Points are angles 2 pi x with -1/2 <= x <= 1/2; x = 0 lies in the middle of a grid. A slab is a set
of points that are neighbours along the first axis. It is spread to a block of planes of its own,
given as (first plane, number of planes). A block may begin before or end after the grid: the grid
is periodic, its last plane is followed by its first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from argand.cell import FloatArray
from argand.nufft.grid import Grid, finufft_plan
from argand.nufft.pairs import Sources

Planes = tuple[int, int]


def cut_into_slabs(sources: Sources, count: int) -> list[Sources]:
    """Cut points into slabs of equal size along the first axis.

    The last slab lies across the end of the axis; the angles of its lower part lie beyond pi.
    """
    if count == 1:
        return [sources]
    first_angle = sources.angle[0]
    points_a_slab = len(first_angle) / count
    cuts = ((np.arange(count) + 0.5) * points_a_slab).astype(int)
    order = np.argpartition(first_angle, cuts)
    slabs = []
    for begin, end in pairwise(cuts):
        slabs.append(sources.subset(order[begin:end]))
    below = order[: cuts[0]]
    above = order[cuts[-1] :]
    slabs.append(sources.subset(np.concatenate([below, above])))
    slabs[-1].angle[0, : len(below)] += 2.0 * np.pi
    return slabs


def most_slabs(grid: Grid) -> int:
    """Return how many slabs a grid is worth: more would share more planes than they own."""
    return grid.shape[0] // (2 * grid.kernel.half_width)


def planes_around(first_angle: FloatArray, grid: Grid) -> Planes:
    """Return the planes that points with angles (p,) along the first axis are spread to."""
    n = grid.shape[0]
    half_width = grid.kernel.half_width
    smallest, largest = float(first_angle.min()), float(first_angle.max())
    begin = n * (smallest / (2.0 * np.pi) + 0.5)
    end = n * (largest / (2.0 * np.pi) + 0.5)
    first = math.floor(begin) - half_width
    # finufft refuses grids shorter than two kernels.
    size = max(math.ceil(end) + half_width - first + 1, 4 * half_width)
    return (first, size) if size < n else (0, n)


def angle_on_planes(first_angle: FloatArray, planes: Planes, n: int) -> FloatArray:
    """Return the angles (p,) of points on a block of planes, from their angles on all n planes."""
    first, size = planes
    if size == n:
        return first_angle
    position = n * (first_angle / (2.0 * np.pi) + 0.5) - first
    return np.asarray(2.0 * np.pi * (position / size - 0.5))


def pieces_of_grid(
    blocks: Sequence[Planes], n: int, most: int
) -> Iterator[tuple[slice, list[tuple[int, slice]]]]:
    """Cut n planes into pieces of at most `most`, each of which lies inside the same blocks.

    Yields the planes of a piece, and for each block that has them its number and its rows.
    """
    ends = {0, n}
    for first, size in blocks:
        ends.update((first % n, (first + size) % n))
    for begin, end in pairwise(sorted(ends)):
        for first_plane in range(begin, end, most):
            count = min(most, end - first_plane)
            rows_of_blocks = []
            for number, (first, size) in enumerate(blocks):
                row = (first_plane - first) % n
                if row < size:
                    rows_of_blocks.append((number, slice(row, row + count)))
            yield slice(first_plane, first_plane + count), rows_of_blocks


def plan_points(sort: int, grid: Grid, angle: FloatArray, planes: Planes | None = None) -> Any:
    """Make a finufft plan for points at angles (3, p).

    `sort` is `SPREAD` (to a grid, or to some of its planes) or `INTERPOLATE` (from there).
    """
    n1, n2, n3 = grid.shape
    if planes is None:
        planes = 0, n1
    pair = grid.pair
    shape = (planes[1], n2, n3)
    plan = finufft_plan(sort, shape, pair.eps, pair.single, grid.upsampling, 1)
    first_angle = angle_on_planes(angle[0], planes, n1)
    x = np.ascontiguousarray(first_angle, pair.real)
    y = np.ascontiguousarray(angle[1], pair.real)
    z = np.ascontiguousarray(angle[2], pair.real)
    plan.setpts(x, y, z)
    return plan
