"""A small triclinic crystal, and an adaptation to it that takes two seconds."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.adapt import Adaptation, adapt


@pytest.fixture(scope="session")
def crystal() -> argand.Crystal:
    rng = np.random.default_rng(5)  # no two atoms nearer than 1.3 angstrom
    return argand.Crystal(
        cell=(6.0, 7.0, 8.0, 80.0, 85.0, 75.0),
        spacegroup="P -1",
        types=("C", "C", "C", "C", "N", "N", "O", "O"),
        labels=("C1", "C2", "C3", "C4", "N1", "N2", "O1", "O2"),
        frac=rng.random((8, 3)) * (0.5, 1.0, 1.0),
        b_iso=2.0,
    )


@pytest.fixture(scope="session")
def made(crystal: argand.Crystal) -> Adaptation:
    return adapt(crystal, d_min=1.1, widths=(0.1, 0.2, 0.35, 0.6), samples=1200, seed=4)
