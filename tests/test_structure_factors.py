"""Test the front door: symmetry, orders, batches, methods, and what it refuses."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

import argand
from argand import nufft
from space_groups import CELLS, EVERY_GROUP, random_crystal


def by_all_atoms(crystal: argand.Crystal, hkl: np.ndarray, **options) -> np.ndarray:
    """Compute F from all atoms of the cell, without symmetry."""
    return argand.structure_factors(crystal.to_p1(), hkl, **options)


@pytest.mark.parametrize("spacegroup", [*EVERY_GROUP, "F d -3 m:2", "R -3 c:H", "I 41/a:2"])
@pytest.mark.parametrize("energy_kev", [None, 9.0])
def test_symmetry_that_is_not_summed_changes_nothing(spacegroup, energy_kev):
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
    crystal = random_crystal(np.random.default_rng(2), "F d d 2")
    f = argand.structure_factors(crystal, [[1, 0, 0], [1, 1, 1]])
    assert f[0] == 0
    assert abs(f[1]) > 0.1


def test_symmetry_equivalents_have_equal_amplitudes_and_shifted_phases():
    """F(h R) = F(h) exp(-2 pi i h.t)."""
    crystal = random_crystal(np.random.default_rng(3), "P 41 21 2")
    hkl = np.array([[1, 2, 3], [0, 2, 5], [4, 1, 1]])
    f = argand.structure_factors(crystal, hkl)
    for op in gemmi.SpaceGroup("P 41 21 2").operations():
        rotation = np.array(op.rot) / op.DEN
        translation = np.array(op.tran) / op.DEN
        f_equivalent = argand.structure_factors(crystal, hkl @ rotation)
        expected = f * np.exp(-2j * np.pi * hkl @ translation)
        np.testing.assert_allclose(f_equivalent, expected, rtol=0, atol=1e-11)


def test_the_order_of_the_list_does_not_matter():
    rng = np.random.default_rng(4)
    crystal = random_crystal(rng, "P 1 21/c 1")
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=1.0)
    shuffled = rng.permutation(len(hkl))
    f = argand.structure_factors(crystal, hkl)
    f_shuffled = argand.structure_factors(crystal, hkl[shuffled])
    np.testing.assert_allclose(f_shuffled, f[shuffled], rtol=0, atol=1e-11)
    several = argand.structure_factors([crystal, crystal], [hkl[shuffled], hkl[:5]])
    np.testing.assert_allclose(several[0], f[shuffled], rtol=0, atol=1e-11)
    np.testing.assert_allclose(several[1], f[:5], rtol=0, atol=1e-11)


def test_a_cube_gives_the_f_of_its_list():
    crystal = random_crystal(np.random.default_rng(5), "C 1 2/c 1")
    cube = argand.hkl_cube(3)
    from_list = argand.structure_factors(crystal, cube[:-1])
    from_cube = argand.structure_factors(crystal, cube)
    np.testing.assert_allclose(from_cube[:-1], from_list, rtol=0, atol=1e-11)


@pytest.mark.parametrize("spacegroup", ["P 1", "I 41/a:2"])
def test_satellites(spacegroup):
    crystal = random_crystal(np.random.default_rng(6), spacegroup)
    hkl = np.array([[1.0, 2.0, 3.25], [0.1, -0.2, 4.0], [2.0, 0.0, 0.0]])
    f = argand.structure_factors(crystal, hkl)
    # to_p1 moves atoms by whole cells, which changes phases of satellites: compare in P 1 alone.
    if spacegroup == "P 1":
        stol = argand.stol(hkl, crystal.cell)
        form = argand.form_factors(crystal.types, stol)
        damping = np.exp(-crystal.b_iso[:, None] * stol**2)
        terms = form * damping * crystal.occ[:, None]
        expected = (terms * np.exp(2j * np.pi * crystal.frac @ hkl.T)).sum(axis=0)
        np.testing.assert_allclose(f, expected, rtol=0, atol=1e-11)
    whole = argand.structure_factors(crystal, [[2, 0, 0]])
    np.testing.assert_allclose(f[2], whole[0], rtol=0, atol=1e-11)


def test_shapes():
    rng = np.random.default_rng(7)
    crystals = [random_crystal(rng, sites=n) for n in (1, 4, 2)]
    hkl = argand.hkl_cube(1)
    f = argand.structure_factors(crystals, hkl)
    assert f.shape == (3, 27)
    alone = argand.structure_factors(crystals[1], hkl)
    np.testing.assert_allclose(f[1], alone, rtol=0, atol=1e-11)
    lists = [hkl[:4], hkl[:0], hkl[4:9]]
    lengths = [len(row) for row in argand.structure_factors(crystals, lists)]
    assert lengths == [4, 0, 5]
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


@pytest.mark.parametrize("ragged", [False, True])
def test_a_batch_with_one_large_crystal_stays_a_batch(monkeypatch, ragged):
    """The large crystal is summed by transforms alone, all others in one call into the core."""
    rng = np.random.default_rng(10)
    crystals = [random_crystal(rng, "P 1 21/c 1", sites=n) for n in (2, 4, 3)]
    hkl = argand.miller_indices(crystals[0].cell, "P 1 21/c 1", d_min=1.2)
    lists = [hkl[:50], hkl, hkl[::2]] if ragged else hkl
    expected = argand.structure_factors(crystals, lists, method="direct")

    by_transforms = []
    sizes_of_calls = []

    def pays(part, *_):
        return len(part.types) == 8

    def sum_in_p1(part, indices, *_):
        by_transforms.append(part)
        return argand.structure_factors(part, indices, method="direct")

    seam = argand._seam
    core_sum = seam.structure_factors

    def counted(batch, out, **options):
        sizes_of_calls.append(batch.crystals)
        core_sum(batch, out, **options)

    monkeypatch.setattr(nufft, "pays", pays)
    monkeypatch.setattr(nufft, "sum_in_p1", sum_in_p1)
    monkeypatch.setattr(seam, "structure_factors", counted)
    f = argand.structure_factors(crystals, lists)
    assert len(by_transforms) == 1
    # The first call is that of the replaced `sum_in_p1`.
    assert sizes_of_calls == [1, 2]
    for row, expected_row in zip(f, expected, strict=True):
        np.testing.assert_allclose(row, expected_row, rtol=0, atol=1e-11)


def test_out_that_is_the_memory_of_hkl_is_refused():
    """Reflections would be overwritten by F while they are read."""
    crystal = random_crystal(np.random.default_rng(10))
    memory = np.zeros(3, np.float64)
    hkl, out = memory.reshape(1, 3), memory[:2].view(np.complex128)
    for orders in (hkl, [hkl]):
        with pytest.raises(ValueError, match="out shares memory with hkl"):
            argand.structure_factors(crystal, orders, out=out)


@pytest.mark.parametrize("cells", [0, 1000, 100_000])
@pytest.mark.parametrize("spacegroup", ["P 1", "P 1 21/c 1"])
def test_single_precision_keeps_its_digits_in_any_cell(spacegroup, cells):
    """The error is below |h| 1e-7 of the root mean square of F, however far the atoms are."""
    rng = np.random.default_rng(11)
    crystal = random_crystal(rng, spacegroup)
    shifts = rng.integers(-cells, cells + 1, crystal.frac.shape)
    moved = crystal.replace(frac=crystal.frac + shifts)
    hkl = argand.hkl_cube(6)[::3]
    expected = argand.structure_factors(moved, hkl)
    f = argand.structure_factors(moved, hkl, dtype="complex64")
    rms = np.sqrt(np.mean(np.abs(expected) ** 2))
    longest = np.linalg.norm(hkl, axis=1).max()
    assert np.abs(f - expected).max() < longest * 1e-7 * rms
    # Orders that are not whole numbers have other phases in other cells.
    satellites = hkl[:50] + np.array([0.3, 0.0, 0.0])
    near = crystal.replace(frac=crystal.frac + np.sign(shifts))
    expected = argand.structure_factors(near, satellites)
    f = argand.structure_factors(near, satellites, dtype="complex64")
    np.testing.assert_allclose(f, expected, rtol=0, atol=1e-4 * rms)


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
        ({"out": [0j]}, "out is a list, needs a C-contiguous complex128 array"),
        ({"out": np.ma.zeros(1, complex)}, "out is a MaskedArray"),
        ({"out": np.broadcast_to(np.zeros(1, complex), (1,))}, "out is read-only"),
        ({"hkl": [[2**31, 0, 0]]}, "hkl holds 2147483648, needs indices up to 1,000,000"),
        ({"hkl": np.ma.masked_equal([[1, 0, 0]], 1)}, "hkl is a masked array"),
        ({"hkl": [np.zeros((1, 3)), np.zeros((1, 3))]}, "hkl holds 2 lists"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    crystal = random_crystal(np.random.default_rng(9))
    call = {"crystal": crystal, "hkl": [[1, 0, 0]], **arguments}
    with pytest.raises(ValueError, match=message):
        argand.structure_factors(**call)
