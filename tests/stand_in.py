"""A known crystal, and an estimator slow enough that a series can be killed halfway."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

import argand
from argand.estimate.estimate import PLAIN
from argand.estimate.least_squares import LeastSquares

KNOWN = argand.Crystal(
    cell=(7.0, 8.0, 9.0, 90.0, 97.0, 90.0),
    spacegroup="P 1 21/c 1",
    types=("C", "N", "O", "S"),
    labels=("C1", "N1", "O1", "S1"),
    frac=np.array([[0.1, 0.1, 0.2], [0.3, 0.2, 0.1], [0.2, 0.4, 0.3], [0.4, 0.35, 0.15]]),
    b_iso=2.0,
)


class Slow(LeastSquares):
    """Least squares that wait for ARGAND_TEST_PAUSE seconds before each data set."""

    def __call__(self, data: Any, *, refine: bool, options: Any = PLAIN) -> Any:
        """Wait, then refine a data set."""
        pause = float(os.environ.get("ARGAND_TEST_PAUSE", "0"))
        time.sleep(pause)
        return super().__call__(data, refine=refine, options=options)
