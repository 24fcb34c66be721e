"""Check measured intensities against those of a structure: their kind, and their likeness.

Normalised amplitudes |E| = sqrt(I / (epsilon <I>)) are compared, with <I> the mean at like
resolution: they depend on neither scale nor overall B.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured.merging import Merged
from argand.measured.statistics import intensity_statistics
from argand.measured.wilson import local_mean, statistical_weight

__all__ = [
    "amplitude_difference",
    "check_change",
    "check_kind",
    "check_relation",
    "check_signs",
    "correlation_at_low_angles",
    "expected_amplitudes",
]

# Amplitudes are negative by mistake only; more than this share of them means intensities.
_NEGATIVE_SHARE = 0.01

# Fewer reflections than this do not tell what kind they are, or whether they are related.
_ENOUGH = 50

# The width of the distribution of more reflections than this tells their kind by itself.
_MANY = 200

# Another power of few values explains them where it reduces the difference of |E| to this share.
_CLEARLY_BETTER = 0.7

# Another power of many values explains them where it reduces the difference of |E| to this share.
_BETTER = 0.9

# |ln| of the ratio of second moments that a perfect twin does not reach (3/2, 4/3).
_BEYOND_TWIN = 0.43

# ln of the ratio of second moments that a modulated structure hardly reaches; squared intensities
# have ln 3 without a centre of symmetry and more with one.
_BEYOND_WAVE = 0.69

# Displacements of 0.7 A (rms) leave exp(-2 B stol^2) of the correlation of intensities, with
# B = 8 pi^2 (0.7 A)^2 / 3 = 12.9 A^2.
_MOVED_EXPONENT = 2.0 * 12.9

# Structures have nothing to do with each other where the correlation of their amplitudes is below
# so many standard deviations.
_UNRELATED = 1.0

# Structures are related where the correlation of their amplitudes is above so many standard
# deviations.
_RELATED = 3.0

# Data of smaller completeness have to show that they are related.
_SPARSE = 0.5

# R of |E| above this is a large change of the structure.
_LARGE_CHANGE = 0.4

# Correlations beyond this have no finite Fisher transform to speak of.
_LARGEST_CORRELATION = 0.999999


def expected_amplitudes(merged: Merged, calculated: FloatArray) -> FloatArray:
    """Return |E| (n,) of a structure that scatters the intensities `calculated` (n,)."""
    return _normalised(_with_intensity(merged, calculated))


def check_signs(reflections: Reflections) -> None:
    """Refuse amplitudes of which many are negative: they are intensities."""
    if reflections.intensity is not None or reflections.amplitude is None:
        return
    amplitude = reflections.amplitude[np.isfinite(reflections.amplitude)]
    negative = int((amplitude < 0).sum())
    if negative > _NEGATIVE_SHARE * len(amplitude):
        raise ArgandError(
            f"intensities given as amplitudes: {negative} of {len(amplitude)} are negative"
        )


def check_kind(reflections: Reflections, merged: Merged, expected: FloatArray) -> None:
    """Refuse values that are intensities of the structure only when raised to another power.

    Amplitudes have to be squared, squared intensities need their roots. The width of the
    distribution of |E| decides, where it differs by more than twinning explains, or where the
    likeness to the structure confirms it. Atoms that moved together, in a wave, widen it as well,
    so that squared intensities have to be clearer than amplitudes.

    Parameters
    ----------
    reflections, merged
        Measured data, as a file lists them and merged.
    expected : (n,)
        |E| of the structure.
    """
    if len(merged.hkl) < _ENOUGH:
        return
    widths: dict[float, float] = {}
    differences: dict[float, float] = {}
    positive = np.maximum(merged.intensity, 0.0)
    for power in (1.0, 2.0, 0.5):
        amplitude = _normalised(_with_intensity(merged, positive**power))
        widths[power] = abs(np.log(_width(amplitude) / _width(expected)))
        differences[power] = float(np.abs(amplitude - expected).sum())
    best = min(widths, key=lambda power: widths[power])
    if best == 1.0:
        return
    many = len(expected) > _MANY
    too_narrow = best == 2.0
    beyond = _BEYOND_TWIN if too_narrow else _BEYOND_WAVE
    is_beyond = many and widths[1.0] > max(beyond, 2.0 * widths[best])
    # Roots of any values are nearer to 1, and so nearer to those of a structure.
    factor = _BETTER if many and too_narrow else _CLEARLY_BETTER
    is_better = differences[best] < factor * differences[1.0]
    if not (is_beyond or is_better):
        return
    if best == 2.0:
        raise ArgandError(
            "amplitudes given as intensities: squared, the values fit this structure (HKLF 3)"
        )
    if reflections.intensity is None:
        raise ArgandError(
            "intensities given as amplitudes: the values, not their squares, "
            "fit intensities of this structure"
        )
    raise ArgandError(
        "squared intensities given as intensities: their square roots fit this structure"
    )


def check_relation(merged: Merged, expected: FloatArray) -> list[str]:
    """Correlate |E| at low angles, where amplitudes of a relative follow those of the structure.

    Atoms that moved by half an angstrom do not change this. Few data, and data that are not
    related, are refused; a weak relation is a doubt.

    Parameters
    ----------
    merged
        Measured data.
    expected : (n,)
        |E| of the structure.
    """
    if len(expected) < _ENOUGH:
        return []
    correlation, sigmas = correlation_at_low_angles(merged, expected)
    if sigmas == np.inf:
        return []
    words = (
        f"at low angles their correlation with those calculated is {correlation:.2f} "
        f"({sigmas:.1f} standard deviations): another cell, content, or indexing"
    )
    is_sparse = merged.completeness < _SPARSE
    if sigmas < _UNRELATED or (sigmas < _RELATED and is_sparse):
        raise ArgandError(f"the intensities have nothing to do with this structure: {words}")
    if sigmas < _RELATED:
        return [f"the intensities hardly follow this structure: {words}, or atoms that moved far"]
    return []


def correlation_at_low_angles(merged: Merged, expected: FloatArray) -> tuple[float, float]:
    """Correlate |E| with those expected (n,), with weights that fall with the angle.

    Returns
    -------
    correlation, sigmas
        The correlation, and how many standard deviations it is above 0; 0 and infinity where one
        of the two does not vary.
    """
    measured = _normalised(merged)
    weight = np.exp(-_MOVED_EXPONENT * merged.stol**2)
    covariance = np.cov(measured, expected, aweights=weight)
    spread = float(np.sqrt(covariance[0, 0] * covariance[1, 1]))
    if spread == 0.0:
        return 0.0, np.inf
    correlation = float(covariance[0, 1]) / spread
    effective_number = float(weight.sum() ** 2 / (weight @ weight))
    # Fisher's transform of a correlation of n pairs has the standard deviation 1/sqrt(n).
    bounded = np.clip(correlation, -_LARGEST_CORRELATION, _LARGEST_CORRELATION)
    sigmas = float(np.arctanh(bounded) * np.sqrt(max(effective_number - 1.0, 1.0)))
    return correlation, sigmas


def amplitude_difference(merged: Merged, expected: FloatArray) -> float:
    """Return R(|Eo|, |Ec|) = sum ||Eo| - |Ec|| / sum |Eo| of expected |E| (n,)."""
    measured = _normalised(merged)
    return float(np.abs(measured - expected).sum() / measured.sum())


def check_change(merged: Merged, calculated: FloatArray, expected: FloatArray) -> list[str]:
    """Doubt amplitudes that differ much from those of the structure, or that look twinned.

    Parameters
    ----------
    merged
        Measured data.
    calculated, expected : (n,)
        Intensities of the structure, and its |E|.
    """
    r = amplitude_difference(merged, expected)
    if r > _LARGE_CHANGE:
        return [f"amplitudes differ much from those of the structure: R(|Eo|, |Ec|) = {r:.2f}"]
    # A structure that is nearly right is a better expectation than random atoms are.
    return intensity_statistics(merged, calculated).verdict()


def _with_intensity(merged: Merged, intensity: FloatArray) -> Merged:
    """Return merged data with other intensities (n,), which are exact."""
    return replace(merged, intensity=intensity, sigma=None)


def _normalised(merged: Merged) -> FloatArray:
    """Return |E| (n,) of merged data; 0 where the intensity is negative."""
    mean = local_mean(merged) * statistical_weight(merged)
    return np.sqrt(np.maximum(merged.intensity / mean, 0.0))


def _width(amplitude: FloatArray) -> float:
    """Return <E^4> / <E^2>^2 of normalised amplitudes."""
    z = np.square(amplitude)
    return float(np.mean(z**2) / np.mean(z) ** 2)
