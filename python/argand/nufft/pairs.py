"""Put two real sums into one complex transform, each pair as accurate as it needs to be.

Strengths c = c1 + i c2 of points are transformed to A(h) = sum_p c_p exp(2 pi i h.x_p). Since the
transforms of the real c1 and c2 obey A1(-h) = conj A1(h), their sum with real even functions
v1(h), v2(h) is

    v1 A1 + v2 A2 = w A(h) + conj(w A(-h)),    w = (v1 - i v2) / 2.

The adjoint goes the other way: a box D(h) = (v1 + i v2) a(h) with a(-h) = conj a(h) is transformed
into two real fields at the points, W1 + i W2.

The strengths of a low-rank basis fall tenfold from one function to the next. The later pairs need
few digits: their spreading kernels are narrow, and single precision is enough for most. Together
they take about as long as the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import Cell, FloatArray
from argand.reflections import survey

Complex = NDArray[np.complexfloating[Any, Any]]
IntArray = NDArray[np.intp]
Reach = tuple[int, int, int]
# Of each axis: where its orders -reach .. reach lie in the flat box of a transform (places are
# added), and what corrects the transform there (factors are multiplied).
BoxAxes = list[tuple[NDArray[np.int64], FloatArray]]

# Beyond this eps the error of a transform does not follow eps any more.
_LOOSEST = 1e-2
# The smallest eps that double precision reaches.
_TIGHTEST = 1e-14
# The smallest eps for which single precision is enough.
_SINGLE = 1.3e-5
# The smallest eps of a transform in single precision: that of the widest kernel that it bears.
_TIGHTEST_SINGLE = 3e-5
# Error of h.x in single precision, for each order of h.
_TURN_ERROR = 2e-7
# Accuracies a decade: few, so that a few kernels serve all transforms.
_STEPS_PER_DECADE = 8


class Pair(NamedTuple):
    """Name two functions of a basis that share a transform, and the accuracy of that transform."""

    number: int
    eps: float
    single: bool

    @property
    def ranks(self) -> slice:
        """Return the ranks 2 number and 2 number + 1 of the basis."""
        return slice(2 * self.number, 2 * self.number + 2)

    @property
    def dtype(self) -> str:
        """Return the complex type that the transform is computed in."""
        return "complex64" if self.single else "complex128"

    @property
    def real(self) -> type[np.float32] | type[np.float64]:
        """Return the real type that the transform is computed in."""
        return np.float32 if self.single else np.float64


class HklList(NamedTuple):
    """Hold a list of reflections, and what it takes to know of it before a sum."""

    hkl: NDArray[np.int32]  # (m, 3)
    q: FloatArray  # (m,) stol^2 in 1/A^2
    reach: Reach  # largest |h|, |k|, |l|
    interval: tuple[float, float]  # smallest and largest q

    @classmethod
    def of(cls, hkl: NDArray[np.int32], cell: Cell) -> HklList:
        """Survey a contiguous list hkl (m, 3) of a unit cell."""
        return cls(hkl, *survey(hkl, cell))


class Sources:
    """Hold points of atoms, and the strengths of the atoms for every function of a basis.

    Parameters
    ----------
    angle : (3, points)
        2 pi x with -1/2 <= x <= 1/2.
    strengths : (rank, atoms)
        Strength of each atom for each function.
    atom : (points,) or None
        Atom that each point belongs to; None where each atom is one point.
    weight : (points,) or None
        Share of the atom; None for 1.
    """

    def __init__(
        self,
        angle: FloatArray,
        strengths: FloatArray,
        atom: IntArray | None,
        weight: FloatArray | None,
    ) -> None:
        self.angle = angle
        self._strengths = strengths
        self._atom = atom
        self._weight = weight

    def of_pair(self, pair: Pair) -> Complex:
        """Return c1 + i c2 (points,): the strengths for the two functions of a pair."""
        both = self._strengths[pair.ranks]
        if self._atom is not None:
            both = both.take(self._atom, axis=1)
        if self._weight is not None:
            both = both * self._weight
        strengths = np.empty(both.shape[1], pair.dtype)
        strengths.real, strengths.imag = both
        return strengths

    def subset(self, points: IntArray) -> Sources:
        """Return some of the points, by their numbers."""
        atom = points if self._atom is None else self._atom.take(points)
        weight = None if self._weight is None else self._weight.take(points)
        angle = self.angle.take(points, axis=1)
        return Sources(angle, self._strengths, atom, weight)


def angles(frac: FloatArray) -> FloatArray:
    """Return 2 pi x (3, n) of fractional coordinates (n, 3), with -1/2 <= x <= 1/2."""
    fraction = frac - np.rint(frac)
    return np.asarray(2.0 * np.pi * fraction.T)


def choose_accuracies(
    contributions: FloatArray, tolerance: float, reach: Sequence[int]
) -> list[Pair]:
    """Choose the accuracy of each pair's transform.

    The errors contributions[pair] eps, added in squares, stay below the tolerance.

    Parameters
    ----------
    contributions : (pairs,)
        How much each pair adds to a sum.
    tolerance : float
        Largest error of the sum, in the same unit.
    reach : (3,)
        Largest |h|, |k|, |l|; high orders need double precision.
    """
    eps = np.full(len(contributions), np.inf)
    # Pairs that need next to no accuracy leave the tolerance to the others.
    for sharing in range(len(contributions), 0, -1):
        eps = tolerance / (np.sqrt(sharing) * np.maximum(contributions, 1e-300))
        if np.count_nonzero(eps < _LOOSEST) >= sharing:
            break
    single = eps >= max(_SINGLE, _TURN_ERROR * max(reach))
    tightest = np.where(single, _TIGHTEST_SINGLE, _TIGHTEST)
    eps = np.clip(eps, tightest, _LOOSEST)
    steps = np.floor(_STEPS_PER_DECADE * np.log10(eps) + 1e-9)
    eps = 10.0 ** (steps / _STEPS_PER_DECADE)
    pairs = []
    for number in range(len(contributions)):
        pairs.append(Pair(number, float(eps[number]), bool(single[number])))
    return pairs
