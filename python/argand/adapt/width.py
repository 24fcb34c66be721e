"""How far the atoms have moved, from how much the amplitudes differ: R(|Fo|, |F0|) read off a curve.

The curve is that of simulated samples, measured with the same errors, so that noise alone does not look like movement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from argand.cell import FloatArray

__all__ = ["WidthCurve"]

_BINS = 24


@dataclass(frozen=True, eq=False)
class WidthCurve:
    """The expected width (j,), angstrom, that belongs to an R (j,), both rising."""

    r: FloatArray
    width: FloatArray

    @classmethod
    def of_samples(cls, r: FloatArray, width: FloatArray) -> WidthCurve:
        """Of samples with R (n,) whose atoms were moved by `width` (n,): geometric means in bins of equal size."""
        order = np.argsort(r, kind="stable")
        bins = np.array_split(order, min(_BINS, max(2, len(order) // 8)))
        middle = np.array([np.median(r[own]) for own in bins])
        mean = np.exp([np.log(width[own]).mean() for own in bins])
        return cls(np.maximum.accumulate(middle), np.maximum.accumulate(mean))

    def __call__(self, r: FloatArray) -> FloatArray:
        return np.asarray(np.interp(r, self.r, self.width))
