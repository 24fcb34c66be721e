"""The input of a network from a reflection file: one amplitude of each unique reflection."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured import merge
from argand.reflections import HklArray, asymmetric_unit
from argand.rows import unique_rows

__all__ = ["unique_amplitudes"]


def unique_amplitudes(
    reflections: Reflections, spacegroup: str, file: Path
) -> tuple[HklArray, FloatArray, FloatArray | None]:
    """Return hkl (n, 3), |F| (n,) and, where the file has them, phases (n,) in radians.

    A file without equivalents is taken as it is. Equivalents and Friedel mates are merged first,
    outliers and systematic absences left out, and a line is printed.
    """
    amplitude = _amplitude(reflections, file)
    unit = asymmetric_unit(reflections.hkl, spacegroup)
    if len(unique_rows(unit)[0]) == len(unit):
        return reflections.hkl, amplitude, reflections.phase
    if reflections.amplitude is None and reflections.amplitude_calc is None:
        merged = merge(reflections, spacegroup=spacegroup)
    else:
        # The sigmas of a file with intensities are not those of its amplitudes.
        sigma = reflections.sigma if reflections.intensity is None else None
        amplitudes_alone = replace(reflections, intensity=None, amplitude=amplitude, sigma=sigma)
        merged = merge(amplitudes_alone, spacegroup=spacegroup)
    print(
        f"{file}: {merged.measured} measurements merged to {len(merged.hkl)} reflections, "
        f"R_int {merged.r_int:.4f}"
    )
    merged_amplitude = np.sqrt(np.maximum(merged.intensity, 0.0))
    if reflections.phase is None:
        return merged.hkl, merged_amplitude, None
    phases = _phases_of(merged.hkl, reflections.hkl, reflections.phase)
    return merged.hkl, merged_amplitude, phases


def _amplitude(reflections: Reflections, file: Path) -> FloatArray:
    """Return |F| (m,): measured, else calculated, else the root of the intensity."""
    for amplitude in (reflections.amplitude, reflections.amplitude_calc):
        if amplitude is not None:
            return np.asarray(amplitude, dtype=float)
    if reflections.intensity is not None:
        return np.asarray(np.sqrt(np.maximum(reflections.intensity, 0.0)))
    raise ArgandError(f"{file}: has neither amplitudes nor intensities")


def _phases_of(hkl: HklArray, listed: HklArray, phase: FloatArray) -> FloatArray:
    """Return the phases (n,) of reflections (n, 3) that are listed themselves, or as their mates.

    NaN for others: their phases would depend on the operation that leads there.
    """
    phase_by_hkl = {}
    for row, value in zip(listed.tolist(), phase.tolist(), strict=True):
        h, k, l = row
        phase_by_hkl[-h, -k, -l] = -value
    for row, value in zip(listed.tolist(), phase.tolist(), strict=True):
        phase_by_hkl[tuple(row)] = value
    phases = [phase_by_hkl.get(tuple(row), np.nan) for row in hkl.tolist()]
    return np.array(phases)
