"""The sum of weighted squares that a refinement makes small, and its normal equations.

    chi^2(p) = sum_h w_h (o_h - s c_h(p))^2 + (p - mean)^T P (p - mean),   c = |F| or |F|^2.

The scale s enters linearly: unless it is given it takes its best value for every p, and the normal matrix is that of p
alone with s eliminated (variable projection). With A = dc/dp, W = diag(w):

    s = c^T W o / c^T W c,   g = s A^T W (o - s c) + P (mean - p),
    N = s^2 [A^T W A - (A^T W c)(A^T W c)^T / c^T W c] + P.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.refine.model import Model
from argand.refine.prior import GaussianPrior
from argand.refine.weighting import Weighting

On = Literal["F", "F2"]
Rows = NDArray[np.intp]


class Point(NamedTuple):
    """What is known of b data sets at their parameters."""

    f: NDArray[np.complex128]  # (b, m)
    calculated: FloatArray  # (b, m), |F| or |F|^2
    scale: FloatArray  # (b,)
    residual: FloatArray  # (b, m), observed - scale calculated
    chi2: FloatArray  # (b,), the prior included

    def some(self, some: Any) -> Point:
        """Those of a choice of the data sets."""
        f, calculated, scale, residual, chi2 = self
        return Point(f[some], calculated[some], scale[some], residual[some], chi2[some])


class Target:
    """`observed`, `sigma` (n, m); reflections that are NaN in either are left out."""

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
        self.model, self.on, self.weighting, self.scale, self.prior = (
            model,
            on,
            weighting,
            scale,
            prior,
        )
        self.seen = np.isfinite(observed) & np.isfinite(sigma)
        self.observed = np.where(self.seen, observed, 0.0)
        self.sigma = np.where(self.seen, sigma, 1.0)
        self.used = self.seen  # those that count at present
        self.weight = np.where(self.used, self.sigma**-2.0, 0.0)

    def limit(self, d_min: float | None) -> None:
        """Let only reflections of larger spacing count, or all that were seen; back to counting statistics."""
        within = True if d_min is None else self.model.stol <= 0.5 / d_min
        self.used = self.seen & within
        self.weight = np.where(self.used, self.sigma**-2.0, 0.0)

    def at(self, rows: Rows, p: FloatArray) -> Point:
        """F, scale, residuals and chi^2 of data sets `rows` at p (b, k)."""
        f = self.model.structure_factors(p)
        calculated = np.abs(f) if self.on == "F" else np.square(f.real) + np.square(f.imag)
        return self._point(rows, p, f, calculated)

    def reweighted(self, rows: Rows, p: FloatArray, point: Point) -> Point:
        """The same point with the weights that belong to its Fc."""
        if self.weighting.fixed:
            return point
        scale = point.scale[:, None]
        weight = self.weighting(
            self.observed[rows], self.sigma[rows], scale * point.calculated, scale
        )
        self.weight[rows] = np.where(self.used[rows], weight, 0.0)
        return self._point(rows, p, point.f, point.calculated)

    def _point(
        self, rows: Rows, p: FloatArray, f: NDArray[np.complex128], calculated: FloatArray
    ) -> Point:
        weight, observed = self.weight[rows], self.observed[rows]
        weighted = weight * calculated
        if self.scale is None:
            square = np.einsum("bm,bm->b", weighted, calculated)
            scale = np.einsum("bm,bm->b", weighted, observed) / np.maximum(
                square, np.finfo(float).tiny
            )
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
        """N (b, k, k) and g (b, k): a Gauss-Newton step is N^-1 g."""
        root = np.sqrt(self.weight[rows])
        along = root * _unit(point) if self.on == "F" else 2.0 * root * point.f
        sites, columns = self.model.site_jacobian(p, along, dtype)
        right = np.stack([root * point.residual, root * point.calculated], axis=2).astype(dtype)
        products = np.matmul(columns, np.matmul(sites, right).astype(np.float64))
        gradient, by_scale = products[..., 0], products[..., 1]
        normal = np.matmul(sites, sites.transpose(0, 2, 1)).astype(np.float64)
        normal = np.matmul(np.matmul(columns, normal), columns.T)
        if self.scale is None:
            square = (
                np.einsum("bm,bm->b", self.weight[rows], np.square(point.calculated))
                + np.finfo(float).tiny
            )
            normal -= by_scale[:, :, None] * by_scale[:, None, :] / square[:, None, None]
        normal *= np.square(point.scale)[:, None, None]
        gradient = gradient * point.scale[:, None]
        if self.prior is not None:
            precision, force, _ = self.prior.pull(rows, p)
            normal, gradient = normal + precision, gradient + force
        return normal, gradient

    def gradient(self, rows: Rows, p: FloatArray, point: Point) -> FloatArray:
        """d chi^2 / dp (b, k) without a Jacobian, for as many parameters as there may be."""
        by_calculated = -2.0 * self.weight[rows] * point.residual * point.scale[:, None]
        g = by_calculated * _unit(point) if self.on == "F" else 2.0 * by_calculated * point.f
        gradient = self.model.vjp(p, g)
        if self.prior is not None:
            gradient -= 2.0 * self.prior.pull(rows, p)[1]
        return gradient


def _unit(point: Point) -> NDArray[np.complex128]:
    """F / |F|: 0 where F is 0, as at reflections that a special position extinguishes."""
    return point.f / np.maximum(point.calculated, np.finfo(float).tiny)
