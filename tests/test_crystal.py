"""Test Crystal: the checks of its arguments, its symmetry, its displacement parameters."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import argand
import oracles
from argand.cell import (
    b_iso_from_u_aniso,
    beta_rotations,
    matrix_to_sym,
    metric,
    sym_to_matrix,
    u_aniso_from_beta,
)
from argand.errors import ArgandError
from argand.symmetry import operations

TRICLINIC = (5.1, 6.2, 7.3, 81.0, 97.0, 104.0)
# A group of every lattice system, centred and not, with a cell that fits it.
SYSTEMS = {
    "P -1": TRICLINIC,
    "P 1 21/c 1": (5.0, 6.0, 7.0, 90.0, 103.0, 90.0),
    "F d d 2": (9.0, 11.0, 6.0, 90.0, 90.0, 90.0),
    "I 41/a:2": (7.0, 7.0, 11.0, 90.0, 90.0, 90.0),
    "R -3 m:H": (5.0, 5.0, 14.0, 90.0, 90.0, 120.0),
    "R -3 m:R": (5.0, 5.0, 5.0, 66.0, 66.0, 66.0),
    "P 63/m m c": (5.0, 5.0, 8.0, 90.0, 90.0, 120.0),
    "F d -3 m:1": (8.0,) * 3 + (90.0,) * 3,
    "P 21 3": (8.0,) * 3 + (90.0,) * 3,
}


def random_crystal(rng: np.random.Generator, spacegroup: str, n: int = 3) -> argand.Crystal:
    """Return a crystal of atoms on general positions, the first of them isotropic."""
    root = rng.normal(size=(n, 3, 3)) * 0.1
    u = matrix_to_sym(root @ root.transpose(0, 2, 1))
    u[0] = np.nan
    crystal = argand.Crystal(
        cell=SYSTEMS[spacegroup],
        spacegroup=spacegroup,
        types=("C", "O2-", "Fe")[:n],
        frac=rng.uniform(-1, 2, (n, 3)),
        occ=rng.uniform(0.2, 1, n),
        b_iso=rng.uniform(0.5, 2, n),
        u_aniso=u,
    )
    while (crystal.multiplicity() < len(crystal.symops)).any():
        crystal = crystal.replace(frac=rng.uniform(-1, 2, (n, 3)))
    return crystal


@pytest.mark.parametrize("spacegroup", SYSTEMS)
def test_p1_gives_the_sum_over_symmetry_operations(spacegroup: str) -> None:
    """F(h) = sum over sites and operations (R, t) of f exp(-T(R^T h)) exp(2 pi i h.(R x + t))."""
    crystal = random_crystal(np.random.default_rng(7), spacegroup)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=1.2)
    form = argand.form_factors(crystal.types, argand.stol(hkl, crystal.cell))
    expected = np.zeros(len(hkl), complex)
    for rotation, translation in operations(spacegroup):
        turned = oracles.structure_factors(
            crystal.frac, crystal.beta(), crystal.occ, form, hkl @ rotation
        )
        expected += turned * np.exp(2j * np.pi * (hkl @ translation))
    f = argand.structure_factors(crystal, hkl)
    assert np.abs(f - expected).max() < 1e-9 * np.abs(expected).max()


@pytest.mark.parametrize("spacegroup", SYSTEMS)
def test_structure_factors_have_the_symmetry_of_the_group(spacegroup: str) -> None:
    crystal = random_crystal(np.random.default_rng(8), spacegroup)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=1.5)
    f = argand.structure_factors(crystal, hkl)
    for rotation, translation in operations(spacegroup):
        turned = argand.structure_factors(crystal, hkl @ rotation)
        expected = f * np.exp(-2j * np.pi * (hkl @ translation))
        assert np.abs(turned - expected).max() < 1e-9 * np.abs(f).max()
    absent = argand.reflections.systematic_absences(hkl, spacegroup)
    assert np.abs(f[absent]).max(initial=0.0) < 1e-9 * np.abs(f).max()
    assert absent.any() == (spacegroup not in ("P -1", "R -3 m:R"))


def test_multiplicities_of_wyckoff_positions() -> None:
    diamond = argand.Crystal(
        (3.567,) * 3 + (90.0,) * 3,
        "F d -3 m:1",
        ("C", "H"),
        np.array([[0, 0, 0], [0.05, 0.05, 0.05]]),
    )
    assert diamond.multiplicity().tolist() == [8, 32]
    p1 = diamond.to_p1()
    assert p1.spacegroup == "P 1"
    assert p1.types.count("C") == 8
    assert (p1.occ == 1).all()
    assert diamond.f000() == p1.f000() == 8 * 6 + 32
    assert diamond.formula == "C8 H32"


def test_a_rounded_special_position_shares_the_occupancy() -> None:
    """0.3333 for 1/3: three images near each other share the occupancy of one atom."""
    cell = (2.7, 2.7, 4.28, 90.0, 90.0, 120.0)
    rounded = argand.Crystal(cell, "P 63/m m c", ("Ru",), np.array([[0.3333, 0.6667, 0.25]]))
    exact = rounded.replace(frac=np.array([[1 / 3, 2 / 3, 0.25]]))
    assert rounded.multiplicity().tolist() == exact.multiplicity().tolist() == [2]
    assert len(exact.to_p1().types) == 2
    assert len(rounded.to_p1().types) == 6
    assert rounded.to_p1().occ.sum() == pytest.approx(2)
    hkl = argand.miller_indices(cell, d_min=0.8)
    f, truth = argand.structure_factors(rounded, hkl), argand.structure_factors(exact, hkl)
    assert np.abs(f - truth).max() < 1e-6 * np.abs(truth).max()


def test_operations_define_a_setting_without_a_name() -> None:
    """A doubled P -1 cell: its group has no name, and at even h it has the F of the small cell."""
    small = argand.Crystal(
        TRICLINIC, "P -1", ("C", "O"), np.array([[0.1, 0.2, 0.3], [0.4, 0.1, 0.7]]), b_iso=1.5
    )
    double = argand.Crystal(
        (2 * TRICLINIC[0], *TRICLINIC[1:]),
        types=small.types,
        frac=small.frac * [0.5, 1, 1],
        b_iso=1.5,
        symops=("x,y,z", "-x,-y,-z", "x+1/2,y,z", "-x+1/2,-y,-z"),
    )
    assert "," in double.spacegroup
    assert "without a name" in double.summary()
    converted = double.replace(spacegroup=double.spacegroup)
    assert converted.symops == double.symops
    hkl = argand.miller_indices(small.cell, small.spacegroup, d_min=1.0)
    f = argand.structure_factors(double, hkl * np.array([2, 1, 1]))
    np.testing.assert_allclose(f, 2 * argand.structure_factors(small, hkl), atol=1e-10)
    assert argand.reflections.systematic_absences(
        [[1, 0, 0], [2, 0, 0]], double.spacegroup
    ).tolist() == [
        True,
        False,
    ]
    with pytest.raises(ArgandError, match="no name"):
        double.to_gemmi()


def test_names_are_canonical() -> None:
    frac = np.zeros((2, 3))
    crystal = argand.Crystal(TRICLINIC, "P-1", ("fe+3", "CL-"), frac)
    assert (crystal.spacegroup, crystal.types) == ("P -1", ("Fe3+", "Cl1-"))
    assert crystal.labels == crystal.types
    assert (
        argand.Crystal((5, 6, 7, 90, 100, 90), "P2(1)/c", ("C", "D"), frac).spacegroup
        == "P 1 21/c 1"
    )
    cubic = (8,) * 3 + (90,) * 3
    assert argand.Crystal(cubic, "F d -3 m Z", ("C", "2H"), frac).spacegroup == "F d -3 m:2"
    assert argand.Crystal(cubic, "F d -3 m S", ("C", "2H"), frac).types == ("C", "D")


@pytest.mark.parametrize("spacegroup", SYSTEMS)
def test_beta_turns_as_a_tensor(spacegroup: str) -> None:
    """The components of R beta R^T are the 6 x 6 matrix of R times the components of beta."""
    six = np.random.default_rng(2).normal(size=6)
    for rotation, _ in operations(spacegroup):
        expected = matrix_to_sym(rotation @ sym_to_matrix(six) @ rotation.T)
        np.testing.assert_allclose(beta_rotations(rotation) @ six, expected, atol=1e-14)


@given(st.lists(st.floats(0.001, 0.3), min_size=3, max_size=3), st.integers(0, 2**31))
def test_displacement_parameters_agree_with_each_other(axes: list[float], seed: int) -> None:
    """An isotropic tensor U gives the isotropic beta; U -> beta -> U is the identity."""
    b_iso = np.array(axes)
    crystal = argand.Crystal(TRICLINIC, types=("C",) * 3, frac=np.zeros((3, 3)), b_iso=b_iso)
    beta = argand.cell.beta_from_b_iso(b_iso, TRICLINIC)
    np.testing.assert_array_equal(beta, crystal.beta())
    u = u_aniso_from_beta(beta, TRICLINIC)
    u_iso = b_iso / (8 * np.pi**2)
    np.testing.assert_allclose(u[:, :3], np.outer(u_iso, np.ones(3)), rtol=1e-12)
    np.testing.assert_allclose(b_iso_from_u_aniso(u, TRICLINIC), b_iso, rtol=1e-12)
    anisotropic = crystal.replace(b_iso=None, u_aniso=u)
    np.testing.assert_allclose(anisotropic.beta(), beta, rtol=1e-12)
    hkl = np.random.default_rng(seed).integers(-9, 9, (5, 3))
    exponent = np.einsum("hi,nij,hj->nh", hkl, sym_to_matrix(beta), hkl)
    expected = np.outer(b_iso, argand.stol(hkl, TRICLINIC) ** 2)
    np.testing.assert_allclose(exponent, expected, rtol=1e-12, atol=1e-15)


def test_the_metric_has_the_volume_of_the_cell() -> None:
    crystal = argand.Crystal(TRICLINIC)
    volume = np.sqrt(np.linalg.det(metric(TRICLINIC)))
    assert volume == pytest.approx(crystal.volume, rel=1e-13)
    np.testing.assert_allclose(crystal.reciprocal_metric @ metric(TRICLINIC), np.eye(3), atol=1e-14)
    right_angles = metric((4.0, 5.0, 6.0, 90.0, 90.0, 90.0))
    assert right_angles.tolist() == np.diag([16.0, 25.0, 36.0]).tolist()


def test_equivalent_b_stands_for_anisotropic_sites() -> None:
    u = np.array([[0.01, 0.02, 0.03, 0, 0, 0], [np.nan] * 6])
    crystal = argand.Crystal(
        (5, 6, 7, 90, 90, 90), types=("C", "C"), frac=np.zeros((2, 3)), u_aniso=u, b_iso=[9.0, 3.0]
    )
    np.testing.assert_allclose(crystal.b_iso, [8 * np.pi**2 * 0.02, 3.0])
    assert "1 anisotropic" in crystal.summary()


def test_gemmi_and_back() -> None:
    crystal = random_crystal(np.random.default_rng(9), "R -3 m:H")
    converted = argand.Crystal.from_gemmi(crystal.to_gemmi())
    assert (
        converted.cell,
        converted.spacegroup,
        converted.types,
        converted.labels,
        converted.symops,
    ) == (
        crystal.cell,
        crystal.spacegroup,
        crystal.types,
        crystal.labels,
        crystal.symops,
    )
    for name in ("frac", "occ", "b_iso", "u_aniso"):
        np.testing.assert_allclose(
            getattr(converted, name), getattr(crystal, name), rtol=1e-12, err_msg=name
        )


def test_a_crystal_cannot_be_changed() -> None:
    crystal = random_crystal(np.random.default_rng(1), "P -1")
    for array in (crystal.frac, crystal.occ, crystal.b_iso, crystal.u_aniso):
        assert array is not None
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    given_frac = np.zeros((1, 3))
    crystal = argand.Crystal(TRICLINIC, types=("C",), frac=given_frac)
    given_frac[0] = 0.5
    assert crystal.frac.tolist() == [[0, 0, 0]]
    assert crystal.replace(spacegroup="P -1").multiplicity().tolist() == [1]
    assert crystal.multiplicity().tolist() == [1]


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda crystal: pickle.loads(pickle.dumps(crystal))]
)
def test_a_copy_of_a_used_crystal_cannot_be_changed_either(copied) -> None:
    crystal = random_crystal(np.random.default_rng(2), "P -1")
    f = argand.structure_factors(crystal, argand.hkl_cube(1))
    crystal.multiplicity()
    twin = copied(crystal)
    for array in (twin.frac, twin.occ, twin.b_iso, twin.u_aniso, twin.in_place):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        twin.spacegroup = "P 1"
    np.testing.assert_array_equal(argand.structure_factors(twin, argand.hkl_cube(1)), f)


def test_a_crystal_without_atoms() -> None:
    empty = argand.Crystal(TRICLINIC, "P -1")
    assert empty.to_p1().types == ()
    assert empty.f000() == 0
    assert argand.structure_factors(empty, [[1, 0, 0]]).tolist() == [0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cell": (5, 6, 7)}, "cell has 3 numbers, needs 6"),
        ({"cell": (5, -6, 7, 90, 90, 90)}, "positive lengths"),
        ({"cell": (5, 6, 7, 90, 90, 181)}, "no parallelepiped"),
        ({"cell": (5, 6, 7, 120, 120, 121)}, "no parallelepiped"),
        ({"spacegroup": "P 7"}, "unknown space group 'P 7'"),
        ({"symops": ("x,y",)}, "not understood"),
        ({"symops": ("x,y,z", "-y,x-y,z")}, "no group: closed, they would be 3"),
        ({"types": ("C", "Zz")}, "unknown atom type 'Zz'"),
        ({"types": ("C", "No")}, "no table has form factors beyond californium"),
        ({"types": ("C",)}, r"frac has shape \(2, 3\), needs \(n, 3\) with n = 1"),
        ({"cell": (5, 1e-200, 7, 90, 90, 90)}, "positive lengths"),
        ({"frac": [[0, 0, 1e300], [0, 0, 0]]}, r"frac holds 1e\+300"),
        ({"frac": np.zeros((4, 2))}, r"frac has shape \(4, 2\), needs \(n, 3\)"),
        ({"frac": [[0, 0, np.nan], [0, 0, 0]]}, "frac holds NaN"),
        ({"frac": [["a", 0, 0], [0, 0, 0]]}, "frac holds something that is no number"),
        ({"occ": [1, 2, 3]}, r"occ has shape \(3,\), needs \(n,\)"),
        ({"b_iso": [np.inf, 1]}, "b_iso holds NaN or infinity"),
        ({"u_aniso": np.zeros((2, 3))}, r"u_aniso has shape \(2, 3\), needs \(n, 6\)"),
        ({"u_aniso": [[np.nan, 0, 0, 0, 0, 0], [0] * 6]}, "u_aniso holds NaN"),
        ({"labels": ("a",)}, "labels has 1 names"),
    ],
)
def test_errors_are_one_line(changes: dict[str, object], message: str) -> None:
    good = {"cell": TRICLINIC, "types": ("C", "C"), "frac": np.zeros((2, 3))}
    with pytest.raises(ArgandError, match=message) as error:
        argand.Crystal(**(good | changes))  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"b_iso": [1e308, 1]}, "U beyond any crystal, needs -1 to 100 A.2: a"),
        ({"b_iso": [1, 101 * 8 * np.pi**2]}, "U beyond any crystal, needs -1 to 100 A.2: b"),
        ({"b_iso": [1, -2 * 8 * np.pi**2]}, "U far below 0, needs -1 to 100 A.2: b"),
        ({"u_aniso": [[1e307] * 6, [np.nan] * 6]}, "needs -1 to 100 A.2: a"),
        ({"u_aniso": [[np.nan] * 6, [0.1, 0.1, 0.1, 5, 0, 0]]}, "U far below 0, .*: b"),
        ({"u_aniso": [[np.nan] * 6, [0.1, 150, 0.1, 0, 0, 0]]}, "U beyond any crystal, .*: b"),
        ({"occ": [1e25, 1]}, "occupancy above 100, needs 0 to 1: a"),
        ({"occ": [1, -5]}, "occupancy below -1, needs 0 to 1: b"),
        ({"occ": [1, np.nan]}, "occ holds NaN or infinity"),
        ({"frac": [[0, 0, 1e300], [0, 0, 0]]}, "frac holds 1e[+]300, needs coordinates"),
        ({"frac": [[0, 0, np.inf], [0, 0, 0]]}, "frac holds NaN or infinity"),
        ({"cell": (1e300, 5, 5, 90, 90, 90)}, "cell .* needs positive lengths"),
        ({"cell": (5, 5, np.nan, 90, 90, 90)}, "cell .* needs positive lengths"),
        ({"cell": (5, 5, 5, 90, 90, 360)}, "cell .* has angles"),
    ],
)
def test_numbers_that_no_crystal_has_are_refused(
    changes: dict[str, object], complaint: str
) -> None:
    """A crystal made in Python obeys the ranges by which files are read."""
    sites = {"types": ("C", "O"), "labels": ("a", "b"), "frac": np.zeros((2, 3))}
    crystal = argand.Crystal((5, 6, 7, 90, 90, 90), **sites)
    with pytest.raises(ArgandError, match=complaint):
        argand.Crystal(**{"cell": (5, 6, 7, 90, 90, 90), **sites, **changes})
    with pytest.raises(ArgandError, match=complaint):
        crystal.replace(**changes)


def test_large_displacements_that_a_crystal_may_have_are_taken() -> None:
    """Principal values decide: of 10 A^2 along one axis, and slightly below 0 along another."""
    u_aniso = [[10.0, 0.1, -0.05, 0.2, 0, 0]]
    crystal = argand.Crystal(
        (5, 6, 7, 90, 90, 90), types=("C",), frac=[[0, 0, 0]], u_aniso=u_aniso, occ=[-0.1]
    )
    assert crystal.u_aniso is not None
    assert crystal.u_aniso.tolist() == u_aniso


@pytest.mark.parametrize("angles", [(1.57, 1.57, 1.57), (90, 1.77, 90)])
def test_angles_in_radians_are_refused(angles: tuple[float, float, float]) -> None:
    """Cells of 1.77 degrees have 3 % of their volume."""
    with pytest.raises(ArgandError, match=r"angles below 3\.2, needs degrees"):
        argand.Crystal((5, 6, 7, *angles), "P 1", types=("C",), frac=[[0, 0, 0]])


@pytest.mark.parametrize("name", ["frac", "occ", "b_iso"])
def test_masked_values_are_refused(name: str) -> None:
    values = np.ma.array(np.zeros((1, 3) if name == "frac" else 1), mask=True)
    arguments = {"frac": [[0, 0, 0]], name: values}
    with pytest.raises(ArgandError, match=f"{name} is a masked array"):
        argand.Crystal((5, 6, 7, 90, 90, 90), "P 1", types=("C",), **arguments)


@pytest.mark.parametrize("sites", [[2, 0], np.array([True, False, True])])
def test_selected_sites_keep_what_belongs_to_them(sites: list[int] | np.ndarray) -> None:
    u_aniso = np.full((3, 6), np.nan)
    u_aniso[2] = (0.01, 0.02, 0.03, 0.0, 0.0, 0.0)
    crystal = argand.Crystal(
        (5.0, 6.0, 7.0, 90.0, 90.0, 90.0),
        "P -1",
        types=("C", "N", "O"),
        labels=("C1", "N1", "O1"),
        frac=[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]],
        occ=[1.0, 0.5, 0.25],
        b_iso=[1.0, 2.0, 3.0],
        u_aniso=u_aniso,
    )
    selected = crystal.select(sites)
    order = [selected.labels.index(label) for label in ("C1", "O1")]
    assert selected.symops == crystal.symops
    assert [selected.types[row] for row in order] == ["C", "O"]
    np.testing.assert_array_equal(selected.frac[order], crystal.frac[[0, 2]])
    np.testing.assert_array_equal(selected.occ[order], [1.0, 0.25])
    np.testing.assert_array_equal(selected.beta()[order], crystal.beta()[[0, 2]])
    # F of parts adds up to F of the whole.
    hkl = argand.miller_indices(crystal.cell, "P 1", 1.0)
    parts = [argand.structure_factors(part, hkl) for part in (selected, crystal.select([1]))]
    np.testing.assert_allclose(sum(parts), argand.structure_factors(crystal, hkl), atol=1e-10)
