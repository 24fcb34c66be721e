"""Weights of the squared residuals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from argand.cell import FloatArray
from argand.r_factors import shelxl_weight

__all__ = ["Weighting"]


@dataclass(frozen=True)
class Weighting:
    """SHELXL's a and b of refinement on F^2 (`argand.r_factors.shelxl_weight`); a = b = 0 is counting statistics alone.

    b is on the absolute scale, as in SHELXL: it is multiplied by the scale of the data.
    """

    a: float = 0.0
    b: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite([self.a, self.b]).all() and self.a >= 0.0 and self.b >= 0.0):
            raise ValueError(f"weights are a = {self.a}, b = {self.b}, need two numbers >= 0")

    @property
    def fixed(self) -> bool:
        """Whether the weights do not depend on Fc."""
        return self.a == 0.0 and self.b == 0.0

    def __call__(
        self, observed: FloatArray, sigma: FloatArray, calculated: FloatArray, scale: FloatArray
    ) -> FloatArray:
        """Weights of intensities, all on the scale of the data; `scale` (b, 1) is data over absolute."""
        if self.fixed:
            return np.asarray(sigma**-2.0)
        return shelxl_weight(observed, sigma, calculated, self.a, self.b * scale)
