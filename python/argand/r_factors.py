"""How well calculated intensities agree with measured ones, for one data set (m,) or many (n, m).

    R1 = sum ||Fo| - |Fc|| / sum |Fo|,   wR2 = sqrt[sum w (Fo^2 - Fc^2)^2 / sum w (Fo^2)^2]

Both sides are on one scale, Fo^2 below 0 counts as |Fo| = 0. Sources: International Tables for Crystallography C,
section 8; G. M. Sheldrick, Acta Cryst. C71 (2015) 3-8, for the weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray

__all__ = ["is_strong", "r1", "shelxl_weight", "wr2"]


def is_strong(intensity: FloatArray, sigma: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Fo^2 > 2 sigma(Fo^2)."""
    return np.asarray(intensity > 2.0 * np.asarray(sigma))


def r1(intensity: FloatArray, calculated: FloatArray, where: npt.NDArray[np.bool_]) -> FloatArray:
    """R1 of intensities over the reflections `where`; NaN where they have no intensity."""
    observed = np.sqrt(np.maximum(intensity, 0.0))
    off = np.abs(observed - np.sqrt(calculated))
    return _ratio((off * where).sum(axis=-1), (observed * where).sum(axis=-1))


def wr2(intensity: FloatArray, calculated: FloatArray, weight: FloatArray) -> FloatArray:
    """wR2 of intensities; NaN where they have no weight."""
    off = (weight * np.square(intensity - calculated)).sum(axis=-1)
    return np.sqrt(_ratio(off, (weight * np.square(intensity)).sum(axis=-1)))


def shelxl_weight(
    intensity: FloatArray, sigma: FloatArray, calculated: FloatArray, a: float, b: npt.ArrayLike
) -> FloatArray:
    """w = 1 / [sigma^2 + (a P)^2 + b P], P = (max(Fo^2, 0) + 2 Fc^2) / 3; b belongs to the scale of the intensities."""
    p = (np.maximum(intensity, 0.0) + 2.0 * calculated) / 3.0
    return np.asarray(1.0 / np.maximum(sigma**2 + (a * p) ** 2 + np.asarray(b) * p, 1e-30))


def _ratio(part: Any, whole: Any) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(part / whole)
