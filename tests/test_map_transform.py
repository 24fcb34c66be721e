"""Test maps of many lists of structure factors that share their reflections."""

from __future__ import annotations

import numpy as np
import pytest

import argand
import oracles
from argand.map_transform import MapTransform
from argand.symmetry import operations

# The second grid is too coarse for the reflections, whose orders fall on each other.
GRIDS = [(12, 15, 16), (6, 5, 4)]


@pytest.mark.parametrize("grid", GRIDS)
def test_friedel_mates_that_differ_give_the_real_part(grid):
    """Both mates of some pairs are listed, with values of their own (seed 3)."""
    rng = np.random.default_rng(3)
    hkl = oracles.box((3, 3, 3))[rng.permutation(343)[:90]]
    f = rng.normal(size=90) + 1j * rng.normal(size=90)
    values = {}
    for h, value in zip(hkl.tolist(), f, strict=True):
        values.setdefault(tuple(-x for x in h), np.conj(value))
    values |= dict(zip(map(tuple, hkl.tolist()), f, strict=True))
    expected = oracles.density(np.array(list(values.values())), list(values), grid, 1.0)
    rho = MapTransform(hkl, grid, "P 1", np.complex128)(f, 1.0)
    np.testing.assert_allclose(rho, expected, atol=1e-12)


@pytest.mark.parametrize("grid", GRIDS)
def test_one_plan_serves_many_lists(grid):
    """Maps of P 3 1 2 1 are the sums over the equivalents of its reflections (seed 4)."""
    rng = np.random.default_rng(4)
    hkl = np.array([(1, 0, 1), (2, 0, -1), (1, 1, 2), (3, -1, 0), (2, 1, 1)], np.int32)
    transform = MapTransform(hkl, grid, "P 31 2 1", np.complex128)
    for _ in range(2):
        f = rng.normal(size=5) + 1j * rng.normal(size=5)
        values = {}
        for rotation, translation in reversed(operations("P 31 2 1")):
            phased = f * np.exp(-2j * np.pi * (hkl @ translation))
            for h, value in zip((hkl @ rotation).tolist(), phased, strict=True):
                values[tuple(h)] = value
        for h in list(values):
            values.setdefault(tuple(-x for x in h), np.conj(values[h]))
        expected = oracles.density(np.array(list(values.values())), list(values), grid, 2.0)
        np.testing.assert_allclose(transform(f, 0.5), expected, atol=1e-12)


def test_single_precision_stays_single():
    """complex64 gives float32, as near to the map by matrix products as that is."""
    crystal = argand.Crystal(
        cell=(5.0, 6.0, 7.0, 90.0, 100.0, 90.0),
        spacegroup="P 1 21/c 1",
        types=("C", "O"),
        frac=[(0.1, 0.2, 0.3), (0.4, 0.35, 0.15)],
        b_iso=[2.0, 3.0],
    )
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=1.0)
    f = argand.structure_factors(crystal, hkl).astype(np.complex64)
    grid = (16, 18, 20)
    rho = MapTransform(hkl, grid, crystal.spacegroup, np.complex64)(f, 1.0 / crystal.volume)
    by_matrix = argand.map_from_structure_factors(
        hkl, f, grid, cell=crystal.cell, spacegroup=crystal.spacegroup, method="matrix"
    )
    assert rho.dtype == np.float32
    np.testing.assert_allclose(rho, by_matrix, atol=1e-5)
