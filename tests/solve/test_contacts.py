"""Test lists of contacts against counts that geometry gives, and against all images."""

from __future__ import annotations

import itertools

import numpy as np

import argand
from argand.site_symmetry import cartesian_axes
from argand.solve.contacts import find_contacts
from argand.symmetry import operation_arrays


def test_rock_salt_has_six_and_twelve_neighbours():
    """Each ion has 6 of the other kind at a/2 and 12 of its own at a/sqrt 2."""
    salt = argand.Crystal(
        cell=(5.64, 5.64, 5.64, 90.0, 90.0, 90.0),
        spacegroup="F m -3 m",
        types=("Na", "Cl"),
        frac=[(0.0, 0.0, 0.0), (0.5, 0.5, 0.5)],
    )
    contacts = find_contacts(salt, 4.2)
    for site in (0, 1):
        distance = contacts.distance[contacts.site == site]
        np.testing.assert_allclose(distance[:6], 5.64 / 2.0)
        np.testing.assert_allclose(distance[6:], 5.64 / np.sqrt(2.0))
        assert len(distance) == 18
        assert set(contacts.neighbour[contacts.site == site][:6]) == {1 - site}


def test_contacts_are_all_images_within_reach():
    """In an oblique, short cell the distances agree with those of all images (seed 8)."""
    rng = np.random.default_rng(8)
    crystal = argand.Crystal(
        cell=(3.1, 4.0, 7.0, 75.0, 100.0, 110.0),
        spacegroup="P -1",
        types=("C",) * 4,
        frac=rng.random((4, 3)),
    )
    axes = cartesian_axes(crystal)
    expected = []
    for x, y, sign in itertools.product(range(4), range(4), (1, -1)):
        for cell in itertools.product(range(-5, 6), repeat=3):
            vector = (sign * crystal.frac[y] + cell - crystal.frac[x]) @ axes.T
            length = float(np.linalg.norm(vector))
            if 0.05 < length < 3.5:
                expected.append((x, y, round(length, 6)))
    contacts = find_contacts(crystal, 3.5)
    found = zip(contacts.site, contacts.neighbour, contacts.distance.round(6), strict=True)
    assert sorted(tuple(map(float, row)) for row in found) == sorted(expected)
    np.testing.assert_allclose(np.linalg.norm(contacts.vector, axis=1), contacts.distance)


def test_operation_and_translation_give_the_image():
    """Where a neighbour is follows from its operation and translation, on special positions too."""
    crystal = argand.Crystal(
        cell=(4.6, 4.6, 2.96, 90.0, 90.0, 90.0),
        spacegroup="P 42/m n m",
        types=("Ti", "O"),
        frac=[(0.0, 0.0, 0.0), (0.305, 0.305, 0.0)],
    )
    contacts = find_contacts(crystal, 3.6)
    rotations, translations = operation_arrays(crystal.symops)
    turned = np.einsum(
        "cij,cj->ci", rotations[contacts.operation], crystal.frac[contacts.neighbour]
    )
    image = turned + translations[contacts.operation] + contacts.translation
    vector = (image - crystal.frac[contacts.site]) @ cartesian_axes(crystal).T
    np.testing.assert_allclose(vector, contacts.vector, atol=1e-12)
    # Rutile: titanium has six oxygens within 2 angstrom, and oxygen three titaniums.
    is_bond = (contacts.distance < 2.1) & (contacts.site != contacts.neighbour)
    assert np.bincount(contacts.site[is_bond]).tolist() == [6, 3]
