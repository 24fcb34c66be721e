"""Compute medians with the uncertainty that few numbers, or numbers with outliers, leave them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from argand._numbers import real_array

__all__ = ["Median", "median_interval"]

# Random choices of the same numbers, of which each has a median: their quantiles are good to a
# tenth of the interval.
_RESAMPLES = 1000

# Quantiles between which 95 % of the medians lie.
_QUANTILES = (0.025, 0.975)


class Median(NamedTuple):
    """Hold the median of numbers, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def median_interval(values: ArrayLike) -> Median:
    """Return the median of numbers (n,), and its 95 % interval by the bootstrap.

    Numbers that are not finite are left out; NaN is returned where none is left. Equal numbers give
    equal intervals.
    """
    numbers = real_array("values", values)
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) == 0:
        return Median(np.nan, np.nan, np.nan)
    rng = np.random.default_rng(0)
    medians = [np.median(rng.choice(numbers, len(numbers))) for _ in range(_RESAMPLES)]
    low, high = np.quantile(medians, _QUANTILES)
    return Median(float(np.median(numbers)), float(low), float(high))
