"""Give measured amplitudes the phases of a structure, on its absolute scale: coefficients of maps.

Coefficients are 2Fo - Fc and Fo - Fc without weights: for the nearly complete structures of small
molecules and minerals the weights m and D of sigma-A are close to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured.agreement import agreement, calculated_intensity, f_with_radiation
from argand.measured.merging import Merged, usable
from argand.measured.wilson import shells, statistical_weight
from argand.radiation import Radiation
from argand.reflections import HklArray, centric

__all__ = [
    "ScaledPhases",
    "amplitude_sigma",
    "density_structure_factors",
    "phase_by_crystal",
    "phases_of_list",
]

# Amplitudes that differ by less than this share of the mean amplitude are as good as equal: the
# figure of merit stays below 1.
_LEAST_DIFFERENCE = 1e-3

# A calculated intensity below this share of the mean is as good as 0, and corrects nothing.
_LEAST_SHARE = 1e-9

_X_RAYS = Radiation()


@dataclass(frozen=True, eq=False)
class ScaledPhases:
    """Hold amplitudes and phases of the density of a crystal.

    Without atoms the scale is that of the data, and nothing is calculated.

    Parameters
    ----------
    hkl : (n, 3)
        Unique reflections.
    observed : (n,) complex
        Measured |F|, without the effects of dispersion, extinction and twinning, with the best
        phase.
    sigma : (n,)
        Standard uncertainty of the measured |F|; NaN without one.
    calculated : (n,) complex
        F of the atoms' density; None without atoms.
    merit : (n,)
        Figure of merit, the expected cosine of the error of the phase; None without atoms.
    scale
        k of |Fo| = k |Fc|: measured amplitudes were divided by it.
    """

    hkl: HklArray
    observed: NDArray[np.complex128]
    sigma: FloatArray
    calculated: NDArray[np.complex128] | None
    merit: FloatArray | None
    scale: float

    @property
    def density_coefficients(self) -> NDArray[np.complex128]:
        """Return coefficients (n,) of the best density: 2Fo - Fc, or Fo without atoms."""
        if self.calculated is None:
            return self.observed
        return 2.0 * self.observed - self.calculated

    @property
    def difference_coefficients(self) -> NDArray[np.complex128] | None:
        """Return coefficients (n,) Fo - Fc of the difference density; None without atoms."""
        return None if self.calculated is None else self.observed - self.calculated


def phase_by_crystal(
    merged: Merged,
    crystal: Crystal,
    *,
    amplitude: FloatArray | None = None,
    radiation: Radiation = _X_RAYS,
    extinction: float | None = None,
    twin: Sequence[float] | None = None,
    fraction: ArrayLike = 0.0,
    weights: Sequence[float] = (),
) -> ScaledPhases:
    """Scale measured amplitudes to a structure, and give them its phases.

    |Fo| = |F| (I / I_c)^(1/2) / k, where I is measured, I_c is calculated as it would be measured,
    with dispersion, extinction and twinning, and F is that of the real density of the atoms: what
    is left in the difference map is not explained by these effects.

    Parameters
    ----------
    merged
        Measured intensities, with Friedel mates merged.
    crystal
        Structure on the same axes.
    amplitude : (n,)
        Square roots of the intensities; None takes 0 where an intensity is negative, as SHELXL
        does.
    radiation
        Form factors, with dispersion where the radiation includes it.
    extinction, twin, fraction
        See `argand.measured.calculated_intensity`.
    weights
        SHELXL's a and b, by which the scale is fitted.

    Raises
    ------
    ArgandError
        All calculated intensities are 0.
    """
    if amplitude is None:
        amplitude = np.sqrt(np.maximum(merged.intensity, 0.0))
    measurable = calculated_intensity(
        crystal,
        merged.hkl,
        radiation=radiation,
        extinction=extinction,
        twin=twin,
        fraction=fraction,
    )
    scale = agreement(measurable, merged.intensity, merged.sigma, weights).scale
    if not scale > 0.0:
        raise ArgandError("the intensities have no scale: their sum is not above 0")
    calculated = density_structure_factors(crystal, merged.hkl, radiation)
    correction = np.ones(len(amplitude))
    is_strong = measurable > _LEAST_SHARE * measurable.mean()
    squared = np.abs(calculated[is_strong]) ** 2
    correction[is_strong] = np.sqrt(squared / measurable[is_strong])
    observed = correction * amplitude / scale
    sigma = correction * amplitude_sigma(merged, amplitude) / scale
    merit = _figure_of_merit(merged, observed, np.abs(calculated))
    phased = observed * np.exp(1j * np.angle(calculated))
    return ScaledPhases(merged.hkl, phased, sigma, calculated, merit, scale)


def phases_of_list(reflections: Reflections) -> ScaledPhases:
    """Scale the measured amplitudes of a list to those that it has calculated, with its phases.

    Such lists are SHELXL's FCF of LIST 6, mmCIF and MTZ files of a refinement. The scale
    minimises sum (|Fo| - k |Fc|)^2. Reflections without one of the values, flagged ones and F(000)
    are left out.

    Raises
    ------
    ArgandError
        The list lacks measured values, calculated amplitudes, or phases.
    """
    modulus, phase = reflections.amplitude_calc, reflections.phase
    if modulus is None or phase is None:
        raise ArgandError("has no calculated amplitudes with phases, needs a known structure")
    intensity, sigma_intensity = reflections.intensities()
    rows = usable(reflections) & np.isfinite(intensity) & np.isfinite(modulus) & np.isfinite(phase)
    if not rows.any():
        raise ArgandError("no reflection has a measured and a calculated amplitude with a phase")
    calculated = modulus[rows] * np.exp(1j * phase[rows])
    amplitude = np.sqrt(np.maximum(intensity[rows], 0.0))
    scale = agreement(modulus[rows] ** 2, intensity[rows], None).scale
    if not scale > 0.0:
        raise ArgandError("the intensities have no scale: their sum is not above 0")
    sigma = np.full(len(amplitude), np.nan)
    if sigma_intensity is not None:
        sigma = _sigma_of_root(amplitude, sigma_intensity[rows]) / scale
    observed = amplitude / scale * np.exp(1j * phase[rows])
    return ScaledPhases(reflections.hkl[rows], observed, sigma, calculated, None, scale)


def amplitude_sigma(merged: Merged, amplitude: FloatArray) -> FloatArray:
    """Return the standard uncertainty (n,) of measured |F| (n,); NaN where data have none."""
    if merged.sigma is None:
        return np.full(len(amplitude), np.nan)
    return _sigma_of_root(amplitude, merged.sigma)


def density_structure_factors(
    crystal: Crystal, hkl: HklArray, radiation: Radiation
) -> NDArray[np.complex128]:
    """Compute F (n,) of the real density, without f'': the mean of F(h) and conj F(-h)."""
    f = f_with_radiation(crystal, hkl, radiation)
    if not radiation.dispersion:
        return f
    return 0.5 * (f + np.conj(f_with_radiation(crystal, -hkl, radiation)))


def _sigma_of_root(amplitude: FloatArray, sigma: FloatArray) -> FloatArray:
    """Return sigma(F) = sigma(I) / 2F (n,), and not more than the root of sigma(I) at small F."""
    return np.asarray(sigma / np.maximum(2.0 * amplitude, np.sqrt(sigma)))


def _figure_of_merit(merged: Merged, observed: FloatArray, calculated: FloatArray) -> FloatArray:
    """Estimate the expected cosine (n,) of the error of each phase.

    m = I1(X)/I0(X) with X = 2 |Fo| |Fc| / S, or tanh(X/2) of centric reflections; S, what the
    model lacks, follows from the differences of amplitudes at like resolution.

    Source: G. A. Sim, Acta Cryst. 12 (1959) 813-815 and 13 (1960) 511-512.
    """
    from scipy.special import ive

    is_centric = centric(merged.hkl, merged.spacegroup)
    epsilon = statistical_weight(merged)
    # Only the part of the missing F along Fc changes an acentric amplitude: half of its square.
    share = np.where(is_centric, 1.0, 2.0)
    missing = share * (observed - calculated) ** 2 / epsilon
    strength = np.empty(len(observed))
    least = (_LEAST_DIFFERENCE * observed.mean()) ** 2
    for rows in shells(merged.stol):
        strength[rows] = max(float(missing[rows].mean()), least)
    x = 2.0 * observed * calculated / (epsilon * strength)
    acentric: FloatArray = ive(1, x) / ive(0, x)
    return np.where(is_centric, np.tanh(0.5 * x), acentric)
