"""Put the amplitudes of a solution on the absolute scale, with the phases of its atoms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.measured import agreement, calculated_intensity
from argand.measured.agreement import f_with_radiation
from argand.measured.wilson import shells, statistical_weight
from argand.radiation import Radiation
from argand.reflections import HklArray, centric
from argand.solve.solution import Solution

__all__ = ["ScaledPhases", "measurable_intensity", "scaled_phases", "twin_in_use"]

# Amplitudes that differ by less than this share of the mean amplitude are as good as equal: the
# figure of merit stays below 1.
_LEAST_DIFFERENCE = 1e-3

# A calculated intensity below this share of the mean is as good as 0, and corrects nothing.
_LEAST_SHARE = 1e-9


@dataclass(frozen=True, eq=False)
class ScaledPhases:
    """Hold amplitudes and phases of the density of a solution.

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


def scaled_phases(solution: Solution) -> ScaledPhases:
    """Compute amplitudes on the absolute scale, phases and figures of merit of a solution."""
    merged = solution.merged
    amplitude = np.abs(solution.structure_factors)
    sigma = np.full(len(amplitude), np.nan)
    if merged.sigma is not None:
        # sigma(F) = sigma(I) / 2F, and not more than the root of sigma(I) where F is small.
        root = np.sqrt(merged.sigma)
        sigma = merged.sigma / np.maximum(2.0 * amplitude, root)
    model = solution.model
    if model is None:
        return ScaledPhases(merged.hkl, solution.structure_factors, sigma, None, None, 1.0)
    measurable = measurable_intensity(solution, model.crystal)
    weights = (model.weighting.a, model.weighting.b)
    scale = agreement(measurable, merged.intensity, merged.sigma, weights).scale
    calculated = _of_the_density(model.crystal, merged.hkl, solution.radiation)
    correction = np.ones(len(amplitude))
    is_strong = measurable > _LEAST_SHARE * measurable.mean()
    squared = np.abs(calculated[is_strong]) ** 2
    correction[is_strong] = np.sqrt(squared / measurable[is_strong])
    observed = correction * amplitude / scale
    merit = _figure_of_merit(solution, observed, np.abs(calculated))
    phased = observed * np.exp(1j * np.angle(calculated))
    return ScaledPhases(merged.hkl, phased, correction * sigma / scale, calculated, merit, scale)


def measurable_intensity(solution: Solution, crystal: Crystal) -> FloatArray:
    """Calculate |Fc|^2 (n,) as it was measured: with dispersion, extinction and twinning."""
    model = solution.model
    law, fraction = twin_in_use(solution)
    return calculated_intensity(
        crystal,
        solution.merged.hkl,
        radiation=solution.radiation,
        extinction=None if model is None else model.extinction,
        twin=law,
        fraction=fraction,
    )


def twin_in_use(solution: Solution) -> tuple[tuple[float, ...] | None, float]:
    """Return the twin law, nine numbers, and the share of the second domain, that explain the data.

    None and 0 where the crystal is no twin, and where the intensities of its domains were separated
    before they were solved, so that the law makes R1 higher.
    """
    twin, model = solution.twin, solution.model
    if twin is None or model is None:
        return None, 0.0
    merged = solution.merged
    law = tuple(np.ravel(twin.law).tolist())
    residuals: list[float] = []
    for fraction in (0.0, twin.fraction):
        calculated = calculated_intensity(
            model.crystal,
            merged.hkl,
            radiation=solution.radiation,
            extinction=model.extinction,
            twin=law,
            fraction=fraction,
        )
        residuals.append(agreement(calculated, merged.intensity, merged.sigma).r1)
    if residuals[1] < residuals[0]:
        return law, twin.fraction
    return None, 0.0


def _of_the_density(
    crystal: Crystal, hkl: HklArray, radiation: Radiation
) -> NDArray[np.complex128]:
    """Compute F (n,) of the real density, without f'': the mean of F(h) and conj F(-h)."""
    f = f_with_radiation(crystal, hkl, radiation)
    if not radiation.dispersion:
        return f
    return 0.5 * (f + np.conj(f_with_radiation(crystal, -hkl, radiation)))


def _figure_of_merit(
    solution: Solution, observed: FloatArray, calculated: FloatArray
) -> FloatArray:
    """Estimate the expected cosine (n,) of the error of each phase.

    m = I1(X)/I0(X) with X = 2 |Fo| |Fc| / S, or tanh(X/2) of centric reflections; S, what the
    model lacks, follows from the differences of amplitudes at like resolution.

    Source: G. A. Sim, Acta Cryst. 12 (1959) 813-815 and 13 (1960) 511-512.
    """
    from scipy.special import ive

    merged = solution.merged
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
