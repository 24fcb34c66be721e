"""Displacements as a linear function of amplitudes: ridge regression on simulated samples.

    x_h = (|Fo|_h - centre_h) / spread_h,   p = x W + offset,   W = (X^T X + lambda n 1)^-1 X^T Y.

The lambda is kept that is best on samples that were not used. The covariance of the residuals on
these samples is the uncertainty of an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from argand.cell import FloatArray

__all__ = ["Linear", "held_out", "regress"]

# Strengths of the penalty that are tried.
_LAMBDAS = (0.003, 0.01, 0.03, 0.1, 0.3)

# Share of the samples that the strength is chosen by.
_HELD_OUT = 0.15

# Least spread of a reflection, as part of the mean amplitude: smaller differences are errors.
_LEAST_SPREAD = 0.02

# One sample in a thousand lies farther from the others than `reach`.
_REACH_QUANTILE = 0.999

# The covariance is kept invertible by this part of its mean eigenvalue.
_JITTER = 1e-6


@dataclass(frozen=True, eq=False)
class Linear:
    """Map amplitudes (b, m) on an absolute scale to position parameters (b, k).

    Attributes
    ----------
    centre, spread : (m,) mean and spread of the amplitudes of the samples
    weights, offset : (m, k) float32, (k,)
    covariance : (k, k) of the error on samples that were not used
    reach : mean of x^2 that one sample in a thousand exceeds
    """

    centre: FloatArray
    spread: FloatArray
    weights: NDArray[np.float32]
    offset: FloatArray
    covariance: FloatArray
    reach: float

    def standard(self, amplitude: NDArray[Any]) -> NDArray[np.float32]:
        """Standardise amplitudes (b, m); NaN becomes 0, which is the mean of the samples."""
        x = (amplitude - self.centre) / self.spread
        return np.nan_to_num(x).astype(np.float32)

    def at(self, x: NDArray[np.float32]) -> FloatArray:
        """Return the parameters (b, k) of standardised amplitudes x (b, m)."""
        return np.asarray(x @ self.weights + self.offset, np.float64)

    def distance(self, amplitude: FloatArray) -> FloatArray:
        """Calculate the mean of x^2 over `reach` (b,): how far data (b, m) lie from the samples."""
        measured = np.isfinite(amplitude).sum(axis=1)
        square = np.square(self.standard(amplitude)).sum(axis=1)
        mean_square = square / np.maximum(measured, 1)
        return np.asarray(mean_square / self.reach, np.float64)


def held_out(n: int) -> int:
    """Return how many of n samples, the first ones, are not learned from."""
    return max(2, int(_HELD_OUT * n))


def regress(amplitude: NDArray[Any], p: FloatArray) -> Linear:
    """Learn from samples with amplitudes (n, m) and parameters (n, k)."""
    unused = held_out(len(amplitude))
    centre = amplitude.mean(axis=0, dtype=np.float64)
    least_spread = _LEAST_SPREAD * float(centre.mean())
    spread = amplitude.std(axis=0, dtype=np.float64) + least_spread
    x = ((amplitude - centre) / spread).astype(np.float32)
    offset = p[unused:].mean(axis=0)
    y = (p - offset).astype(np.float32)

    weights = _best_weights(x, y, unused)
    residual = x[:unused] @ weights - y[:unused]
    residual = residual.astype(np.float64)
    covariance = residual.T @ residual / unused
    mean_variance = np.trace(covariance) / max(len(covariance), 1)
    covariance += _JITTER * mean_variance * np.eye(len(covariance))
    mean_square = np.square(x).mean(axis=1)
    reach = float(np.quantile(mean_square, _REACH_QUANTILE))
    return Linear(
        centre=centre,
        spread=spread,
        weights=weights,
        offset=np.asarray(offset, np.float64),
        covariance=covariance,
        reach=max(reach, 1e-12),
    )


def _best_weights(
    x: NDArray[np.float32], y: NDArray[np.float32], unused: int
) -> NDArray[np.float32]:
    """Return the weights (m, k) of the penalty that is best on the first `unused` samples."""
    x_learned = x[unused:]
    y_learned = y[unused:]
    # With fewer samples than reflections the equations of the samples are the smaller ones.
    dual = len(x_learned) < x.shape[1]
    gram = x_learned @ x_learned.T if dual else x_learned.T @ x_learned
    right = y_learned if dual else x_learned.T @ y_learned
    identity = np.eye(len(gram), dtype=np.float32)
    best = np.zeros((x.shape[1], y.shape[1]), np.float32)
    least_error = np.inf
    for penalty in _LAMBDAS:
        damped = gram + np.float32(penalty * len(x_learned)) * identity
        factor = scipy.linalg.cho_factor(damped, lower=True, overwrite_a=True)
        solution = scipy.linalg.cho_solve(factor, right)
        weights = x_learned.T @ solution if dual else solution
        residual = x[:unused] @ weights - y[:unused]
        error = float(np.square(residual).sum())
        if error < least_error:
            least_error = error
            best = np.ascontiguousarray(weights, np.float32)
    return best
