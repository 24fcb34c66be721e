"""Check that the Laue group of data is found among all that their lattice allows."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.errors import ArgandError
from argand.io import Reflections
from argand.solve.laue_group import laue_candidates
from primitive_cells import carbon_crystal

CUBIC = (11.0, 11.0, 11.0, 90.0, 90.0, 90.0)


def measured(crystal: argand.Crystal, rng: np.random.Generator, noise: float = 0.05) -> Reflections:
    """Simulate a full sphere of reflections with noise."""
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=1.2, unique=False)
    true = np.abs(argand.structure_factors(crystal, hkl)) ** 2
    sigma = np.hypot(noise * true, 0.2 * noise * true.mean())
    intensity = true + sigma * rng.normal(size=len(true))
    return Reflections(hkl=hkl, intensity=intensity, sigma=sigma, cell=crystal.cell)


@pytest.mark.parametrize(
    ("group", "cell", "laue"),
    [
        ("P -1", (9.0, 10.0, 11.0, 81.0, 95.0, 103.0), "P -1"),
        ("P -1", CUBIC, "P -1"),
        ("P 1 21/c 1", (9.0, 10.0, 12.0, 90.0, 90.2, 90.0), "P 1 2/m 1"),
        ("P 21 21 21", CUBIC, "P m m m"),
        ("P 41", (11.0, 11.0, 14.0, 90.0, 90.0, 90.0), "P 4/m"),
        ("P 41 21 2", (11.0, 11.0, 14.0, 90.0, 90.0, 90.0), "P 4/m m m"),
        ("P 31", (12.0, 12.0, 14.0, 90.0, 90.0, 120.0), "P -3"),
        ("P 32 2 1", (12.0, 12.0, 14.0, 90.0, 90.0, 120.0), "P -3 m 1"),
        ("P 3 1 2", (12.0, 12.0, 14.0, 90.0, 90.0, 120.0), "P -3 1 m"),
        ("R -3:H", (12.0, 12.0, 14.0, 90.0, 90.0, 120.0), "R -3:H"),
        ("C 1 2/c 1", (9.0, 10.0, 12.0, 90.0, 90.1, 90.0), "C 1 2/m 1"),
        ("P a -3", CUBIC, "P m -3"),
        ("F -4 3 m", (14.0, 14.0, 14.0, 90.0, 90.0, 90.0), "F m -3 m"),
    ],
)
def test_the_laue_group_of_the_data_comes_first(
    group: str, cell: tuple[float, ...], laue: str
) -> None:
    rng = np.random.default_rng(4)
    crystal = carbon_crystal(group, rng).replace(cell=cell)
    ranking = laue_candidates(measured(crystal, rng), spacegroup=group)
    assert ranking[0].spacegroup == laue
    assert ranking[0].accepted
    assert ranking[0].r_int < 0.1
    # One list has every subgroup of the lattice's group once, P -1 among them.
    names = [candidate.spacegroup for candidate in ranking]
    assert len(names) == len(set(names))
    for candidate in ranking:
        if candidate.operations > ranking[0].operations:
            assert not candidate.accepted


def test_what_disagrees_is_said() -> None:
    rng = np.random.default_rng(4)
    crystal = carbon_crystal("P 1 2/m 1", rng).replace(cell=(9.0, 10.0, 12.0, 90.0, 90.1, 90.0))
    ranking = laue_candidates(measured(crystal, rng), spacegroup="P m m m")
    by_name = {candidate.spacegroup: candidate for candidate in ranking}
    wrong = by_name["P m m m"]
    assert not wrong.accepted
    assert wrong.worst == pytest.approx(1.0, abs=0.2)
    assert wrong.r_int > 0.2
    assert "disagree by" in wrong.reason
    assert by_name["P 1 2/m 1"].accepted


@pytest.mark.parametrize(
    ("group", "cell", "laue"),
    [
        ("P 21 21 21", CUBIC, "P m m m"),
        ("P 1 21/c 1", (9.0, 10.0, 12.0, 90.0, 97.0, 90.0), "P 1 2/m 1"),
        ("P 41", (11.0, 11.0, 14.0, 90.0, 90.0, 90.0), "P 4/m"),
    ],
)
def test_merged_data_have_the_group_whose_unique_part_they_fill(
    group: str, cell: tuple[float, ...], laue: str
) -> None:
    rng = np.random.default_rng(4)
    crystal = carbon_crystal(group, rng).replace(cell=cell)
    merged = argand.measured.merge(measured(crystal, rng), spacegroup=group)
    listed = Reflections(
        hkl=merged.hkl, intensity=merged.intensity, sigma=merged.sigma, cell=crystal.cell
    )
    ranking = laue_candidates(listed, spacegroup="P 1")
    first = ranking[0]
    assert first.spacegroup == laue
    assert first.accepted
    assert not first.tested
    assert np.isnan(first.worst)
    assert first.completeness > 0.9
    assert "the data are merged" in first.reason
    # A part of these data tells nothing any more.
    thin = listed[rng.random(len(listed.hkl)) < 0.4]
    by_name = {entry.spacegroup: entry for entry in laue_candidates(thin, spacegroup="P 1")}
    assert not by_name[laue].accepted
    assert "not measured apart" in by_name[laue].reason


def test_a_space_group_is_needed_for_its_centring() -> None:
    rng = np.random.default_rng(4)
    with pytest.raises(ArgandError, match="no space group"):
        laue_candidates(measured(carbon_crystal("P 1", rng), rng))
