"""A few functions of h that all atoms' g_j are sums of: g_j(h) = sum_r u_r(j) v_r(h) to a given error.

Members of the family that stand for all (a Chebyshev grid in B of every atom type, or some of the tensors) are
evaluated at sample points; a pivoted QR picks the few, the skeleton, that span the others, and an SVD turns them into
an orthonormal basis whose strengths fall as fast as they can. Between the samples the basis needs no interpolation:
v_r is a combination of skeleton members, and these can be evaluated anywhere. u_r(j) is the projection of the exact
g_j, so B is continuous without a table.

Source: skeletons by pivoted QR, Cheng, Gimbutas, Martinsson, Rokhlin, SIAM J. Sci. Comput. 26 (2005) 1389.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.special
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.large_cells._family import Family, Points, coordinates, members


class Basis(NamedTuple):
    """v_r(h) = sum_k coefficient[k, r] g_k(h) over the skeleton members k."""

    kind: NDArray[np.intp]  # (k,)
    displacement: FloatArray  # (k, c)
    coefficient: FloatArray  # (k, rank)
    samples: Points
    vectors: FloatArray  # (samples, rank): v_r at the samples, orthonormal

    @property
    def rank(self) -> int:
        return self.vectors.shape[1]

    def at(self, points: Points, first: int, last: int) -> FloatArray:
        """v_first .. v_last-1 at other points, (ranks, p)."""
        return np.ascontiguousarray(
            self.coefficient[:, first:last].T @ members(self.kind, self.displacement, points), dtype=np.float64
        )

    def project(self, functions: FloatArray) -> FloatArray:
        """Strengths (n, rank) of functions given at the samples (n, samples)."""
        strengths: FloatArray = functions @ self.vectors
        return strengths

    def cut(self, rank: int) -> Basis:
        return self._replace(coefficient=self.coefficient[:, :rank], vectors=self.vectors[:, :rank])


def wilson(family: Family, points: Points) -> FloatArray:
    """Root mean square |F| at some points for atoms anywhere: sqrt(sum_j occ_j^2 g_j^2), (p,)."""
    total = np.zeros(points.y.shape[1])
    for some in family.chunks():
        total += np.square(family.occ[some]) @ np.square(members(family.kind[some], family.displacement[some], points))
    return np.sqrt(total)


def low_rank(family: Family, hkl: NDArray[np.int32], eps: float, tolerance: float) -> tuple[Basis, NDArray[np.bool_]]:
    """A basis for the reflections hkl, and which atoms it serves.

    The error it leaves, sqrt(sum_j occ_j^2 (g_j - sum_r u_r v_r)^2) over the atoms served, is measured at the samples
    with all atoms and is at most `tolerance` there. The other atoms (there are none unless tensors are very unlike
    each other) have to be summed in another way.
    """
    points = sample(family, hkl, eps)
    kind, displacement, weight = _representatives(family, points, eps)
    basis = _span(kind, displacement, weight, points, tolerance)
    squares = np.zeros((basis.rank, basis.rank))
    missed = np.empty((len(family.kind)))
    for some in family.chunks():
        g = members(family.kind[some], family.displacement[some], points)
        u = basis.project(g)
        g -= u @ basis.vectors.T
        missed[some] = np.abs(family.occ[some]) * np.abs(g).max(axis=1)
        u *= family.occ[some, None]
        squares += u.T @ u
    order = np.argsort(missed)
    served = np.empty(len(missed), bool)
    served[order] = np.sqrt(np.cumsum(np.square(missed[order]))) <= tolerance / 2
    return basis.cut(_rank_needed(basis.vectors, squares, tolerance / 2)), served


def _rank_needed(vectors: FloatArray, squares: FloatArray, tolerance: float) -> int:
    """How many vectors must be kept; squares = sum_j occ_j^2 u_j u_j^T gives what any tail of them adds up to."""

    def tail(rank: int) -> float:
        rest = vectors[:, rank:]
        worst = np.einsum("pr,rs,ps->p", rest, squares[rank:, rank:], rest, optimize=True).max(initial=0.0)
        return float(np.sqrt(max(worst, 0.0)))

    low, high = 0, vectors.shape[1]
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if tail(middle) <= tolerance else (middle + 1, high)
    return min(high + high % 2, vectors.shape[1])  # two go into one transform


def _span(
    kind: NDArray[np.intp], displacement: FloatArray, weight: FloatArray, samples: Points, tolerance: float
) -> Basis:
    weighted = weight[:, None] * members(kind, displacement, samples)
    q, r, pivot = scipy.linalg.qr(weighted.T, mode="economic", pivoting=True)
    size = np.abs(np.diag(r))
    rank = max(1, int(np.count_nonzero(size > max(0.05 * tolerance, 1e-15 * size[0]))))
    turn = scipy.linalg.svd(r[:rank], full_matrices=False)[0]
    chosen = pivot[:rank]
    coefficient = weight[chosen, None] * scipy.linalg.solve_triangular(_regular(r[:rank, :rank]), turn)
    return Basis(kind[chosen], displacement[chosen], coefficient, samples, q[:, :rank] @ turn)


def _regular(r: FloatArray) -> FloatArray:
    return r if r[0, 0] != 0.0 else np.eye(1)  # atoms that do not scatter


def degree(span: float, eps: float) -> int:
    """Terms of the Chebyshev series of exp(-x) on an interval of length `span` until they are below eps."""
    order = np.arange(2000)
    small = scipy.special.ive(order, max(span, 1e-3) / 2) < 0.1 * eps
    return int(small.argmax()) if small.any() else len(order)


def _chebyshev(low: float, high: float, count: int) -> FloatArray:
    """Points that interpolation likes, the ends among them."""
    if count < 2 or high <= low:
        return np.array([low])
    return low + (high - low) * np.square(np.sin(np.linspace(0.0, np.pi / 2, count)))


def sample(family: Family, hkl: NDArray[np.int32], eps: float) -> Points:
    """Points that say everything about the family on a list of reflections.

    Isotropic: Chebyshev points in stol^2. Anisotropic: reflections of the list, more of them towards high angles.
    """
    if not family.anisotropic:
        stol2 = coordinates(hkl, family.cell)[1]
        low, high = float(stol2.min()), float(stol2.max())
        terms = degree(family.widest() * (high - low), eps)
        return family.at_stol2(_chebyshev(low, high, terms + terms // 4 + 4))
    some = hkl[:: 1 + len(hkl) // 20_000]
    some = some[np.argsort(coordinates(some, family.cell)[1])]
    t = np.linspace(0.0, 1.0, 4 * tensor_rank(eps))
    return family.at(some[np.unique(np.rint((len(some) - 1) * t * (2 - t)).astype(np.intp))])


def tensor_rank(eps: float) -> int:
    """About as many functions as anisotropic atoms need (measured: 50 at 1e-4, 110 at 1e-6, 220 at 1e-9)."""
    return int(np.ceil(2.9 * np.log10(1.0 / eps) ** 2))


def _representatives(family: Family, points: Points, eps: float) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
    """Members that stand for all atoms: kind, displacement, and the weight that gives them the same sum of squares."""
    if family.anisotropic:
        rows = np.unique(np.rint(np.linspace(0, len(family.kind) - 1, 8 * tensor_rank(eps))).astype(np.intp))
        scale = np.sqrt(np.square(family.occ).sum() / len(rows))
        return family.kind[rows], family.displacement[rows], np.full(len(rows), scale)
    kinds: list[NDArray[Any]] = []
    grids: list[FloatArray] = []
    weights: list[FloatArray] = []
    for kind in np.unique(family.kind):
        own = family.kind == kind
        b = family.displacement[own, 0]
        grid = _chebyshev(b.min(), b.max(), 2 + degree(float(np.ptp(b) * np.ptp(points.y)), eps))
        kinds.append(np.full(len(grid), kind, np.intp))
        grids.append(grid)
        weights.append(np.full(len(grid), np.sqrt(np.square(family.occ[own]).sum() / len(grid))))
    return np.concatenate(kinds), np.concatenate(grids)[:, None], np.concatenate(weights)
