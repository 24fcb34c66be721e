"""Statistical linearisation: its expectations against draws, and starts that least squares miss."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.estimate.linearisation import Linearisation, expected_amplitude, smeared
from argand.refine import Model, free, refine


@pytest.mark.parametrize("is_centric", [False, True])
def test_expected_amplitude_is_that_of_draws(is_centric: bool) -> None:
    """The slope is that of finite differences."""
    rng = np.random.default_rng(5)
    m = np.array([0.0, 1.0, 4.0, 20.0])
    variance = np.array([3.0, 5.0, 2.0, 4.0])
    if is_centric:
        f = m + np.sqrt(variance) * rng.normal(size=(400_000, 4))
    else:
        noise = rng.normal(size=(2, 400_000, 4)) * np.sqrt(variance / 2.0)
        f = m + noise[0] + 1j * noise[1]
    centric = np.full(4, is_centric)
    mean, slope = expected_amplitude(m, variance, centric)
    drawn_mean = np.abs(f).mean(axis=0)
    np.testing.assert_allclose(mean, drawn_mean, rtol=5e-3)
    mean_above, _ = expected_amplitude(m + 1e-4, variance, centric)
    np.testing.assert_allclose(slope, (mean_above - mean) / 1e-4, atol=1e-3)


@pytest.mark.parametrize("spacegroup", ["P -1", "P 1 21/c 1", "P 21 21 21"])
def test_a_smeared_crystal_is_the_mean_of_displaced_ones(
    crystal: argand.Crystal, spacegroup: str
) -> None:
    """The mean F of 40000 displaced crystals agrees within its standard error."""
    cell = crystal.cell if spacegroup == "P -1" else (7.0, 8.0, 9.0, 90.0, 90.0, 90.0)
    known = argand.Crystal(
        cell=cell, spacegroup=spacegroup, types=("C", "N", "O"), frac=crystal.frac[:3], b_iso=1.5
    )
    hkl = argand.miller_indices(known.cell, known.symops, 1.2)
    modes = np.random.default_rng(6).normal(size=(9, 3, 3)) * 0.06
    model = Model(known, hkl, free(known, positions=modes))
    p = np.random.default_rng(7).normal(size=(40_000, 9))
    groups = [model.structure_factors(group) for group in np.array_split(p, 20)]
    f = np.concatenate(groups)
    covariance = np.einsum("kni,knj->nij", modes, modes)
    mean = argand.structure_factors(smeared(known, covariance), hkl)
    error = f.std(axis=0).max() / np.sqrt(len(p))
    assert np.abs(mean - f.mean(axis=0)).max() < 5.0 * error
    assert np.abs(mean - argand.structure_factors(known, hkl)).max() > 50.0 * error


def test_solves_crystals_that_least_squares_miss(crystal: argand.Crystal) -> None:
    """The atoms of 20 crystals have moved by 0.7 angstrom (seed 8)."""
    parameters = free(crystal)
    hkl = argand.miller_indices(crystal.cell, crystal.symops, 1.5)
    model = Model(crystal, hkl, parameters)
    width = 0.7 / np.sqrt(3.0)
    rng = np.random.default_rng(8)
    p = rng.normal(size=(20, len(model))) * width
    amplitude = np.abs(model.structure_factors(p))
    from_known = refine(model, amplitude, on="F")
    linearisation = Linearisation(crystal, hkl, parameters)
    start = linearisation(amplitude, np.zeros_like(amplitude), width)
    from_start = refine(model, amplitude, on="F", start=start)
    solved_from_known = (from_known.figures.r1 < 0.03).sum()
    solved = (from_start.figures.r1 < 0.03).sum()
    assert solved >= 18
    assert solved >= solved_from_known + 5


def test_scale_and_missing_reflections(crystal: argand.Crystal) -> None:
    """Neither the scale of |F|, nor a tenth of the reflections, nor other data sets matter."""
    parameters = free(crystal)
    hkl = argand.miller_indices(crystal.cell, crystal.symops, 1.1)
    model = Model(crystal, hkl, parameters)
    rng = np.random.default_rng(9)
    p = rng.normal(size=(2, len(model))) * 0.15
    amplitude = np.abs(model.structure_factors(p))
    sigma = np.zeros_like(amplitude)
    is_missing = np.random.default_rng(10).random(amplitude.shape) < 0.1
    incomplete = np.where(is_missing, np.nan, 3.0 * amplitude)
    linearisation = Linearisation(crystal, hkl, parameters)
    estimate = linearisation(amplitude, sigma, 0.15)
    scaled = linearisation(3.0 * amplitude, sigma, 0.15)
    np.testing.assert_allclose(scaled, estimate, atol=1e-4)
    np.testing.assert_allclose(linearisation(incomplete, sigma, 0.15), p, atol=0.05)
    second = linearisation(amplitude[1:], sigma[1:], 0.15)
    np.testing.assert_allclose(second, estimate[1:], atol=1e-4)
