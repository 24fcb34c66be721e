"""Check Flack's parameter on simulated crystals of known hand, and inversion by its law."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

import argand
from argand.io import Reflections
from argand.measured import Merged, merge
from argand.radiation import Radiation
from argand.solve.absolute import absolute_structure, inverted
from space_groups import EVERY_GROUP, random_crystal

COPPER = Radiation("x-ray", 1.5418, dispersion=True)
ACENTRIC = [name for name in EVERY_GROUP if not gemmi.SpaceGroup(name).is_centrosymmetric()]


def thiolate(rng: np.random.Generator, spacegroup: str = "P 21 21 21") -> argand.Crystal:
    """Return a light structure with one sulphur, whose dispersion shows with copper radiation."""
    types = ("S", "O", "O", "N", *("C",) * 12)
    return argand.Crystal(
        cell=(7.1, 9.3, 14.2, 90.0, 90.0, 90.0),
        spacegroup=spacegroup,
        types=types,
        frac=rng.random((len(types), 3)),
        b_iso=np.full(len(types), 2.5),
    )


def measured(crystal: argand.Crystal, x: float, noise: float, rng: np.random.Generator) -> Merged:
    """Simulate data, mates apart, of a crystal of which a share x is inverted."""
    half = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=0.9)
    hkl = np.concatenate([half, -half])
    energy = COPPER.energy_kev
    same = np.abs(argand.structure_factors(crystal, hkl, energy_kev=energy)) ** 2
    other = np.abs(argand.structure_factors(crystal, -hkl, energy_kev=energy)) ** 2
    true = (1.0 - x) * same + x * other
    sigma = np.hypot(noise * true, 0.2 * noise * true.mean())
    intensity = 3.7 * (true + sigma * rng.normal(size=len(true)))
    reflections = Reflections(hkl=hkl, intensity=intensity, sigma=3.7 * sigma)
    return merge(reflections, cell=crystal.cell, spacegroup=crystal.spacegroup, keep_mates=True)


@pytest.mark.parametrize(("x", "hand"), [(0.0, "kept"), (0.3, "kept"), (1.0, "inverted")])
def test_the_parameter_is_found_within_three_uncertainties(x: float, hand: str) -> None:
    rng = np.random.default_rng(11)
    crystal = thiolate(rng)
    result = absolute_structure(crystal, measured(crystal, x, 0.02, rng), COPPER)
    assert result.flack is not None
    assert result.flack.uncertainty < 0.1
    assert abs(result.flack.value - x) < 3 * result.flack.uncertainty
    assert abs(result.flack.fitted - x) < 3 * result.flack.fitted_uncertainty
    assert result.flack.quotients > 300
    assert result.hand == hand


def test_uncertainties_are_what_repeated_measurements_scatter_by() -> None:
    rng = np.random.default_rng(2)
    crystal = thiolate(rng)
    deviations = []
    for _ in range(60):
        flack = absolute_structure(crystal, measured(crystal, 0.2, 0.04, rng), COPPER).flack
        assert flack is not None
        deviations.append(
            [
                (flack.value - 0.2) / flack.uncertainty,
                (flack.fitted - 0.2) / flack.fitted_uncertainty,
            ]
        )
    spread = np.sqrt(np.mean(np.square(deviations), axis=0))
    # The standard deviation of sixty draws is known to 9 %.
    assert (spread > 0.65).all()
    assert (spread < 1.35).all()


def test_half_and_half_is_a_twin() -> None:
    rng = np.random.default_rng(3)
    crystal = thiolate(rng)
    result = absolute_structure(crystal, measured(crystal, 0.5, 0.02, rng), COPPER)
    assert result.hand == "twin"
    assert "twinned by inversion" in result.reason


def test_atoms_of_one_element_have_no_parameter() -> None:
    """Mates differ by rounding alone: a slope over it would be a number of any size."""
    rng = np.random.default_rng(3)
    crystal = thiolate(rng).replace(types=("C",) * 16, labels=())
    result = absolute_structure(crystal, measured(crystal, 0.0, 0.05, rng), COPPER)
    assert result.hand == "unknown"
    assert result.flack is None
    assert "dispersion hardly changes" in result.reason


def test_what_forbids_the_parameter_is_said() -> None:
    rng = np.random.default_rng(3)
    crystal = thiolate(rng)
    data = measured(crystal, 0.0, 0.02, rng)
    assert "dispersion is not included" in absolute_structure(crystal, data, Radiation()).reason
    centric = crystal.replace(spacegroup="P -1")
    assert "centre of symmetry" in absolute_structure(centric, data, COPPER).reason
    without_mates = merge(
        Reflections(hkl=data.hkl, intensity=data.intensity, sigma=data.sigma),
        cell=crystal.cell,
        spacegroup=crystal.spacegroup,
    )
    result = absolute_structure(crystal, without_mates, COPPER)
    assert result.flack is None
    assert "not measured apart" in result.reason


@pytest.mark.parametrize("group", ACENTRIC)
def test_the_inverted_structure_has_the_intensities_of_the_mates(group: str) -> None:
    rng = np.random.default_rng(gemmi.SpaceGroup(group).number)
    crystal = random_crystal(rng, group)
    crystal = crystal.replace(frac=rng.random(crystal.frac.shape))
    other = inverted(crystal)
    # A table's setting, and the same group but for the eleven pairs.
    assert ";" not in other.spacegroup
    assert gemmi.SpaceGroup(other.spacegroup).point_group_hm() == (
        gemmi.SpaceGroup(group).point_group_hm()
    )
    is_pair = gemmi.SpaceGroup(group).is_enantiomorphic()
    assert (other.spacegroup != crystal.spacegroup) == is_pair
    hkl = rng.integers(-6, 7, (40, 3))
    same = np.abs(argand.structure_factors(crystal, -hkl, energy_kev=8.04))
    mirrored = np.abs(argand.structure_factors(other, hkl, energy_kev=8.04))
    assert np.allclose(same, mirrored, rtol=1e-6, atol=1e-6 * same.max())


def test_inversion_twice_is_the_same_structure() -> None:
    rng = np.random.default_rng(8)
    crystal = random_crystal(rng, "I 41")
    again = inverted(inverted(crystal))
    assert again.spacegroup == crystal.spacegroup
    difference = again.frac - crystal.frac
    assert np.abs(difference - np.rint(difference)).max() < 1e-12
