"""How far samples are from the known crystal, in the numbers that a phase problem is judged by."""

from __future__ import annotations

import numpy as np

from argand.cell import FloatArray, cell_volume
from argand.phases import map_correlation, phase_error
from argand.simulate.samples import Samples
from argand.simulate.simulation import Simulation

__all__ = ["summary"]

# A sum of amplitudes below this is none: it only keeps a quotient finite.
_TINY = 1e-30


def summary(simulation: Simulation, samples: Samples) -> dict[str, FloatArray]:
    """Compare samples with the known crystal, over the measured reflections of each.

    Returns
    -------
    Numbers (b,) by name.

    rms : displacement over all sites, angstrom
    r : sum ||F| - k |F0|| / sum |F| of the measured amplitudes, k by least squares
    map_correlation : of the true |F| with the phases of the known crystal against the truth
    phase_error : of the phases of the known crystal, weighted by |F|, degrees
    measured : number of reflections
    volume : change of the volume of the cell, per cent
    """
    rows = len(samples.sample)
    r = np.full(rows, np.nan)
    correlation = np.full(rows, np.nan)
    error = np.full(rows, np.nan)
    for row in range(rows):
        mask = samples.mask[row]
        if not mask.any():
            continue
        hkl = simulation.hkl[mask]
        f_known = simulation.f0[mask]
        known_phase = np.angle(f_known)
        r[row] = _r_factor(samples.amplitude[row, mask], np.abs(f_known))
        true = samples.f[row, mask]
        modulus = np.abs(true)
        with_known_phases = modulus * np.exp(1j * known_phase)
        correlation[row] = map_correlation(hkl, with_known_phases, true, simulation.symops)
        true_phase = np.angle(true)
        error[row] = np.degrees(phase_error(true_phase, known_phase, modulus))
    volumes = [cell_volume(tuple(cell)) for cell in samples.cell]
    volume = np.array(volumes)
    relative_volume = volume / simulation.crystal.volume
    return {
        "rms": samples.rms(),
        "r": r,
        "map_correlation": correlation,
        "phase_error": error,
        "measured": samples.mask.sum(axis=1).astype(np.float64),
        "volume": 100.0 * (relative_volume - 1.0),
    }


def _r_factor(amplitude: FloatArray, amplitude_known: FloatArray) -> float:
    """Compute R of measured amplitudes (m,) against |F0| (m,), on the best common scale."""
    square = float(amplitude_known @ amplitude_known)
    scale = float(amplitude @ amplitude_known) / max(square, _TINY)
    residual = np.abs(amplitude - scale * amplitude_known).sum()
    return float(residual / max(float(amplitude.sum()), _TINY))
