"""Extinction as SHELXL describes it: a crystal shields itself from its own strong reflections.

    F* = y F,  y = u^(-1/4),  u = 1 + x g |F|^2,  g = 0.001 lambda^3 / sin(2 theta)

with |F| on the absolute scale. Source: SHELXL manual, EXTI.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray

__all__ = ["Extinction"]

ComplexArray = NDArray[np.complex128]

_LEAST = 0.5  # of u: a least-squares step may lead to an x below 0, which must not make F infinite


class Extinction:
    """What x does to reflections (m,) at sin(theta)/lambda `stol`, measured at a wavelength in angstrom."""

    def __init__(self, stol: FloatArray, wavelength: float) -> None:
        sine = np.minimum(stol * wavelength, 1.0)
        double = np.maximum(2.0 * sine * np.sqrt(1.0 - sine**2), 1e-6)
        self.strength: FloatArray = 1e-3 * wavelength**3 / double

    def factor(self, squares: FloatArray, x: FloatArray | float) -> FloatArray:
        """y of |F|^2 (..., m) and x, a number or (..., 1)."""
        return np.asarray(self._u(squares, x) ** -0.25)

    def adjoint(
        self, f: ComplexArray, x: FloatArray, w: NDArray[Any]
    ) -> tuple[ComplexArray, FloatArray]:
        """v and e (n, m) with Re(conj(w) dF*) = Re(conj(v) dF) + e dx, of F and w (n, m) and x (n, 1).

        dF* = y dF + F dy, where dy = -1/4 u^(-5/4) g (2 x Re(conj(F) dF) + |F|^2 dx).
        """
        squares = np.square(f.real) + np.square(f.imag)
        u = self._u(squares, x)
        along = (w.conj() * f).real
        fall = np.where(u > _LEAST, -0.25 * u**-1.25 * self.strength, 0.0) * along
        return w * u**-0.25 + 2.0 * x * fall * f, fall * squares

    def _u(self, squares: FloatArray, x: FloatArray | float) -> FloatArray:
        return np.asarray(np.maximum(1.0 + x * self.strength * squares, _LEAST))
