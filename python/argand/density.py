"""Electron density: rho(x) = (1/V) sum_h F(h) exp(-2 pi i h.x), and back."""

from __future__ import annotations

import math
from typing import Any

import gemmi
import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from argand import _seam
from argand._fft import matrix_is_cheaper
from argand._memory import demand
from argand.cell import cell_volume
from argand.reflections import as_hkl
from argand.symmetry import operations

Real = NDArray[np.floating[Any]]
Complex = NDArray[np.complexfloating[Any, Any]]
Box = tuple[int, int, int]

_REFLECTION = 64  # bytes for its indices and where it goes
_METHODS = ("auto", "matrix", "fft")


def map_from_structure_factors(
    hkl: ArrayLike,
    f: ArrayLike,
    shape: tuple[int, int, int],
    *,
    cell: tuple[float, ...],
    spacegroup: str = "P 1",
    method: str = "auto",
    out: Real | None = None,
) -> Real:
    """Density on a grid over the whole cell, indexed [ia, ib, ic] along a, b, c.

    rho(x) = (1/V) sum_h F(h) exp(-2 pi i h.x), in e/A^3 for x-rays. Reflections that the list lacks follow from the
    symmetry of `spacegroup` and from Friedel's law F(-h) = conj F(h); those that neither gives count as 0, F(000)
    too: without it the mean of the map is 0.

    Parameters
    ----------
    hkl, f
        Miller indices (m, 3) and complex structure factors (m,); complex64 gives a float32 map.
    shape
        Grid (na, nb, nc), any size, see `grid_shape`.
    cell, spacegroup
        Angstrom and degrees; Hermann-Mauguin symbol.
    method
        "matrix" (three short matrix products, good for compact boxes of hkl), "fft", or "auto", the cheaper one.
    out
        C-contiguous array to write to.

    Source: International Tables for Crystallography B, section 1.3 (Fourier synthesis).
    """
    indices, values = as_hkl(hkl), np.asarray(f)
    if values.shape != (len(indices),):
        raise ValueError(
            f"f has shape {values.shape}, needs ({len(indices)},): one a reflection of hkl"
        )
    single = values.dtype in (np.complex64, np.float32)
    real = np.dtype(np.float32 if single else np.float64)
    grid = _check_shape(shape)
    matrix = _demand_map(indices, grid, spacegroup, method, real.itemsize, out is None)
    full = _box_from_list(
        indices, values.astype(np.complex64 if single else np.complex128), spacegroup
    )
    if out is None:
        out = np.empty(grid, real)
    elif out.shape != grid or out.dtype != real or not out.flags.c_contiguous:
        raise ValueError(
            f"out is {out.dtype} {out.shape}, needs a C-contiguous {real} array of shape {grid}"
        )
    scale = 1 / cell_volume(cell)
    if matrix:
        _seam.map_from_structure_factors(full[None], out[None], scale)
    else:
        out[...] = _map_by_fft(full, grid, scale)
    return out


def structure_factors_from_map(
    rho: ArrayLike, hkl: ArrayLike, *, cell: tuple[float, ...], method: str = "auto"
) -> Complex:
    """Structure factors of a density: F(h) = (V/N) sum_x rho(x) exp(+2 pi i h.x) over the N points of the grid.

    `rho` (na, nb, nc) covers the whole cell, in e/A^3; float32 gives complex64. Returns (m,) for hkl (m, 3). It
    undoes `map_from_structure_factors` for every hkl below half the grid.
    """
    density = np.ascontiguousarray(rho)
    if density.dtype != np.float32:
        density = density.astype(np.float64, copy=False)
    grid = _check_shape(density.shape)
    indices = as_hkl(hkl)
    scale = cell_volume(cell) / density.size
    reach = tuple(int(n) for n in np.abs(indices).max(axis=0, initial=0))
    box = (reach[0], reach[1], reach[2])
    matrix = _use_matrix(method, box, grid)
    points, reflections = math.prod(grid), math.prod(2 * n + 1 for n in box)
    demand(
        f"F to {' '.join(map(str, box))} of a map of {' x '.join(map(str, grid))} points",
        density.itemsize * (2 * reflections if matrix else 2 * points) + _REFLECTION * len(indices),
        "ask for fewer reflections",
    )
    if not matrix:
        return _list_by_fft(density, indices, scale)
    full = np.empty([2 * n + 1 for n in box], np.result_type(density.dtype, np.complex64))
    _seam.structure_factors_from_map(density[None], full[None], scale)
    f: Complex = full[tuple((indices + box).T)]
    return f


def grid_shape(
    cell: tuple[float, ...], spacegroup: str, d_min: float, sample_rate: float = 3.0
) -> tuple[int, int, int]:
    """Grid for reflections to d_min: points at most d_min / sample_rate apart, sizes good for the FFT and for the
    symmetry of the space group (gemmi's rule). sample_rate 2 is the Shannon limit, 3 the custom."""
    if not d_min > 0 or not sample_rate > 0:
        raise ValueError(f"d_min is {d_min} and sample_rate {sample_rate}, both need to be > 0")
    grid = gemmi.FloatGrid()
    grid.spacegroup = gemmi.SpaceGroup(spacegroup)
    grid.set_unit_cell(gemmi.UnitCell(*cell))
    grid.set_size_from_spacing(d_min / sample_rate, gemmi.GridSizeRounding.Up)
    return (grid.nu, grid.nv, grid.nw)


def _check_shape(shape: tuple[int, ...]) -> Box:
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"shape is {tuple(shape)}, needs three numbers >= 1")
    return (int(shape[0]), int(shape[1]), int(shape[2]))


def _demand_map(
    hkl: NDArray[np.int32], grid: Box, spacegroup: str, method: str, itemsize: int, new: bool
) -> bool:
    """Whether the map is made by matrix products; raises where it takes more memory than a call may take."""
    every = operations(spacegroup)
    turned = [np.abs(hkl @ rotation).max(axis=0, initial=0) for rotation, _ in every]
    h, k, l = (int(n) for n in np.max(turned, axis=0))
    matrix = _use_matrix(method, (h, k, l), grid)
    points, reflections = math.prod(grid), (2 * h + 1) * (2 * k + 1) * (2 * l + 1)
    needed = _REFLECTION * len(hkl) * (1 + len(every)) + 2 * itemsize * reflections
    if not matrix:  # the half grid and the map of it, and where every reflection of the box goes
        needed += 2 * itemsize * points + (_REFLECTION + 4 * itemsize) * reflections
    demand(
        f"a map of {' x '.join(map(str, grid))} points from hkl to {h} {k} {l}",
        needed + new * itemsize * points,
        "choose a coarser grid or fewer reflections",
    )
    return matrix


def _reach(full: Complex) -> Box:
    a, b, c = full.shape
    return (a // 2, b // 2, c // 2)


def _box_from_list(hkl: NDArray[np.int32], f: Complex, spacegroup: str) -> Complex:
    """Reflections and all that follow from them, on the box -h..h, -k..k, -l..l.

    x -> R x + t leaves the density as it is, so F(h R) = F(h) exp(-2 pi i h.t).
    """
    images, values = [hkl], [f]
    for rotation, translation in operations(spacegroup):
        images.append(hkl @ rotation)
        values.append(f * np.exp(-2j * np.pi * (hkl @ translation)).astype(f.dtype))
    every, value = np.concatenate(images[::-1]), np.concatenate(values[::-1])  # the given ones win
    reach = np.abs(every).max(axis=0, initial=0)
    full = np.zeros(2 * reach + 1, f.dtype)
    full[tuple((reach - every).T)] = value.conj()
    full[tuple((reach + every).T)] = value
    return full


def _use_matrix(method: str, box: Box, grid: Box) -> bool:
    """Whether three matrix products cost less than an FFT of the whole grid; it also needs no grid above 2 h."""
    if method not in _METHODS:
        raise ValueError(f"method is {method!r}, needs one of {', '.join(_METHODS)}")
    if method != "auto":
        return method == "matrix"
    return matrix_is_cheaper(box, grid)


def _half_grid(
    hkl: NDArray[np.integer[Any]], grid: Box
) -> tuple[tuple[NDArray[Any], ...], NDArray[np.bool_]]:
    """Where reflections lie in the half grid of a real FFT, and which of them lie there as their mates."""
    index = hkl % np.array(grid)
    mate = index[:, 2] > grid[2] // 2
    index[mate] = -hkl[mate] % np.array(grid)
    return tuple(index.T), mate


def _map_by_fft(full: Complex, grid: Box, scale: float) -> Real:
    mean = (full + full[::-1, ::-1, ::-1].conj()) / 2  # the real part of the map
    reach = _reach(full)
    hkl = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in reach], indexing="ij"), -1).reshape(
        -1, 3
    )
    index, mate = _half_grid(hkl, grid)
    half = np.zeros((grid[0], grid[1], grid[2] // 2 + 1), full.dtype)
    # irfftn sums exp(+2 pi i h.x): hand it conj F. Orders beyond the grid fold back onto it, so they are added.
    # The real FFT takes one reflection of each pair, except on the planes that are their own mates.
    keep = ~mate
    np.add.at(half, tuple(i[keep] for i in index), mean.ravel()[keep].conj())
    rho: Real = scipy.fft.irfftn(
        half, s=grid, norm="forward", overwrite_x=True
    ) * half.real.dtype.type(scale)
    return rho


def _list_by_fft(density: Real, hkl: NDArray[np.int32], scale: float) -> Complex:
    half = scipy.fft.rfftn(density)  # sums exp(-2 pi i h.x): conj F, or F of the mate
    index, mate = _half_grid(hkl, _check_shape(density.shape))
    f = half[index]
    values: Complex = np.where(mate, f, f.conj()) * half.real.dtype.type(scale)
    return values
