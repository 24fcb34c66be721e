"""Test that an asymmetric unit becomes whole molecules without changing the crystal."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.reflections import miller_indices
from argand.solve.assembly import assemble, bonds, numbered_labels
from argand.structure_factors import structure_factors
from argand.symmetry import operation_arrays
from phased_crystals import alcohol, heavy_part


def scattered(crystal, seed):
    """Return a crystal with every site moved to a random image in a random cell."""
    rng = np.random.default_rng(seed)
    rotations, translations = operation_arrays(crystal.symops)
    frac = []
    for position in crystal.frac:
        number = rng.integers(len(rotations))
        moved = rotations[number] @ position + translations[number]
        frac.append(moved + rng.integers(-2, 3, size=3))
    return crystal.replace(frac=np.array(frac))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_scattered_molecule_is_put_together(seed):
    """All bonds of the molecule lie within the asymmetric unit, and F is unchanged."""
    crystal = heavy_part(alcohol())
    together = assemble(scattered(crystal, seed))
    axes = argand.site_symmetry.cartesian_axes(crystal)
    position = together.frac @ axes.T
    distance = np.linalg.norm(position[:, None] - position, axis=2)
    # Nine bonds: six of the ring and three others.
    assert np.count_nonzero(np.triu(distance < 1.6, k=1)) == 9
    assert np.linalg.norm((together.frac.mean(axis=0) - 0.5) @ axes.T) < 8.0
    hkl = miller_indices(crystal.cell, crystal.symops, d_min=1.2)
    expected = structure_factors(crystal, hkl)
    error = np.abs(structure_factors(together, hkl) - expected).max()
    assert error < 1e-8 * np.abs(expected).max()
    assert len(set(together.labels)) == 9


def test_the_centre_is_nearest_the_middle_of_the_cell():
    """No image of the molecule has its centre nearer the middle."""
    crystal = assemble(scattered(heavy_part(alcohol()), 4))
    axes = argand.site_symmetry.cartesian_axes(crystal)
    rotations, translations = operation_arrays(crystal.symops)
    centre = rotations @ crystal.frac.mean(axis=0) + translations
    cells = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3), axis=-1).reshape(-1, 3)
    distance = np.linalg.norm((centre[:, None] + cells - 0.5) @ axes.T, axis=2)
    own = np.linalg.norm((crystal.frac.mean(axis=0) - 0.5) @ axes.T)
    assert own == pytest.approx(distance.min())


def test_bonds_are_listed_from_both_ends():
    """Every bond of the molecule occurs twice, with opposite vectors."""
    contacts = bonds(heavy_part(alcohol()))
    assert len(contacts.site) == 18
    pairs = set(zip(contacts.site.tolist(), contacts.neighbour.tolist(), strict=True))
    assert {(second, first) for first, second in pairs} == pairs


def test_labels_are_numbered_by_element():
    """Each element has a numbering of its own, in the order of the sites."""
    assert numbered_labels(("Cu", "O", "C", "C", "O2-")) == ("Cu1", "O1", "C1", "C2", "O2")
