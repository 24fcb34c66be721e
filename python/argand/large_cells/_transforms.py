"""Non-uniform Fourier transforms of many real strengths, two at a time, each as accurate as it needs to be.

Forward, finufft's type 1: A(h) = sum_p c_p exp(2 pi i h.x_p). Two real strengths travel as c = c1 + i c2. Because
A1(-h) = conj A1(h), what they give with real even weights v1, v2 is

    v1 A1 + v2 A2 = w A(h) + conj(w A(-h)),    w = (v1 - i v2) / 2.

Backward, type 2, is the adjoint of the same: a box D(h) = (v1 + i v2) a(h) with a(-h) = conj a(h) is transformed into
two real fields at the points, W1 + i W2.

Strengths of a low-rank basis fall tenfold from one to the next. The later pairs need few digits, so that their kernels
are narrow and single precision is enough for most; together they take about half the time of equal accuracy for all.

Source: Barnett, Magland, af Klinteberg, SIAM J. Sci. Comput. 41 (2019) C479 (finufft).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from argand._config import num_threads
from argand.cell import FloatArray
from argand.large_cells import _cost
from argand.large_cells._device import plan_maker

Complex = NDArray[np.complexfloating[Any, Any]]
T = TypeVar("T")

_LOOSEST = 1e-2  # beyond this the error does not follow eps any more
_SINGLE = 1.3e-5  # from here on single precision is enough,
_NARROWEST_SINGLE = 3e-5  # with the widest kernel that it bears
_TURN = 2e-7  # error of h.x in single precision, per order h
_planning = threading.Lock()
_forked = False


def _after_fork() -> None:
    global _forked
    _forked = True  # OpenMP's threads did not survive: one thread in each transform from now on


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Pair(NamedTuple):
    """Two real strengths in one transform."""

    number: int  # of ranks 2 number and 2 number + 1
    eps: float
    single: bool


class Modes(NamedTuple):
    """The box |h_i| <= reach_i around a list of reflections, and where they lie in it."""

    reach: tuple[int, int, int]
    place: NDArray[np.intp]  # (m,) in the flat box; -h lies at size - 1 - place

    @property
    def shape(self) -> tuple[int, int, int]:
        h, k, l = self.reach
        return (2 * h + 1, 2 * k + 1, 2 * l + 1)

    @property
    def size(self) -> int:
        h, k, l = self.shape
        return h * k * l


def reach_of(hkl: NDArray[np.int32]) -> tuple[int, int, int]:
    h, k, l = (max(int(column.max(initial=0)), -int(column.min(initial=0))) for column in hkl.T)
    return h, k, l


def modes_of(hkl: NDArray[np.int32]) -> Modes:
    reach = reach_of(hkl)
    _, k, l = (2 * n + 1 for n in reach)
    place: NDArray[np.intp] = hkl.astype(np.intp) @ np.array([k * l, l, 1])
    return Modes(reach, place + ((reach[0] * k + reach[1]) * l + reach[2]))


def pairs_of(size: FloatArray, tolerance: float, reach: Sequence[int]) -> list[Pair]:
    """The accuracy of each pair for which the errors size[pair] eps, added in squares, stay below the tolerance."""
    wanted = np.full(len(size), np.inf)
    for shared_by in range(len(size), 0, -1):  # pairs that need next to no accuracy leave the tolerance to the others
        wanted = tolerance / (np.sqrt(shared_by) * np.maximum(size, 1e-300))
        if np.count_nonzero(wanted < _LOOSEST) >= shared_by:
            break
    single = wanted >= max(_SINGLE, _TURN * max(reach))
    eps = np.clip(wanted, np.where(single, _NARROWEST_SINGLE, 1e-14), _LOOSEST)
    return [Pair(i, float(e), bool(s)) for i, (e, s) in enumerate(zip(eps, single, strict=True))]


class Plans:
    """finufft's plans for one set of points, one at a time; to be used by one thread."""

    def __init__(self, sort: int, frac: FloatArray, modes: Modes, threads: int) -> None:
        self._make, self._sort, self._modes, self._threads = plan_maker(), sort, modes, threads
        self._angle = 2.0 * np.pi * (frac - np.rint(frac)).T
        self._made: tuple[float, bool] | None = None
        self._plan: Any = None

    def __call__(self, pair: Pair, values: Complex) -> Complex:
        """Transform complex strengths (points,) to a flat box, or a box to values at the points."""
        dtype, real = ("complex64", np.float32) if pair.single else ("complex128", np.float64)
        if (pair.eps, pair.single) != self._made:
            points, shape = self._angle.shape[1], self._modes.shape
            with _planning:  # FFTW's planner is no place for two threads
                self._plan = None
                self._plan = self._make(
                    self._sort, shape, 1, pair.eps, 1, dtype=dtype, nthreads=self._threads,
                    upsampfac=_cost.best_upsampling(points, shape, pair.eps, pair.single),
                )  # fmt: skip
            self._plan.setpts(*(np.ascontiguousarray(a, dtype=real) for a in self._angle))
            self._made = pair.eps, pair.single
        values = np.ascontiguousarray(values, dtype=dtype)
        result: Complex = self._plan.execute(values if self._sort == 1 else values.reshape(self._modes.shape))
        return result.ravel()


def shared_out(
    pairs: Sequence[Pair], sort: int, frac: FloatArray, modes: Modes, work: Callable[[Sequence[Pair], Plans], T]
) -> list[T]:
    """`work` done by as many threads as there are and as there are pairs, each with some of the pairs."""
    workers = min(num_threads(), len(pairs))
    inside = 1 if _forked else max(1, num_threads() // max(workers, 1))
    if workers <= 1:
        return [work(pairs, Plans(sort, frac, modes, inside))] if pairs else []
    load = [0.0] * workers
    tasks: list[list[Pair]] = [[] for _ in range(workers)]
    seconds = {p: _cost.pair_seconds(len(frac), modes.shape, p.eps, p.single) for p in pairs}
    for pair in sorted(pairs, key=lambda p: -seconds[p]):
        least = int(np.argmin(load))
        load[least] += seconds[pair]
        tasks[least].append(pair)
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda task: work(task, Plans(sort, frac, modes, inside)), tasks))
