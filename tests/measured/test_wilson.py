"""Scale and B come back from simulated intensities; expectations are what random atoms give."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.errors import ArgandError
from argand.measured import expected_intensity, merge, wilson
from argand.measured.wilson import local_mean, statistical_weight
from intensities import measured, random_crystal


@pytest.mark.parametrize("spacegroup", ["P 1", "P 1 21/c 1", "C 1 2 1", "P 4", "R -3:H", "F 2 3"])
@pytest.mark.parametrize("b_iso", [1.0, 4.0])
def test_scale_and_b_come_back(spacegroup: str, b_iso: float) -> None:
    """Over ten random crystals: centring and epsilon would shift the scale by factors of 2 to 48."""
    fits = []
    for seed in range(10):
        crystal = random_crystal(spacegroup, 10, b_iso, seed)
        merged = merge(measured(crystal, d_min=0.8, noise=0.01, scale=3.0, seed=seed))
        fits.append(wilson(merged, crystal.composition()))
    b = np.array([fit.b for fit in fits])
    assert b.mean() == pytest.approx(b_iso, abs=4 * b.std() / np.sqrt(10) + 0.02)
    scale = np.log([fit.scale for fit in fits])
    assert scale.mean() == pytest.approx(np.log(9.0), abs=4 * scale.std() / np.sqrt(10) + 0.02)


def test_the_stated_uncertainty_is_right() -> None:
    """(B - B true) / sigma(B) over 30 crystals."""
    z = []
    for seed in range(30):
        crystal = random_crystal("P 21 21 21", 20, 3.0, seed)
        fit = wilson(merge(measured(crystal, d_min=0.8, seed=seed)), crystal.composition())
        z.append((fit.b - 3.0) / fit.b_sigma)
    assert 0.6 < np.sqrt(np.mean(np.square(z))) < 1.7


def test_expected_intensity_is_the_sum_of_squares() -> None:
    stol = np.array([0.0, 0.3])
    f = argand.form_factors(["C", "O"], stol)
    np.testing.assert_allclose(
        expected_intensity({"C": 3, "O": 2}, stol), 3 * f[0] ** 2 + 2 * f[1] ** 2
    )


def test_epsilon_makes_special_rows_like_the_others() -> None:
    """In P 4 reflections 00l are four times as strong; with the weight they are not."""
    ratios = []
    for seed in range(20):
        merged = merge(measured(random_crystal("P 4", 10, 2.0, seed), d_min=0.8, noise=0.01))
        reduced = merged.intensity / (statistical_weight(merged) * local_mean(merged))
        axis = (merged.hkl[:, :2] == 0).all(axis=1)
        assert set(statistical_weight(merged)[axis]) == {4.0}
        ratios.append(reduced[axis].mean())
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.35)


def test_local_mean_is_positive_in_noise() -> None:
    reflections = measured(random_crystal("P -1", b_iso=30.0), d_min=0.8, noise=0.3)
    assert (local_mean(merge(reflections)) > 0).all()


def test_too_few() -> None:
    reflections = measured(random_crystal("P -1"), d_min=5.0)
    single = reflections[np.arange(1)]
    with pytest.raises(ArgandError, match="too few reflections"):
        wilson(merge(single), {"C": 1.0})
