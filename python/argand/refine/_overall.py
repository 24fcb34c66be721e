"""Apply what acts on a whole crystal: an overall B, and extinction.

F = y exp(-b stol^2) G, where G is the sum over the sites, b the overall B and y the extinction
(`argand.extinction`), each where the model has it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from argand._numbers import LARGEST, real_number
from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.extinction import Extinction
from argand.radiation import Radiation
from argand.refine.parameters import Parameters

ComplexArray = NDArray[np.complex128]


class OverallFactors:
    """Multiply sums over sites by the factors of the whole crystal, and give their derivatives.

    Parameters
    ----------
    parameters
        The k free parameters; only the kinds 'overall_b' and 'extinction' are used here.
    stol : (m,)
        sin(theta)/lambda of the reflections, 1/angstrom.
    extinction
        SHELXL's x where all parameters are 0.
    radiation
        Its wavelength is needed where there is extinction.
    """

    def __init__(
        self,
        parameters: Parameters,
        stol: FloatArray,
        extinction: float,
        radiation: Radiation,
    ) -> None:
        self._b_columns = parameters.of_kind("overall_b")
        self._x_columns = parameters.of_kind("extinction")
        self._x_start = real_number("extinction", extinction)
        if not abs(self._x_start) <= LARGEST:
            raise ArgandError(f"extinction is {extinction}, needs SHELXL's x, which is finite")
        self._squares = np.square(stol)
        self._extinction: Extinction | None = None
        if self._x_start or len(self._x_columns):
            if radiation.wavelength is None:
                raise ArgandError(
                    "extinction depends on the wavelength: needs a radiation with one"
                )
            self._extinction = Extinction(stol, radiation.wavelength)

    @property
    def columns(self) -> NDArray[np.intp]:
        """Return the numbers of the free parameters of the whole crystal, in `adjoint`'s order."""
        return np.concatenate([self._x_columns, self._b_columns])

    @property
    def absent(self) -> bool:
        """Tell whether there is neither an overall B nor extinction, so that F = G."""
        return len(self._b_columns) == 0 and self._extinction is None

    def overall_b(self, p: FloatArray) -> FloatArray:
        """Return the overall B (n,) in A^2 of parameters p (n, k)."""
        return np.asarray(p[:, self._b_columns].sum(axis=1))

    def extinction(self, p: FloatArray) -> FloatArray:
        """Return SHELXL's x (n,) of parameters p (n, k)."""
        return np.asarray(self._x_start + p[:, self._x_columns].sum(axis=1))

    def apply(self, p: FloatArray, sums: ComplexArray) -> ComplexArray:
        """Return F (n, m) of the sums over sites G (n, m) at parameters p (n, k)."""
        f = self._damped(p, sums)
        if self._extinction is None:
            return f
        squares = np.square(f.real) + np.square(f.imag)
        return f * self._extinction.factor(squares, self.extinction(p)[:, None])

    def adjoint(
        self, p: FloatArray, sums: ComplexArray, weights: ComplexArray
    ) -> tuple[ComplexArray, dict[int, FloatArray]]:
        """Turn weights of dF into weights of dG and of the parameters of the whole crystal.

        Parameters
        ----------
        p : (n, k)
        sums : (n, m)
            G, the sums over sites.
        weights : (n, m)
            w.

        Returns
        -------
        v (n, m), and e_q (n, m) by the number q of each parameter of the whole crystal, with
        Re(conj(w) dF) = Re(conj(v) dG) + sum_q e_q dq.
        """
        by_parameter: dict[int, FloatArray] = {}
        f = self._damped(p, sums)
        if self._extinction is not None:
            x = self.extinction(p)[:, None]
            weights, by_x = self._extinction.adjoint(f, x, weights)
            for column in self._x_columns.tolist():
                by_parameter[column] = by_x
        by_b = -self._squares * (weights.conj() * f).real
        for column in self._b_columns.tolist():
            by_parameter[column] = by_b
        return self._damped(p, weights), by_parameter

    def _damped(self, p: FloatArray, values: ComplexArray) -> ComplexArray:
        """Return values (n, m) times exp(-b stol^2)."""
        if not len(self._b_columns):
            return values
        b = self.overall_b(p)[:, None]
        return values * np.exp(-b * self._squares)
