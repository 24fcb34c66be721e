"""Estimate how far atoms have moved from R(|Fo|, |F0|), read off a curve of simulated samples.

The samples have the errors of measurements, so that noise alone does not look like movement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from argand.cell import FloatArray

__all__ = ["WidthCurve"]

# More bins follow the noise of the samples, fewer lose the shape of the curve.
_MOST_BINS = 24

# A mean of fewer samples is noise itself.
_SAMPLES_PER_BIN = 8


@dataclass(frozen=True, eq=False)
class WidthCurve:
    """Map R against the known structure to the width of the displacements.

    Attributes
    ----------
    r : (j,) R, rising
    width : (j,) expected rms displacement in three dimensions, angstrom, rising
    """

    r: FloatArray
    width: FloatArray

    @classmethod
    def of_samples(cls, r: FloatArray, width: FloatArray) -> WidthCurve:
        """Make the curve of samples with R (n,) whose atoms were moved by `width` (n,).

        It connects geometric means of the width in bins of equally many samples.
        """
        rising = np.argsort(r, kind="stable")
        bins = min(_MOST_BINS, max(2, len(rising) // _SAMPLES_PER_BIN))
        medians = []
        means = []
        for samples in np.array_split(rising, bins):
            medians.append(np.median(r[samples]))
            mean_log = np.log(width[samples]).mean()
            means.append(np.exp(mean_log))
        return cls(np.maximum.accumulate(medians), np.maximum.accumulate(means))

    def __call__(self, r: FloatArray) -> FloatArray:
        """Return the width (b,), angstrom, that belongs to R (b,)."""
        return np.asarray(np.interp(r, self.r, self.width))
