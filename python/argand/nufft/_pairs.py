"""Two real strengths in one complex transform, each pair of them as accurate as it needs to be.

Strengths c = c1 + i c2 are transformed to A(h) = sum_p c_p exp(2 pi i h.x_p). Because A1(-h) = conj A1(h), what they
give with real even weights v1, v2 is

    v1 A1 + v2 A2 = w A(h) + conj(w A(-h)),    w = (v1 - i v2) / 2.

Backward, the adjoint of the same: a box D(h) = (v1 + i v2) a(h) with a(-h) = conj a(h) is transformed into two real
fields at the points, W1 + i W2.

Strengths of a low-rank basis fall tenfold from one to the next. The later pairs need few digits, so that their kernels
are narrow and single precision is enough for most; together they take about as long as the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import Cell, FloatArray
from argand.reflections import survey

Complex = NDArray[np.complexfloating[Any, Any]]

_LOOSEST = 1e-2  # beyond this the error does not follow eps any more
_SINGLE = 1.3e-5  # from here on single precision is enough,
_NARROWEST_SINGLE = 3e-5  # with the widest kernel that it bears
_TURN = 2e-7  # error of h.x in single precision, per order h
_STEPS = 8  # accuracies a decade, so that a few kernels serve all


class Pair(NamedTuple):
    """Two real strengths in one transform."""

    number: int  # of ranks 2 number and 2 number + 1
    eps: float
    single: bool

    @property
    def ranks(self) -> slice:
        return slice(2 * self.number, 2 * self.number + 2)

    @property
    def dtype(self) -> str:
        return "complex64" if self.single else "complex128"

    @property
    def real(self) -> type[np.float32] | type[np.float64]:
        return np.float32 if self.single else np.float64


class Strengths(NamedTuple):
    """Of points: u of their atoms, times a weight."""

    u: FloatArray  # (ranks, atoms)
    atom: NDArray[np.intp] | None  # (p,); None: each atom is a point
    weight: FloatArray | None  # (p,); None: 1

    def of(self, pair: Pair) -> Complex:
        """Those of a pair, c1 + i c2."""
        both = (
            self.u[pair.ranks] if self.atom is None else self.u[pair.ranks].take(self.atom, axis=1)
        )
        strength = np.empty(both.shape[1], pair.dtype)
        strength.real, strength.imag = both if self.weight is None else both * self.weight
        return strength

    def some(self, points: NDArray[np.intp]) -> Strengths:
        atom = points if self.atom is None else self.atom.take(points)
        return Strengths(self.u, atom, None if self.weight is None else self.weight.take(points))


class Reflections(NamedTuple):
    """The list that is wanted."""

    hkl: NDArray[np.int32]  # (m, 3)
    q: FloatArray  # (m,) stol^2
    reach: tuple[int, int, int]  # no |h|, |k|, |l| is larger
    interval: tuple[float, float]  # of q

    @classmethod
    def of(cls, hkl: NDArray[np.int32], cell: Cell) -> Reflections:
        return cls(hkl, *survey(hkl, cell))


class Box(NamedTuple):
    """Where the orders -reach to reach of each axis lie in the flat box of a transform: places are added. What a
    transform left is divided out by factors, which are multiplied."""

    place: list[NDArray[np.int64]]
    factor: list[FloatArray]


def pairs_of(size: FloatArray, tolerance: float, reach: Sequence[int]) -> list[Pair]:
    """The accuracy of each pair for which the errors size[pair] eps, added in squares, stay below the tolerance."""
    wanted = np.full(len(size), np.inf)
    for shared_by in range(
        len(size), 0, -1
    ):  # pairs that need next to no accuracy leave the tolerance to the others
        wanted = tolerance / (np.sqrt(shared_by) * np.maximum(size, 1e-300))
        if np.count_nonzero(wanted < _LOOSEST) >= shared_by:
            break
    single = wanted >= max(_SINGLE, _TURN * max(reach))
    eps = np.clip(wanted, np.where(single, _NARROWEST_SINGLE, 1e-14), _LOOSEST)
    eps = 10.0 ** (np.floor(_STEPS * np.log10(eps) + 1e-9) / _STEPS)
    return [Pair(i, float(e), bool(s)) for i, (e, s) in enumerate(zip(eps, single, strict=True))]
