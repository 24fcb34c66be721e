"""Draw crystals and intensities to test with, from stated seeds."""

from __future__ import annotations

import numpy as np

import argand
from argand.io import Reflections
from argand.measured import calculated_intensity

CELLS = {
    "P 1": (7.1, 8.3, 9.7, 81.0, 95.0, 104.0),
    "P -1": (7.1, 8.3, 9.7, 81.0, 95.0, 104.0),
    "P 1 21/c 1": (7.1, 8.3, 9.7, 90.0, 103.0, 90.0),
    "P 21 21 21": (7.1, 8.3, 9.7, 90.0, 90.0, 90.0),
    "C 1 2 1": (11.1, 6.3, 8.7, 90.0, 107.0, 90.0),
    "P 4": (8.3, 8.3, 9.7, 90.0, 90.0, 90.0),
    "R -3:H": (12.3, 12.3, 9.1, 90.0, 90.0, 120.0),
    "F 2 3": (9.3, 9.3, 9.3, 90.0, 90.0, 90.0),
}


def random_crystal(
    spacegroup: str, atoms: int = 12, b_iso: float = 2.0, seed: int = 0
) -> argand.Crystal:
    """Draw light atoms anywhere in the unit cell."""
    rng = np.random.default_rng(seed)
    return argand.Crystal(
        CELLS[spacegroup],
        spacegroup,
        types=tuple(rng.choice(["C", "N", "O"], atoms)),
        frac=rng.uniform(size=(atoms, 3)),
        b_iso=b_iso,
    )


def measured(
    crystal: argand.Crystal,
    d_min: float = 0.9,
    noise: float = 0.02,
    times: int = 1,
    scale: float = 3.0,
    seed: int = 0,
) -> Reflections:
    """Draw intensities of the whole sphere, measured `times` with relative and constant errors."""
    rng = np.random.default_rng(seed)
    hkl = np.repeat(
        argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=d_min, unique=False),
        times,
        axis=0,
    )
    true = scale**2 * calculated_intensity(crystal, hkl, merged=False)
    sigma = noise * (true + 0.2 * true.mean())
    return Reflections(
        hkl.astype(np.int32),
        intensity=true + sigma * rng.normal(size=len(hkl)),
        sigma=sigma,
        cell=crystal.cell,
        spacegroup=crystal.spacegroup,
    )
