"""The public function: symmetry, orders, batches, and what it refuses."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

import argand

EVERY_GROUP = [gemmi.SpaceGroup(number).xhm() for number in range(1, 231)]
CELLS = {
    "triclinic": (7.0, 8.0, 9.0, 81.0, 95.0, 103.0),
    "monoclinic": (7.0, 8.0, 9.0, 90.0, 97.0, 90.0),
    "orthorhombic": (7.0, 8.0, 9.0, 90.0, 90.0, 90.0),
    "tetragonal": (7.0, 7.0, 9.0, 90.0, 90.0, 90.0),
    "trigonal": (7.0, 7.0, 9.0, 90.0, 90.0, 120.0),
    "hexagonal": (7.0, 7.0, 9.0, 90.0, 90.0, 120.0),
    "cubic": (7.0, 7.0, 7.0, 90.0, 90.0, 90.0),
}


def random_crystal(
    rng: np.random.Generator, spacegroup: str = "P 1", sites: int = 4
) -> argand.Crystal:
    """General and special positions, ions, partial occupancy, B (a tensor would have to fit the site's symmetry)."""
    frac = rng.random((sites, 3))
    frac[0] = 0  # an inversion centre, a rotation axis, ... of most groups
    return argand.Crystal(
        cell=CELLS[gemmi.SpaceGroup(spacegroup).crystal_system_str()],
        spacegroup=spacegroup,
        types=("Fe3+", "O2-", "C", "H")[:sites],
        frac=frac,
        occ=rng.uniform(0.3, 1, sites),
        b_iso=rng.uniform(0.5, 4, sites),
    )


def by_all_atoms(crystal: argand.Crystal, hkl: np.ndarray, **more) -> np.ndarray:
    return argand.structure_factors(crystal.to_p1(), hkl, **more)


@pytest.mark.parametrize("spacegroup", [*EVERY_GROUP, "F d -3 m:2", "R -3 c:H", "I 41/a:2"])
@pytest.mark.parametrize("energy_kev", [None, 9.0])
def test_what_symmetry_spares_changes_nothing(spacegroup, energy_kev):
    rng = np.random.default_rng(1)
    crystal = random_crystal(rng, spacegroup)
    hkl = rng.integers(-6, 7, (40, 3))
    expected = by_all_atoms(crystal, hkl, energy_kev=energy_kev)
    f = argand.structure_factors(crystal, hkl, energy_kev=energy_kev)
    assert np.abs(f - expected).max() < 1e-12 * crystal.f000()
    single = argand.structure_factors(crystal, hkl, energy_kev=energy_kev, dtype="complex64")
    assert single.dtype == np.complex64
    assert np.abs(single - expected).max() < 2e-5 * crystal.f000()


def test_absent_reflections_of_a_centred_cell_are_exactly_zero():
    f = argand.structure_factors(
        random_crystal(np.random.default_rng(2), "F d d 2"), [[1, 0, 0], [1, 1, 1]]
    )
    assert f[0] == 0
    assert abs(f[1]) > 0.1


def test_symmetry_equivalents_have_equal_amplitudes_and_shifted_phases():
    """F(h R) = F(h) exp(-2 pi i h.t)."""
    crystal = random_crystal(np.random.default_rng(3), "P 41 21 2")
    hkl = np.array([[1, 2, 3], [0, 2, 5], [4, 1, 1]])
    f = argand.structure_factors(crystal, hkl)
    for op in gemmi.SpaceGroup("P 41 21 2").operations():
        rotation, translation = np.array(op.rot) / op.DEN, np.array(op.tran) / op.DEN
        moved = argand.structure_factors(crystal, hkl @ rotation)
        np.testing.assert_allclose(
            moved, f * np.exp(-2j * np.pi * hkl @ translation), rtol=0, atol=1e-11
        )


def test_the_order_of_the_list_does_not_matter():
    rng = np.random.default_rng(4)
    crystal = random_crystal(rng, "P 1 21/c 1")
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=1.0)
    shuffled = rng.permutation(len(hkl))
    f = argand.structure_factors(crystal, hkl)
    np.testing.assert_allclose(
        argand.structure_factors(crystal, hkl[shuffled]), f[shuffled], rtol=0, atol=1e-11
    )
    several = argand.structure_factors([crystal, crystal], [hkl[shuffled], hkl[:5]])
    np.testing.assert_allclose(several[0], f[shuffled], rtol=0, atol=1e-11)
    np.testing.assert_allclose(several[1], f[:5], rtol=0, atol=1e-11)


def test_the_cube_is_what_its_list_is():
    crystal = random_crystal(np.random.default_rng(5), "C 1 2/c 1")
    cube = argand.hkl_cube(3)
    as_list = argand.structure_factors(crystal, cube[:-1])
    np.testing.assert_allclose(
        argand.structure_factors(crystal, cube)[:-1], as_list, rtol=0, atol=1e-11
    )


@pytest.mark.parametrize("spacegroup", ["P 1", "I 41/a:2"])
def test_satellites(spacegroup):
    crystal = random_crystal(np.random.default_rng(6), spacegroup)
    hkl = np.array([[1.0, 2.0, 3.25], [0.1, -0.2, 4.0], [2.0, 0.0, 0.0]])
    f = argand.structure_factors(crystal, hkl)
    p1 = crystal.to_p1()
    form = np.array([argand.form_factors([t], argand.stol(hkl, p1.cell))[0] for t in p1.types])
    damped = form * np.exp(-p1.b_iso[:, None] * argand.stol(hkl, p1.cell) ** 2) * p1.occ[:, None]
    # to_p1 moves atoms into the cell; beside a reflection that is a phase, so the sum goes over the same places
    if spacegroup == "P 1":
        expected = (damped * np.exp(2j * np.pi * p1.frac @ hkl.T)).sum(axis=0)
        np.testing.assert_allclose(f, expected, rtol=0, atol=1e-11)
    np.testing.assert_allclose(
        f[2], argand.structure_factors(crystal, [[2, 0, 0]])[0], rtol=0, atol=1e-11
    )


def test_shapes():
    rng = np.random.default_rng(7)
    crystals = [random_crystal(rng, sites=n) for n in (1, 4, 2)]
    hkl = argand.hkl_cube(1)
    f = argand.structure_factors(crystals, hkl)
    assert f.shape == (3, 27)
    np.testing.assert_allclose(f[1], argand.structure_factors(crystals[1], hkl), rtol=0, atol=1e-11)
    lists = [hkl[:4], hkl[:0], hkl[4:9]]
    assert [len(x) for x in argand.structure_factors(crystals, lists)] == [4, 0, 5]
    assert argand.structure_factors(crystals[0], np.empty((0, 3), int)).shape == (0,)
    assert argand.structure_factors([], hkl).shape == (0, 27)
    empty = argand.Crystal(CELLS["cubic"])
    np.testing.assert_array_equal(argand.structure_factors(empty, hkl), np.zeros(27))


@pytest.mark.parametrize("spacegroup", ["P 1", "P 1 21/c 1"])
def test_out_is_written_in_place(spacegroup):
    rng = np.random.default_rng(8)
    crystals = [random_crystal(rng, spacegroup) for _ in range(2)]
    hkl = rng.permutation(argand.hkl_cube(2))
    out = np.empty((2, len(hkl)), np.complex128)
    assert argand.structure_factors(crystals, hkl, out=out) is out
    np.testing.assert_array_equal(out, argand.structure_factors(crystals, hkl))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hkl": [1, 2, 3]}, r"hkl has shape \(3,\), needs \(m, 3\)"),
        ({"hkl": [[1, 2, np.nan]]}, "hkl holds NaN"),
        ({"dtype": "float64"}, "dtype is 'float64'"),
        ({"method": "magic"}, "method is 'magic'"),
        ({"table": "it1992"}, "table is 'it1992'"),
        ({"energy_kev": -1.0}, "energy_kev is -1.0"),
        ({"out": np.empty(3, np.complex64)}, "out is complex64"),
        ({"hkl": [np.zeros((1, 3)), np.zeros((1, 3))]}, "hkl holds 2 lists"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    crystal = random_crystal(np.random.default_rng(9))
    with pytest.raises(ValueError, match=message):
        argand.structure_factors(**{"crystal": crystal, "hkl": [[1, 0, 0]], **arguments})
