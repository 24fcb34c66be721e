"""Weights of the squared residuals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from argand.cell import FloatArray

__all__ = ["Weighting"]


@dataclass(frozen=True)
class Weighting:
    """w = 1 / [sigma^2 + (a P)^2 + b P] with P = (max(Fo^2, 0) + 2 Fc^2) / 3, SHELXL's scheme for refinement on F^2.

    a = b = 0 is counting statistics alone. P is on the absolute scale in SHELXL, and so is b here: it is multiplied by
    the scale of the data. Source: G. M. Sheldrick, Acta Cryst. C71 (2015) 3-8.
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
        p = (np.maximum(observed, 0.0) + 2.0 * calculated) / 3.0
        return np.asarray(1.0 / (sigma**2 + (self.a * p) ** 2 + self.b * scale * p))
