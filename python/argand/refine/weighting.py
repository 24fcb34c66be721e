"""Weight the squared residuals of a refinement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from argand.cell import FloatArray
from argand.r_factors import shelxl_weight

__all__ = ["Weighting"]


@dataclass(frozen=True)
class Weighting:
    """Weight intensities as SHELXL does, with its a and b (see `argand.r_factors.shelxl_weight`).

    a = b = 0 is counting statistics alone. b is on the absolute scale, as in SHELXL: it is
    multiplied by the scale of the data.
    """

    a: float = 0.0
    b: float = 0.0

    def __post_init__(self) -> None:
        finite = np.isfinite([self.a, self.b]).all()
        if not (finite and self.a >= 0.0 and self.b >= 0.0):
            raise ValueError(f"weights are a = {self.a}, b = {self.b}, need two numbers >= 0")

    @property
    def fixed(self) -> bool:
        """Tell whether the weights do not depend on calculated intensities."""
        return self.a == 0.0 and self.b == 0.0

    def __call__(
        self, observed: FloatArray, sigma: FloatArray, calculated: FloatArray, scale: FloatArray
    ) -> FloatArray:
        """Return the weights (b, m) of intensities.

        Parameters
        ----------
        observed, sigma, calculated : (b, m)
            Intensities, standard uncertainties and calculated intensities on the scale of the data.
        scale : (b, 1)
            Scale of the data over the absolute scale.
        """
        if self.fixed:
            return np.asarray(sigma**-2.0)
        return shelxl_weight(observed, sigma, calculated, self.a, self.b * scale)
