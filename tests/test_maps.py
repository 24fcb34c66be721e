"""Coefficients of difference maps and the Patterson function."""

from __future__ import annotations

import numpy as np
import pytest

import argand
import oracles

CELL = (6.0, 7.0, 8.0, 90.0, 100.0, 90.0)


def test_difference_of_equal_amplitudes_is_nothing():
    f = np.array([3 + 4j, -2.0, 1j])
    np.testing.assert_allclose(argand.difference_coefficients(np.abs(f), f), 0, atol=1e-15)
    np.testing.assert_allclose(argand.difference_coefficients(np.abs(f), f, n_obs=2), f, atol=1e-15)


def test_unmeasured_reflections_add_nothing():
    np.testing.assert_allclose(
        argand.difference_coefficients([np.nan, 2.0], [1 + 1j, 1j]), [0, 1j], atol=1e-15
    )


def test_a_difference_map_shows_the_atom_that_is_missing():
    places = np.array([[0.1, 0.2, 0.3], [0.4, 0.7, 0.55], [0.8, 0.3, 0.9]])
    whole = argand.Crystal(CELL, types=("O", "C", "N"), frac=places, b_iso=3.0)
    part = argand.Crystal(CELL, types=("O", "N"), frac=places[[0, 2]], b_iso=3.0)
    hkl = oracles.box((8, 8, 8))
    observed, calculated = argand.structure_factors(whole, hkl), argand.structure_factors(part, hkl)
    difference = argand.difference_coefficients(np.abs(observed), calculated)
    rho = argand.map_from_structure_factors(hkl, difference, (20, 20, 20), cell=CELL)
    assert np.unravel_index(rho.argmax(), rho.shape) == (8, 14, 11)


@pytest.mark.parametrize("spacegroup", ["P 1", "P 1 21/c 1", "C 1 2/c 1"])
def test_patterson_is_the_autocorrelation_of_the_density(spacegroup):
    atoms = argand.Crystal(
        CELL, spacegroup, types=("O", "C"), frac=[[0.1, 0.2, 0.3], [0.4, 0.7, 0.55]], b_iso=4.0
    )
    hkl = argand.miller_indices(CELL, spacegroup, d_min=1.3)
    grid = (18, 20, 24)
    f = argand.structure_factors(atoms, hkl)
    rho = argand.map_from_structure_factors(hkl, f, grid, cell=CELL, spacegroup=spacegroup)
    power = np.abs(np.fft.fftn(rho)) ** 2
    expected = np.fft.ifftn(power).real * argand.cell.cell_volume(CELL) / rho.size
    found = argand.maps.patterson(hkl, np.abs(f), grid, cell=CELL, spacegroup=spacegroup)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * expected.max())
    assert found.argmax() == 0


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="f_obs has shape"):
        argand.difference_coefficients([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="amplitude is complex128"):
        argand.maps.patterson([[1, 0, 0]], [1j], (4, 4, 4), cell=CELL)
