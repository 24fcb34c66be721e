"""Estimate true intensities and amplitudes behind weak and negative measured intensities.

A true intensity J >= 0 has the prior p(J) = exp(-J/S)/S (acentric) or exp(-J/2S)/sqrt(2 pi S J)
(centric), S its expectation; a measurement I has a Gaussian error sigma. The posterior is then

    p(J | I) ~ J^(nu - 1) exp(-(J - mu)^2 / (2 sigma^2)),

    mu = I - sigma^2/S,   nu = 1    (acentric),
    mu = I - sigma^2/2S,  nu = 1/2  (centric),

and every moment of J and of F = sqrt(J) is a ratio of integrals of one kind.

Source: S. French and K. Wilson, Acta Cryst. A34 (1978) 517-525.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from argand._numbers import real_array
from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.measured.merging import Merged
from argand.measured.wilson import local_mean, statistical_weight
from argand.reflections import centric as centric_flags

__all__ = ["Posterior", "amplitudes", "french_wilson"]

# Gauss-Legendre quadrature of so many points is exact to 1e-9 over the range of the integrand.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)

# So many sigma above 0 the prior has no effect on the posterior.
_FAR = 1e6

# Reflections at a time: their quadrature fits the cache.
_ROWS = 4096

# The integrand is followed down to exp(-_REACH/2) of its peak.
_REACH = 80.0


class Posterior(NamedTuple):
    """Hold expectations and standard deviations of true intensity and amplitude, (n,) each."""

    intensity: FloatArray
    sigma_intensity: FloatArray
    amplitude: FloatArray
    sigma_amplitude: FloatArray


def french_wilson(
    intensity: npt.ArrayLike, sigma: npt.ArrayLike, expected: npt.ArrayLike, centric: npt.ArrayLike
) -> Posterior:
    """Estimate the true intensities and amplitudes behind measured intensities.

    The estimates are positive, and those of I far above sigma are the measured values.

    Parameters
    ----------
    intensity, sigma : (n,)
        Measured intensity, which may be negative, and its standard uncertainty, above 0.
    expected : (n,)
        Mean intensity S of such reflections, epsilon included, above 0.
    centric : (n,) bool
        Which reflections are centric.

    Raises
    ------
    ArgandError
        sigma or expected is not positive, or intensity is not finite.
    """
    measured, deviation, mean, is_centric = np.broadcast_arrays(
        real_array("intensity", intensity),
        real_array("sigma", sigma),
        real_array("expected", expected),
        np.asarray(centric, bool),
    )
    _check_positive("sigma", deviation)
    _check_positive("expected", mean)
    if not np.isfinite(measured).all():
        raise ArgandError("intensity holds NaN or infinity")
    nu = np.where(is_centric, 0.5, 1.0)
    # mu / sigma
    shift = np.clip(measured / deviation - deviation * nu / mean, -_FAR, _FAR)
    moments = _moments_in_parts(shift.reshape(-1), nu.reshape(-1))
    j, sigma_j, f, sigma_f = moments.reshape(4, *shift.shape)
    # The moments belong to sigma = 1.
    root_deviation = np.sqrt(deviation)
    posterior = Posterior(
        j * deviation, sigma_j * deviation, f * root_deviation, sigma_f * root_deviation
    )
    root = np.sqrt(np.maximum(measured, deviation))
    unchanged = Posterior(measured, deviation, root, deviation / (2.0 * root))
    is_near = shift < _FAR
    return Posterior(
        np.where(is_near, posterior.intensity, unchanged.intensity),
        np.where(is_near, posterior.sigma_intensity, unchanged.sigma_intensity),
        np.where(is_near, posterior.amplitude, unchanged.amplitude),
        np.where(is_near, posterior.sigma_amplitude, unchanged.sigma_amplitude),
    )


def amplitudes(merged: Merged) -> Posterior:
    """Estimate true intensities and amplitudes of merged data, S from their local mean and epsilon.

    Raises
    ------
    ArgandError
        The data have no sigmas, or no shell of them has a positive mean.
    """
    if merged.sigma is None:
        raise ArgandError(
            "the intensities have no sigmas, which French and Wilson's treatment needs"
        )
    expected = local_mean(merged) * statistical_weight(merged)
    is_centric = centric_flags(merged.hkl, merged.spacegroup)
    return french_wilson(merged.intensity, merged.sigma, expected, is_centric)


def _check_positive(name: str, values: FloatArray) -> None:
    """Refuse an argument that holds 0, a negative number or NaN."""
    positive = values > 0
    if not positive.all():
        raise ArgandError(f"{name} holds {values[~positive][0]:g}, needs numbers above 0")


def _moments_in_parts(shift: FloatArray, nu: FloatArray) -> FloatArray:
    """Return the moments (4, n) of `_moments`, calculated for some thousand rows at a time."""
    parts = [np.empty((4, 0))]
    for start in range(0, len(shift), _ROWS):
        rows = slice(start, start + _ROWS)
        parts.append(_moments(shift[rows], nu[rows]))
    return np.concatenate(parts, axis=1)


def _moments(shift: FloatArray, nu_rows: FloatArray) -> FloatArray:
    """Return mean and deviation of x, and of sqrt(x), under x^(nu - 1) exp(-(x - h)^2/2), x > 0.

    With x = t^2 the integrand has no root at 0.

    Parameters
    ----------
    shift, nu_rows : (n,)
        h and nu.

    Returns
    -------
    (4, n)
        Mean and standard deviation of x, mean and standard deviation of sqrt(x).
    """
    h = shift[:, None]
    nu = nu_rows[:, None]
    # Within these limits x^2/2 - h x grows from its least value by _REACH/2.
    reach = np.sqrt(np.where(h > 0, _REACH, h**2 + _REACH))
    low = np.sqrt(np.maximum(h - reach, 0.0))
    high = np.sqrt(h + reach)
    t = 0.5 * (high - low) * _NODES + 0.5 * (high + low)
    x = t * t
    # The Gaussian over its peak on x > 0; x^(nu - 1) dx = 2 t^(2 nu - 1) dt.
    gaussian = np.exp(-0.5 * (x - h) ** 2 + 0.5 * np.minimum(h, 0.0) ** 2)
    density = _WEIGHTS * t ** (2.0 * nu - 1.0) * gaussian
    density /= density.sum(axis=1, keepdims=True)
    moments: list[FloatArray] = []
    for quantity in (x, t):
        mean = (density * quantity).sum(axis=1)
        # Second moment about the mean: the mean of squares less the square cancels for strong F.
        variance = (density * (quantity - mean[:, None]) ** 2).sum(axis=1)
        moments += [mean, np.sqrt(variance)]
    return np.array(moments)
