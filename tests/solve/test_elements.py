"""Test which elements sites get from their electrons, their neighbours and a content."""

from __future__ import annotations

import numpy as np
import pytest

from argand.atom_types import atomic_number
from argand.solve.contacts import find_contacts
from argand.solve.elements import assign, assign_on_scale, scales
from phased_crystals import alcohol, heavy_part

CRYSTAL = heavy_part(alcohol())
CONTACTS = find_contacts(CRYSTAL, 3.8)
MULTIPLICITY = np.full(9, 4)
NUMBERS = np.array([float(atomic_number(name)) for name in CRYSTAL.types])


def noisy(seed, share=0.04):
    """Return the electrons of the sites, each wrong by a share of them."""
    return NUMBERS * (1.0 + share * np.random.default_rng(seed).normal(size=9))


@pytest.mark.parametrize("factor", [0.01, 1.0, 37.0])
def test_a_known_content_is_assigned_on_any_scale(factor):
    """The scale of the electrons does not matter; hydrogen is left out (seed 1)."""
    electrons = factor * noisy(1)
    contents = {"C": 32, "H": 40, "O": 4}
    assignment = assign(electrons, MULTIPLICITY, CONTACTS, contents)
    assert assignment.elements == CRYSTAL.types
    assert assignment.scale * factor == pytest.approx(1.0, abs=0.05)


def test_a_content_that_is_wrong_by_an_atom_yields_to_clear_data():
    """The content states bromine for one carbon: no site has 35 electrons."""
    contents = {"C": 28, "O": 4, "Br": 4}
    assignment = assign(NUMBERS, MULTIPLICITY, CONTACTS, contents)
    assert assignment.elements == CRYSTAL.types


def test_bonds_decide_between_neighbours_in_the_periodic_table():
    """Of two atoms with 7.1 electrons the terminal one, at 1.42 A, is oxygen, not the other."""
    electrons = np.full(9, 6.0)
    electrons[[0, 8]] = 7.1
    assignment = assign(electrons, MULTIPLICITY, CONTACTS, {"C": 32, "O": 4})
    assert assignment.elements == CRYSTAL.types


def test_doubtful_sites_have_a_small_margin():
    """A site half way between carbon and nitrogen is doubted, a clear one is not."""
    electrons = NUMBERS.copy()
    electrons[3] = 6.5
    assignment = assign_on_scale(electrons, MULTIPLICITY, CONTACTS, 1.0)
    assert assignment.margin[3] < assignment.margin[[0, 1, 2, 4, 5]].min()
    assert assignment.runner_up[3] in ("C", "N")


@pytest.mark.parametrize("factor", [0.2, 1.0, 5.0])
def test_an_unknown_content_finds_its_scale(factor):
    """Geometry says that the commonest sites are carbon, whatever the scale (seed 2)."""
    found = scales(factor * noisy(2, 0.02), MULTIPLICITY, CONTACTS, CRYSTAL.volume)
    assert found[0].elements == CRYSTAL.types
    assert found[0].scale * factor == pytest.approx(1.0, abs=0.04)
    costs = [assignment.cost for assignment in found]
    assert costs == sorted(costs)
