"""Test coefficients of difference maps and the Patterson function."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import argand
import oracles
from argand.cli import main
from argand.maps import patterson
from argand.symmetry import operations

CELL = (6.0, 7.0, 8.0, 90.0, 100.0, 90.0)


def test_equal_amplitudes_have_no_difference():
    f = np.array([3 + 4j, -2.0, 1j])
    amplitudes = np.abs(f)
    difference = argand.difference_coefficients(amplitudes, f)
    np.testing.assert_allclose(difference, 0, atol=1e-15)
    twice = argand.difference_coefficients(amplitudes, f, n_obs=2)
    np.testing.assert_allclose(twice, f, atol=1e-15)


def test_unmeasured_reflections_add_nothing():
    difference = argand.difference_coefficients([np.nan, 2.0], [1 + 1j, 1j])
    np.testing.assert_allclose(difference, [0, 1j], atol=1e-15)


def test_a_difference_map_shows_the_atom_that_is_missing():
    frac = np.array([[0.1, 0.2, 0.3], [0.4, 0.7, 0.55], [0.8, 0.3, 0.9]])
    complete = argand.Crystal(CELL, types=("O", "C", "N"), frac=frac, b_iso=3.0)
    partial = argand.Crystal(CELL, types=("O", "N"), frac=frac[[0, 2]], b_iso=3.0)
    hkl = oracles.box((8, 8, 8))
    observed = argand.structure_factors(complete, hkl)
    calculated = argand.structure_factors(partial, hkl)
    difference = argand.difference_coefficients(np.abs(observed), calculated)
    rho = argand.map_from_structure_factors(hkl, difference, (20, 20, 20), cell=CELL)
    assert np.unravel_index(rho.argmax(), rho.shape) == (8, 14, 11)


@pytest.mark.parametrize("spacegroup", ["P 1", "P 1 21/c 1", "C 1 2/c 1"])
def test_patterson_is_the_autocorrelation_of_the_density(spacegroup):
    frac = [[0.1, 0.2, 0.3], [0.4, 0.7, 0.55]]
    crystal = argand.Crystal(CELL, spacegroup, types=("O", "C"), frac=frac, b_iso=4.0)
    hkl = argand.miller_indices(CELL, spacegroup, d_min=1.3)
    grid = (18, 20, 24)
    f = argand.structure_factors(crystal, hkl)
    rho = argand.map_from_structure_factors(hkl, f, grid, cell=CELL, spacegroup=spacegroup)
    power = np.abs(np.fft.fftn(rho)) ** 2
    expected = np.fft.ifftn(power).real * crystal.volume / rho.size
    p = patterson(hkl, np.abs(f), grid, cell=CELL, spacegroup=spacegroup)
    np.testing.assert_allclose(p, expected, rtol=0, atol=1e-12 * expected.max())
    assert p.argmax() == 0


def test_a_patterson_function_leaves_the_space_group_as_it_is():
    """gemmi's operations of a group are shared: what the function strips must be a copy."""
    spacegroup = "P 1 21/n 1"
    patterson([[1, 0, 0]], [1.0], (4, 4, 4), cell=CELL, spacegroup=spacegroup)
    translations = [translation for _, translation in operations(spacegroup)]
    assert np.any(translations)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="f_obs has shape"):
        argand.difference_coefficients([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="amplitude is complex128"):
        patterson([[1, 0, 0]], [1j], (4, 4, 4), cell=CELL)


@pytest.mark.parametrize(
    ("probe", "unit"), [("x-ray", "e/Å³"), ("neutron", "fm/Å³"), ("electron", "1/Å²"), ("", "e/Å³")]
)
def test_the_unit_of_a_map_is_that_of_the_probe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], probe: str, unit: str
) -> None:
    """Lengths of neutrons are in fm and those of electrons in angstrom: no map of e/Å³."""
    stated = f"_diffrn_radiation_probe {probe}\n" if probe else ""
    path = tmp_path / "x.cif"
    path.write_text(
        "data_x\n_cell_length_a 5\n_cell_length_b 6\n_cell_length_c 7\n_cell_angle_alpha 90\n"
        "_cell_angle_beta 90\n_cell_angle_gamma 90\n_space_group_name_H-M_alt 'P 1'\n"
        f"{stated}loop_\n_refln_index_h\n_refln_index_k\n_refln_index_l\n_refln_F_calc\n"
        "_refln_phase_calc\n1 0 0 3.0 40\n0 1 1 2.0 90\n"
    )
    assert main(["map", str(path), "-o", str(tmp_path / "x.ccp4")]) == 0
    assert f" {unit}, rms" in capsys.readouterr().out
