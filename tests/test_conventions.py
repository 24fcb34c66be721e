"""Test each sentence of docs/conventions.md: a wrong sign or factor fails here."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

import argand
import oracles

CELL = (5.0, 6.5, 7.5, 84.0, 97.0, 103.0)


def crystal(frac, b_iso=0.0, **fields) -> argand.Crystal:
    """Return carbon atoms in a triclinic cell in P 1, with some fields changed."""
    frac = np.atleast_2d(np.asarray(frac, float))
    n = len(frac)
    defaults = {
        "cell": CELL,
        "spacegroup": "P 1",
        "types": ("C",) * n,
        "frac": frac,
        "occ": np.ones(n),
        "b_iso": np.full(n, b_iso),
        "labels": tuple(f"C{i}" for i in range(n)),
    }
    return argand.Crystal(**{**defaults, **fields})


def test_sign_of_the_phase_is_plus():
    """An atom at x = 0.1 gives F(100) the phase +2 pi 0.1."""
    atom = crystal([0.1, 0, 0])
    f = argand.structure_factors(atom, [[1, 0, 0]])
    assert np.angle(f[0]) == pytest.approx(0.2 * np.pi, abs=1e-12)


def test_density_peaks_where_the_atom_is():
    atom = crystal([0.25, 0.5, 0.125], b_iso=3.0)
    hkl = oracles.box((8, 8, 8))
    f = argand.structure_factors(atom, hkl)
    rho = argand.map_from_structure_factors(hkl, f, (16, 16, 16), cell=CELL)
    assert np.unravel_index(rho.argmax(), rho.shape) == (4, 8, 2)


def test_density_counts_the_electrons():
    """The integral of rho over the cell is F(000)."""
    atoms = crystal([[0.1, 0.2, 0.3], [0.7, 0.6, 0.2]], b_iso=2.0)
    hkl = oracles.box((3, 3, 3))
    f = argand.structure_factors(atoms, hkl)
    rho = argand.map_from_structure_factors(hkl, f, (9, 9, 9), cell=CELL)
    f000 = f[(hkl == 0).all(axis=1)][0]
    electrons = rho.mean() * atoms.volume
    assert electrons == pytest.approx(f000.real, rel=1e-12)
    assert f000.real == pytest.approx(12.0, abs=0.01)


def test_stol_is_half_the_inverse_spacing():
    hkl = np.array([[1, 0, 0], [1, -2, 3]])
    unit_cell = gemmi.UnitCell(*CELL)
    d = np.array([unit_cell.calculate_d(row) for row in hkl.tolist()])
    np.testing.assert_allclose(argand.stol(hkl, CELL), 1 / (2 * d), rtol=1e-12)


def test_b_iso_damps_by_stol_squared():
    hkl = np.array([[2, -1, 3]])
    damped = argand.structure_factors(crystal([0, 0, 0], b_iso=1.7), hkl)[0]
    at_rest = argand.structure_factors(crystal([0, 0, 0]), hkl)[0]
    stol = argand.stol(hkl, CELL)[0]
    assert damped / at_rest == pytest.approx(np.exp(-1.7 * stol**2), rel=1e-12)


def test_an_isotropic_tensor_is_b_over_8_pi_squared():
    """U_ij = U (a*_i . a*_j) / (a*_i a*_j) is isotropic with B = 8 pi^2 U."""
    u = 0.03
    metric = argand.cell.reciprocal_metric(CELL)
    length = np.sqrt(np.diag(metric))
    tensor = u * metric / np.outer(length, length)
    u_aniso = tensor[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]][None]
    beta = argand.cell.beta_from_u_aniso(u_aniso, CELL)
    b_iso = np.array([8 * np.pi**2 * u])
    np.testing.assert_allclose(beta, argand.cell.beta_from_b_iso(b_iso, CELL), rtol=1e-12)


def test_anisotropic_displacement_against_gemmi():
    u = (0.02, 0.03, 0.04, 0.005, -0.004, 0.003)
    hkl = np.array([[2, -1, 3], [0, 4, 1]])
    atom = crystal([0.1, 0.2, 0.3], u_aniso=np.array([u]))
    small = atom.to_gemmi()
    calculator = gemmi.StructureFactorCalculatorX(small.cell)
    expected = []
    for row in hkl.tolist():
        expected.append(calculator.calculate_sf_from_small_structure(small, row))
    # gemmi's form factors are float32.
    np.testing.assert_allclose(argand.structure_factors(atom, hkl), expected, rtol=1e-6)


def test_an_origin_shift_is_a_phase_ramp():
    hkl = oracles.box((2, 2, 2))
    frac = np.array([[0.1, 0.2, 0.3], [0.6, 0.1, 0.8]])
    shift = np.array([0.13, -0.2, 0.4])
    moved = argand.structure_factors(crystal(frac + shift), hkl)
    ramp = np.exp(2j * np.pi * hkl @ shift)
    expected = argand.structure_factors(crystal(frac), hkl) * ramp
    np.testing.assert_allclose(moved, expected, rtol=0, atol=1e-12)


def test_the_hand_is_a_conjugate():
    hkl = oracles.box((2, 2, 2))
    frac = np.array([[0.1, 0.2, 0.3], [0.6, 0.1, 0.8]])
    inverted = argand.structure_factors(crystal(-frac), hkl)
    expected = argand.structure_factors(crystal(frac), hkl).conj()
    np.testing.assert_allclose(inverted, expected, rtol=0, atol=1e-12)


def test_dispersion_enters_as_f0_plus_f1_plus_i_f2():
    hkl = np.array([[0, 0, 0]])
    iron = crystal([0, 0, 0], types=("Fe",))
    plain = argand.structure_factors(iron, hkl)[0]
    f1, f2 = gemmi.cromer_liberman(z=26, energy=10_000.0)
    dispersive = argand.structure_factors(iron, hkl, energy_kev=10.0)[0]
    assert dispersive - plain == pytest.approx(f1 + 1j * f2, rel=1e-9)
    assert f2 > 0


def test_occupancy_is_chemical_and_multiplicity_is_applied_once():
    """Half an atom on an inversion centre of P -1 counts half an electron cloud, no quarter."""
    hkl = np.array([[0, 0, 0], [1, 2, -1]])
    centre = [0.5, 0.5, 0.5]
    full_site = crystal(centre, spacegroup="P -1")
    half_site = full_site.replace(occ=np.array([0.5]))
    full = argand.structure_factors(full_site, hkl)
    half = argand.structure_factors(half_site, hkl)
    alone = argand.structure_factors(crystal(centre), hkl)
    np.testing.assert_allclose(full, alone, rtol=1e-12)
    np.testing.assert_allclose(half, full / 2, rtol=1e-12)


def test_reachable_reflections_have_d_of_half_a_wavelength():
    assert argand.radiation.wavelength(10.0) == pytest.approx(1.239841984, rel=1e-9)
    cell = (4.0495,) * 3 + (90.0,) * 3
    hkl = argand.hkl_cube(6)
    hkl = hkl[(hkl != 0).any(axis=1)]
    d = 4.0495 / np.sqrt((hkl**2).sum(axis=1))
    within = argand.radiation.reachable(hkl, cell, 10.0)
    np.testing.assert_array_equal(within, d >= argand.radiation.wavelength(10.0) / 2)


def test_friedel_mates_differ_with_dispersion_and_have_columns_of_their_own(tmp_path):
    """Iron at 8 keV in P 1: X(+) is |F(h)|, X(-) is |F(-h)|, and PHI(-) the phase of F(-h)."""
    pair = crystal([[0.1, 0.2, 0.3], [0.4, 0.1, 0.9]], types=("Fe", "S"))
    hkl = np.array([[1, 2, 3], [-1, -2, -3]])
    f = argand.structure_factors(pair, hkl, energy_kev=8.0)
    assert abs(abs(f[0]) - abs(f[1])) > 0.1
    argand.write_reflections(tmp_path / "x.mtz", hkl, f, cell=CELL, mates=True)
    mtz = gemmi.read_mtz_file(str(tmp_path / "x.mtz"))
    assert mtz.column_labels() == ["H", "K", "L", "F(+)", "F(-)", "PHI(+)", "PHI(-)"]
    row = mtz.array[0]
    assert row[:3].tolist() == [1, 2, 3]
    assert row[3:5] == pytest.approx(np.abs(f), rel=1e-6)
    assert row[5:] == pytest.approx(np.degrees(np.angle(f)), abs=1e-3)


def test_f000_is_left_out_unless_it_is_given():
    """Without F(000) the mean of a map is 0, with it the mean is F(000) / V."""
    atom = crystal([0.25, 0.5, 0.125], b_iso=3.0)
    hkl = argand.miller_indices(CELL, d_min=1.0)
    assert hkl.any(axis=1).all()
    for listed, electrons in ((hkl, 0.0), (np.vstack([[0, 0, 0], hkl]), 6.0)):
        f = argand.structure_factors(atom, listed)
        rho = argand.map_from_structure_factors(listed, f, (12, 14, 16), cell=CELL)
        assert rho.mean() * atom.volume == pytest.approx(electrons, abs=0.01)
