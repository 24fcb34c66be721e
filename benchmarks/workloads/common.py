"""What all workloads need."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Cell = tuple[float, float, float, float, float, float]


def relative_error(answer: ArrayLike, truth: NDArray[Any]) -> float:
    """Largest deviation over the largest value."""
    return float(
        np.abs(np.asarray(answer).reshape(truth.shape) - truth).max() / np.abs(truth).max()
    )
