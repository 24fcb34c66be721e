"""R factors: the definitions, the scale, extinction and twinning."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.errors import ArgandError
from argand.measured import agreement, calculated_intensity, merge
from argand.radiation import Radiation
from intensities import measured, random_crystal


def test_a_structure_explains_its_own_data() -> None:
    crystal = random_crystal("P 21 21 21")
    merged = merge(measured(crystal, noise=0.0001, scale=2.5))
    calculated = calculated_intensity(crystal, merged.hkl)
    r = agreement(calculated, merged.intensity, merged.sigma)
    assert r.scale == pytest.approx(2.5, rel=1e-3)
    assert r.r1 < 1e-3
    assert r.wr2 < 5e-3
    assert r.count == len(merged.hkl)


def test_the_definitions() -> None:
    """Scale, wR2, R1 of all and R1 of the strong reflections, from their formulas."""
    rng = np.random.default_rng(5)
    calculated = rng.exponential(10.0, 300)
    sigma = np.full(300, 1.0)
    noise = 0.5 * calculated * rng.normal(size=300) + sigma * rng.normal(size=300)
    observed = 4.0 * calculated + noise
    r = agreement(calculated, observed, sigma, (0.05, 0.3))
    k2 = r.scale**2
    on_scale = observed / k2
    p = (np.maximum(on_scale, 0) + 2 * calculated) / 3
    weight = 1 / ((sigma / k2) ** 2 + (0.05 * p) ** 2 + 0.3 * p)
    expected_k2 = (weight * observed * calculated).sum() / (weight * calculated**2).sum()
    assert k2 == pytest.approx(expected_k2, rel=1e-3)
    residual = (weight * (on_scale - calculated) ** 2).sum()
    assert r.wr2 == pytest.approx(np.sqrt(residual / (weight * on_scale**2).sum()))
    f_observed = np.sqrt(np.maximum(observed, 0))
    difference = np.abs(f_observed - r.scale * np.sqrt(calculated))
    assert r.r1_all == pytest.approx(difference.sum() / f_observed.sum())
    strong = observed > 2 * sigma
    assert r.r1 == pytest.approx(difference[strong].sum() / f_observed[strong].sum())
    assert r.strong == strong.sum()


def test_without_sigmas_amplitudes_give_the_scale() -> None:
    calculated = np.array([1.0, 4.0, 9.0])
    observed = np.array([4.0, 17.0, 35.0])
    f_observed = np.sqrt(observed)
    f_calculated = np.sqrt(calculated)
    expected = f_observed @ f_calculated / (f_calculated @ f_calculated)
    assert agreement(calculated, observed, None).scale == pytest.approx(expected)


def test_r_of_a_wrong_structure() -> None:
    """Two random centrosymmetric structures have the R of two sets of Gaussian numbers."""
    merged = merge(measured(random_crystal("P -1", 60, seed=1), d_min=0.7, noise=0.001))
    wrong = calculated_intensity(random_crystal("P -1", 60, seed=2), merged.hkl)
    x, y = np.abs(np.random.default_rng(1).normal(size=(2, 1_000_000)))
    # Least squares of amplitudes gives the scale <xy> / <y^2> = 2/pi.
    expected = np.abs(x - 2 / np.pi * y).mean() / x.mean()
    assert agreement(wrong, merged.intensity, None).r1 == pytest.approx(expected, abs=0.02)


def test_friedel_mates_are_averaged() -> None:
    frac = np.array([[0, 0, 0], [0.1, 0.2, 0.3]])
    crystal = argand.Crystal((5, 6, 7, 90, 90, 90), types=("Fe", "O"), frac=frac)
    hkl = np.array([[1, 2, 3]])
    dispersed = Radiation(wavelength=1.5, dispersion=True)
    plus = calculated_intensity(crystal, hkl, radiation=dispersed, merged=False)
    minus = calculated_intensity(crystal, -hkl, radiation=dispersed, merged=False)
    assert abs(plus / minus - 1) > 0.01
    mean = calculated_intensity(crystal, hkl, radiation=dispersed)
    assert mean == pytest.approx((plus + minus) / 2)
    without = calculated_intensity(crystal, hkl, radiation=Radiation(wavelength=1.5))
    assert without == pytest.approx(calculated_intensity(crystal, hkl))


def test_extinction_weakens_the_strong() -> None:
    """SHELXL: Fc* = k Fc [1 + 0.001 x Fc^2 lambda^3 / sin 2theta]^(-1/4)."""
    crystal = random_crystal("P -1")
    hkl = argand.miller_indices(crystal.cell, "P -1", d_min=1.0)
    radiation = Radiation(wavelength=0.7)
    plain = calculated_intensity(crystal, hkl)
    weaker = calculated_intensity(crystal, hkl, radiation=radiation, extinction=0.05)
    theta = np.arcsin(argand.stol(hkl, crystal.cell) * 0.7)
    factor = (1 + 0.001 * 0.05 * plain * 0.7**3 / np.sin(2 * theta)) ** -0.25
    np.testing.assert_allclose(np.sqrt(weaker), np.sqrt(plain) * factor)


def test_a_twin_is_the_sum_of_its_domains() -> None:
    crystal = random_crystal("P 4")
    hkl = argand.miller_indices(crystal.cell, "P 4", d_min=1.5)
    law = (0, 1, 0, 1, 0, 0, 0, 0, -1)
    mixed = calculated_intensity(crystal, hkl, twin=law, fraction=0.3)
    twin_hkl = hkl[:, [1, 0, 2]] * [1, 1, -1]
    first = calculated_intensity(crystal, hkl)
    second = calculated_intensity(crystal, twin_hkl)
    np.testing.assert_allclose(mixed, 0.7 * first + 0.3 * second)


def test_arguments_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ArgandError, match=r"calculated has shape \(2,\), needs \(3,\)"):
        agreement(np.ones(2), np.ones(3), None)
    with pytest.raises(ArgandError, match="all calculated intensities are 0"):
        agreement(np.zeros(3), np.ones(3), None)
