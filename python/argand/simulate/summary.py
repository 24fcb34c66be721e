"""How far samples are from the known crystal, in the numbers that a phase problem is judged by."""

from __future__ import annotations

import numpy as np

from argand.cell import FloatArray, cell_volume
from argand.phases import map_correlation, phase_error
from argand.simulate.samples import Samples
from argand.simulate.simulation import Simulation

__all__ = ["summary"]


def summary(simulation: Simulation, samples: Samples) -> dict[str, FloatArray]:
    """Numbers (b,) by what they are, each over the measured reflections.

    rms: displacement over all sites, angstrom. r: sum ||F| - k |F0|| / sum |F| of the measured amplitudes against the
    known crystal, k by least squares. map_correlation, phase_error (degrees): of the true |F| with the phases of the
    known crystal against the truth. measured: reflections. volume: change of that of the cell, in per cent.
    """
    known = np.abs(simulation.f0)
    phase = np.angle(simulation.f0)
    rows = []
    for true, seen, amplitude in zip(samples.f, samples.mask, samples.amplitude, strict=True):
        if not seen.any():
            rows.append((np.nan, np.nan, np.nan))
            continue
        k = float(amplitude[seen] @ known[seen]) / max(float(known[seen] @ known[seen]), 1e-30)
        r = np.abs(amplitude - k * known)[seen].sum() / max(float(amplitude[seen].sum()), 1e-30)
        size = np.abs(true[seen])
        unchanged = size * np.exp(1j * phase[seen])
        correlation = map_correlation(
            simulation.hkl[seen], unchanged, true[seen], simulation.symops
        )
        rows.append(
            (
                float(r),
                correlation,
                np.degrees(phase_error(np.angle(true[seen]), phase[seen], size)),
            )
        )
    r, correlation, error = np.array(rows).T
    volume = np.array([cell_volume(tuple(own)) for own in samples.cell]) / simulation.crystal.volume
    return {
        "rms": samples.rms(),
        "r": r,
        "map_correlation": correlation,
        "phase_error": error,
        "measured": samples.mask.sum(axis=1).astype(np.float64),
        "volume": 100.0 * (volume - 1.0),
    }
