"""Test lists of reflections against brute force."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

import argand
from argand import reflections
from argand._seam import arrangement
from argand.errors import ArgandError
from argand.radiation import reachable, wavelength
from argand.reflections import (
    asymmetric_unit,
    centric,
    epsilon,
    friedel_mates,
    survey,
    systematic_absences,
)
from argand.rows import unique_rows
from argand.symmetry import operations

TRICLINIC = (5.1, 6.2, 7.3, 81.0, 97.0, 104.0)
CUBIC = (9.0,) * 3 + (90.0,) * 3
# The operations of P -1 in a cell doubled along a: a group without a name.
UNNAMED = ("x,y,z", "-x,-y,-z", "x+1/2,y,z", "-x+1/2,-y,-z")
CELLS = {
    "P -1": TRICLINIC,
    "C 1 2/c 1": (11.0, 6.0, 7.0, 90.0, 103.0, 90.0),
    "P 21 21 21": (9.0, 11.0, 6.0, 90.0, 90.0, 90.0),
    "R 3 c:H": (8.0, 8.0, 14.0, 90.0, 90.0, 120.0),
    "P 31 1 2": (8.0, 8.0, 11.0, 90.0, 90.0, 120.0),
    "F d -3 m:2": CUBIC,
    ";".join(UNNAMED): (10.2, *TRICLINIC[1:]),
}


def equivalents(hkl: np.ndarray, spacegroup: str) -> set[tuple[int, ...]]:
    """Return all equivalents of reflections (m, 3) under the Laue group."""
    rotations = [rotation for rotation, _ in operations(spacegroup)]
    return {
        tuple((sign * row @ rotation).tolist())
        for row in hkl
        for rotation in rotations
        for sign in (1, -1)
    }


def as_set(hkl: np.ndarray) -> set[tuple[int, ...]]:
    """Return reflections (m, 3) as a set."""
    return {tuple(row) for row in hkl.tolist()}


@pytest.mark.parametrize("spacegroup", CELLS)
def test_miller_indices_against_brute_force(spacegroup: str) -> None:
    """The whole sphere agrees; unique reflections generate it, each class of equivalents once."""
    cell, d_min = CELLS[spacegroup], 1.07
    box = argand.hkl_cube(14)
    inside = box[(argand.stol(box, cell) <= 0.5 / d_min) & box.any(axis=1)]
    expected = inside[~systematic_absences(inside, spacegroup)]
    whole = argand.miller_indices(cell, spacegroup, d_min, unique=False)
    assert whole.dtype == np.int32
    # The order is h, k, l with l fastest.
    assert whole.tolist() == expected.tolist()
    unique = argand.miller_indices(cell, spacegroup, d_min)
    assert equivalents(unique, spacegroup) == as_set(whole)
    sizes = [len(equivalents(row[None], spacegroup)) for row in unique]
    assert sum(sizes) == len(whole)
    assert unique.tolist() == unique[np.lexsort(unique.T[::-1])].tolist()


@pytest.mark.parametrize("spacegroup", CELLS)
def test_the_asymmetric_unit_holds_one_of_each(spacegroup: str) -> None:
    cell = CELLS[spacegroup]
    whole = argand.miller_indices(cell, spacegroup, 1.5, unique=False)
    inside = asymmetric_unit(whole, spacegroup)
    assert as_set(inside) == as_set(argand.miller_indices(cell, spacegroup, 1.5))
    np.testing.assert_array_equal(asymmetric_unit(inside, spacegroup), inside)
    np.testing.assert_array_equal(asymmetric_unit(friedel_mates(whole), spacegroup), inside)
    np.testing.assert_allclose(argand.stol(inside, cell), argand.stol(whole, cell), rtol=1e-12)


def test_unique_reflections_are_those_of_gemmi() -> None:
    cell, group = CELLS["R 3 c:H"], "R 3 c:H"
    expected = gemmi.make_miller_array(gemmi.UnitCell(*cell), gemmi.SpaceGroup(group), 1.0)
    assert as_set(argand.miller_indices(cell, group, 1.0)) == as_set(expected)


def test_absent_centric_and_enhanced_reflections() -> None:
    hkl = [[0, 1, 0], [0, 2, 0], [1, 0, 1], [1, 0, 2], [1, 1, 1]]
    absent = systematic_absences(hkl, "P 21/c")
    assert absent.tolist() == [True, False, True, False, False]
    assert centric(hkl, "P 21").tolist() == [False, False, True, True, False]
    assert epsilon(hkl, "P 21/c").tolist() == [2, 2, 2, 2, 1]


def test_the_cube_is_every_index_with_l_fastest() -> None:
    cube = argand.hkl_cube(6)
    assert (cube.shape, cube.dtype) == ((2197, 3), np.int32)
    assert cube[:3].tolist() == [[-6, -6, -6], [-6, -6, -5], [-6, -6, -4]]
    assert cube[1098].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(cube.reshape(13, 13, 13, 3)[8, 3, 11], [2, -3, 5])
    assert argand.hkl_cube(0).tolist() == [[0, 0, 0]]


def test_stol_is_half_the_reciprocal_spacing() -> None:
    hkl = argand.hkl_cube(3)
    d = gemmi.UnitCell(*TRICLINIC).calculate_d_array(hkl)
    inside = hkl.any(axis=1)
    np.testing.assert_allclose(argand.stol(hkl, TRICLINIC)[inside], 0.5 / d[inside], rtol=1e-12)
    assert argand.stol([0, 0, 0], TRICLINIC) == 0
    assert argand.stol(hkl.reshape(7, 49, 3), TRICLINIC).shape == (7, 49)


def test_a_survey_finds_stol_reach_and_ends() -> None:
    rng = np.random.default_rng(7)
    for count in (1, 2, 17, 70_001):
        hkl = rng.integers(-40, 20, (count, 3), dtype=np.int32) + np.array([0, 25, 60], np.int32)
        squares, reach, ends = survey(hkl, TRICLINIC)
        np.testing.assert_allclose(squares, argand.stol(hkl, TRICLINIC) ** 2, rtol=1e-12)
        assert reach == tuple(np.abs(hkl).max(axis=0))
        assert ends == (squares.min(), squares.max())
    empty = np.empty((0, 3), np.int32)
    assert survey(empty, TRICLINIC)[1:] == ((0, 0, 0), (0.0, 0.0))


@pytest.mark.parametrize("kind", [np.int32, np.float64])
def test_arrangement_counts_runs_and_recognises_cubes(kind: type) -> None:
    for n in range(4):
        cube = argand.hkl_cube(n).astype(kind)
        assert arrangement(cube) == ((2 * n + 1) ** 2, n)
    assert arrangement(cube[::-1].copy()) == (len(cube), -1)
    shifted = cube.copy()
    shifted[-1, 2] += 1
    # The last reflection is a run of its own.
    assert arrangement(shifted) == (50, -1)
    assert arrangement(cube[:-7]) == (48, -1)
    assert arrangement(cube[:0]) == (0, -1)
    rng = np.random.default_rng(1)
    mixed = rng.integers(-1, 2, (500, 3)).astype(kind)
    continued = (np.diff(mixed, axis=0) == [0, 0, 1]).all(axis=1)
    assert arrangement(mixed) == (500 - int(continued.sum()), -1)


def test_reach_at_an_energy() -> None:
    assert wavelength(10.0) == pytest.approx(1.2398419843320026, rel=1e-15)
    cell = (4.086,) * 3 + (90.0,) * 3
    cube = argand.hkl_cube(6)
    within = reachable(cube, cell, 10.0)
    d = 0.5 / argand.stol(cube[within & cube.any(axis=1)], cell)
    assert d.min() >= wavelength(10.0) / 2
    cubic = (2.5,) * 3 + (90.0,) * 3
    assert reachable([[0, 0, 4], [0, 0, 5]], cubic, 10.0).tolist() == [True, False]
    # A reflection exactly at the limit counts.
    edge = wavelength(10.0)
    cubic = (edge, edge, edge, 90.0, 90.0, 90.0)
    assert reachable([[0, 0, 2]], cubic, 10.0).tolist() == [True]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: argand.miller_indices(TRICLINIC, "P 7"), "unknown space group 'P 7'"),
        (lambda: argand.miller_indices(TRICLINIC, d_min=0), "d_min is 0"),
        (lambda: argand.miller_indices((1, 2, 3)), "cell has 3 numbers"),
        (lambda: argand.miller_indices(TRICLINIC, d_min=1e-9), "d_min is 1e-09, needs .* 0.01 or"),
        (
            lambda: argand.miller_indices((1e5, 9, 9, 90, 90, 90), d_min=0.05),
            "d_min is 0.05 for an edge of 100000 angstrom, needs .* up to 1,000,000",
        ),
        (lambda: argand.hkl_cube(-1), "h_max is -1, needs a whole number from 0 to 1,000,000"),
        (lambda: argand.hkl_cube(2.5), "h_max is 2.5, needs a whole number"),
        (lambda: argand.hkl_cube("3"), "h_max is '3', needs a number"),
        (lambda: argand.hkl_cube(10**400), "h_max is 1000.*, needs a number"),
        (lambda: systematic_absences([[2**40, 0, 0]], "P 1"), "hkl holds 1099511627776, needs"),
        (lambda: systematic_absences([["a", 0, 0]], "P 1"), "hkl has dtype <U21"),
        (
            lambda: systematic_absences(np.ma.masked_equal([[1, 0, 0], [2, 0, 0]], 2), "P 1"),
            "hkl is a masked array",
        ),
        (lambda: argand.stol([[1, 2]], TRICLINIC), r"hkl has shape \(1, 2\)"),
        (lambda: wavelength(0), "energy_kev is 0"),
        (
            lambda: systematic_absences([1, 2, 3], "P 1"),
            r"hkl has shape \(3,\), needs \(m, 3\)",
        ),
        (lambda: asymmetric_unit([[0.5, 0, 0]], "P 1"), "no whole number"),
        (lambda: asymmetric_unit([[np.nan, 0, 0]], "P 1"), "no whole number"),
    ],
)
def test_bad_arguments_are_named(call: object, message: str) -> None:
    with pytest.raises(ArgandError, match=message):
        call()  # type: ignore[operator]


def test_indices_at_the_ends_of_their_type() -> None:
    """No integer overflows: the least int32 has a modulus, and the largest has no neighbour."""
    least, most = -(2**31), 2**31 - 1
    hkl = np.array([[least, 0, 0], [0, most, 0], [0, 0, most], [0, 0, least]], np.int32)
    squares, reach, (_, largest) = survey(hkl, CUBIC)
    assert reach == (2**31, most, 2**31)
    assert largest == pytest.approx((2**31 / 18) ** 2, rel=1e-12)
    np.testing.assert_allclose(np.sqrt(squares) * 18, [2**31, most, most, 2**31], rtol=1e-12)
    # A neighbour would have to lie beyond int32: four rows of one reflection each.
    assert arrangement(hkl) == (4, -1)
    for indices in ([[least, 0, 0]], [[1_000_001, 0, 0]], [[0.5, 0, 1e300]]):
        with pytest.raises(ArgandError, match="needs indices up to 1,000,000"):
            argand.structure_factors(argand.Crystal(CUBIC), indices)
    assert argand.structure_factors(argand.Crystal(CUBIC), [[1_000_000, 0, 0]]).tolist() == [0]


def test_no_reflections() -> None:
    assert argand.miller_indices(TRICLINIC, "P -1", d_min=20.0).shape == (0, 3)
    assert asymmetric_unit(np.empty((0, 3), int), "P -1").shape == (0, 3)
    assert asymmetric_unit(np.empty((0, 3), int), ";".join(UNNAMED)).shape == (0, 3)


@pytest.mark.parametrize("largest", [12, 1_000_000])
def test_the_asymmetric_unit_is_that_of_gemmi_in_every_setting(largest):
    hkl = np.random.default_rng(11).integers(-largest, largest + 1, (60, 3))
    hkl[::4, 0] = hkl[::4, 1]
    hkl[::5, 2] = 0
    settings = 0
    for group in gemmi.spacegroup_table():
        if gemmi.find_spacegroup_by_ops(group.operations()).xhm() != group.xhm():
            continue
        unit = gemmi.ReciprocalAsu(group)
        expected = [unit.to_asu(row, group.operations())[0] for row in hkl.tolist()]
        np.testing.assert_array_equal(asymmetric_unit(hkl, group.xhm()), expected, group.xhm())
        settings += 1
    assert settings > 500


def test_blocks_of_rows_change_no_asymmetric_unit(monkeypatch):
    hkl = np.random.default_rng(12).integers(-9, 10, (1000, 3))
    expected = asymmetric_unit(hkl, "P 3 2 1")
    monkeypatch.setattr(reflections, "_ROWS_AT_A_TIME", 77)
    np.testing.assert_array_equal(asymmetric_unit(hkl, "P 3 2 1"), expected)


def test_unique_rows_are_those_of_numpy():
    hkl = np.random.default_rng(13).integers(-4, 5, (3000, 3)).astype(np.int32)
    unique, place = unique_rows(hkl)
    expected, expected_place = np.unique(hkl, axis=0, return_inverse=True)
    np.testing.assert_array_equal(unique, expected)
    np.testing.assert_array_equal(place, expected_place.reshape(-1))
    assert unique.dtype == np.int32
    assert unique_rows(hkl[:0])[0].shape == (0, 3)


def test_equivalents_beyond_what_64_bits_tell_apart_are_refused():
    far = [[700_000, 600_000, 1]]
    with pytest.raises(ArgandError, match=r"an equivalent has an index of 1,300,000, needs"):
        reflections.in_p1(far, "P 3")
