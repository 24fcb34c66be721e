"""L test and second moment of random atoms, of perfect twins, and of other powers of F."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import argand
from argand.measured import Merged, calculated_intensity, impossible, intensity_statistics, merge
from argand.measured.statistics import l_statistics, second_moment
from intensities import CELLS, measured, random_crystal

# The lattice has a symmetry that the group lacks, so that domains of a twin share one lattice.
MEROHEDRAL = ("P 4", ((0, 1, 0), (1, 0, 0), (0, 0, -1)))


def untwinned(spacegroup: str, seed: int = 1) -> Merged:
    return merge(measured(random_crystal(spacegroup, 30, 2.0, seed), d_min=0.7, noise=0.01))


def twinned(seed: int = 1, fraction: float = 0.5) -> Merged:
    """Make intensities of a merohedral twin in P 4 by the diagonal axis."""
    group, matrix = MEROHEDRAL
    crystal = random_crystal(group, 30, 2.0, seed)
    merged = untwinned(group, seed)
    model = calculated_intensity(crystal, merged.hkl, twin=np.ravel(matrix), fraction=fraction)
    return replace(merged, intensity=model, sigma=0.01 * model + 1e-3)


@pytest.mark.parametrize(
    ("spacegroup", "l_mean", "l_squared"),
    [
        ("P 1", 1 / 2, 1 / 3),
        ("P 21 21 21", 1 / 2, 1 / 3),
        ("P -1", 2 / np.pi, 1 / 2),
        ("P 1 21/c 1", 2 / np.pi, 1 / 2),
    ],
)
def test_random_atoms(spacegroup: str, l_mean: float, l_squared: float) -> None:
    merged = untwinned(spacegroup)
    statistics = intensity_statistics(merged)
    whole = l_statistics(merged, np.ones(len(merged.hkl), bool))
    assert statistics.l_mean == pytest.approx(statistics.expected_l, abs=0.02)
    assert statistics.second_moment == pytest.approx(statistics.expected_moment, rel=0.1)
    assert statistics.verdict() == []
    # P 21 21 21 has centric zones.
    if spacegroup != "P 21 21 21":
        assert whole[:2] == pytest.approx((l_mean, l_squared), abs=0.02)
        assert statistics.expected_l == pytest.approx(l_mean)
        assert statistics.expected_moment == (2.0 if spacegroup == "P 1" else 3.0)


def test_a_perfect_twin() -> None:
    merged = twinned()
    h, k, l = np.abs(merged.hkl).T
    # Other reflections are centric, or their own twin mates.
    general = (h != 0) & (k != 0) & (l != 0) & (h != k)
    assert l_statistics(merged, general)[:2] == pytest.approx((3 / 8, 1 / 5), abs=0.02)
    assert second_moment(merged, general) == pytest.approx(1.5, abs=0.1)
    statistics = intensity_statistics(merged)
    assert 0.37 < statistics.l_mean < 0.45
    assert len(statistics.verdict()) == 1
    assert "perhaps twinned, by the L test" in statistics.verdict()[0]


def test_a_perfect_twin_beside_its_structure() -> None:
    merged = twinned(3)
    crystal = random_crystal("P 4", 30, 2.0, 3)
    model = calculated_intensity(crystal, merged.hkl)
    assert "in a perfect twin" in intensity_statistics(merged, model).verdict()[0]
    assert intensity_statistics(untwinned("P 4", 3), model).verdict() == []


def test_the_more_twinned_the_smaller_l() -> None:
    statistics = [
        intensity_statistics(twinned(2, fraction)).l_mean for fraction in (0.0, 0.1, 0.25, 0.5)
    ]
    assert statistics == sorted(statistics, reverse=True)


def test_heavy_atoms_on_special_positions_are_no_twin() -> None:
    """One atom in a centrosymmetric cell makes all amplitudes alike, as twinning does."""
    heavy = argand.Crystal(
        CELLS["P -1"],
        "P -1",
        types=("I", "C"),
        frac=np.array([[0, 0, 0], [0.2, 0.3, 0.4]]),
        b_iso=1.5,
    )
    merged = merge(measured(heavy, d_min=0.7))
    assert intensity_statistics(merged).verdict() != []
    assert intensity_statistics(merged, calculated_intensity(heavy, merged.hkl)).verdict() == []


@pytest.mark.parametrize(("power", "words"), [(0.5, "vary too little"), (2.0, "vary much")])
def test_what_is_no_intensity(power: float, words: str) -> None:
    merged = untwinned("P 1")
    wrong = replace(merged, intensity=np.maximum(merged.intensity, 0.0) ** power, sigma=None)
    assert words in intensity_statistics(wrong).verdict()[0]


def test_noise_says_nothing() -> None:
    rng = np.random.default_rng(3)
    merged = untwinned("P 1")
    noise = replace(
        merged, intensity=rng.normal(size=len(merged.hkl)), sigma=np.ones(len(merged.hkl))
    )
    statistics = intensity_statistics(noise)
    assert np.isnan(statistics.second_moment)
    assert statistics.verdict() == []


def test_few_reflections_say_nothing() -> None:
    statistics = intensity_statistics(merge(measured(random_crystal("P -1"), d_min=2.5)))
    assert np.isnan(statistics.l_mean)
    assert statistics.verdict() == []


def test_what_no_crystal_gives() -> None:
    merged = untwinned("P 1")
    rng = np.random.default_rng(4)
    n = len(merged.hkl)
    assert impossible(merged) == []
    assert (
        "100 % of the merged intensities are negative"
        in impossible(replace(merged, intensity=-merged.intensity))[0]
    )
    noise = replace(merged, intensity=rng.normal(0.2, 1.0, n), sigma=np.ones(n))
    assert impossible(noise) == ["no signal: the mean I/σ of merged reflections is 0.2"]
    assert "R_int = 0.60: another Laue group" in impossible(replace(merged, r_int=0.6))[0]
