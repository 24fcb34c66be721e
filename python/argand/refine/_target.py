"""Compute the sum of weighted squares that a refinement minimises, and its normal equations.

    chi^2(p) = sum_h w_h (o_h - s c_h(p))^2 + (p - mean)^T P (p - mean),   c = |F| or |F|^2.

The scale s enters linearly: unless it is given it takes its best value for every p, and the normal
matrix is that of p alone with s eliminated (variable projection). With A = dc/dp, W = diag(w):

    s = c^T W o / c^T W c,   g = s A^T W (o - s c) + P (mean - p),
    N = s^2 [A^T W A - (A^T W c)(A^T W c)^T / c^T W c] + P.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dger
from scipy.sparse import csr_array

from argand.cell import FloatArray
from argand.refine.model import Model
from argand.refine.prior import GaussianPrior
from argand.refine.weighting import Weighting

On = Literal["F", "F2"]
Rows = NDArray[np.intp]

_TINY = np.finfo(float).tiny

# Entries of a row of dq/dp up to which rows are gathered: a position has three, which takes half
# the time of scipy's product.
_MOST_GATHERED = 3


class Point(NamedTuple):
    """Hold F, scale, residuals and chi^2 of b data sets at their parameters."""

    f: NDArray[np.complex128]  # (b, m)
    calculated: FloatArray  # (b, m), |F| or |F|^2
    scale: FloatArray  # (b,), observed over calculated
    residual: FloatArray  # (b, m), observed - scale calculated
    chi2: FloatArray  # (b,), with the part of the prior

    def select(self, choice: Any) -> Point:
        """Return the data sets that a mask or index array (b,) chooses."""
        return Point(*(field[choice] for field in self))

    def put(self, rows: Any, other: Point) -> None:
        """Write the data sets of another point into the rows of this one."""
        for field, value in zip(self, other, strict=True):
            field[rows] = value


class Target:
    """Compare n data sets with a model; reflections that are NaN are not measured.

    Parameters
    ----------
    model
        The model of all data sets, with m reflections and k parameters.
    observed, sigma : (n, m)
        |F| or |F|^2 and standard uncertainties; NaN in either where not measured.
    on
        "F" or "F2": what `observed` is.
    weighting
        How weights follow from `sigma` and from calculated intensities.
    scale : (n,) or None
        Observed over calculated, where it is known.
    prior
        A Gaussian of the parameters, or None.

    Attributes
    ----------
    measured : (n, m) mask of the reflections that were measured
    used : (n, m) mask of the reflections that count at present, see `limit`
    weight : (n, m) their weights, 0 for all others
    """

    def __init__(
        self,
        model: Model,
        observed: FloatArray,
        sigma: FloatArray,
        on: On,
        weighting: Weighting,
        scale: FloatArray | None,
        prior: GaussianPrior | None,
    ) -> None:
        self.model = model
        self.on = on
        self.weighting = weighting
        self.scale = scale
        self.prior = prior
        self.measured = np.isfinite(observed) & np.isfinite(sigma)
        self.observed = np.where(self.measured, observed, 0.0)
        self.sigma = np.where(self.measured, sigma, 1.0)
        self.limit(None)

    def limit(self, d_min: float | None) -> None:
        """Let only reflections with d >= d_min (angstrom) count; None: all measured ones.

        Weights become 1 / sigma^2 again.
        """
        self.used = self.measured
        if d_min is not None:
            self.used = self.measured & (self.model.stol <= 0.5 / d_min)
        self.weight = np.where(self.used, self.sigma**-2.0, 0.0)

    def at(self, rows: Rows, p: FloatArray) -> Point:
        """Compute the point of data sets `rows` (b,) at parameters p (b, k)."""
        f = self.model.structure_factors(p)
        if self.on == "F":
            return self._point(rows, p, f, np.abs(f))
        squares = np.square(f.real) + np.square(f.imag)
        return self._point(rows, p, f, squares)

    def reweighted(self, rows: Rows, p: FloatArray, point: Point) -> Point:
        """Set the weights that belong to the calculated values of a point, and return it with them.

        `rows` (b,) are the data sets of the point, p (b, k) its parameters.
        """
        if self.weighting.fixed:
            return point
        scale = point.scale[:, None]
        scaled = scale * point.calculated
        weight = self.weighting(self.observed[rows], self.sigma[rows], scaled, scale)
        self.weight[rows] = np.where(self.used[rows], weight, 0.0)
        return self._point(rows, p, point.f, point.calculated)

    def _point(
        self, rows: Rows, p: FloatArray, f: NDArray[np.complex128], calculated: FloatArray
    ) -> Point:
        """Compute scale, residuals and chi^2 of F (b, m) and calculated values (b, m)."""
        weight = self.weight[rows]
        observed = self.observed[rows]
        if self.scale is None:
            weighted = weight * calculated
            square = np.einsum("bm,bm->b", weighted, calculated)
            product = np.einsum("bm,bm->b", weighted, observed)
            scale = product / np.maximum(square, _TINY)
        else:
            scale = self.scale[rows]
        residual = observed - scale[:, None] * calculated
        chi2 = np.einsum("bm,bm,bm->b", weight, residual, residual)
        if self.prior is not None:
            chi2 = chi2 + self.prior.pull(rows, p)[2]
        return Point(f, calculated, scale, residual, chi2)

    def normal(
        self, rows: Rows, p: FloatArray, point: Point, dtype: Any
    ) -> tuple[FloatArray, FloatArray]:
        """Compute N (b, k, k) and g (b, k): a Gauss-Newton step is N^-1 g.

        Derivatives are calculated in `dtype`, float32 or float64.
        """
        root = np.sqrt(self.weight[rows])
        along = root * _unit(point) if self.on == "F" else 2.0 * root * point.f
        by_coordinate, columns = self.model.site_jacobian(p, along, dtype)
        right = np.stack([root * point.residual, root * point.calculated], axis=2).astype(dtype)
        products = np.matmul(by_coordinate, by_coordinate.transpose(0, 2, 1))
        normal = _by_parameters(columns, products)
        k, s = columns.shape
        vectors = columns @ np.matmul(by_coordinate, right).transpose(1, 0, 2).reshape(s, -1)
        gradient, by_scale = vectors.reshape(k, len(rows), 2).transpose(2, 1, 0)
        if self.scale is None:
            calculated_squares = np.square(point.calculated)
            square = np.einsum("bm,bm->b", self.weight[rows], calculated_squares) + _TINY
            for matrix, vector, sum_of_squares in zip(normal, by_scale, square, strict=True):
                # In place: the transpose lies in memory as LAPACK wants it.
                dger(-1.0 / sum_of_squares, vector, vector, a=matrix.T, overwrite_a=1)
        normal *= np.square(point.scale)[:, None, None]
        gradient *= point.scale[:, None]
        if self.prior is not None:
            precision, force, _ = self.prior.pull(rows, p)
            normal = normal + precision
            gradient = gradient + force
        return normal, gradient

    def gradient(self, rows: Rows, p: FloatArray, point: Point) -> FloatArray:
        """Compute d chi^2 / dp (b, k) without a Jacobian, for any number of parameters."""
        by_calculated = -2.0 * self.weight[rows] * point.residual * point.scale[:, None]
        along = _unit(point) if self.on == "F" else 2.0 * point.f
        gradient = self.model.vjp(p, by_calculated * along)
        if self.prior is not None:
            gradient -= 2.0 * self.prior.pull(rows, p)[1]
        return gradient


def _by_parameters(columns: csr_array, matrices: NDArray[Any]) -> FloatArray:
    """Return C N C^T (b, k, k) of symmetric matrices N (b, s, s), with C = dq/dp (k, s).

    Most parameters move one coordinate or three: C is sparse, and its zeros are left out.
    """
    k = columns.shape[0]
    by_parameter = np.empty((len(matrices), k, k))
    gathered = _gathered(columns)
    for number, matrix in enumerate(matrices):
        if gathered is None:
            by_parameter[number] = columns @ np.asarray((columns @ matrix).T, float)
            continue
        places, values = gathered
        if len(places) == 1:
            np.multiply(_at_places(matrix, places[0]), values[0], out=by_parameter[number])
            by_parameter[number] *= values[0][:, None]
        else:
            half = _combined_rows(gathered, matrix)
            # N is symmetric, and so is C N C^T.
            by_parameter[number] = _combined_rows(gathered, np.ascontiguousarray(half.T))
    return by_parameter


def _at_places(matrix: NDArray[Any], places: NDArray[np.intp]) -> NDArray[Any]:
    """Return the rows and columns of a matrix (s, s) at k places."""
    if np.array_equal(places, np.arange(len(matrix))):
        return matrix
    return matrix.take(places, axis=0).take(places, axis=1)


def _gathered(columns: csr_array) -> tuple[NDArray[np.intp], FloatArray] | None:
    """Return the places and values (w, k) of the entries of each row of C (k, s).

    Rows with fewer entries than w have zeros at place 0. None where a row has many entries.
    """
    counts = np.diff(columns.indptr)
    width = int(counts.max(initial=0))
    if not 0 < width <= _MOST_GATHERED:
        return None
    places = np.zeros((width, len(counts)), np.intp)
    values = np.zeros((width, len(counts)))
    row = np.repeat(np.arange(len(counts)), counts)
    entry = np.arange(len(columns.indices)) - columns.indptr[row]
    places[entry, row] = columns.indices
    values[entry, row] = columns.data
    return places, values


def _combined_rows(
    gathered: tuple[NDArray[np.intp], FloatArray], matrix: NDArray[Any]
) -> FloatArray:
    """Return C matrix (k, t) of a matrix (s, t)."""
    places, values = gathered
    combined: FloatArray = values[0][:, None] * matrix[places[0]]
    for place, value in zip(places[1:], values[1:], strict=True):
        # Most coordinates, such as those of U, move by themselves.
        used = np.flatnonzero(value)
        combined[used] += value[used, None] * matrix[place[used]]
    return combined


def _unit(point: Point) -> NDArray[np.complex128]:
    """Return F / |F| (b, m), and 0 where F is 0, as at absences that a special position makes."""
    return point.f / np.maximum(point.calculated, _TINY)
