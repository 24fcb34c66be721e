"""How well models agree with what was measured, many data sets at once.

GooF = sqrt[sum w r^2 / (m - k)] of m reflections and k parameters; R1 and wR2: see `argand.r_factors`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from argand.cell import FloatArray
from argand.r_factors import is_strong, r1, wr2

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
    intensity: FloatArray,
    sigma: FloatArray,
    calculated: FloatArray,
    weight: FloatArray,
    chi2: FloatArray,
    free: int,
) -> Figures:
    """Of intensities (n, m), their sigmas, scaled calculated ones and weights; NaN where nothing was seen.

    `chi2` (n,) is the sum of weighted squares that was refined, `free` the number of parameters, scale included.
    """
    seen = np.isfinite(intensity)
    observed, of_model = np.where(seen, intensity, 0.0), np.where(seen, calculated, 0.0)
    strong = seen & is_strong(observed, np.where(seen, sigma, 0.0))
    count = seen.sum(axis=1).astype(np.float64)
    return Figures(
        r1=r1(observed, of_model, seen),
        r1_strong=r1(observed, of_model, strong),
        wr2=wr2(observed, of_model, np.where(seen, weight, 0.0)),
        goodness=np.sqrt(chi2 / np.maximum(count - free, 1.0)),
        reflections=count,
        strong=strong.sum(axis=1).astype(np.float64),
    )
