"""How well a model agrees with what was measured.

    R1 = sum ||Fo| - |Fc|| / sum |Fo|,   wR2 = sqrt[sum w (Fo^2 - Fc^2)^2 / sum w (Fo^2)^2],
    GooF = sqrt[sum w r^2 / (m - k)] of m reflections and k parameters.

Fo^2 below 0 counts as |Fo| = 0. Strong reflections are those with Fo^2 > 2 sigma(Fo^2). Source: International Tables
for Crystallography C, section 8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from argand.cell import FloatArray

__all__ = ["Figures", "figures_of_merit"]


@dataclass(frozen=True, eq=False)
class Figures:
    """One number for each data set, (n,)."""

    r1: FloatArray
    r1_strong: FloatArray
    wr2: FloatArray
    goodness: FloatArray
    reflections: FloatArray  # that were seen
    strong: FloatArray


def figures_of_merit(
    intensity: FloatArray, sigma: FloatArray, calculated: FloatArray, weight: FloatArray, chi2: FloatArray, free: int
) -> Figures:
    """Of intensities (n, m), their sigmas, scaled calculated ones and weights; NaN where nothing was seen.

    `chi2` (n,) is the sum of weighted squares that was refined, `free` the number of parameters, scale included.
    """
    seen = np.isfinite(intensity)
    observed = np.where(seen, intensity, 0.0)
    amplitude = np.sqrt(np.maximum(observed, 0.0))
    off = np.where(seen, np.abs(amplitude - np.sqrt(calculated)), 0.0)
    strong = seen & (observed > 2.0 * np.where(seen, sigma, 0.0))
    weight = np.where(seen, weight, 0.0)
    count = seen.sum(axis=1).astype(np.float64)
    squares = (weight * np.square(observed)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Figures(
            r1=off.sum(axis=1) / amplitude.sum(axis=1),
            r1_strong=(off * strong).sum(axis=1) / (amplitude * strong).sum(axis=1),
            wr2=np.sqrt((weight * np.square(observed - calculated)).sum(axis=1) / squares),
            goodness=np.sqrt(chi2 / np.maximum(count - free, 1.0)),
            reflections=count,
            strong=strong.sum(axis=1).astype(np.float64),
        )
