"""A small triclinic crystal of light atoms, for tests of estimators."""

from __future__ import annotations

import numpy as np

import argand


def small_crystal() -> argand.Crystal:
    """Make a crystal in P -1 with 8 atoms, none nearer to another than 1.3 angstrom (seed 5)."""
    rng = np.random.default_rng(5)
    return argand.Crystal(
        cell=(6.0, 7.0, 8.0, 80.0, 85.0, 75.0),
        spacegroup="P -1",
        types=("C", "C", "C", "C", "N", "N", "O", "O"),
        labels=("C1", "C2", "C3", "C4", "N1", "N2", "O1", "O2"),
        frac=rng.random((8, 3)) * (0.5, 1.0, 1.0),
        b_iso=2.0,
    )
