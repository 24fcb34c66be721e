"""Test where hydrogens are placed, against a molecule whose hydrogens are known."""

from __future__ import annotations

import numpy as np
import pytest

from argand.peaks import nearest_image
from argand.solve.hydrogens import place_hydrogens, with_hydrogens
from argand.solve.observed_amplitudes import ObservedAmplitudes
from argand.structure_factors import structure_factors
from phased_crystals import alcohol, heavy_part, phased

CRYSTAL = alcohol()
HEAVY = heavy_part(CRYSTAL)


def difference_map():
    """Return the map of the hydrogens: all atoms minus the heavy ones."""
    data = phased(CRYSTAL)
    observed = ObservedAmplitudes.of(data.merged, data.radiation)
    f = structure_factors(HEAVY, data.merged.hkl, energy_kev=data.radiation.energy_kev)
    return observed.difference_density(f, 1.0)


def test_every_hydrogen_is_placed_where_it_is():
    """CH, CH2, CH3 with its torsion, and OH: ten hydrogens within .12 A, none too many."""
    hydrogens = place_hydrogens(HEAVY, difference_map())
    assert len(hydrogens.frac) == 10
    distance = nearest_image(CRYSTAL.frac[9:], hydrogens.frac, CRYSTAL.cell, CRYSTAL.symops)
    assert sorted(distance.argmin(axis=1)) == list(range(10))
    assert distance.min(axis=1).max() < 0.12
    # 1.5 of U for CH3 (site 6) and OH (site 8), 1.2 for the others.
    rotors = np.isin(hydrogens.carrier, (6, 8))
    np.testing.assert_allclose(hydrogens.factor, np.where(rotors, 1.5, 1.2))


def test_a_quota_that_carbon_fills_leaves_none_for_oxygen():
    """Nine hydrogens for each molecule are those of carbon."""
    hydrogens = place_hydrogens(HEAVY, difference_map(), quota=36.0)
    assert len(hydrogens.frac) == 9
    assert 8 not in hydrogens.carrier


def test_without_density_oxygen_has_no_hydrogen():
    """In an empty map only carbon's hydrogens are placed, by geometry."""
    hydrogens = place_hydrogens(HEAVY, np.zeros_like(difference_map()))
    assert sorted(hydrogens.carrier.tolist()) == [1, 2, 4, 5, 6, 6, 6, 7, 7]


def test_hydrogens_follow_their_carriers_in_the_list():
    """Labels are unique, name the carrier, and B is that of the carrier times the factor."""
    hydrogens = place_hydrogens(HEAVY, difference_map())
    complete, riding = with_hydrogens(HEAVY, hydrogens)
    assert len(complete.types) == 19
    assert len(set(complete.labels)) == 19
    assert len(riding) == 10
    for label, carrier in riding.items():
        site = complete.labels.index(label)
        owner = complete.labels.index(carrier)
        assert 0 < site - owner <= 3
        ratio = complete.b_iso[site] / complete.b_iso[owner]
        assert ratio == pytest.approx(1.2) or ratio == pytest.approx(1.5)
