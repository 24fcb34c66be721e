"""The inverse transform against its definition, its adjoint, gemmi and the FFT."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

import argand
import oracles
from argand import _seam
from argand.cell import cell_volume
from argand.reflections import systematic_absences
from batches import assert_close, random_complex, worst_error

CELL = (7.0, 8.0, 9.5, 81.0, 95.0, 103.0)
REACH = (3, 4, 5)


def mates(f: np.ndarray) -> np.ndarray:
    """Return conj F(-h) at h, of boxes (n, 2h+1, 2k+1, 2l+1)."""
    return f[:, ::-1, ::-1, ::-1].conj()


def random_boxes(rng: np.random.Generator, maps: int = 1, reach=REACH) -> np.ndarray:
    """Draw boxes (maps, 2h+1, 2k+1, 2l+1) of structure factors without Friedel's law."""
    h, k, l = reach
    return random_complex(rng, (maps, 2 * h + 1, 2 * k + 1, 2 * l + 1))


def random_hermitian_boxes(rng: np.random.Generator, maps: int = 1) -> np.ndarray:
    """Draw boxes of structure factors that obey Friedel's law."""
    f = random_boxes(rng, maps)
    return (f + mates(f)) / 2


def complex_of(dtype) -> np.dtype:
    return np.result_type(dtype, np.complex64)


@pytest.mark.parametrize("hermitian", [True, False])
@pytest.mark.parametrize(
    "grid",
    [(12, 10, 15), (17, 20, 33), (3, 4, 2), (1, 1, 1)],
)
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(np.float64, 1e-13), (np.float32, 2e-6)],
)
def test_map_is_the_definition_on_any_grid(kernels, grid, hermitian, dtype, tolerance):
    """Coarse grids are among them, where several orders fall on one."""
    rng = np.random.default_rng(1)
    f = random_hermitian_boxes(rng, maps=2) if hermitian else random_boxes(rng, maps=2)
    rho = np.full((2, *grid), np.nan, dtype)
    kernels.map_from_structure_factors(f.astype(complex_of(dtype)), rho, 0.01)
    hkl = oracles.box(REACH)
    expected = np.stack([oracles.density(box.ravel(), hkl, grid, 100.0) for box in f])
    assert worst_error(rho, expected) < tolerance


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("threads", [1, 2])
def test_maps_larger_than_the_caches_are_those_made_one_by_one(dtype, threads):
    """Large maps bypass the caches in whole lines, and nothing else is written."""
    maps, grid, untouched = 150, (29, 31, 35), 7.0
    f = random_boxes(np.random.default_rng(11), maps, (2, 3, 2)).astype(complex_of(dtype))
    one_by_one = np.empty((maps, *grid), dtype)
    for number in range(maps):
        single = slice(number, number + 1)
        _seam.map_from_structure_factors(f[single], one_by_one[single], 0.01)
    before = argand.num_threads()
    argand.set_num_threads(threads)
    try:
        for first in (0, 1, 3):
            memory = np.full(one_by_one.size + 20, untouched, dtype)
            end = first + one_by_one.size
            rho = memory[first:end].reshape(one_by_one.shape)
            assert rho.nbytes > 16 << 20
            _seam.map_from_structure_factors(f, rho, 0.01)
            np.testing.assert_array_equal(rho, one_by_one)
            assert (memory[:first] == untouched).all()
            assert (memory[end:] == untouched).all()
    finally:
        argand.set_num_threads(before)


@pytest.mark.parametrize(
    "grid",
    [(12, 10, 15), (5, 4, 70)],
)
def test_adjoint_identity(kernels, grid):
    """<A F, rho> = <F, A* rho>."""
    rng = np.random.default_rng(2)
    f = random_boxes(rng, maps=3)
    rho = rng.normal(size=(3, *grid))
    map_of_f, f_of_rho = np.empty((3, *grid)), np.empty_like(f)
    kernels.map_from_structure_factors(f, map_of_f, 0.7)
    kernels.structure_factors_from_map(rho, f_of_rho, 0.7)
    left = (map_of_f * rho).sum()
    right = np.vdot(f_of_rho, f).real
    assert abs(left - right) < 1e-12 * np.linalg.norm(map_of_f) * np.linalg.norm(rho)


@pytest.mark.parametrize("reach", [(2, 0, 0), (1, 3, 4), (0, 7, 9), (3, 10, 17)])
@pytest.mark.parametrize("grid", [(1, 1, 1), (4, 3, 2), (7, 8, 9), (6, 5, 33), (3, 32, 16)])
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(np.float64, 1e-14), (np.float32, 3e-6)],
)
def test_box_of_a_map_is_the_definition(kernels, reach, grid, dtype, tolerance):
    """F(h) = s sum_x rho(x) exp(2 pi i h x), for any number of orders and of points along a row."""
    rho = np.random.default_rng(12).normal(size=(2, *grid))
    box = [2 * largest + 1 for largest in reach]
    f = np.full((2, *box), np.nan, complex_of(dtype))
    kernels.structure_factors_from_map(rho.astype(dtype), f, 0.3)
    waves = []
    for largest, points in zip(reach, grid, strict=True):
        orders = np.arange(-largest, largest + 1)
        waves.append(np.exp(2j * np.pi * np.outer(orders, np.arange(points)) / points))
    expected = 0.3 * np.einsum("hx,ky,lz,mxyz->mhkl", *waves, rho, optimize=True)
    assert np.abs(f - expected).max() < tolerance * np.abs(rho).sum()


@pytest.mark.parametrize("points", [107, 112, 121])
def test_a_large_map_is_summed_in_slabs(points):
    """Sums along y for all x are larger than the half MiB that is kept of them."""
    grid, reach = (60, 9, points), (2, 14, 3)
    assert grid[0] * (2 * reach[1] + 1) * points * 8 > 512 << 10
    rho = np.random.default_rng(13).normal(size=(1, *grid))
    f = np.full((1, 5, 29, 7), np.nan, complex)
    _seam.structure_factors_from_map(rho, f, 1.0)
    fft = np.fft.ifftn(rho[0]) * rho.size
    expected = fft[np.ix_(*(np.arange(-h, h + 1) % n for h, n in zip(reach, grid, strict=True)))]
    assert np.abs(f[0] - expected).max() < 1e-14 * np.abs(rho).sum()


@pytest.mark.parametrize("method", ["matrix", "fft", "auto"])
@pytest.mark.parametrize(
    "grid",
    [(12, 10, 16), (9, 11, 13), (6, 7, 8), (5, 3, 4)],
)
def test_methods_agree_with_the_definition(method, grid):
    hkl = oracles.box(REACH)
    f = random_boxes(np.random.default_rng(3)).ravel()
    expected = oracles.density(f, hkl, grid, cell_volume(CELL))
    rho = argand.map_from_structure_factors(hkl, f, grid, cell=CELL, method=method)
    tolerance = 1e-13 * np.abs(expected).max() + 1e-16
    assert_close(rho, expected, tolerance)


@pytest.mark.parametrize("method", ["matrix", "fft"])
@pytest.mark.parametrize(
    "grid",
    [(7, 9, 11), (12, 10, 16), (5, 3, 4)],
)
def test_structure_factors_from_map_is_the_definition(method, grid):
    rho = np.random.default_rng(4).normal(size=grid)
    hkl = oracles.box(REACH)
    axes = [np.arange(points) / points for points in grid]
    x = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    waves = np.exp(2j * np.pi * hkl @ x.T)
    expected = cell_volume(CELL) / rho.size * (waves @ rho.ravel())
    f = argand.structure_factors_from_map(rho, hkl, cell=CELL, method=method)
    assert worst_error(f, expected) < 1e-13 * 10


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(np.complex128, 1e-13), (np.complex64, 3e-6)],
)
def test_round_trip(dtype, tolerance):
    hkl = oracles.box(REACH)
    f = random_hermitian_boxes(np.random.default_rng(5)).ravel().astype(dtype)
    rho = argand.map_from_structure_factors(hkl, f, (7, 9, 11), cell=CELL)
    back = argand.structure_factors_from_map(rho, hkl, cell=CELL)
    assert rho.dtype == f.real.dtype
    assert back.dtype == dtype
    assert worst_error(back, f) < tolerance


def test_parseval():
    """(V/N) sum rho^2 = (1/V) sum |F|^2."""
    hkl = oracles.box(REACH)
    f = random_hermitian_boxes(np.random.default_rng(6)).ravel()
    rho = argand.map_from_structure_factors(hkl, f, (8, 10, 12), cell=CELL)
    volume = cell_volume(CELL)
    by_f = (np.abs(f) ** 2).sum() / volume
    assert (rho**2).mean() * volume == pytest.approx(by_f, rel=1e-12)


def cell_for(spacegroup: str) -> tuple[float, ...]:
    """Return a unit cell that a space group allows."""
    if spacegroup == "R -3 c:H":
        return (9.0, 9.0, 14.0, 90.0, 90.0, 120.0)
    if spacegroup == "I a -3":
        return (11.0, 11.0, 11.0, 90.0, 90.0, 90.0)
    beta = 97.0 if "21/c" in spacegroup else 90.0
    return (7.0, 8.0, 9.5, 90.0, beta, 90.0)


def phases_of_random_atoms(
    rng: np.random.Generator,
    hkl: np.ndarray,
    group: gemmi.SpaceGroup,
) -> np.ndarray:
    """Return phases that a group allows: those of a few random atoms under all its operations."""
    operations = list(group.operations())
    images = []
    for atom in rng.random((3, 3)):
        images += [operation.apply_to_xyz(list(atom)) for operation in operations]
    waves = np.exp(2j * np.pi * hkl @ np.array(images).T)
    return np.angle(waves.sum(axis=1))


@pytest.mark.parametrize(
    "spacegroup", ["P 1", "P -1", "P 1 21/c 1", "P 21 21 21", "F d d 2", "R -3 c:H", "I a -3"]
)
def test_unique_reflections_give_the_map_of_gemmi(spacegroup):
    """Symmetry equivalents and Friedel mates are filled in as by gemmi, with (0, 0, 0)."""
    rng = np.random.default_rng(7)
    group, cell = gemmi.SpaceGroup(spacegroup), cell_for(spacegroup)
    hkl = argand.miller_indices(cell, spacegroup, d_min=1.6)
    hkl = hkl[~systematic_absences(hkl, spacegroup)]
    amplitudes = rng.uniform(1, 20, len(hkl))
    f = amplitudes * np.exp(1j * phases_of_random_atoms(rng, hkl, group))
    grid = argand.grid_shape(cell, spacegroup, d_min=1.6)
    asu = gemmi.ComplexAsuData(gemmi.UnitCell(*cell), group, hkl, f.astype(np.complex64))
    expected = np.array(asu.transform_f_phi_to_map(exact_size=list(grid)).array)
    rho = argand.map_from_structure_factors(hkl, f, grid, cell=cell, spacegroup=spacegroup)
    assert worst_error(rho, expected) < 1e-6


def test_grid_shape_serves_a_setting_without_a_name():
    """The centring of a rhombohedral lattice with no more than inversion divides the grid."""
    triplets = "x,y,z;-x,-y,-z;x+2/3,y+1/3,z+1/3;-x+2/3,-y+1/3,-z+1/3"
    triplets += ";x+1/3,y+2/3,z+2/3;-x+1/3,-y+2/3,-z+2/3"
    shape = argand.grid_shape((10.0, 10.0, 15.0, 90.0, 90.0, 120.0), triplets, d_min=1.0)
    assert all(side % 3 == 0 for side in shape)
    assert shape[0] >= 30
    assert shape[1] >= 30
    assert shape[2] >= 45


def test_grid_shape_serves_the_resolution_and_the_symmetry():
    shape = argand.grid_shape((10.0, 10.0, 15.0, 90.0, 90.0, 120.0), "P 61", d_min=1.0)
    na, nb, nc = shape
    assert nc % 6 == 0
    spacing_of_planes = 10.0 * 0.75**0.5
    assert na >= 3 * spacing_of_planes - 1e-9
    assert nb >= 3 * spacing_of_planes - 1e-9
    assert nc >= 3 * 15.0 - 1e-9


def test_out_is_written_in_place():
    hkl, f = oracles.box((1, 1, 1)), np.ones(27, complex)
    out = np.empty((4, 4, 4))
    assert argand.map_from_structure_factors(hkl, f, (4, 4, 4), cell=CELL, out=out) is out
    with pytest.raises(ValueError, match="out is float32"):
        argand.map_from_structure_factors(hkl, f, (4, 4, 4), cell=CELL, out=out.astype(np.float32))


def test_out_that_is_the_memory_of_f_is_refused():
    hkl, f = oracles.box((1, 1, 1)), np.ones(32, complex)
    out = f.view(np.float64).reshape(4, 4, 4)
    with pytest.raises(ValueError, match="out shares memory with f"):
        argand.map_from_structure_factors(hkl, f[:27], (4, 4, 4), cell=CELL, out=out)


@pytest.mark.parametrize("arguments", [(1e-9,), (np.nan,), (1.0, 0.0), (1.0, np.inf)])
def test_grids_of_no_resolution_are_refused(arguments):
    with pytest.raises(ValueError, match=r"d_min is .* 0\.01 or more|sample_rate is .* > 0"):
        argand.grid_shape(CELL, "P 1", *arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"f": np.ones(3)}, r"f has shape \(3,\), needs \(27,\)"),
        ({"shape": (4, 4)}, "shape is"),
        ({"shape": (4, 0, 4)}, "shape is"),
        ({"method": "magic"}, "method is 'magic'"),
        ({"spacegroup": "Q 7"}, "Q 7"),
        ({"hkl": np.full((27, 3), 0.5)}, "no whole number"),
        ({"cell": (7.0, 8.0, np.nan, 90.0, 90.0, 90.0)}, "cell .* needs positive lengths"),
        ({"shape": 4}, "shape is 4, needs three whole numbers"),
        ({"shape": np.ma.masked_array([[4], [4], [4]])}, r"shape is masked_array\(.*numbers$"),
        ({"shape": (4.5, 4, 4)}, r"shape is \(4.5, 4, 4\), needs three whole numbers"),
        ({"f": np.ma.masked_equal(np.ones(27, complex), 1)}, "f is a masked array"),
        ({"out": np.zeros((4, 4, 4)).tolist()}, "out is a list"),
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
