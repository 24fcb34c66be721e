"""A few functions of stol that the scattering of every atom is a sum of.

g_j(q) = f_j(q) exp(-B_j q), q = stol^2, is smooth in q and in B, so the singular values of the whole family fall about
tenfold from one to the next, and

    g_j(q) = sum_r u_r(j) v_r(q)

needs eight or ten terms. The family is laid out on Chebyshev points in q and, for every type of atom, in B; its SVD
gives v_r. u_r(j) is the projection of the exact g_j, so B is continuous without a table of u; v_r is the polynomial
through its values, the error of which is below that of the truncation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import ive

from argand import _seam
from argand._seam import FunctionPair
from argand.cell import FloatArray
from argand.nufft._atoms import IntArray
from argand.nufft._pairs import Pair

_SAMPLE = 256  # atoms that stand for all where an error is measured
_SPANS = 8  # an octave, so that a few degrees serve all

Form = Callable[[FloatArray], FloatArray]  # stol (p,) to form factors (kinds, p)


class Family(NamedTuple):
    """g = f_kind exp(-B q) at fixed points q."""

    q: FloatArray  # (p,)
    form: FloatArray  # (kinds, p)

    def __call__(self, kind: IntArray, b: FloatArray) -> FloatArray:
        """(n, p)"""
        g = np.outer(-b, self.q)
        np.exp(g, out=g)
        g *= self.form.take(kind, axis=0)
        return g


class Basis(NamedTuple):
    family: Family
    vectors: FloatArray  # (p, rank): v_r at the points of the family, orthonormal
    series: FloatArray  # (terms, rank): Chebyshev series of v_r
    interval: tuple[float, float]  # of q

    @property
    def rank(self) -> int:
        return int(self.vectors.shape[1])

    def strengths(
        self,
        kind: IntArray,
        b: FloatArray,
        occ: FloatArray | None = None,
        count: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """occ u_r of atoms, (rank, n), and the sums of their squares, each counted so often, (rank,)."""
        return self._projected(kind, b, self.vectors, occ, count)

    def strengths_by_b(self, kind: IntArray, b: FloatArray) -> FloatArray:
        """du_r/dB, exactly: the projection of dg/dB = -q g."""
        return self._projected(kind, b, -self.family.q[:, None] * self.vectors)[0]

    def _projected(
        self,
        kind: IntArray,
        b: FloatArray,
        functions: FloatArray,
        occ: FloatArray | None = None,
        count: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        u, squares = np.empty((self.rank, len(kind))), np.empty(self.rank)
        rows = np.ascontiguousarray(functions)
        _seam.project_family(self.family, kind, b, rows, u, squares, weight=occ, count=count)
        return u, squares

    def pair(self, pair: Pair) -> FunctionPair:
        """v_r of two ranks at any q inside the interval."""
        return FunctionPair(np.ascontiguousarray(self.series[:, pair.ranks]), self.interval)


def family_on(form: Form, interval: tuple[float, float], widest: float, eps: float) -> Family:
    """Points for a family whose sharpest member is exp(-widest q)."""
    low, high = interval
    q = grid(low, high, degree(widest * (high - low), eps))
    return Family(q, form(np.sqrt(q)))


def sample_of(family: Family, kind: IntArray, b: FloatArray, occ: FloatArray) -> FloatArray:
    """occ g of every n-th atom where there are many, (some, p), in a size that makes the sum of squares that of all."""
    step = 1 + len(kind) // _SAMPLE
    return np.asarray(np.sqrt(step) * occ[::step, None] * family(kind[::step], b[::step]))


def wilson(samples: Sequence[FloatArray]) -> float:
    """The largest root mean square of F over the family's points for atoms anywhere: sqrt(sum_j occ_j^2 |g_j|^2), the
    parts of g in samples of their own."""
    return float(np.sqrt(sum(np.square(sample).sum(axis=0).max(initial=0.0) for sample in samples)))


class Extremes(NamedTuple):
    """The kinds that there are; the least and the largest B of each, and its largest |occ|."""

    kind: IntArray
    least: FloatArray
    most: FloatArray
    occ: FloatArray


def extremes_of(kind: IntArray, b: FloatArray, occ: FloatArray) -> Extremes:
    order = np.argsort(kind.astype(np.int16), kind="stable")  # short numbers are sorted in one pass
    count = np.bincount(kind)
    present = np.flatnonzero(count)
    begin = np.cumsum(count[present]) - count[present]
    sorted_b, weight = b[order], np.abs(occ)[order]
    least, most = np.minimum.reduceat(sorted_b, begin), np.maximum.reduceat(sorted_b, begin)
    return Extremes(present, least, most, np.maximum.reduceat(weight, begin))


def basis_of(
    family: Family, sample: FloatArray, extremes: Extremes, eps: float, tolerance: float
) -> Basis:
    """The fewest functions that leave atoms anywhere an error of sqrt(sum_j occ_j^2 error_j^2) <= tolerance.

    That is measured at every point of the family with a sample of the atoms; besides, no atom of any type and any B
    between the extremes may be wrong by more than the tolerance.
    """
    low, high = float(family.q[0]), float(family.q[-1])
    kind, least, most, occ = extremes
    share = grid(0.0, 1.0, degree(float((most - least).max()) * high, eps))
    values = least[:, None] + np.outer(most - least, share)
    rare = np.repeat(occ, len(share))[:, None] * family(np.repeat(kind, len(share)), values.ravel())
    _, singular, vectors = np.linalg.svd(np.concatenate([sample, rare]), full_matrices=False)
    vectors = vectors.T
    common, rest = sample @ vectors, rare @ vectors
    common = common.T @ common
    # no error is larger than the root of the squares of all that is left out
    rank = int(np.count_nonzero(np.cumsum(np.square(singular[::-1])) > tolerance**2))
    while rank:
        lost = slice(rank - 1, None)  # without these functions, and the error at each point
        v = vectors[:, lost]
        squares = np.einsum("pr,pr->p", v @ common[lost, lost], v)
        if max(squares.max(), np.square(rest[:, lost] @ v.T).max()) > tolerance**2:
            break
        rank -= 1
    rank += rank % 2  # two go into one transform
    if rank > vectors.shape[1]:
        vectors = np.pad(vectors, ((0, 0), (0, rank - vectors.shape[1])))
    vectors = vectors[:, :rank]
    return Basis(family, vectors, _series_of_values(len(family.q)) @ vectors, (low, high))


@lru_cache(maxsize=256)
def _series_of_values(points: int) -> FloatArray:
    """The matrix (terms, points) that turns values on a grid into a Chebyshev series."""
    return np.asarray(
        np.linalg.inv(np.polynomial.chebyshev.chebvander(grid(-1.0, 1.0, points - 1), points - 1))
    )


def degree(span: float, eps: float) -> int:
    """Terms of the Chebyshev series of exp(-x) on an interval of length `span` until they are far below eps."""
    return _degree(math.ceil(_SPANS * math.log2(max(span, 1e-3))), eps)


@lru_cache(maxsize=1024)
def _degree(number: int, eps: float) -> int:
    span = 2.0 ** (number / _SPANS)
    for most in (64, 4000):  # few are enough for most spans
        small = ive(np.arange(most), span / 2) < 0.01 * eps
        if small.any():
            return int(small.argmax())
    return most


def grid(low: float, high: float, terms: int) -> FloatArray:
    """Chebyshev points for that many terms of a series, the ends among them."""
    if terms < 1 or high <= low:
        return np.array([low])
    return low + (high - low) * np.square(np.sin(np.linspace(0.0, np.pi / 2, terms + 1)))
