"""Displacements as a linear function of amplitudes: ridge regression on simulated samples.

    x_h = (|Fo|_h - centre_h) / spread_h,   p = x W + offset,   W = (X^T X + lambda n 1)^-1 X^T Y.

Of several lambda the one is kept that is best on samples that were not used; the covariance of what it misses there is
the uncertainty of an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from argand.cell import FloatArray

__all__ = ["Linear", "held_out", "regress"]

_LAMBDAS = (0.003, 0.01, 0.03, 0.1, 0.3)
_HELD_OUT = 0.15
_FLOOR = 0.02  # of the mean amplitude: the least that counts as a difference


@dataclass(frozen=True, eq=False)
class Linear:
    """From amplitudes (b, m) on an absolute scale to parameters (b, k).

    Attributes
    ----------
    centre, spread : (m,) of the amplitudes of the samples
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
        """x (b, m); 0, what a reflection is on average, where it is NaN."""
        return np.nan_to_num((amplitude - self.centre) / self.spread).astype(np.float32)

    def at(self, x: NDArray[np.float32]) -> FloatArray:
        """p (b, k) of x (b, m)."""
        return np.asarray(x @ self.weights + self.offset, np.float64)

    def distance(self, amplitude: FloatArray) -> FloatArray:
        """How far each set lies from the samples: mean of x^2 over `reach` (b,)."""
        measured = np.maximum(np.isfinite(amplitude).sum(axis=1), 1)
        return np.asarray(
            np.square(self.standard(amplitude)).sum(axis=1) / measured / self.reach, np.float64
        )


def held_out(n: int) -> int:
    """How many of n samples, the first ones, are not learned from."""
    return max(2, int(_HELD_OUT * n))


def regress(amplitude: NDArray[Any], p: FloatArray) -> Linear:
    """Learn from samples (n, m) and their parameters (n, k)."""
    n = len(amplitude)
    held = held_out(n)
    centre = amplitude.mean(axis=0, dtype=np.float64)
    spread = amplitude.std(axis=0, dtype=np.float64) + _FLOOR * float(centre.mean())
    x = ((amplitude - centre) / spread).astype(np.float32)
    offset = p[held:].mean(axis=0)
    y = (p - offset).astype(np.float32)
    used, seen = x[held:], y[held:]
    dual = len(used) < x.shape[1]
    gram = used @ used.T if dual else used.T @ used
    right = seen if dual else used.T @ seen
    best: tuple[float, NDArray[np.float32]] | None = None
    for penalty in _LAMBDAS:
        damped = gram + np.float32(penalty * len(used)) * np.eye(len(gram), dtype=np.float32)
        found = scipy.linalg.cho_solve(
            scipy.linalg.cho_factor(damped, lower=True, overwrite_a=True), right
        )
        weights = used.T @ found if dual else found
        error = float(np.square(x[:held] @ weights - y[:held]).sum())
        if best is None or error < best[0]:
            best = error, np.ascontiguousarray(weights, np.float32)
    assert best is not None
    missed = (x[:held] @ best[1] - y[:held]).astype(np.float64)
    covariance = missed.T @ missed / held
    covariance += 1e-6 * np.trace(covariance) / max(len(covariance), 1) * np.eye(len(covariance))
    reach = float(np.quantile(np.square(x).mean(axis=1), 0.999))
    return Linear(
        centre, spread, best[1], np.asarray(offset, np.float64), covariance, max(reach, 1e-12)
    )
