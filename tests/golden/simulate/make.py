"""Make the golden files of this folder: samples as an archive, and as a folder of reflection files.

Run from the root of the repository: python tests/golden/simulate/make.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import argand
from argand.simulate import (
    Groups,
    Independent,
    Measurement,
    Perturbation,
    Simulation,
    Substitution,
    Unmodelled,
    write_folder,
    write_samples,
)

FOLDER = Path(__file__).parent


def simulation() -> Simulation:
    """Make a small simulation in which every kind of change happens."""
    crystal = argand.Crystal(
        cell=(5.0, 6.0, 7.0, 90.0, 97.0, 90.0),
        spacegroup="P 1 21/c 1",
        types=("C", "O2-"),
        frac=np.array([[0.1, 0.1, 0.2], [0.3, 0.2, 0.1]]),
        b_iso=2.0,
    )
    changes = Perturbation(
        [Independent((0.05, 0.1)), Groups(0.1)],
        strain=0.01,
        vibration=0.1,
        substitutions=(Substitution("S", ("O2-",), (0.1, 0.2)),),
        unmodelled=Unmodelled("N", probability=0.5),
    )
    measurement = Measurement(noise=0.03, scale=(0.5, 2.0), b_change=0.2, missing=0.1)
    return Simulation(crystal, changes, measurement, d_min=2.0, seed=3, dtype="float64")


def main() -> None:
    """Write samples.npz and the folder series."""
    drawn = simulation()
    write_samples(FOLDER / "samples.npz", drawn, drawn.draw(range(3)))
    write_folder(FOLDER / "series", drawn, range(2))


if __name__ == "__main__":
    main()
