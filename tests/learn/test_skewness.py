"""The skewness of a density: by hand, and of atoms beside random phases."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.learn.skewness import density_skewness, random_skewness

CELL = (8.0, 8.0, 8.0, 90.0, 90.0, 90.0)


def test_of_two_waves():
    """cos x + cos 2x: <3 cos^2 x cos 2x> = 3/4, and its mean square is 1."""
    hkl = np.array([[1, 0, 0], [2, 0, 0], [0, 0, 0]], np.int32)
    f = np.array([1.0, 1.0, 50.0], complex)
    assert density_skewness(hkl, f, CELL) == pytest.approx(0.75, abs=1e-9)
    assert density_skewness(hkl, 7.0 * f, CELL) == pytest.approx(0.75, abs=1e-9)
    f[1] = -1.0
    assert density_skewness(hkl, f, CELL) == pytest.approx(-0.75, abs=1e-9)
    assert density_skewness(hkl, 0.0 * f, CELL) == 0.0


@pytest.mark.parametrize("spacegroup", ["P 1", "P 21 21 21"])
def test_atoms_stand_out_from_random_phases(spacegroup):
    frac = np.random.default_rng(3).random((4, 3))
    crystal = argand.Crystal(
        cell=CELL, spacegroup=spacegroup, types=("C", "O", "S", "Fe"), frac=frac, b_iso=1.0
    )
    hkl = argand.miller_indices(CELL, spacegroup, d_min=1.0)
    f = argand.structure_factors(crystal, hkl)
    mean, deviation = random_skewness(hkl, np.abs(f), CELL, spacegroup)
    assert abs(mean) < 0.7
    assert density_skewness(hkl, f, CELL, spacegroup) > mean + 5.0 * deviation
