"""Check twin laws, twin fractions and detwinning on simulated twins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import argand
from argand.io import Reflections
from argand.measured import Merged, merge
from argand.solve.twins import expected_l, find_twin, law_words, twin_laws

TETRAGONAL = (12.0, 12.0, 15.0, 90.0, 90.0, 90.0)
# b and c of this monoclinic cell are not equal, but its angle is nearly 90 degrees.
PSEUDO_ORTHORHOMBIC = (8.0, 9.0, 14.0, 90.0, 90.4, 90.0)


def random_atoms(
    spacegroup: str, cell: tuple[float, ...], rng: np.random.Generator, sites: int
) -> argand.Crystal:
    """Return carbon atoms at random positions."""
    return argand.Crystal(
        cell=cell,
        spacegroup=spacegroup,
        types=("C",) * sites,
        frac=rng.random((sites, 3)),
        b_iso=np.full(sites, 2.0),
    )


def twin(
    crystal: argand.Crystal, law: np.ndarray, fraction: float, rng: np.random.Generator
) -> Merged:
    """Simulate merged data of a twin, with 3 % of error."""
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=1.0)
    own = np.abs(argand.structure_factors(crystal, hkl)) ** 2
    other = np.abs(argand.structure_factors(crystal, np.rint(hkl @ law.T).astype(int))) ** 2
    true = (1 - fraction) * own + fraction * other
    sigma = np.hypot(0.03 * true, 0.01 * true.mean())
    intensity = true + sigma * rng.normal(size=len(true))
    return merge(
        Reflections(hkl=hkl, intensity=intensity, sigma=sigma),
        cell=crystal.cell,
        spacegroup=crystal.spacegroup,
    )


CASES = [("P 41", TETRAGONAL, 12), ("P 1 21 1", PSEUDO_ORTHORHOMBIC, 20), ("P 4/m", TETRAGONAL, 6)]


@pytest.mark.parametrize(("group", "cell", "sites"), CASES)
@pytest.mark.parametrize("fraction", [0.2, 0.4, 0.5])
def test_twins_are_found_with_their_fraction(
    group: str, cell: tuple[float, ...], sites: int, fraction: float
) -> None:
    rng = np.random.default_rng(5)
    crystal = random_atoms(group, cell, rng, sites)
    law = twin_laws(twin(crystal, np.eye(3), 0.0, rng))[0]
    finding = find_twin(twin(crystal, law, fraction, rng))
    assert finding is not None
    assert finding.likely
    assert np.array_equal(finding.law, law)
    assert abs(finding.fraction - fraction) < max(3 * finding.uncertainty, 0.02)
    assert finding.uncertainty < 0.05
    assert "twinned by" in finding.reason


@pytest.mark.parametrize(("group", "cell", "sites"), CASES)
@pytest.mark.parametrize("seed", range(4))
def test_single_crystals_are_no_twins(
    group: str, cell: tuple[float, ...], sites: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    crystal = random_atoms(group, cell, rng, sites)
    finding = find_twin(twin(crystal, np.eye(3), 0.0, rng))
    assert finding is not None
    assert not finding.likely
    assert finding.fraction < max(3 * finding.uncertainty, 0.03)


@pytest.mark.parametrize("fraction", [0.0, 0.06, 0.3, 0.5])
def test_a_known_structure_tells_the_fraction_in_spite_of_a_heavy_atom(fraction: float) -> None:
    rng = np.random.default_rng(15)
    light = random_atoms("P -3", (12.0, 12.0, 14.0, 90.0, 90.0, 120.0), rng, 6)
    # The heavy atom obeys all twin laws.
    crystal = light.replace(
        types=("I", *light.types[1:]), labels=(), frac=np.vstack([[0, 0, 0], light.frac[1:]])
    )
    law = twin_laws(twin(crystal, np.eye(3), 0.0, rng))[0]
    data = twin(crystal, law, fraction, rng)
    calculated = np.abs(argand.structure_factors(crystal, data.hkl)) ** 2
    finding = find_twin(data, 2.5 * calculated)
    assert finding is not None
    assert finding.likely == (fraction > 0)
    if fraction:
        assert np.array_equal(finding.law, law)
    assert abs(finding.fraction - fraction) < 3 * finding.uncertainty
    assert finding.uncertainty < 0.02
    assert "fit to the structure" in finding.reason


def test_true_symmetry_of_the_intensities_is_no_twin() -> None:
    rng = np.random.default_rng(6)
    crystal = random_atoms("P 4/m m m", TETRAGONAL, rng, 4)
    hkl = argand.miller_indices(crystal.cell, "P 4/m", d_min=1.0)
    true = np.abs(argand.structure_factors(crystal, hkl)) ** 2
    sigma = np.hypot(0.03 * true, 0.01 * true.mean())
    intensity = true + sigma * rng.normal(size=len(true))
    data = merge(
        Reflections(hkl=hkl, intensity=intensity, sigma=sigma), cell=TETRAGONAL, spacegroup="P 4/m"
    )
    finding = find_twin(data)
    assert finding is not None
    assert finding.fraction > 0.4
    assert not finding.likely
    assert "symmetry" in finding.reason


def test_few_reflections_leave_a_twin_in_doubt() -> None:
    rng = np.random.default_rng(6)
    crystal = random_atoms("P 41", TETRAGONAL, rng, 12)
    law = twin_laws(twin(crystal, np.eye(3), 0.0, rng))[0]
    data = twin(crystal, law, 0.4, rng)
    few = data.stol < np.sort(data.stol)[180]
    columns = ("hkl", "intensity", "sigma", "count")
    finding = find_twin(replace(data, **{name: getattr(data, name)[few] for name in columns}))
    assert finding is not None
    assert not finding.likely
    assert np.isnan(finding.l_mean)
    assert "perhaps twinned" in finding.reason


@pytest.mark.parametrize(
    ("group", "cell", "count"),
    [
        ("P 4/m m m", TETRAGONAL, 0),
        ("P 41", TETRAGONAL, 1),
        ("P 1 21 1", PSEUDO_ORTHORHOMBIC, 1),
        ("P 1 21 1", (8.0, 9.0, 14.0, 90.0, 99.0, 90.0), 0),
        ("P 3", (9.0, 9.0, 14.0, 90.0, 90.0, 120.0), 3),
        ("P -1", (8.0, 9.0, 14.0, 82.0, 99.0, 95.0), 0),
        ("P 2 3", (9.0, 9.0, 9.0, 90.0, 90.0, 90.0), 1),
    ],
)
def test_laws_are_the_cosets_of_the_lattice(
    group: str, cell: tuple[float, ...], count: int
) -> None:
    rng = np.random.default_rng(1)
    data = twin(random_atoms(group, cell, rng, 3), np.eye(3), 0.0, rng)
    assert len(twin_laws(data)) == count


def test_a_law_is_written_as_new_indices_in_terms_of_old() -> None:
    law = np.array([[0, 1, 0], [0, 0, -1], [1, 0, 0]])
    assert (law @ [1, 2, 3]).tolist() == [2, -3, 1]
    assert law_words(law) == "k, -l, h"


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.25, 0.4, 0.45, 0.5])
def test_l_of_a_twin_is_that_of_simulated_exponentials(fraction: float) -> None:
    rng = np.random.default_rng(3)
    domains = rng.exponential(size=(4, 400_000))
    first = (1 - fraction) * domains[0] + fraction * domains[1]
    second = (1 - fraction) * domains[2] + fraction * domains[3]
    simulated = np.abs((first - second) / (first + second)).mean()
    assert expected_l(fraction) == pytest.approx(simulated, abs=2e-3)
