"""How large a random change is: one number, or a range from which every sample draws its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from argand.simulate.random import Purpose, uniforms

__all__ = ["Width", "check_width", "draw_widths", "upper"]

#: A fixed number, or (lowest, highest)
Width = float | Sequence[float]


def check_width(name: str, width: Width, *, low: float = 0.0, high: float = np.inf) -> None:
    """A ValueError names what is neither a number nor a range within `low` to `high`."""
    values = np.atleast_1d(np.asarray(width, dtype=np.float64))
    sound = (
        values.ndim == 1
        and values.size in (1, 2)
        and np.isfinite(values).all()
        and values[0] <= values[-1]
    )
    if not sound or values[0] < low or values[-1] > high:
        raise ValueError(
            f"{name} is {width}, needs a number or a range (low, high) from {low:g} to {high:g}"
        )


def upper(width: Width) -> float:
    """The largest that a width may become."""
    return float(np.max(width))


def draw_widths(
    widths: Sequence[Width], seed: int, index: npt.NDArray[np.int64], purpose: Purpose
) -> npt.NDArray[np.float64]:
    """(samples, widths): each uniform in its range."""
    if not widths:
        return np.empty((len(index), 0))
    bounds = np.array([(np.min(width), np.max(width)) for width in widths], dtype=np.float64)
    share = uniforms(seed, index, len(widths), purpose)
    return bounds[:, 0] + share * (bounds[:, 1] - bounds[:, 0])
