"""Scale and B come back from simulated intensities; expectations are what random atoms give."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.errors import ArgandError
from argand.measured import expected_intensity, merge, wilson
from argand.measured.wilson import local_mean, statistical_weight
from argand.radiation import Radiation
from intensities import measured, random_crystal


@pytest.mark.parametrize("spacegroup", ["P 1", "P 1 21/c 1", "C 1 2 1", "P 4", "R -3:H", "F 2 3"])
@pytest.mark.parametrize("b_iso", [1.0, 4.0])
def test_scale_and_b_come_back(spacegroup: str, b_iso: float) -> None:
    """Over ten random crystals: without centring and epsilon the scale is wrong 2- to 48-fold."""
    b: list[float] = []
    log_scale: list[float] = []
    for seed in range(10):
        crystal = random_crystal(spacegroup, 10, b_iso, seed)
        reflections = measured(crystal, d_min=0.8, noise=0.01, scale=3.0, seed=seed)
        fit = wilson(merge(reflections), crystal.composition())
        b.append(fit.b)
        log_scale.append(np.log(fit.scale))
    tolerance = 4 * np.std(b) / np.sqrt(10) + 0.02
    assert np.mean(b) == pytest.approx(b_iso, abs=tolerance)
    tolerance = 4 * np.std(log_scale) / np.sqrt(10) + 0.02
    assert np.mean(log_scale) == pytest.approx(np.log(9.0), abs=tolerance)


def test_the_stated_uncertainty_is_right() -> None:
    """(B - B true) / sigma(B) over 30 crystals."""
    z: list[float] = []
    for seed in range(30):
        crystal = random_crystal("P 21 21 21", 20, 3.0, seed)
        merged = merge(measured(crystal, d_min=0.8, seed=seed))
        fit = wilson(merged, crystal.composition())
        z.append((fit.b - 3.0) / fit.b_sigma)
    assert 0.6 < np.sqrt(np.mean(np.square(z))) < 1.7


@pytest.mark.parametrize("radiation", [Radiation(), Radiation("neutron"), Radiation("electron")])
def test_expected_intensity_is_the_sum_of_squares(radiation: Radiation) -> None:
    stol = np.array([0.0, 0.3])
    carbon, oxygen = argand.form_factors(["C", "O"], stol, table=radiation.table)
    expected = expected_intensity({"C": 3, "O": 2}, stol, radiation)
    np.testing.assert_allclose(expected, 3 * carbon**2 + 2 * oxygen**2)


def test_expected_intensity_is_without_dispersion() -> None:
    stol = np.array([0.0, 0.3])
    dispersed = Radiation(wavelength=0.71, dispersion=True)
    with_dispersion = expected_intensity({"C": 3, "O": 2}, stol, dispersed)
    np.testing.assert_array_equal(with_dispersion, expected_intensity({"C": 3, "O": 2}, stol))


def test_epsilon_makes_special_rows_like_all_others() -> None:
    """In P 4 reflections 00l are four times as strong; with the weight they are not."""
    ratios: list[float] = []
    for seed in range(20):
        merged = merge(measured(random_crystal("P 4", 10, 2.0, seed), d_min=0.8, noise=0.01))
        weight = statistical_weight(merged)
        reduced = merged.intensity / (weight * local_mean(merged))
        on_axis = (merged.hkl[:, :2] == 0).all(axis=1)
        assert set(weight[on_axis]) == {4.0}
        ratios.append(reduced[on_axis].mean())
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.35)


def test_local_mean_is_positive_in_noise() -> None:
    reflections = measured(random_crystal("P -1", b_iso=30.0), d_min=0.8, noise=0.3)
    assert (local_mean(merge(reflections)) > 0).all()


def test_too_few_reflections_are_refused() -> None:
    reflections = measured(random_crystal("P -1"), d_min=5.0)
    single = merge(reflections[np.arange(1)])
    with pytest.raises(ArgandError, match="too few reflections"):
        wilson(single, {"C": 1.0})
