"""Non-uniform Fourier sums of many points, two real ones at a time.

finufft's type 1 takes complex strengths c to A(h) = sum_p c_p exp(2 pi i h.x_p). Two real strengths travel together,
c = u1 + i u2: with A1(-h) = conj A1(h),

    v1 A1 + v2 A2 = z(h) + conj z(-h) conj-paired,    z(h) = (v1 - i v2) A(h) / 2  at h, conj of its value at -h.

A pair whose strengths are small needs few digits: each transform gets the accuracy that its share in F asks for, and
single precision where that is enough. That halves the time against equal accuracy for all.

Source: Barnett, Magland, af Klinteberg, SIAM J. Sci. Comput. 41 (2019) C479 (finufft).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand._config import num_threads
from argand.cell import FloatArray
from argand.large_cells import _cost

Complex = NDArray[np.complexfloating[Any, Any]]

_LOOSEST = 0.02  # below this finufft's error does not follow eps any more
_planning = threading.Lock()  # FFTW's planner is no place for two threads
_forked = False


def _after_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Pair(NamedTuple):
    """Ranks 2 number and 2 number + 1 in one transform."""

    number: int
    eps: float
    single: bool

    @property
    def ranks(self) -> slice:
        return slice(2 * self.number, 2 * self.number + 2)


class Modes(NamedTuple):
    """A box of reflections that holds a list: |h_i| <= reach_i, and where the list lies in it."""

    reach: tuple[int, int, int]
    index: NDArray[np.intp]  # (m,) flat; that of -h is size - 1 - index

    @property
    def shape(self) -> tuple[int, int, int]:
        h, k, l = self.reach
        return (2 * h + 1, 2 * k + 1, 2 * l + 1)

    @property
    def size(self) -> int:
        h, k, l = self.shape
        return h * k * l


def modes_of(hkl: NDArray[np.int32]) -> Modes:
    h, k, l = (int(n) for n in np.abs(hkl.astype(np.int64)).max(axis=0, initial=0))
    index = ((hkl[:, 0].astype(np.intp) + h) * (2 * k + 1) + (hkl[:, 1] + k)) * (2 * l + 1) + (hkl[:, 2] + l)
    return Modes((h, k, l), index)


def pairs_of(share: FloatArray, tolerance: float, reach: Sequence[int]) -> list[Pair]:
    """An accuracy for each pair, so that the errors share[pair] * eps add up (in squares) to the tolerance.

    Rounded down to powers of ten: neighbours can use one plan.
    """
    pairs = []
    for number, size in enumerate(share):
        wanted = tolerance / (np.sqrt(len(share)) * max(size, 1e-300))
        eps = min(_LOOSEST, 10.0 ** np.floor(np.log10(min(wanted, 1.0)) * 2) ** 1) if False else _rounded(wanted)
        pairs.append(Pair(number, eps, single=eps >= max(1e-4, 4e-7 * max(reach))))
    return pairs
