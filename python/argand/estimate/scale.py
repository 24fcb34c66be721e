"""Scale and overall B between measured and expected amplitudes.

    (k, B) = argmin sum_h w_h (o_h - k exp(-B stol_h^2) c_h)^2
             + (B / 5 A^2)^2 sum_h w_h o_h^2 / 1000,

by Gauss-Newton steps in (ln k, B). The second term holds B at 0 where the data do not determine it.
"""

from __future__ import annotations

import numpy as np

from argand.cell import FloatArray

__all__ = ["best_scale", "damped", "disagreement", "fit_scale"]

# Gauss-Newton steps: the fit is nearly linear, so that few are enough.
_CYCLES = 6

# Width of the prior of B, A^2.
_B_WIDTH = 5.0

# The prior counts as much as this part of the reflections.
_PRIOR_WEIGHT = 0.001

# Most change of ln k, and of B (A^2), in one step.
_SCALE_STEP = 1.0
_B_STEP = 2.0

_TINY = np.finfo(float).tiny


def fit_scale(
    observed: FloatArray,
    expected: FloatArray,
    squares: FloatArray,
    weight: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Fit the scale k and the overall B of b data sets by weighted least squares.

    Parameters
    ----------
    observed
        |F| (b, m), NaN where not measured.
    expected
        Expected |F|, (m,) or (b, m).
    squares
        stol^2 (m,) in 1/A^2.
    weight
        Weights (m,) or (b, m); None: all alike.

    Returns
    -------
    k, B
        (b,) each, B in A^2.
    """
    measured = np.isfinite(observed)
    o = np.where(measured, observed, 0.0)
    w = measured * (1.0 if weight is None else weight)
    unscaled = np.broadcast_to(expected, o.shape)
    product = np.einsum("bm,bm,bm->b", w, o, unscaled)
    square = np.einsum("bm,bm,bm->b", w, unscaled, unscaled)
    k = product / np.maximum(square, _TINY)
    log_k = np.log(np.maximum(k, 1e-30))
    b = np.zeros(len(o))
    power = np.einsum("bm,bm,bm->b", w, o, o)
    stiffness = power / (_B_WIDTH**2 / _PRIOR_WEIGHT) + _TINY
    for _ in range(_CYCLES):
        exponent = log_k[:, None] - b[:, None] * squares
        calculated = np.exp(exponent) * unscaled
        residual = o - calculated
        weighted = w * calculated
        # Gradient and normal matrix by (ln k, B): d calculated / d ln k = calculated,
        # d calculated / d B = -stol^2 calculated.
        slope = weighted * residual
        gradient_k = slope.sum(axis=1)
        gradient_b = -slope @ squares - stiffness * b
        curvature = weighted * calculated
        normal_kk = curvature.sum(axis=1)
        normal_kb = -curvature @ squares
        normal_bb = curvature @ np.square(squares) + stiffness
        determinant = normal_kk * normal_bb - normal_kb**2
        determinant = np.maximum(determinant, _TINY)
        step_k = (normal_bb * gradient_k - normal_kb * gradient_b) / determinant
        step_b = (normal_kk * gradient_b - normal_kb * gradient_k) / determinant
        log_k = log_k + np.clip(step_k, -_SCALE_STEP, _SCALE_STEP)
        b = b + np.clip(step_b, -_B_STEP, _B_STEP)
    return np.exp(log_k), b


def damped(amplitude: FloatArray, k: FloatArray, b: FloatArray, squares: FloatArray) -> FloatArray:
    """Calculate k exp(-B stol^2) |F| (b, m) of |F|, (m,) or (b, m), and k and B (b,)."""
    damping = np.exp(-b[:, None] * squares)
    return np.asarray(amplitude * (k[:, None] * damping))


def best_scale(observed: FloatArray, calculated: FloatArray) -> FloatArray:
    """Return the least-squares scale (b,) of measured |F| (b, m) over calculated."""
    measured = np.isfinite(observed)
    o = np.where(measured, observed, 0.0)
    c = measured * calculated
    product = (o * c).sum(axis=1)
    square = np.square(c).sum(axis=1)
    return np.asarray(product / np.maximum(square, _TINY))


def disagreement(observed: FloatArray, calculated: FloatArray) -> FloatArray:
    """Calculate R (b,) = sum |o - c| / sum o over the measured reflections of (b, m)."""
    measured = np.isfinite(observed)
    o = np.where(measured, observed, 0.0)
    residual = np.where(measured, np.abs(o - calculated), 0.0)
    total = np.maximum(o.sum(axis=1), _TINY)
    return np.asarray(residual.sum(axis=1) / total)
