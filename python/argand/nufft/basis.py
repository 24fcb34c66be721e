"""Write the scattering of every atom as a sum of a few functions of stol.

The scattering g_j(q) = f_j(q) exp(-B_j q) with q = stol^2 is smooth in q and in B. The singular
values of all possible g therefore fall about tenfold from one to the next, and

    g_j(q) = sum_r u_r(j) v_r(q)

needs eight or ten terms. The functions v_r come from a singular value decomposition of g at
Chebyshev points in q and, for every atom type, in B. The strength u_r(j) is the projection of the
exact g_j on v_r, so that B is continuous without a table of u. Between the points v_r is the
polynomial through its values, whose error is below that of the truncation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from argand import _seam
from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.nufft.atoms import IntArray
from argand.nufft.pairs import Pair

# Atoms of a sample that an error is measured with.
_SAMPLE_SIZE = 256
# Spans an octave for which a Chebyshev degree is computed: few, so that most calls find theirs in
# the cache.
_SPANS_PER_OCTAVE = 8
# Smallest span whose logarithm is taken: the degree of a shorter one is 1 or 2 as well.
_SHORTEST_SPAN = 1e-3
# Highest degree of the polynomials in q. The time of a fit grows as its cube, and here is a second;
# the proteins that transforms are made for need 30.
LARGEST_DEGREE = 1000
# Share of eps below which a term of a Chebyshev series is left out.
_SERIES_SHARE = 0.01

# Atom types (t,), their smallest and largest B (t,) in A^2, and their largest |occupancy| (t,).
TypeRanges = tuple[IntArray, FloatArray, FloatArray, FloatArray]


class Basis:
    """Hold functions v_r(q) whose sums are the scattering f exp(-B q) of all atoms of a crystal.

    Parameters
    ----------
    q : (p,)
        Chebyshev points in stol^2, 1/A^2, rising.
    form : (types, p)
        Form factors of each atom type at q.
    vectors : (p, rank)
        The functions v_r at q, orthonormal.
    """

    def __init__(self, q: FloatArray, form: FloatArray, vectors: FloatArray) -> None:
        self.q = q
        self.form = form
        self.vectors = vectors
        # Chebyshev series of v_r (terms, rank) on the interval from the first q to the last.
        self.series = _series_from_values(len(q)) @ vectors
        self.interval = float(q[0]), float(q[-1])

    @property
    def rank(self) -> int:
        """Return the number of functions."""
        return int(self.vectors.shape[1])

    def strengths(
        self,
        numbers: IntArray,
        b_iso: FloatArray,
        occ: FloatArray | None = None,
        count: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """Return the strengths occ u_r of atoms (rank, n), and the sums of their squares (rank,).

        The square of atom j counts `count[j]` times. `numbers` (n,) are type numbers, `b_iso` (n,)
        is in A^2; `occ` and `count` None mean 1.
        """
        return self._project(numbers, b_iso, self.vectors, occ, count)

    def strengths_by_b(self, numbers: IntArray, b_iso: FloatArray) -> FloatArray:
        """Return the derivatives du_r/dB (rank, n): the projection of dg/dB = -q g."""
        slope_functions = -self.q[:, None] * self.vectors
        slopes, _ = self._project(numbers, b_iso, slope_functions)
        return slopes

    def series_of_pair(self, pair: Pair) -> FloatArray:
        """Return the Chebyshev series (terms, 2) of the two functions of a pair."""
        return np.ascontiguousarray(self.series[:, pair.ranks])

    def pair_contributions(self, squares: FloatArray) -> FloatArray:
        """Return how much each pair adds to a sum, in electrons (pairs,).

        `squares` (rank,) are sums of squared strengths; each is multiplied by the largest square
        of its function.
        """
        largest = np.square(self.vectors).max(axis=0, initial=0.0)
        of_pairs = (squares * largest).reshape(-1, 2)
        return np.asarray(np.sqrt(of_pairs.sum(axis=1)))

    def pair_shares(self, strengths: FloatArray) -> FloatArray:
        """Return the contribution of each pair, divided by the largest sum of any atom (pairs,).

        `strengths` (rank, n) are those of n atoms.
        """
        largest_sum = float(np.abs(self.vectors @ strengths).max(initial=1e-300))
        squares = np.square(strengths).max(axis=1, initial=0.0)
        return np.asarray(self.pair_contributions(squares) / largest_sum)

    def _project(
        self,
        numbers: IntArray,
        b_iso: FloatArray,
        functions: FloatArray,
        occ: FloatArray | None = None,
        count: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """Project the scattering of atoms on functions (p, rank) of q."""
        strengths = np.empty((self.rank, len(numbers)))
        squares = np.empty(self.rank)
        _seam.project_scattering(
            numbers,
            b_iso,
            self.q,
            self.form,
            np.ascontiguousarray(functions),
            strengths,
            squares,
            weight=occ,
            count=count,
        )
        return strengths, squares


def scattering(q: FloatArray, form: FloatArray, numbers: IntArray, b_iso: FloatArray) -> FloatArray:
    """Return f exp(-B q) of n atoms at p points (n, p), from the form factors of their types."""
    g = np.outer(-b_iso, q)
    np.exp(g, out=g)
    g *= form.take(numbers, axis=0)
    return g


def sample_points(interval: tuple[float, float], sharpest: float, eps: float) -> FloatArray:
    """Return Chebyshev points in q that resolve exp(-sharpest q) to eps on an interval.

    `interval` is in 1/A^2, `sharpest` in A^2. An ArgandError says where that takes too many points.
    """
    low, high = interval
    degree = chebyshev_degree(sharpest * (high - low), eps)
    if degree > LARGEST_DEGREE:
        raise ArgandError(
            f"method='nufft' cannot follow exp(-{sharpest:.4g} stol^2) to a stol of "
            f"{math.sqrt(high):.4g} 1/A: use method='direct'"
        )
    return chebyshev_points(low, high, degree)


def sample_scattering(
    q: FloatArray, form: FloatArray, numbers: IntArray, b_iso: FloatArray, occ: FloatArray
) -> FloatArray:
    """Return occ g of every n-th atom at q (sample, p).

    The values are enlarged so that the sum of their squares stands for that of all atoms.
    """
    step = 1 + len(numbers) // _SAMPLE_SIZE
    g = scattering(q, form, numbers[::step], b_iso[::step])
    return np.asarray(np.sqrt(step) * occ[::step, None] * g)


def rms_amplitude(samples: Sequence[FloatArray]) -> float:
    """Return the largest root mean square of F for atoms at random positions, in electrons.

    That is sqrt(sum_j occ_j^2 |g_j|^2). `samples` (sample, p) hold occ g; the real and the
    imaginary part of g have a sample each.
    """
    square = 0.0
    for sample in samples:
        square += np.square(sample).sum(axis=0).max(initial=0.0)
    return float(np.sqrt(square))


def type_ranges(numbers: IntArray, b_iso: FloatArray, occ: FloatArray) -> TypeRanges:
    """Return the range of B and the largest |occupancy| of each type that the atoms have."""
    # Numbers of 16 bits are sorted in one pass.
    order = np.argsort(numbers.astype(np.int16), kind="stable")
    atoms_of_type = np.bincount(numbers)
    types = np.flatnonzero(atoms_of_type)
    begin = np.cumsum(atoms_of_type[types]) - atoms_of_type[types]
    sorted_b = b_iso[order]
    smallest_b = np.minimum.reduceat(sorted_b, begin)
    largest_b = np.maximum.reduceat(sorted_b, begin)
    largest_occ = np.maximum.reduceat(np.abs(occ)[order], begin)
    return types, smallest_b, largest_b, largest_occ


def fit_basis(
    q: FloatArray,
    form: FloatArray,
    sample: FloatArray,
    ranges: TypeRanges,
    eps: float,
    tolerance: float,
) -> Basis:
    """Find the fewest functions that describe the scattering of all atoms of a crystal.

    Parameters
    ----------
    q : (p,)
        Chebyshev points in stol^2, 1/A^2.
    form : (types, p)
        Form factors of each type at q.
    sample : (sample, p)
        occ g of a sample of the atoms, from `sample_scattering`.
    ranges : TypeRanges
        Types, their B and occupancies, from `type_ranges`.
    eps : float
        Accuracy that the points in B resolve.
    tolerance : float
        Largest error, in electrons, of F at random positions: sqrt(sum_j occ_j^2 error_j^2),
        measured with the sample at every q. Besides, no single atom of any type with any B in its
        range may be wrong by more than this.
    """
    types, smallest_b, largest_b, largest_occ = ranges
    b_span = float((largest_b - smallest_b).max()) * float(q[-1])
    fractions = chebyshev_points(0.0, 1.0, chebyshev_degree(b_span, eps))
    b_values = smallest_b[:, None] + np.outer(largest_b - smallest_b, fractions)
    numbers = np.repeat(types, len(fractions))
    occ = np.repeat(largest_occ, len(fractions))
    single_atoms = occ[:, None] * scattering(q, form, numbers, b_values.ravel())

    stacked = np.concatenate([sample, single_atoms])
    _, singular_values, vectors = np.linalg.svd(stacked, full_matrices=False)
    vectors = vectors.T
    sample_part = sample @ vectors
    single_part = single_atoms @ vectors
    sample_products = sample_part.T @ sample_part
    # No error is larger than the root of the sum of squares of all singular values left out.
    neglected = np.cumsum(np.square(singular_values[::-1]))
    rank = int(np.count_nonzero(neglected > tolerance**2))
    while rank:
        # Try without the last function: the squares of the error at each point.
        dropped = slice(rank - 1, None)
        v = vectors[:, dropped]
        sample_errors = np.einsum("pr,pr->p", v @ sample_products[dropped, dropped], v)
        single_errors = np.square(single_part[:, dropped] @ v.T)
        if max(sample_errors.max(), single_errors.max()) > tolerance**2:
            break
        rank -= 1
    # Two functions share a transform: an odd rank is filled up, if need be by zeros.
    rank += rank % 2
    if rank > vectors.shape[1]:
        missing = rank - vectors.shape[1]
        vectors = np.pad(vectors, ((0, 0), (0, missing)))
    return Basis(q, form, vectors[:, :rank])


def chebyshev_degree(span: float, eps: float) -> int:
    """Return the terms of the Chebyshev series of exp(-x) on an interval that reach eps.

    `span` is the length of the interval; the terms that are left out are far below eps.
    """
    step = math.ceil(_SPANS_PER_OCTAVE * math.log2(max(span, _SHORTEST_SPAN)))
    return _degree_of_step(step, eps)


def chebyshev_points(low: float, high: float, degree: int) -> FloatArray:
    """Return the degree + 1 Chebyshev points from low to high, both ends among them."""
    if degree < 1 or high <= low:
        return np.array([low])
    angles = np.linspace(0.0, np.pi / 2, degree + 1)
    return low + (high - low) * np.square(np.sin(angles))


@lru_cache(maxsize=1024)
def _degree_of_step(step: int, eps: float) -> int:
    """Return the degree for a span of 2^(step / _SPANS_PER_OCTAVE)."""
    from scipy.special import ive

    span = 2.0 ** (step / _SPANS_PER_OCTAVE)
    # Few terms are enough for most spans; the second limit is beyond every span in use.
    for limit in (64, 4000):
        small = ive(np.arange(limit), span / 2) < _SERIES_SHARE * eps
        if small.any():
            return int(small.argmax())
    return limit


@lru_cache(maxsize=256)
def _series_from_values(points: int) -> FloatArray:
    """Return the matrix (terms, points) from values at Chebyshev points to a Chebyshev series."""
    nodes = chebyshev_points(-1.0, 1.0, points - 1)
    values_from_series = np.polynomial.chebyshev.chebvander(nodes, points - 1)
    return np.asarray(np.linalg.inv(values_from_series))
