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
COPPER_FRAC = (
    (0.0, 0.0, 0.0),
    (0.0, 0.5, 0.5),
    (0.5, 0.0, 0.5),
    (0.5, 0.5, 0.0),
)


def relative_error(answer: ArrayLike, truth: NDArray[Any]) -> float:
    """Return the largest deviation of an answer over the largest value of the truth."""
    values = np.asarray(answer).reshape(truth.shape)
    deviation = np.abs(values - truth).max()
    largest = np.abs(truth).max()
    return float(deviation / largest)


def six_products(h: Any, k: Any, l: Any) -> list[Any]:
    """Return hh, kk, ll, 2hk, 2hl, 2kl, whose sum with the six components of beta is h^T beta h."""
    squares = [h * h, k * k, l * l]
    mixed = [2 * h * k, 2 * h * l, 2 * k * l]
    return squares + mixed


def six_components(tensors: Floats) -> Floats:
    """Return symmetric tensors (n, 3, 3) as (n, 6) in the order 11 22 33 12 13 23."""
    rows = [0, 1, 2, 0, 0, 1]
    columns = [0, 1, 2, 1, 2, 2]
    return tensors[:, rows, columns]
