"""Weak and negative intensities: the most that Wilson's statistics know of a true intensity and its amplitude.

A true intensity J >= 0 has the prior p(J) = exp(-J/S)/S (acentric) or exp(-J/2S)/sqrt(2 pi S J) (centric), S its
expectation; a measurement I has a Gaussian error sigma. The posterior is then

    p(J | I) ~ J^(nu - 1) exp(-(J - mu)^2 / (2 sigma^2)),   mu = I - sigma^2/S,   nu = 1    (acentric)
                                                            mu = I - sigma^2/2S,  nu = 1/2  (centric)

and every moment of J and of F = sqrt(J) a ratio of integrals of one kind.

Source: S. French and K. Wilson, Acta Cryst. A34 (1978) 517-525.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.measured.merging import Merged
from argand.measured.wilson import local_mean, statistical_weight
from argand.reflections import centric as centric_flags

__all__ = ["Posterior", "amplitudes", "french_wilson"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_REACH = 80.0  # the integrand is followed down to exp(-_REACH/2) of its peak


class Posterior(NamedTuple):
    """Expectations and standard deviations of the true intensity and the true amplitude, (n,) each."""

    intensity: FloatArray
    sigma_intensity: FloatArray
    amplitude: FloatArray
    sigma_amplitude: FloatArray


def french_wilson(
    intensity: npt.ArrayLike, sigma: npt.ArrayLike, expected: npt.ArrayLike, centric: npt.ArrayLike
) -> Posterior:
    """The true intensity and amplitude behind measured ones; always positive, unchanged where I is far above sigma.

    Parameters
    ----------
    intensity, sigma : (n,) measured, sigma > 0; intensities may be negative
    expected : (n,) S > 0, the mean intensity of such reflections, epsilon included
    centric : (n,) bool

    Raises
    ------
    ArgandError
        sigma or expected not positive.
    """
    value, deviation, mean, is_centric = np.broadcast_arrays(
        np.asarray(intensity, float), np.asarray(sigma, float), np.asarray(expected, float), np.asarray(centric, bool)
    )
    for name, array in (("sigma", deviation), ("expected", mean)):
        if not (array > 0).all():
            raise ArgandError(f"{name} holds {array[~(array > 0)][0]:g}, needs numbers above 0")
    order = np.where(is_centric, 0.5, 1.0)
    shift = value / deviation - deviation * order / mean  # mu / sigma
    norm, half, one, two = _integrals(shift, order)
    unit = np.sqrt(deviation)
    amplitude, j, j_squared = half / norm * unit, one / norm * deviation, two / norm * deviation**2
    return Posterior(
        j,
        np.sqrt(np.maximum(j_squared - j**2, 0.0)),
        amplitude,
        np.sqrt(np.maximum(j - amplitude**2, 0.0)),
    )


def _integrals(shift: FloatArray, order: FloatArray) -> tuple[FloatArray, ...]:
    """integral_0^inf x^(nu - 1 + p) exp(-(x - h)^2/2) dx for p = 0, 1/2, 1, 2, up to a common factor.

    With x = t^2 the integrand has no root at 0, and Gauss-Legendre quadrature over where it lives is exact to 1e-10.
    """
    h, nu = shift.reshape(-1, 1), order.reshape(-1, 1)
    # x^2/2 - h x grows from its least value by _REACH/2 within these
    reach = np.sqrt(np.where(h > 0, _REACH, h**2 + _REACH))
    low, high = np.sqrt(np.maximum(h - reach, 0.0)), np.sqrt(h + reach)
    t = 0.5 * (high - low) * _NODES + 0.5 * (high + low)
    x = t * t
    exponent = -0.5 * (x - h) ** 2 + np.where(h < 0, 0.5 * h**2, 0.0)
    # x^(nu-1) dx = 2 t^(2 nu - 1) dt
    density = _WEIGHTS * (high - low) * t ** (2.0 * nu - 1.0) * np.exp(exponent)
    return tuple((density * power).sum(axis=1).reshape(shift.shape) for power in (1.0, t, x, x * x))


def amplitudes(merged: Merged) -> Posterior:
    """French and Wilson's treatment of merged data, S from the local mean intensity and epsilon."""
    if merged.sigma is None:
        raise ArgandError("the intensities have no sigmas, which French and Wilson's treatment needs")
    expected = local_mean(merged) * statistical_weight(merged)
    return french_wilson(merged.intensity, merged.sigma, expected, centric_flags(merged.hkl, merged.spacegroup))
