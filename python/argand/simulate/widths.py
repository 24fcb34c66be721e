"""How large a random change is: one number, or a range from which every sample draws its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.simulate.random import Purpose, uniforms

__all__ = ["Width", "check_width", "draw_widths", "upper"]

#: A fixed number, or (lowest, highest)
Width = float | Sequence[float]


# No width of a crystal or of a measurement is larger; squares and products stay finite.
_LARGEST = 1e6


def check_width(name: str, width: Width, *, low: float = 0.0, high: float = _LARGEST) -> None:
    """Raise a ValueError where a width is neither a number nor a range within bounds."""
    try:
        values = np.atleast_1d(np.asarray(width, dtype=np.float64))
    except (TypeError, ValueError, OverflowError):
        values = np.empty((0, 0))
    is_range = values.ndim == 1 and values.size in (1, 2)
    if is_range and np.isfinite(values).all():
        first, last = values[0], values[-1]
        if low <= first <= last <= high:
            return
    raise ValueError(
        f"{name} is {width}, needs a number or a range (low, high) from {low:g} to {high:g}"
    )


def upper(width: Width) -> float:
    """Return the largest number that a width may draw."""
    return float(np.max(width))


def draw_widths(
    widths: Sequence[Width],
    seed: int,
    index: NDArray[np.int64],
    purpose: Purpose,
) -> FloatArray:
    """Draw the widths of each sample, uniform in their ranges: (samples, widths)."""
    if not widths:
        return np.empty((len(index), 0))
    low = np.array([np.min(width) for width in widths], dtype=np.float64)
    high = np.array([np.max(width) for width in widths], dtype=np.float64)
    uniform = uniforms(seed, index, len(widths), purpose)
    return low + uniform * (high - low)
