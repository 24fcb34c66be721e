"""Put the amplitudes of a solution on the absolute scale, with the phases of its atoms."""

from __future__ import annotations

import numpy as np

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.measured import agreement, calculated_intensity
from argand.measured.scaled_phases import ScaledPhases, amplitude_sigma, phase_by_crystal
from argand.solve.solution import Solution

__all__ = ["measurable_intensity", "scaled_phases", "twin_in_use"]


def scaled_phases(solution: Solution) -> ScaledPhases:
    """Compute amplitudes on the absolute scale, phases and figures of merit of a solution."""
    merged = solution.merged
    amplitude = np.abs(solution.structure_factors)
    model = solution.model
    if model is None:
        sigma = amplitude_sigma(merged, amplitude)
        return ScaledPhases(merged.hkl, solution.structure_factors, sigma, None, None, 1.0)
    law, fraction = twin_in_use(solution)
    return phase_by_crystal(
        merged,
        model.crystal,
        amplitude=amplitude,
        radiation=solution.radiation,
        extinction=model.extinction,
        twin=law,
        fraction=fraction,
        weights=(model.weighting.a, model.weighting.b),
    )


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

    None and 0 where the crystal is no twin, and where its atoms were refined without the law, so
    that the law makes R1 higher.
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
