"""Transform between points and a list of reflections on the processor.

Forward (type 1): A(h) = sum_p c_p exp(2 pi i h.x_p). Points are spread to a grid with a kernel, the
grid is transformed, and the transform of the kernel is divided out (`grid`). Backward (type 2) is
the adjoint.

Source: Barnett, Magland, af Klinteberg, SIAM J. Sci. Comput. 41 (2019) C479 (finufft).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand import _seam
from argand._config import num_threads
from argand.cell import FloatArray
from argand.nufft import choice
from argand.nufft.basis import Basis
from argand.nufft.grid import INTERPOLATE, SPREAD, Grid, count_in_cache, slices, transform
from argand.nufft.pairs import Complex, HklList, Pair, Reach, Sources
from argand.nufft.spread import (
    Planes,
    cut_into_slabs,
    most_slabs,
    pieces_of_grid,
    plan_points,
    planes_around,
)
from argand.nufft.threads import StagedWork, Task, keep_pages

# Points that are worth a thread.
_FEWEST_POINTS = 1024
# Reflections of one task.
_REFLECTIONS_A_TASK = 16384


def forward(
    sources: Sources, pairs: Sequence[Pair], basis: Basis, hkl_list: HklList
) -> NDArray[np.complex128]:
    """Sum v1 A1 + v2 A2 over pairs, at a list of reflections (m,).

    Parameters
    ----------
    sources : Sources
        Points and their strengths.
    pairs : sequence of Pair
        Accuracy of each pair's transform.
    basis : Basis
        The functions v_r.
    hkl_list : HklList
        Reflections, inside the interval of the basis.
    """
    f = np.zeros(len(hkl_list.hkl), np.complex128)
    if pairs:
        keep_pages()
        threads = num_threads()
        transforms = _plan_transforms(sources, pairs, hkl_list, threads)
        _schedule(transforms, threads, basis, hkl_list, f).run(threads)
    return f


class BackwardTransform:
    """Compute real fields at points from amplitudes at reflections. Used by one thread at a time.

    Parameters
    ----------
    angle : (3, points)
        2 pi x with -1/2 <= x <= 1/2.
    basis : Basis
        The functions v_r.
    hkl_list : HklList
        Reflections, one of each Friedel pair.
    """

    def __init__(self, angle: FloatArray, basis: Basis, hkl_list: HklList) -> None:
        keep_pages()
        self._angle = angle
        self._basis = basis
        self._hkl_list = hkl_list
        self._threads = num_threads()
        points = angle.shape[1]
        points_a_part = max(_FEWEST_POINTS, -(-points // self._threads))
        self._parts = slices(0, points, points_a_part)
        # The pair that the plans were made for, its grid, and a plan for each part of the points.
        self._planned: tuple[Pair, Grid, list[Any]] | None = None

    def fields(self, pair: Pair, amplitudes: Complex) -> Complex:
        """Return W1 + i W2 (points,) of amplitudes a (m,) for the two functions of a pair."""
        grid, plans = self._plan(pair)
        values = np.zeros(grid.shape, pair.dtype)
        hkl_list, basis = self._hkl_list, self._basis
        series = basis.series_of_pair(pair)
        _seam.add_reflections_to_box(
            hkl_list.hkl, hkl_list.q, grid.axes(), series, basis.interval, amplitudes, values
        )
        fields = np.empty(self._angle.shape[1], pair.dtype)

        def transform_columns() -> list[Task]:
            return [partial(transform, columns, 0) for columns in grid.column_bundles(values)]

        def transform_planes() -> list[Task]:
            tasks: list[Task] = []
            for part in slices(0, len(values), count_in_cache(values[0].nbytes)):
                tasks.append(partial(grid.orders_to_planes, values[part]))
            return tasks

        def interpolate() -> list[Task]:
            tasks: list[Task] = []
            for part, plan in zip(self._parts, plans, strict=True):
                tasks.append(partial(plan.execute, values, out=fields[part]))
            return tasks

        work = StagedWork()
        columns = work.add(transform_columns)
        planes = work.add(transform_planes, [columns])
        work.add(interpolate, [planes])
        work.run(self._threads)
        return fields

    def _plan(self, pair: Pair) -> tuple[Grid, list[Any]]:
        """Return the grid and the plans of a pair, and keep them until the pair changes."""
        if self._planned is None or self._planned[0] != pair:
            grid = Grid(self._angle.shape[1], self._hkl_list.reach, pair)
            bytes_of_grid = grid.size * np.dtype(pair.dtype).itemsize
            choice.demand_grids(grid.reach, choice.GRIDS_OF_PLAN * bytes_of_grid)
            plans = []
            for part in self._parts:
                plans.append(plan_points(INTERPOLATE, grid, self._angle[:, part]))
            self._planned = pair, grid, plans
        _, grid, plans = self._planned
        return grid, plans


class _PairTransform:
    """Transform one pair to F: slabs of points to planes, planes to columns, columns to F."""

    def __init__(self, grid: Grid, slabs: Sequence[Sources]) -> None:
        self._grid = grid
        self._pair = grid.pair
        self._slabs = slabs
        n = grid.shape[0]
        self._blocks: list[Planes] = [(0, n)]
        if len(slabs) > 1:
            self._blocks = [planes_around(slab.angle[0], grid) for slab in slabs]
        # One slab whose planes do not cross the end of the grid can be spread to the grid itself.
        self._in_place: int | None = None
        for number, (first, size) in enumerate(self._blocks):
            if 0 <= first <= n - size:
                self._in_place = number
                break

    @property
    def reach(self) -> Reach:
        """Return the largest |h|, |k|, |l| that are wanted."""
        return self._grid.reach

    @property
    def bytes(self) -> int:
        """Return the memory that the planes of all blocks need."""
        n, n2, n3 = self._grid.shape
        planes = n
        for number, (_, size) in enumerate(self._blocks):
            if number != self._in_place:
                planes += size
        bytes_a_number = np.dtype(self._pair.dtype).itemsize
        return planes * n2 * n3 * bytes_a_number

    def use_memory(self, memory: NDArray[np.uint8]) -> None:
        """Put the grid and the planes of all blocks into a piece of memory."""
        n, n2, n3 = self._grid.shape
        numbers = memory[: self.bytes].view(self._pair.dtype)
        planes = numbers.reshape(-1, n2, n3)
        self._values = planes[:n]
        self._planes_of_blocks = []
        used = n
        for number, (first, size) in enumerate(self._blocks):
            if number == self._in_place:
                self._planes_of_blocks.append(planes[first : first + size])
            else:
                self._planes_of_blocks.append(planes[used : used + size])
                used += size

    def spread(self) -> list[Task]:
        """Return tasks that spread each slab of points to its planes."""
        tasks: list[Task] = []
        for slab, block, planes in zip(
            self._slabs, self._blocks, self._planes_of_blocks, strict=True
        ):
            tasks.append(partial(self._spread_slab, slab, block, planes))
        return tasks

    def planes_to_orders(self) -> list[Task]:
        """Return tasks that add up the planes of all blocks and transform them."""
        most = count_in_cache(self._values[0].nbytes)
        tasks: list[Task] = []
        for planes, rows in pieces_of_grid(self._blocks, len(self._values), most):
            tasks.append(partial(self._transform_planes, planes, rows))
        return tasks

    def columns_to_orders(self) -> list[Task]:
        """Return tasks that transform the wanted columns."""
        bundles = self._grid.column_bundles(self._values)
        return [partial(transform, columns, 0) for columns in bundles]

    def add_to_reflections(
        self, basis: Basis, hkl_list: HklList, f: NDArray[np.complex128]
    ) -> list[Task]:
        """Return tasks that add v1 A1 + v2 A2 to f (m,)."""
        series = basis.series_of_pair(self._pair)
        axes = self._grid.axes()
        tasks: list[Task] = []
        for part in slices(0, len(f), _REFLECTIONS_A_TASK):
            tasks.append(
                partial(
                    _seam.add_box_to_reflections,
                    hkl_list.hkl,
                    hkl_list.q,
                    axes,
                    series,
                    basis.interval,
                    self._values,
                    f,
                    part.start,
                    part.stop,
                )
            )
        return tasks

    def _spread_slab(self, slab: Sources, block: Planes, planes: Complex) -> None:
        """Spread one slab of points to its planes."""
        plan = plan_points(SPREAD, self._grid, slab.angle, block)
        plan.execute(slab.of_pair(self._pair), out=planes)

    def _transform_planes(self, piece: slice, rows_of_blocks: list[tuple[int, slice]]) -> None:
        """Add the planes of all blocks that have a piece of the grid, and transform the piece."""
        planes = self._values[piece]
        others = []
        for number, rows in rows_of_blocks:
            if number != self._in_place:
                others.append(self._planes_of_blocks[number][rows])
        if len(others) == len(rows_of_blocks):
            # Nothing has been spread to these planes of the grid itself.
            planes[...] = others.pop() if others else 0.0
        for block in others:
            planes += block
        self._grid.planes_to_orders(planes)


def _plan_transforms(
    sources: Sources, pairs: Sequence[Pair], hkl_list: HklList, threads: int
) -> list[_PairTransform]:
    """Plan the transform of each pair, and how many threads spread its points.

    Several threads spread the points of a pair if that takes longer than a thread's share of all
    the work.
    """
    points = sources.angle.shape[1]
    orders = choice.orders(hkl_list.reach)
    grids = []
    seconds = []
    for pair in pairs:
        grid = Grid(points, hkl_list.reach, pair)
        grids.append(grid)
        seconds.append(
            choice.parts_of_transform(points, orders, pair.eps, pair.single, grid.upsampling)
        )
    share_of_thread = sum(map(sum, seconds)) / threads
    slabs_by_count: dict[int, list[Sources]] = {}
    transforms = []
    for grid, (spreading, _) in zip(grids, seconds, strict=True):
        wanted = math.ceil(spreading / share_of_thread)
        count = max(1, min(wanted, points // _FEWEST_POINTS, most_slabs(grid)))
        if count not in slabs_by_count:
            slabs_by_count[count] = cut_into_slabs(sources, count)
        transforms.append(_PairTransform(grid, slabs_by_count[count]))
    return transforms


def _schedule(
    transforms: Sequence[_PairTransform],
    threads: int,
    basis: Basis,
    hkl_list: HklList,
    f: NDArray[np.complex128],
) -> StagedWork:
    """Put the steps of all transforms into stages that add to f (m,).

    While one thread spreads the first pair, which takes longest, the others do the remaining pairs
    one by one, each to its end. What is left of the first pair is then done by all threads. There
    are as many pairs in memory as there are threads. Pairs are added in the same order for any
    number of threads, so the sums are the same, unless slabs of points were spread apart.
    """
    first, *others = transforms
    order = [*others, first]
    lanes = max(1, threads - 1)
    lane_of = [number % lanes for number in range(len(others))]
    lane_of.append(lanes if threads > 1 else 0)
    _share_memory(order, lane_of)

    work = StagedWork()
    first_spread = work.add(first.spread) if threads > 1 else None
    added: list[int] = []
    for number, pair in enumerate(order):
        if pair is first and first_spread is not None:
            spread = first_spread
        else:
            # The pair that was in this piece of memory before must be finished.
            memory_is_free = [added[number - lanes]] if number >= lanes else []
            spread = work.add(pair.spread, memory_is_free)
        planes = work.add(pair.planes_to_orders, [spread])
        columns = work.add(pair.columns_to_orders, [planes])
        add = partial(pair.add_to_reflections, basis, hkl_list, f)
        added.append(work.add(add, [columns, *added[-1:]]))
    return work


def _share_memory(transforms: Sequence[_PairTransform], lane_of: Sequence[int]) -> None:
    """Give all transforms of a lane the same piece of memory, large enough for each of them.

    This thread asks for all memory: blocks of other threads go back to the system at every call.
    """
    bytes_of_lane: dict[int, int] = {}
    for lane, pair in zip(lane_of, transforms, strict=True):
        bytes_of_lane[lane] = max(bytes_of_lane.get(lane, 0), pair.bytes)
    # Weak F needs narrower accuracies, and so larger grids, than were expected from eps alone.
    needed = choice.GRIDS_OF_PLAN * sum(bytes_of_lane.values())
    choice.demand_grids(transforms[0].reach, needed)
    memory_of_lane = {}
    for lane, size in bytes_of_lane.items():
        memory_of_lane[lane] = np.empty(size, np.uint8)
    for lane, pair in zip(lane_of, transforms, strict=True):
        pair.use_memory(memory_of_lane[lane])
