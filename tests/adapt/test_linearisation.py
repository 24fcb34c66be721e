"""Statistical linearisation: its expectations against draws, and that it leads home from where least squares do not."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.estimate.linearisation import Linearisation, expected_amplitude, smeared
from argand.refine import Model, free, refine


@pytest.mark.parametrize("is_centric", [False, True])
def test_expected_amplitude_is_that_of_draws(is_centric: bool) -> None:
    rng = np.random.default_rng(5)
    m, variance = np.array([0.0, 1.0, 4.0, 20.0]), np.array([3.0, 5.0, 2.0, 4.0])
    if is_centric:
        f = m + np.sqrt(variance) * rng.normal(size=(400_000, 4))
    else:
        noise = rng.normal(size=(2, 400_000, 4)) * np.sqrt(variance / 2.0)
        f = m + noise[0] + 1j * noise[1]
    e, slope = expected_amplitude(m, variance, np.full(4, is_centric))
    np.testing.assert_allclose(e, np.abs(f).mean(axis=0), rtol=5e-3)
    above, _ = expected_amplitude(m + 1e-4, variance, np.full(4, is_centric))
    np.testing.assert_allclose(slope, (above - e) / 1e-4, atol=1e-3)


@pytest.mark.parametrize("spacegroup", ["P -1", "P 1 21/c 1", "P 21 21 21"])
def test_a_smeared_crystal_is_the_mean_of_displaced_ones(
    crystal: argand.Crystal, spacegroup: str
) -> None:
    cell = crystal.cell if spacegroup == "P -1" else (7.0, 8.0, 9.0, 90.0, 90.0, 90.0)
    known = argand.Crystal(
        cell=cell, spacegroup=spacegroup, types=("C", "N", "O"), frac=crystal.frac[:3], b_iso=1.5
    )
    model = Model(known, argand.miller_indices(known.cell, known.symops, 1.2))
    modes = np.random.default_rng(6).normal(size=(9, 3, 3)) * 0.06
    tied = Model(known, model.hkl, free(known, positions=modes))
    drawn = np.random.default_rng(7).normal(size=(40_000, 9))
    f = np.concatenate([tied.structure_factors(part) for part in np.array_split(drawn, 20)])
    covariance = np.einsum("kni,knj->nij", modes, modes)
    mean = argand.structure_factors(smeared(known, covariance), model.hkl)
    error = f.std(axis=0) / np.sqrt(len(drawn))
    assert np.abs(mean - f.mean(axis=0)).max() < 5.0 * error.max()
    assert np.abs(mean - argand.structure_factors(known, model.hkl)).max() > 50.0 * error.max()


def test_leads_home_from_far(crystal: argand.Crystal) -> None:
    """Seed 8: 20 crystals whose atoms have moved by 0.7 angstrom."""
    parameters = free(crystal)
    model = Model(crystal, argand.miller_indices(crystal.cell, crystal.symops, 1.5), parameters)
    width = 0.7 / np.sqrt(3.0)
    p = np.random.default_rng(8).normal(size=(20, len(model))) * width
    observed = np.abs(model.structure_factors(p))
    alone = refine(model, observed, on="F")
    start = Linearisation(crystal, model.hkl, parameters)(observed, np.zeros_like(observed), width)
    helped = refine(model, observed, on="F", start=start)
    solved = [(found.figures.r1 < 0.03).sum() for found in (alone, helped)]
    assert solved[1] >= 18
    assert solved[1] >= solved[0] + 5


def test_scale_and_missing_reflections_are_taken_as_they_come(crystal: argand.Crystal) -> None:
    parameters = free(crystal)
    model = Model(crystal, argand.miller_indices(crystal.cell, crystal.symops, 1.1), parameters)
    p = np.random.default_rng(9).normal(size=(2, len(model))) * 0.15
    observed = np.abs(model.structure_factors(p))
    lacking = np.where(
        np.random.default_rng(10).random(observed.shape) < 0.1, np.nan, 3.0 * observed
    )
    line = Linearisation(crystal, model.hkl, parameters)
    whole = line(observed, np.zeros_like(observed), 0.15)
    np.testing.assert_allclose(
        line(3.0 * observed, np.zeros_like(observed), 0.15), whole, atol=1e-4
    )
    np.testing.assert_allclose(line(lacking, np.zeros_like(observed), 0.15), p, atol=0.05)
    np.testing.assert_allclose(
        line(observed[1:], np.zeros((1, model.hkl.shape[0])), 0.15), whole[1:], atol=1e-4
    )
