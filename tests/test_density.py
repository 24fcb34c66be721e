"""The inverse transform against its definition, its adjoint, gemmi and the FFT."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

import argand
import oracles
from argand import _seam

CELL = (7.0, 8.0, 9.5, 81.0, 95.0, 103.0)


def random_box(
    rng: np.random.Generator, reach: tuple[int, int, int], maps: int = 1, hermitian: bool = False
):
    shape = (maps, *(2 * n + 1 for n in reach))
    f = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    return (f + f[:, ::-1, ::-1, ::-1].conj()) / 2 if hermitian else f


@pytest.mark.parametrize("hermitian", [True, False])
@pytest.mark.parametrize("grid", [(12, 10, 15), (17, 20, 33), (3, 4, 2), (1, 1, 1)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 2e-6)])
def test_map_is_the_definition_on_any_grid(kernels, grid, hermitian, dtype, tolerance):
    """Coarse grids too, where several orders fall on one."""
    reach = (3, 4, 5)
    f = random_box(np.random.default_rng(1), reach, maps=2, hermitian=hermitian)
    rho = np.full((2, *grid), np.nan, dtype)
    kernels.map_from_structure_factors(f.astype(np.result_type(dtype, np.complex64)), rho, 0.01)
    expected = np.stack([oracles.density(x.ravel(), oracles.box(reach), grid, 100.0) for x in f])
    assert np.abs(rho - expected).max() < tolerance * np.abs(expected).max()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("threads", [1, 2])
def test_maps_larger_than_the_caches_are_those_made_one_by_one(dtype, threads):
    """They are written past the caches, in whole lines of them: wherever they begin, and nothing beside them."""
    maps, grid, beside = 150, (29, 31, 35), 7.0
    f = random_box(np.random.default_rng(11), (2, 3, 2), maps=maps).astype(
        np.result_type(dtype, np.complex64)
    )
    one = np.empty((maps, *grid), dtype)
    for i in range(maps):
        _seam.map_from_structure_factors(f[i : i + 1], one[i : i + 1], 0.01)
    before = argand.num_threads()
    argand.set_num_threads(threads)
    try:
        for first in (0, 1, 3):
            room = np.full(one.size + 20, beside, dtype)
            many = room[first : first + one.size].reshape(one.shape)
            assert many.nbytes > 16 << 20
            _seam.map_from_structure_factors(f, many, 0.01)
            np.testing.assert_array_equal(many, one)
            assert (room[:first] == beside).all()
            assert (room[first + one.size :] == beside).all()
    finally:
        argand.set_num_threads(before)


@pytest.mark.parametrize("grid", [(12, 10, 15), (5, 4, 70)])
def test_adjoint_identity(kernels, grid):
    """<A F, rho> = <F, A* rho>."""
    rng = np.random.default_rng(2)
    f = random_box(rng, (3, 4, 5), maps=3)
    rho, out, back = rng.normal(size=(3, *grid)), np.empty((3, *grid)), np.empty_like(f)
    kernels.map_from_structure_factors(f, out, 0.7)
    kernels.structure_factors_from_map(rho, back, 0.7)
    left, right = (out * rho).sum(), np.vdot(back, f).real
    assert abs(left - right) < 1e-12 * np.linalg.norm(out) * np.linalg.norm(rho)


@pytest.mark.parametrize("method", ["matrix", "fft", "auto"])
@pytest.mark.parametrize("grid", [(12, 10, 16), (9, 11, 13), (6, 7, 8), (5, 3, 4)])
def test_methods_agree_with_the_definition(method, grid):
    rng = np.random.default_rng(3)
    hkl = oracles.box((3, 4, 5))
    f = random_box(rng, (3, 4, 5)).ravel()
    expected = oracles.density(f, hkl, grid, argand.cell.cell_volume(CELL))
    rho = argand.map_from_structure_factors(hkl, f, grid, cell=CELL, method=method)
    np.testing.assert_allclose(rho, expected, rtol=0, atol=1e-13 * np.abs(expected).max() + 1e-16)


@pytest.mark.parametrize("method", ["matrix", "fft"])
@pytest.mark.parametrize("grid", [(7, 9, 11), (12, 10, 16), (5, 3, 4)])
def test_structure_factors_from_map_is_the_definition(method, grid):
    rng = np.random.default_rng(4)
    rho = rng.normal(size=grid)
    hkl = oracles.box((3, 4, 5))
    x = np.stack(np.meshgrid(*[np.arange(n) / n for n in grid], indexing="ij"), -1).reshape(-1, 3)
    expected = (
        argand.cell.cell_volume(CELL) / rho.size * (np.exp(2j * np.pi * hkl @ x.T) @ rho.ravel())
    )
    f = argand.structure_factors_from_map(rho, hkl, cell=CELL, method=method)
    assert np.abs(f - expected).max() < 1e-13 * np.abs(expected).max() * 10


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
def test_round_trip(dtype):
    hkl = oracles.box((3, 4, 5))
    f = random_box(np.random.default_rng(5), (3, 4, 5), hermitian=True).ravel().astype(dtype)
    rho = argand.map_from_structure_factors(hkl, f, (7, 9, 11), cell=CELL)
    back = argand.structure_factors_from_map(rho, hkl, cell=CELL)
    assert rho.dtype == np.dtype(dtype).type(0).real.dtype
    assert back.dtype == dtype
    assert np.abs(back - f).max() < (1e-13 if dtype == np.complex128 else 3e-6) * np.abs(f).max()


def test_parseval():
    """(V/N) sum rho^2 = (1/V) sum |F|^2."""
    hkl = oracles.box((3, 4, 5))
    f = random_box(np.random.default_rng(6), (3, 4, 5), hermitian=True).ravel()
    rho = argand.map_from_structure_factors(hkl, f, (8, 10, 12), cell=CELL)
    volume = argand.cell.cell_volume(CELL)
    assert (rho**2).mean() * volume == pytest.approx((np.abs(f) ** 2).sum() / volume, rel=1e-12)


@pytest.mark.parametrize(
    "spacegroup", ["P 1", "P -1", "P 1 21/c 1", "P 21 21 21", "F d d 2", "R -3 c:H", "I a -3"]
)
def test_unique_reflections_give_the_map_of_gemmi(spacegroup):
    """Symmetry and Friedel mates are filled in as gemmi does; (0, 0, 0) included."""
    rng = np.random.default_rng(7)
    group = gemmi.SpaceGroup(spacegroup)
    cell = {
        "R -3 c:H": (9.0, 9.0, 14.0, 90.0, 90.0, 120.0),
        "I a -3": (11.0,) * 3 + (90.0,) * 3,
    }.get(spacegroup, (7.0, 8.0, 9.5, 90.0, 97.0 if "21/c" in spacegroup else 90.0, 90.0))
    hkl = argand.miller_indices(cell, spacegroup, d_min=1.6)
    hkl = hkl[~argand.reflections.systematic_absences(hkl, spacegroup)]
    f = rng.uniform(1, 20, len(hkl)) * np.exp(1j * group_phases(rng, hkl, group))
    grid = argand.grid_shape(cell, spacegroup, d_min=1.6)
    asu = gemmi.ComplexAsuData(gemmi.UnitCell(*cell), group, hkl, f.astype(np.complex64))
    expected = np.array(asu.transform_f_phi_to_map(exact_size=list(grid)).array)
    rho = argand.map_from_structure_factors(hkl, f, grid, cell=cell, spacegroup=spacegroup)
    assert np.abs(rho - expected).max() < 1e-6 * np.abs(expected).max()


def group_phases(rng: np.random.Generator, hkl: np.ndarray, group: gemmi.SpaceGroup) -> np.ndarray:
    """Phases that the group allows: those of a few random atoms under all its operations."""
    ops = list(group.operations())
    atoms = np.concatenate([[op.apply_to_xyz(list(x)) for op in ops] for x in rng.random((3, 3))])
    return np.angle(np.exp(2j * np.pi * hkl @ atoms.T).sum(axis=1))


def test_grid_shape_serves_the_resolution_and_the_symmetry():
    shape = argand.grid_shape((10.0, 10.0, 15.0, 90.0, 90.0, 120.0), "P 61", d_min=1.0)
    assert shape[2] % 6 == 0
    assert all(
        n >= 3 * length - 1e-9
        for n, length in zip(shape, (10.0 * 0.75**0.5, 10.0 * 0.75**0.5, 15.0), strict=True)
    )


def test_out_is_written_in_place():
    hkl, f = oracles.box((1, 1, 1)), np.ones(27, complex)
    out = np.empty((4, 4, 4))
    assert argand.map_from_structure_factors(hkl, f, (4, 4, 4), cell=CELL, out=out) is out
    with pytest.raises(ValueError, match="out is float32"):
        argand.map_from_structure_factors(hkl, f, (4, 4, 4), cell=CELL, out=out.astype(np.float32))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"f": np.ones(3)}, r"f has shape \(3,\), needs \(27,\)"),
        ({"shape": (4, 4)}, "shape is"),
        ({"shape": (4, 0, 4)}, "shape is"),
        ({"method": "magic"}, "method is 'magic'"),
        ({"spacegroup": "Q 7"}, "Q 7"),
        ({"hkl": np.full((27, 3), 0.5)}, "no whole number"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    good = {
        "hkl": oracles.box((1, 1, 1)),
        "f": np.ones(27, complex),
        "shape": (4, 4, 4),
        "cell": CELL,
    }
    with pytest.raises(ValueError, match=message):
        argand.map_from_structure_factors(**{**good, **arguments})
