"""Atoms of a kind that have changed places are told apart by the known structure; others are left where they are."""

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
        [[0.2, 0.2, 0.2], [0.35, 0.25, 0.3], [0.55, 0.5, 0.2], [0.7, 0.8, 0.6], [0.25, 0.1, 0.12]]
    ),
    b_iso=np.array([2.0, 3.0, 2.0, 2.0, 4.0]),
)
AXES = cartesian_axes(CHAIN)


def between(i: int, j: int) -> np.ndarray:
    return AXES @ (CHAIN.frac[j] - CHAIN.frac[i])


def test_two_carbons_change_back() -> None:
    u = np.random.default_rng(1).normal(size=(5, 3)) * 0.05
    swapped = u.copy()
    swapped[0], swapped[1] = between(0, 1) + u[1], between(1, 0) + u[0]
    np.testing.assert_allclose(exchanged(CHAIN, swapped), u, atol=1e-12)


def test_other_types_do_not() -> None:
    swapped = np.zeros((5, 3))
    swapped[1], swapped[2] = between(1, 2), between(2, 1)
    np.testing.assert_array_equal(exchanged(CHAIN, swapped), swapped)


def test_an_image_by_symmetry_is_the_same_atom() -> None:
    u = np.full((5, 3), 0.03)
    across = u.copy()
    across[3] = AXES @ (1.0 - 2.0 * CHAIN.frac[3]) - u[3]  # -x + 1 of the displaced site
    np.testing.assert_allclose(exchanged(CHAIN, across), u, atol=1e-12)


def test_sites_on_special_positions_stay() -> None:
    crystal = argand.Crystal(
        (5.0,) * 3 + (90.0,) * 3, "P m -3 m", types=("Na", "Na"), frac=[[0, 0, 0], [0.5, 0.5, 0.5]]
    )
    u = np.array([[0.0, 0.0, 0.0], [-2.5, -2.5, -2.5]])
    np.testing.assert_array_equal(exchanged(crystal, u), u)
