"""Calculate how well intensities agree with measured ones, for one data set (m,) or many (n, m).

    R1 = sum ||Fo| - |Fc|| / sum |Fo|,   wR2 = sqrt[sum w (Fo^2 - Fc^2)^2 / sum w (Fo^2)^2]

Measured and calculated intensities are on one scale; Fo^2 below 0 counts as |Fo| = 0. Sources:
International Tables for Crystallography C, section 8; G. M. Sheldrick, Acta Cryst. C71 (2015) 3-8,
for the weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray

__all__ = ["is_strong", "r1", "shelxl_weight", "wr2"]

# Smallest 1/w: a sigma of 0 must not give a reflection an infinite weight.
_LEAST_VARIANCE = 1e-30


def is_strong(
    intensity: FloatArray, sigma: npt.ArrayLike, sigmas: float = 2.0
) -> npt.NDArray[np.bool_]:
    """Tell which reflections have Fo^2 > 2 sigma(Fo^2), or more than another number of sigmas."""
    return np.asarray(intensity > sigmas * np.asarray(sigma))


def r1(intensity: FloatArray, calculated: FloatArray, where: npt.NDArray[np.bool_]) -> FloatArray:
    """Return R1 over the reflections `where`; NaN for data sets without intensity there.

    `intensity` and `calculated` are Fo^2 and Fc^2 (..., m); the result is (...).
    """
    observed = np.sqrt(np.maximum(intensity, 0.0))
    residual = np.abs(observed - np.sqrt(calculated))
    residuals = (residual * where).sum(axis=-1)
    amplitudes = (observed * where).sum(axis=-1)
    return _ratio(residuals, amplitudes)


def wr2(intensity: FloatArray, calculated: FloatArray, weight: FloatArray) -> FloatArray:
    """Return wR2 of Fo^2, Fc^2 and weights (..., m) as (...); NaN for data sets without weight."""
    residual = np.square(intensity - calculated)
    residuals = (weight * residual).sum(axis=-1)
    squares = (weight * np.square(intensity)).sum(axis=-1)
    return np.sqrt(_ratio(residuals, squares))


def shelxl_weight(
    intensity: FloatArray, sigma: FloatArray, calculated: FloatArray, a: float, b: npt.ArrayLike
) -> FloatArray:
    """Return SHELXL's weights w = 1 / [sigma^2 + (a P)^2 + b P], P = (max(Fo^2, 0) + 2 Fc^2) / 3.

    `intensity`, `sigma` and `calculated` are Fo^2, its standard uncertainty and Fc^2 (..., m) on
    one scale, to which b belongs.
    """
    p = (np.maximum(intensity, 0.0) + 2.0 * calculated) / 3.0
    variance = sigma**2 + (a * p) ** 2 + np.asarray(b) * p
    variance = np.maximum(variance, _LEAST_VARIANCE)
    return np.asarray(1.0 / variance)


def _ratio(part: Any, whole: Any) -> FloatArray:
    """Return part / whole, NaN or infinity without a warning where `whole` is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(part / whole)
