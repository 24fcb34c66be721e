"""Compute figures of merit of many data sets at once: R1, wR2 and the goodness of fit.

GooF = sqrt[sum w r^2 / (m - k)] of m reflections and k parameters. `argand.r_factors` has R1 and
wR2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from argand.cell import FloatArray
from argand.r_factors import is_strong, r1, wr2

__all__ = ["Figures", "figures_of_merit"]


@dataclass(frozen=True, eq=False)
class Figures:
    """Hold figures of merit of n data sets, each an array (n,).

    Attributes
    ----------
    r1 : R1 of all measured reflections
    r1_strong : R1 of reflections with I > 2 sigma(I)
    wr2 : wR2 of all measured reflections
    goodness : goodness of fit
    reflections : number of measured reflections
    strong : number of reflections with I > 2 sigma(I)
    """

    r1: FloatArray
    r1_strong: FloatArray
    wr2: FloatArray
    goodness: FloatArray
    reflections: FloatArray
    strong: FloatArray


def figures_of_merit(
    intensity: FloatArray,
    sigma: FloatArray,
    calculated: FloatArray,
    weight: FloatArray,
    chi2: FloatArray,
    free: int,
) -> Figures:
    """Compute the figures of merit of n data sets.

    Parameters
    ----------
    intensity, sigma : (n, m)
        Measured intensities and their standard uncertainties; intensities are NaN where not
        measured.
    calculated, weight : (n, m)
        Calculated intensities on the scale of the data, and the weights of squared residuals.
    chi2 : (n,)
        The sum of weighted squares that was refined.
    free
        Number of free parameters, the scale included.
    """
    measured = np.isfinite(intensity)
    observed = np.where(measured, intensity, 0.0)
    of_model = np.where(measured, calculated, 0.0)
    strong = measured & is_strong(observed, np.where(measured, sigma, 0.0))
    count = measured.sum(axis=1).astype(np.float64)
    return Figures(
        r1=r1(observed, of_model, measured),
        r1_strong=r1(observed, of_model, strong),
        wr2=wr2(observed, of_model, np.where(measured, weight, 0.0)),
        goodness=np.sqrt(chi2 / np.maximum(count - free, 1.0)),
        reflections=count,
        strong=strong.sum(axis=1).astype(np.float64),
    )
