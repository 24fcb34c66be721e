"""Calculate extinction as SHELXL does: a crystal shields itself from its own strong reflections.

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

# Smallest u: a least-squares step may lead to a negative x, which must not make F infinite.
_LEAST_U = 0.5
# Smallest sin(2 theta), for 000 and reflections that a wavelength does not reach.
_LEAST_SINE = 1e-6


class Extinction:
    """Apply the extinction parameter x to reflections of a crystal.

    Parameters
    ----------
    stol : (m,)
        sin(theta)/lambda of the reflections, 1/angstrom.
    wavelength
        In angstrom.

    Attributes
    ----------
    strength : (m,) g of each reflection
    """

    def __init__(self, stol: FloatArray, wavelength: float) -> None:
        sine = np.minimum(stol * wavelength, 1.0)
        sine_of_two_theta = np.maximum(2.0 * sine * np.sqrt(1.0 - sine**2), _LEAST_SINE)
        self.strength: FloatArray = 1e-3 * wavelength**3 / sine_of_two_theta

    def factor(self, squares: FloatArray, x: FloatArray | float) -> FloatArray:
        """Return y (..., m) of |F|^2 (..., m) and x, a number or (..., 1)."""
        return np.asarray(self._u(squares, x) ** -0.25)

    def adjoint(
        self, f: ComplexArray, x: FloatArray, w: NDArray[Any]
    ) -> tuple[ComplexArray, FloatArray]:
        """Turn weights w of dF* into weights of dF and dx.

        dF* = y dF + F dy, where dy = -1/4 u^(-5/4) g (2 x Re(conj(F) dF) + |F|^2 dx).

        Parameters
        ----------
        f, w : (n, m)
            F without extinction, and the weights of dF*.
        x : (n, 1)

        Returns
        -------
        v and e (n, m) with Re(conj(w) dF*) = Re(conj(v) dF) + e dx.
        """
        squares = np.square(f.real) + np.square(f.imag)
        u = self._u(squares, x)
        along = (w.conj() * f).real
        slope = np.where(u > _LEAST_U, -0.25 * u**-1.25 * self.strength, 0.0)
        by_square = slope * along
        by_f = w * u**-0.25 + 2.0 * x * by_square * f
        return by_f, by_square * squares

    def _u(self, squares: FloatArray, x: FloatArray | float) -> FloatArray:
        """Return u (..., m) of |F|^2 (..., m) and x."""
        return np.asarray(np.maximum(1.0 + x * self.strength * squares, _LEAST_U))
