"""Non-uniform Fourier transforms between points and a list of reflections, on the processor.

Forward, type 1: A(h) = sum_p c_p exp(2 pi i h.x_p). Points are spread to a grid with a kernel, the grid is transformed,
and what the kernel did is divided out (`_grid`). Backward, type 2, is the adjoint of that.

Source: Barnett, Magland, af Klinteberg, SIAM J. Sci. Comput. 41 (2019) C479 (finufft).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand import _dispatch
from argand._config import num_threads
from argand.cell import FloatArray
from argand.large_cells import _cost
from argand.large_cells._basis import Basis
from argand.large_cells._grid import Grid
from argand.large_cells._pairs import Complex, Pair, Reflections, Some, Strengths
from argand.large_cells._shares import shares_of
from argand.large_cells._spread import Planes, plan
from argand.large_cells._threads import keep_pages, side_by_side

_FEWEST = 1024  # points that are worth a thread


def forward(
    frac: FloatArray, strengths: Strengths, pairs: Sequence[Pair], basis: Basis, reflections: Reflections
) -> NDArray[np.complex128]:
    """F (m,), the sum over pairs of v1 A1 + v2 A2, of strengths at points frac (p, 3)."""
    if not pairs:
        return np.zeros(len(reflections.hkl), np.complex128)
    keep_pages()
    work = _Forward(frac, strengths, pairs, basis, reflections)
    side_by_side(work.first(), work.then())
    return work.f


class _Forward:
    """The tasks of one call: first what helps others, then what may have to wait for that."""

    def __init__(
        self,
        frac: FloatArray,
        strengths: Strengths,
        pairs: Sequence[Pair],
        basis: Basis,
        reflections: Reflections,
    ) -> None:
        self.f = np.zeros(len(reflections.hkl), np.complex128)
        self._angle, self._strengths, self._basis, self._reflections = _angle(frac), strengths, basis, reflections
        self._pairs, self._grids = pairs, [Grid.of(len(frac), reflections.reach, pair) for pair in pairs]
        threads = num_threads() if len(frac) >= _FEWEST else 1
        self._inside = max(1, threads // len(pairs))
        self._parts, self._owned = self._shared(threads)
        self._gathering = threading.Lock()
        self._spread: dict[tuple[int, int], tuple[Planes, Complex]] = {}
        self._done = {key: threading.Event() for key in self._helping()}

    def _shared(self, threads: int) -> tuple[list[dict[int, Some]], list[list[int]]]:
        """The points of each pair that each thread spreads, its owner first; the pairs that each thread owns."""
        points, orders = self._angle.shape[1], [2 * n + 1 for n in self._reflections.reach]
        costs = [
            _cost.parts_of_transform(points, orders, pair.eps, pair.single, grid.upsampling)
            for pair, grid in zip(self._pairs, self._grids, strict=True)
        ]
        gathering = _cost.REFLECTION * len(self._reflections.hkl)
        rests = [(rest + gathering) / self._inside for _, rest in costs]
        helping = [
            _cost.helping_seconds(orders, pair.eps, pair.single, grid.upsampling)
            for pair, grid in zip(self._pairs, self._grids, strict=True)
        ]
        shares = shares_of([spread for spread, _ in costs], rests, helping, threads)
        edges = [np.rint(np.cumsum([0.0, *share.values()]) * points).astype(int) for share in shares]
        inner: NDArray[np.intp] = np.unique(np.concatenate([edge[1:-1] for edge in edges]))
        # what a thread spreads points to is a box around them: slabs of neighbours are less work
        order = np.argpartition(self._angle[0], inner) if len(inner) else None
        parts: list[dict[int, Some]] = []
        for share, edge in zip(shares, edges, strict=True):
            slabs = [slice(None) if order is None else order[a:b] for a, b in pairwise(edge)]
            parts.append(dict(zip(share, slabs, strict=True)))
        owned: list[list[int]] = [[] for _ in range(threads)]
        for i, share in enumerate(shares):
            owned[next(iter(share))].append(i)
        return parts, owned

    def _helping(self) -> list[tuple[int, int]]:
        """(pair, thread) where the thread does not own the pair."""
        return [(i, thread) for i, parts in enumerate(self._parts) for thread in list(parts)[1:]]

    def first(self) -> list[list[Callable[[], None]]]:
        """By thread."""
        tasks: list[list[Callable[[], None]]] = [[] for _ in self._owned]
        for i, thread in self._helping():
            grid, pair = self._grids[i], self._pairs[i]
            planes = Planes.around(self._angle[0][self._parts[i][thread]], grid, pair)
            self._spread[i, thread] = planes, np.empty((planes.size, *grid.shape[1:]), pair.dtype)
            tasks[thread].append(partial(self._help, i, thread))
        return tasks

    def then(self) -> list[Callable[[], None]]:
        # memory is asked for by the calling thread: that of others is given back to the system with every call
        rooms = [np.empty(max((self._bytes(i) for i in pairs), default=0), np.uint8) for pairs in self._owned]
        return [partial(self._own, *own) for own in zip(self._owned, rooms, strict=True) if own[0]]

    def _help(self, i: int, thread: int) -> None:
        try:
            planes, block = self._spread[i, thread]
            self._to_grid(i, thread, block, planes)
        finally:
            self._done[i, thread].set()

    def _own(self, pairs: list[int], room: NDArray[np.uint8]) -> None:
        for i in pairs:
            grid, pair = self._grids[i], self._pairs[i]
            values = room[: self._bytes(i)].view(pair.dtype).reshape(grid.shape)
            owner, *helpers = self._parts[i]
            self._to_grid(i, owner, values)
            for helper in helpers:
                self._done[i, helper].wait()
                planes, block = self._spread.pop((i, helper))
                planes.add(block, values)
            grid.to_orders(values, self._inside)
            with self._gathering:
                _dispatch.gather_pair(self._reflections, grid.box(pair), self._basis.pair(pair), values, self.f)

    def _bytes(self, i: int) -> int:
        return self._grids[i].size * int(np.dtype(self._pairs[i].dtype).itemsize)

    def _to_grid(self, i: int, thread: int, values: Complex, planes: Planes | None = None) -> None:
        pair, some = self._pairs[i], self._parts[i][thread]
        made = plan(1, self._grids[i], pair, self._angle, some, planes)
        made.execute(self._strengths.of(pair, some), out=values)


class Backward:
    """Fields at points frac (p, 3), one after the other; to be used by one thread."""

    def __init__(self, frac: FloatArray, basis: Basis, reflections: Reflections) -> None:
        keep_pages()
        self._angle, self._basis, self._reflections = _angle(frac), basis, reflections
        self._threads = num_threads()
        edges = np.linspace(0, len(frac), min(self._threads, max(1, len(frac) // _FEWEST)) + 1).astype(int)
        self._parts = [slice(int(a), int(b)) for a, b in pairwise(edges)]
        self._ready: tuple[Pair, Grid, list[Any]] | None = None

    def __call__(self, pair: Pair, a: Complex) -> Complex:
        """W1 + i W2 (p,) of a (m,), of which the list holds one of each Friedel pair."""
        if self._ready is None or self._ready[0] != pair:
            grid = Grid.of(self._angle.shape[1], self._reflections.reach, pair)
            self._ready = pair, grid, [plan(2, grid, pair, self._angle, part) for part in self._parts]
        _, grid, plans = self._ready
        values = np.zeros(grid.shape, pair.dtype)
        _dispatch.scatter_pair(self._reflections, grid.box(pair), self._basis.pair(pair), a, values)
        grid.from_orders(values, self._threads)
        field = np.empty(self._angle.shape[1], pair.dtype)

        def interpolate(part: slice, made: Any) -> None:
            made.execute(values, out=field[part])

        side_by_side([], [partial(interpolate, *own) for own in zip(self._parts, plans, strict=True)])
        return field


def _angle(frac: FloatArray) -> FloatArray:
    return np.asarray(2.0 * np.pi * (frac - np.rint(frac)).T)
