"""One rung of an adaptation: displacements of about one width, learned from samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from argand.adapt.linear import Linear
from argand.cell import FloatArray
from argand.estimate.scale import damped, fit_scale

if TYPE_CHECKING:
    from argand.adapt.network import Network

__all__ = ["Rung"]


@dataclass(frozen=True, eq=False)
class Rung:
    """Estimate displacements of about one width from amplitudes.

    Attributes
    ----------
    width : rms displacement in three dimensions, angstrom
    expected : (m,) mean |F| of the samples
    error : (m,) standard deviation of |F| over the samples
    linear : the regression
    network : corrects the regression; None where it is no better on samples that it has not learned
    """

    width: float
    expected: FloatArray
    error: FloatArray
    linear: Linear
    network: Network | None = None

    def on_absolute_scale(self, amplitude: FloatArray, squares: FloatArray) -> FloatArray:
        """Take scale and overall B out of |F| (b, m), NaN where not measured; squares: stol^2."""
        weight = self.error**-2.0
        scale, b = fit_scale(amplitude, self.expected, squares, weight)
        factor = damped(np.ones_like(squares), scale, b, squares)
        return amplitude / factor

    def __call__(self, amplitude: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Estimate position parameters of amplitudes (b, m) on an absolute scale.

        Returns
        -------
        p, distance
            p (b, k), and how far each data set lies from the samples (b,): above 1 is rare.
        """
        x = self.linear.standard(amplitude)
        p = self.linear.at(x)
        if self.network is not None:
            p = p + self.network.beyond(x)
        return p, self.linear.distance(amplitude)

    def site_uncertainty(self, modes: FloatArray) -> FloatArray:
        """Return the standard uncertainty (n,) of sites in three dimensions; modes (k, n, 3)."""
        along = np.tensordot(self.linear.covariance, modes, axes=1)
        variance = np.einsum("knx,knx->n", along, modes)
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)))
