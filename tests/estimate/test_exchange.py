"""Atoms of one kind that have changed places are put back; others are left where they are."""

from __future__ import annotations

import numpy as np

import argand
from argand.estimate.exchange import exchanged
from argand.site_symmetry import cartesian_axes

CHAIN = argand.Crystal(
    cell=(7.0, 8.0, 9.0, 80.0, 95.0, 103.0),
    spacegroup="P -1",
    types=("C", "C", "N", "S", "H"),
    frac=np.array(
        [
            [0.2, 0.2, 0.2],
            [0.35, 0.25, 0.3],
            [0.55, 0.5, 0.2],
            [0.7, 0.8, 0.6],
            [0.25, 0.1, 0.12],
        ]
    ),
    b_iso=np.array([2.0, 3.0, 2.0, 2.0, 4.0]),
)
AXES = cartesian_axes(CHAIN)


def vector(start: int, end: int) -> np.ndarray:
    """Return the Cartesian vector between two sites of the chain, angstrom."""
    return AXES @ (CHAIN.frac[end] - CHAIN.frac[start])


def test_two_carbons_change_back() -> None:
    """Each carbon keeps the small displacement from the site that it belongs to."""
    displacement = np.random.default_rng(1).normal(size=(5, 3)) * 0.05
    swapped = displacement.copy()
    swapped[0] = vector(0, 1) + displacement[1]
    swapped[1] = vector(1, 0) + displacement[0]
    np.testing.assert_allclose(exchanged(CHAIN, swapped), displacement, atol=1e-12)


def test_other_types_do_not_change_back() -> None:
    """A carbon and a nitrogen change back only when types are not asked for."""
    swapped = np.zeros((5, 3))
    swapped[1] = vector(1, 2)
    swapped[2] = vector(2, 1)
    np.testing.assert_array_equal(exchanged(CHAIN, swapped), swapped)
    put_back = exchanged(CHAIN, swapped, alike=False)
    np.testing.assert_allclose(put_back, 0.0, atol=1e-12)


def test_an_image_by_symmetry_is_the_same_atom() -> None:
    """A displaced site at -x + 1 has the displacement of its image near the known site."""
    displacement = np.full((5, 3), 0.03)
    across = displacement.copy()
    across[3] = AXES @ (1.0 - 2.0 * CHAIN.frac[3]) - displacement[3]
    np.testing.assert_allclose(exchanged(CHAIN, across), displacement, atol=1e-12)


def test_sites_on_special_positions_stay() -> None:
    """No atom leaves a site that symmetry fixes."""
    frac = np.zeros((2, 3))
    frac[1] = 0.5
    crystal = argand.Crystal(
        cell=(5.0,) * 3 + (90.0,) * 3,
        spacegroup="P m -3 m",
        types=("Na", "Na"),
        frac=frac,
    )
    displacement = np.zeros((2, 3))
    displacement[1] = -2.5
    np.testing.assert_array_equal(exchanged(crystal, displacement), displacement)
