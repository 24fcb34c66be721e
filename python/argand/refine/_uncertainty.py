"""Summarise refined data sets: uncertainties, covariances, scales and figures of merit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg.lapack import dpocon, dpotrf, dpotri

from argand.cell import FloatArray
from argand.refine._target import Point, Rows, Target
from argand.refine.figures import Figures, figures_of_merit

# Eigenvalues of the scaled normal matrix below this are rounding: the data say nothing there.
_LEAST_EIGENVALUE = 1e-10
# Matrices whose reciprocal condition number is above this have no such eigenvalues.
_WELL_CONDITIONED = 1e-8
# A divisor for eigenvalues that are left out, small enough to change no other.
_TINY = 1e-300


def summarise(
    target: Target,
    p: FloatArray,
    groups: Sequence[Rows],
    *,
    uncertainties: bool,
    keep_covariance: bool,
) -> tuple[FloatArray, FloatArray | None, FloatArray, FloatArray, Figures]:
    """Compute uncertainties and figures of merit of n data sets at parameters p (n, k).

    `groups` are the data sets that are computed together. Without `uncertainties`, which take
    longer than a cycle, they are NaN.

    Returns
    -------
    Standard uncertainties (n, k), covariances (n, k, k) or None, scales (n,), chi^2 (n,) and the
    figures of merit, as `Refinement` has them.
    """
    n, k = p.shape
    sigma = np.full((n, k), np.nan)
    scale = np.empty(n)
    chi2 = np.empty(n)
    covariance = np.full((n, k, k), np.nan) if keep_covariance else None
    intensity, intensity_sigma, calculated, weight = np.full((4, *target.observed.shape), np.nan)
    floating = target.model.floating()
    springs = np.asarray(floating.T @ floating)
    free = k + (target.scale is None) - len(floating)
    for rows in groups:
        point = target.reweighted(rows, p[rows], target.at(rows, p[rows]))
        scale[rows] = point.scale
        chi2[rows] = point.chi2
        columns = _intensities(target, rows, point)
        intensity[rows], intensity_sigma[rows], calculated[rows], weight[rows] = columns
        if not uncertainties:
            continue
        matrices = _scaled_covariance(target, rows, p[rows], point, springs, free)
        variances = np.einsum("bkk->bk", matrices)
        sigma[rows] = np.sqrt(np.maximum(variances, 0.0))
        if covariance is not None:
            covariance[rows] = matrices
    figures = figures_of_merit(intensity, intensity_sigma, calculated, weight, chi2, free)
    return sigma, covariance, scale, chi2, figures


def _scaled_covariance(
    target: Target, rows: Rows, p: FloatArray, point: Point, springs: FloatArray, free: int
) -> FloatArray:
    """Return the covariances (b, k, k) at parameters p (b, k), by the goodness of fit.

    `free` is the number of free parameters; with a prior covariances are not scaled.
    """
    normal, _ = target.normal(rows, p, point, np.float64)
    matrices = _covariance(normal, springs)
    if target.prior is None:
        used = target.used[rows].sum(axis=1)
        variance = point.chi2 / np.maximum(used - free, 1)
        matrices *= variance[:, None, None]
    return matrices


def _intensities(
    target: Target, rows: Rows, point: Point
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return intensities (b, m), whether |F| or |F|^2 was refined.

    They are the measured ones with NaN where not measured, their sigmas, the calculated ones and
    the weights.
    """
    observed = target.observed[rows]
    sigma = target.sigma[rows]
    weight = target.weight[rows]
    calculated = point.scale[:, None] * point.calculated
    if target.on == "F":
        sigma = 2.0 * np.maximum(observed, sigma) * sigma
        observed = np.square(observed)
        calculated = np.square(calculated)
        weight = sigma**-2.0
    measured = np.where(target.measured[rows], observed, np.nan)
    return measured, sigma, np.maximum(calculated, 0.0), weight


def _covariance(normal: FloatArray, springs: FloatArray) -> FloatArray:
    """Invert normal matrices (b, k, k) where they are not singular.

    Directions without weight, or with no more than rounding, are left out by their eigenvalue.
    `springs` (k, k) projects on floating origins, along which the structure is held: covariances
    are for a structure whose mean does not move. Parameters that nothing determines have NaN.
    """
    diagonal = np.einsum("bkk->bk", normal)
    root = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    units = root[:, :, None] * root[:, None, :]
    mean_square = np.square(root).mean(axis=1)[:, None, None]
    scaled = normal / units
    if springs.any():
        scaled = scaled + springs * mean_square / units
    covariance = np.array([_inverse(matrix) for matrix in scaled]) / units
    if springs.any():
        # The springs have added their own inverse along the floating origins: take it away again.
        covariance = covariance - springs / mean_square
    variances = np.einsum("bkk->bk", covariance)
    undetermined = (diagonal <= 0.0) | (variances <= 0.0)
    covariance[undetermined] = np.nan
    return np.asarray(covariance)


def _inverse(matrix: FloatArray) -> FloatArray:
    """Invert a symmetric matrix (k, k) of unit diagonal; what is rounding in it is left out.

    A Cholesky factor gives the inverse in a tenth of the time of the eigenvalues, which are needed
    where some are too small.
    """
    factor, failed = dpotrf(matrix, lower=1)
    if not failed:
        reciprocal_condition, _ = dpocon(factor, np.abs(matrix).sum(axis=0).max(), uplo="L")
        if reciprocal_condition > _WELL_CONDITIONED:
            lower, _ = dpotri(factor, lower=1)
            return np.asarray(np.tril(lower) + np.tril(lower, -1).T)
    values, vectors = np.linalg.eigh(matrix)
    inverse = np.where(values > _LEAST_EIGENVALUE, 1.0 / np.maximum(values, _TINY), 0.0)
    return np.asarray((vectors * inverse) @ vectors.T)
