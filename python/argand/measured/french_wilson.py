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
_FAR = 1e6  # sigmas, beyond which the prior says nothing
_ROWS = 4096  # reflections at a time: their quadrature fits the cache
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
        np.asarray(intensity, float),
        np.asarray(sigma, float),
        np.asarray(expected, float),
        np.asarray(centric, bool),
    )
    for name, array in (("sigma", deviation), ("expected", mean)):
        if not (array > 0).all():
            raise ArgandError(f"{name} holds {array[~(array > 0)][0]:g}, needs numbers above 0")
    if not np.isfinite(value).all():
        raise ArgandError("intensity holds NaN or infinity")
    order = np.where(is_centric, 0.5, 1.0)
    shift = np.clip(value / deviation - deviation * order / mean, -_FAR, _FAR)  # mu / sigma
    rows = [slice(start, start + _ROWS) for start in range(0, shift.size, _ROWS)]
    parts = [_moments(shift.reshape(-1)[part], order.reshape(-1)[part]) for part in rows]
    j, sigma_j, f, sigma_f = (
        np.concatenate(parts, axis=1).reshape(4, *shift.shape) if parts else np.empty((4, 0))
    )
    found = Posterior(
        j * deviation, sigma_j * deviation, f * np.sqrt(deviation), sigma_f * np.sqrt(deviation)
    )
    root = np.sqrt(np.maximum(value, deviation))
    measured = Posterior(
        value, deviation, root, deviation / (2.0 * root)
    )  # what is far above its sigma stays
    return Posterior(*(np.where(shift < _FAR, a, b) for a, b in zip(found, measured, strict=True)))


def _moments(shift: FloatArray, order: FloatArray) -> FloatArray:
    """Mean and standard deviation of x and of sqrt(x) under x^(nu - 1) exp(-(x - h)^2/2), x > 0: (4, n).

    With x = t^2 the integrand has no root at 0, and Gauss-Legendre quadrature over where it lives is exact to 1e-9.
    """
    h, nu = shift[:, None], order[:, None]
    # x^2/2 - h x grows from its least value by _REACH/2 within these
    reach = np.sqrt(np.where(h > 0, _REACH, h**2 + _REACH))
    low, high = np.sqrt(np.maximum(h - reach, 0.0)), np.sqrt(h + reach)
    t = 0.5 * (high - low) * _NODES + 0.5 * (high + low)
    x = t * t
    # the Gaussian over its peak on x > 0; x^(nu - 1) dx = 2 t^(2 nu - 1) dt
    density = (
        _WEIGHTS
        * t ** (2.0 * nu - 1.0)
        * np.exp(-0.5 * (x - h) ** 2 + 0.5 * np.minimum(h, 0.0) ** 2)
    )
    density /= density.sum(axis=1, keepdims=True)
    means, deviations = [], []
    for power in (x, t):
        mean = (density * power).sum(axis=1)
        means.append(mean)
        # about the mean, not from the mean of squares: strong reflections would cancel
        deviations.append(np.sqrt((density * (power - mean[:, None]) ** 2).sum(axis=1)))
    return np.array([means[0], deviations[0], means[1], deviations[1]])


def amplitudes(merged: Merged) -> Posterior:
    """French and Wilson's treatment of merged data, S from the local mean intensity and epsilon."""
    if merged.sigma is None:
        raise ArgandError(
            "the intensities have no sigmas, which French and Wilson's treatment needs"
        )
    expected = local_mean(merged) * statistical_weight(merged)
    return french_wilson(
        merged.intensity, merged.sigma, expected, centric_flags(merged.hkl, merged.spacegroup)
    )
