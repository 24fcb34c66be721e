"""Make the results of a series as `argand predict` leaves them, for tests of its pages."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import argand
from argand.series import Record, SeriesFolder, SeriesSettings
from argand.simulate import Independent, Perturbation, Simulation

KNOWN = argand.Crystal(
    cell=(7.0, 8.0, 9.0, 90.0, 97.0, 90.0),
    spacegroup="P 1 21/c 1",
    types=("C", "N", "O", "S"),
    labels=("C<1>", "N1", "O1", "S1"),
    frac=np.array([[0.1, 0.1, 0.2], [0.3, 0.2, 0.1], [0.2, 0.4, 0.3], [0.4, 0.35, 0.15]]),
    b_iso=2.0,
)


def swinging_series(path: Path) -> tuple[SeriesFolder, list[Record]]:
    """Make eight files whose atoms swing, one of them flagged, and one that could not be read."""
    folder = SeriesFolder(path)
    folder.open(SeriesSettings("test"))
    simulation = Simulation(KNOWN, Perturbation([Independent(0.3)]), d_min=1.5, dtype="float64")
    amplitude = simulation.displacements(np.array([4]))[0]
    records = []
    for i in range(8):
        displacement = amplitude * np.sin(i)
        f = simulation.structure_factors(displacement[None])[0]
        argand.write_reflections(
            folder.path / "phases" / f"f{i}.mtz",
            simulation.hkl,
            f,
            cell=KNOWN.cell,
            spacegroup=KNOWN.spacegroup,
        )
        record = Record(
            f"f{i}",
            "x",
            1,
            1,
            reflections=len(f),
            completeness=1.0,
            d_min=1.5,
            r_known=0.3,
            r=0.0123,
            rms=0.2,
            uncertainty=0.01,
            largest=float(np.linalg.norm(displacement, axis=1).max()),
            atom="C<1>",
            scale=1.0,
            b_change=0.0,
            flags=("farther than <trained>",) if i == 3 else (),
            displacement=tuple(map(tuple, displacement.tolist())),
            sigma=(0.02,) * 4,
        )
        records.append(record)
    records.append(Record("bad", "x", 1, 1, error="no reflections & none to come"))
    return folder, records
