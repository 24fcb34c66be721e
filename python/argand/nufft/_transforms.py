"""Non-uniform Fourier transforms between points and a list of reflections, on the processor.

Forward, type 1: A(h) = sum_p c_p exp(2 pi i h.x_p). Points are spread to a grid with a kernel, the grid is transformed,
and what the kernel did is divided out (`_grid`). Backward, type 2, is the adjoint of that.

Source: Barnett, Magland, af Klinteberg, SIAM J. Sci. Comput. 41 (2019) C479 (finufft).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand import _seam
from argand._config import num_threads
from argand.cell import FloatArray
from argand.nufft import _cost
from argand.nufft._basis import Basis
from argand.nufft._grid import Grid, at_a_time, parts_of, transform
from argand.nufft._pairs import Complex, Pair, Reflections, Strengths
from argand.nufft._spread import Piece, Planes, Slab, most_slabs, pieces_of, plan, slabs_of
from argand.nufft._stages import Stage, Task, in_stages
from argand.nufft._threads import keep_pages

_FEWEST = 1024  # points that are worth a thread
_REFLECTIONS = 16384  # at a time


def forward(
    frac: FloatArray,
    strengths: Strengths,
    pairs: Sequence[Pair],
    basis: Basis,
    reflections: Reflections,
) -> NDArray[np.complex128]:
    """F (m,), the sum over pairs of v1 A1 + v2 A2, of strengths at points frac (p, 3)."""
    f = np.zeros(len(reflections.hkl), np.complex128)
    if pairs:
        keep_pages()
        threads = num_threads()
        works = _works(_angle(frac), strengths, pairs, reflections, threads)
        in_stages(_schedule(works, threads, basis, reflections, f), threads)
    return f


def _schedule(
    works: Sequence[_Forward],
    threads: int,
    basis: Basis,
    reflections: Reflections,
    f: NDArray[np.complex128],
) -> list[Stage]:
    """While one thread spreads the first pair, the largest, the others take the rest of the pairs one by one, each to
    its end; what is left of the first is done by all.

    As many pairs are in memory as there are threads. Pairs are added in the same order for any number of threads, so
    that the sums are the same, unless slabs of points were spread apart.
    """
    first, *others = works
    lanes = max(1, threads - 1)
    room_of = [*(i % lanes for i in range(len(others))), lanes if threads > 1 else 0]
    order = [*others, first]
    # all memory is asked for by this thread: that of others is given back to the system with every call
    size: dict[int, int] = {}
    for room, work in zip(room_of, order, strict=True):
        size[room] = max(size.get(room, 0), work.bytes)
    rooms = {room: np.empty(n, np.uint8) for room, n in size.items()}
    for room, work in zip(room_of, order, strict=True):
        work.take(rooms[room])

    stages: list[Stage] = []

    def add(tasks: Callable[[], list[Task]], after: Sequence[int]) -> int:
        stages.append(Stage(tasks, after))
        return len(stages) - 1

    begun = add(first.spread, []) if threads > 1 else None
    done: list[int] = []
    for i, work in enumerate(order):
        room_is_free = [done[i - lanes]] if i >= lanes else []
        spread = add(work.spread, room_is_free) if begun is None or work is not first else begun
        planes = add(work.planes_to_orders, [spread])
        columns = add(work.columns_to_orders, [planes])
        done.append(add(partial(work.gather, basis, reflections, f), [columns, *done[-1:]]))
    return stages


def _works(
    angle: FloatArray,
    strengths: Strengths,
    pairs: Sequence[Pair],
    reflections: Reflections,
    threads: int,
) -> list[_Forward]:
    """If the points of one take longer to spread than is a thread's share of all, several spread them."""
    points, reach = angle.shape[1], reflections.reach
    grids = [Grid.of(points, reach, pair) for pair in pairs]
    orders = _cost.orders(reach)
    costs = [
        _cost.parts_of_transform(points, orders, pair.eps, pair.single, grid.upsampling)
        for pair, grid in zip(pairs, grids, strict=True)
    ]
    even = sum(map(sum, costs)) / threads
    slabs: dict[int, list[Slab]] = {}
    works = []
    for pair, grid, (spread, _) in zip(pairs, grids, costs, strict=True):
        count = max(1, min(math.ceil(spread / even), points // _FEWEST, most_slabs(grid, pair)))
        if count not in slabs:
            slabs[count] = slabs_of(angle, strengths, count)
        works.append(_Forward(pair, grid, slabs[count]))
    return works


class _Forward:
    """A pair of strengths on its way to F: slabs of points to planes, all planes to columns, these to reflections."""

    def __init__(self, pair: Pair, grid: Grid, slabs: Sequence[Slab]) -> None:
        self._pair, self._grid, self._slabs = pair, grid, slabs
        n = grid.shape[0]
        self._planes = (
            [Planes.around(s.angle[0], grid, pair) for s in slabs]
            if len(slabs) > 1
            else [Planes(0, n)]
        )
        # one of the slabs can be spread to where all planes will be
        inside = [
            i
            for i, planes in enumerate(self._planes)
            if planes.first >= 0 and planes.first + planes.size <= n
        ]
        self._home = inside[0] if inside else None

    @property
    def bytes(self) -> int:
        n, n2, n3 = self._grid.shape
        beside = sum(planes.size for i, planes in enumerate(self._planes) if i != self._home)
        return (n + beside) * n2 * n3 * np.dtype(self._pair.dtype).itemsize

    def take(self, room: NDArray[np.uint8]) -> None:
        """Work there."""
        n, n2, n3 = self._grid.shape
        planes = room[: self.bytes].view(self._pair.dtype).reshape(-1, n2, n3)
        self._values, used = planes[:n], n
        self._blocks = []
        for i, (first, size) in enumerate(self._planes):
            begin = first if i == self._home else used
            self._blocks.append(planes[begin : begin + size])
            used += 0 if i == self._home else size

    def spread(self) -> list[Task]:
        def one(slab: Slab, planes: Planes, block: Complex) -> None:
            made = plan(1, self._grid, self._pair, slab.angle, planes)
            made.execute(slab.strengths.of(self._pair), out=block)

        return [
            partial(one, *own) for own in zip(self._slabs, self._planes, self._blocks, strict=True)
        ]

    def planes_to_orders(self) -> list[Task]:
        def one(piece: Piece) -> None:
            planes = self._values[piece.planes]
            blocks = [self._blocks[i][rows] for i, rows in piece.rows if i != self._home]
            if len(blocks) == len(piece.rows):
                planes[...] = blocks.pop() if blocks else 0.0
            for block in blocks:
                planes += block
            self._grid.planes_to_orders(planes)

        most = at_a_time(self._values[0].nbytes)
        return [partial(one, piece) for piece in pieces_of(self._planes, len(self._values), most)]

    def columns_to_orders(self) -> list[Task]:
        return [partial(transform, columns, 0) for columns in self._grid.columns(self._values)]

    def gather(
        self, basis: Basis, reflections: Reflections, f: NDArray[np.complex128]
    ) -> list[Task]:
        """Add to f."""
        self._kept = box, functions = (
            self._grid.box(self._pair),
            basis.pair(self._pair),
        )  # tasks know addresses only
        gather = _seam.gathering_pair(reflections, box, functions, self._values, f)
        return [
            partial(gather, part.start, part.stop) for part in parts_of(0, len(f), _REFLECTIONS)
        ]


class Backward:
    """Fields at points frac (p, 3), one after the other; to be used by one thread."""

    def __init__(self, frac: FloatArray, basis: Basis, reflections: Reflections) -> None:
        keep_pages()
        self._angle, self._basis, self._reflections = _angle(frac), basis, reflections
        self._threads = num_threads()
        self._parts = parts_of(0, len(frac), max(_FEWEST, -(-len(frac) // self._threads)))
        self._ready: tuple[Pair, Grid, list[Any]] | None = None

    def __call__(self, pair: Pair, a: Complex) -> Complex:
        """W1 + i W2 (p,) of a (m,), of which the list holds one of each Friedel pair."""
        if self._ready is None or self._ready[0] != pair:
            grid = Grid.of(self._angle.shape[1], self._reflections.reach, pair)
            self._ready = (
                pair,
                grid,
                [plan(2, grid, pair, self._angle[:, part]) for part in self._parts],
            )
        _, grid, plans = self._ready
        values = np.zeros(grid.shape, pair.dtype)
        _seam.scatter_pair(self._reflections, grid.box(pair), self._basis.pair(pair), a, values)
        field = np.empty(self._angle.shape[1], pair.dtype)

        def to_planes(part: slice) -> None:
            grid.orders_to_planes(values[part])

        def interpolate(part: slice, made: Any) -> None:
            made.execute(values, out=field[part])

        def all_columns() -> list[Task]:
            return [partial(transform, columns, 0) for columns in grid.columns(values)]

        def all_planes() -> list[Task]:
            return [
                partial(to_planes, part)
                for part in parts_of(0, len(values), at_a_time(values[0].nbytes))
            ]

        def all_points() -> list[Task]:
            return [partial(interpolate, *own) for own in zip(self._parts, plans, strict=True)]

        in_stages(
            [Stage(all_columns), Stage(all_planes, [0]), Stage(all_points, [1])], self._threads
        )
        return field


def _angle(frac: FloatArray) -> FloatArray:
    return np.asarray(2.0 * np.pi * (frac - np.rint(frac)).T)
