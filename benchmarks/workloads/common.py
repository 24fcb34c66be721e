"""Types and the measure of error that all workloads share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Cell = tuple[float, float, float, float, float, float]
Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: The cell of fcc copper, and its atoms before one of them is moved.
COPPER_CELL: Cell = (3.615, 3.615, 3.615, 90.0, 90.0, 90.0)
COPPER_FRAC = ((0.0, 0.0, 0.0), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0))


def relative_error(answer: ArrayLike, truth: NDArray[Any]) -> float:
    """Return the largest deviation of an answer over the largest value of the truth."""
    deviation = np.abs(np.asarray(answer).reshape(truth.shape) - truth)
    return float(deviation.max() / np.abs(truth).max())
