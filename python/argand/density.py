"""Electron density: rho(x) = (1/V) sum_h F(h) exp(-2 pi i h.x), and back."""

from __future__ import annotations

import math
import operator
from typing import Any

import gemmi
import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand import _seam
from argand._fft import matrix_is_cheaper
from argand._memory import demand
from argand._numbers import check_size, complex_array, real_array, real_number, shown
from argand._signals import interruptible
from argand.cell import cell_parameters, cell_volume
from argand.errors import ArgandError
from argand.map_transform import MapTransform, half_grid, symmetry_equivalents
from argand.reflections import SMALLEST_D_MIN, as_hkl
from argand.symmetry import group_ops, operations, spacegroup_name

Real = NDArray[np.floating[Any]]
Complex = NDArray[np.complexfloating[Any, Any]]
Sides = tuple[int, int, int]

# Bytes that a reflection takes besides its value: its indices, and its place in the box or grid.
_REFLECTION_BYTES = 64
# Bytes of a point of a map in single precision.
_BYTES_OF_POINT = 4
# Translations of symmetry operations are multiples of a cell edge over this, in every setting.
_TRANSLATION_DENOMINATOR = 12

# Points along an edge of a map beyond any that fits a memory, with any other sides.
_MOST_POINTS = 2**31 - 1
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
    """Compute the density of a crystal on a grid over its whole cell.

    rho(x) = (1/V) sum_h F(h) exp(-2 pi i h.x). Reflections that the list lacks follow from the
    symmetry of `spacegroup` and from Friedel's law F(-h) = conj F(h). Those that neither gives
    count as 0, F(000) too: without it the mean of the map is 0.

    Parameters
    ----------
    hkl, f
        Miller indices (m, 3) and complex structure factors (m,); complex64 gives a float32 map.
    shape
        Grid (na, nb, nc), any size; `grid_shape` proposes one.
    cell, spacegroup
        (a, b, c, alpha, beta, gamma) in angstrom and degrees; Hermann-Mauguin symbol.
    method
        "matrix" (three short matrix products, good for compact boxes of hkl), "fft", or "auto", the
        cheaper one.
    out
        C-contiguous array to write to, of the shape and dtype returned.

    Returns
    -------
    (na, nb, nc) float32 or float64, indexed [ia, ib, ic] along a, b, c, in e/A^3 for x-rays.

    Raises
    ------
    ValueError, ArgandError
        Name the argument, what it is and what it must be.
    MemoryLimitError
        The map takes more than `argand.memory_limit()`.

    Source: International Tables for Crystallography B, section 1.3 (Fourier synthesis).
    """
    _seam.check_plain("f", f)
    indices, values = as_hkl(hkl), np.asarray(f)
    if values.shape != (len(indices),):
        raise ValueError(
            f"f has shape {values.shape}, needs ({len(indices)},): one a reflection of hkl"
        )
    is_single = values.dtype in (np.complex64, np.float32)
    real = np.dtype(np.float32 if is_single else np.float64)
    values = complex_array("f", values).astype(np.complex64 if is_single else np.complex128)
    grid = _check_shape(shape)
    if out is not None:
        _seam.check_output(out, grid, real, hkl=hkl, f=f)
    allocated = real.itemsize * math.prod(grid) if out is None else 0
    by_matrix = _plan_map(indices, grid, spacegroup, method, real.itemsize, allocated)
    scale = 1 / cell_volume(cell_parameters(cell))
    if not by_matrix:
        rho = interruptible(math.prod(grid), _map_by_fft, indices, values, spacegroup, grid, scale)
        if out is None:
            return rho
        out[...] = rho
        return out
    if out is None:
        out = np.empty(grid, real)
    box = _box_from_list(indices, values, spacegroup)
    _seam.map_from_structure_factors(box[None], out[None], scale)
    return out


def structure_factors_from_map(
    rho: ArrayLike,
    hkl: ArrayLike,
    *,
    cell: tuple[float, ...],
    method: str = "auto",
) -> Complex:
    """Compute structure factors of a density on a grid: F(h) = (V/N) sum_x rho(x) exp(+2 pi i h.x).

    It undoes `map_from_structure_factors` for every hkl below half the grid.

    Parameters
    ----------
    rho
        Density (na, nb, nc) over the whole cell of N points, in e/A^3; float32 gives complex64.
    hkl
        Miller indices (m, 3).
    cell
        (a, b, c, alpha, beta, gamma) in angstrom and degrees.
    method
        "matrix" (three short matrix products, good for compact boxes of hkl), "fft", or "auto", the
        cheaper one.

    Returns
    -------
    (m,) complex64 or complex128.

    Raises
    ------
    ValueError, ArgandError
        Name the argument, what it is and what it must be.
    MemoryLimitError
        It takes more than `argand.memory_limit()`.
    """
    _seam.check_plain("rho", rho)
    density = np.ascontiguousarray(rho)
    if density.dtype != np.float32:
        density = np.ascontiguousarray(real_array("rho", rho))
    check_size("rho", density)
    grid = _check_shape(density.shape)
    indices = as_hkl(hkl)
    scale = cell_volume(cell_parameters(cell)) / density.size
    reach = np.abs(indices).max(axis=0, initial=0)
    h, k, l = reach.tolist()
    by_matrix = _use_matrix(method, (h, k, l), grid)
    box_shape = _seam.box_shape((h, k, l))
    complex_numbers = math.prod(box_shape) if by_matrix else math.prod(grid)
    na, nb, nc = grid
    demand(
        f"F to {h} {k} {l} of a map of {na} x {nb} x {nc} points",
        2 * density.itemsize * complex_numbers + _REFLECTION_BYTES * len(indices),
        "ask for fewer reflections",
    )
    if not by_matrix:
        return interruptible(density.size, _list_by_fft, density, indices, scale)
    complex_dtype = np.result_type(density.dtype, np.complex64)
    box = np.empty(box_shape, complex_dtype)
    _seam.structure_factors_from_map(density[None], box[None], scale)
    f: Complex = box[tuple((indices + reach).T)]
    return f


def grid_shape(
    cell: tuple[float, ...],
    spacegroup: str,
    d_min: float,
    sample_rate: float = 3.0,
) -> tuple[int, int, int]:
    """Propose a grid for a map of reflections to d_min.

    Its sizes are good for the FFT and for the symmetry of the space group.

    Parameters
    ----------
    cell, spacegroup
        (a, b, c, alpha, beta, gamma) in angstrom and degrees; Hermann-Mauguin symbol.
    d_min
        Resolution in angstrom.
    sample_rate
        Points are at most d_min / sample_rate apart: 2 is the Shannon limit, 3 the custom.

    Returns
    -------
    (na, nb, nc), after gemmi's rule.

    Raises
    ------
    ValueError
        `d_min` is below 0.01 or `sample_rate` not positive, or gemmi does not know the space group.
    MemoryLimitError
        A map on the grid takes more than `argand.memory_limit()`.
    """
    d_min = real_number("d_min", d_min)
    sample_rate = real_number("sample_rate", sample_rate)
    if not SMALLEST_D_MIN <= d_min < math.inf:
        raise ValueError(
            f"d_min is {d_min}, needs a resolution in angstrom, {SMALLEST_D_MIN:g} or more"
        )
    if not 0 < sample_rate < math.inf:
        raise ValueError(f"sample_rate is {sample_rate}, needs to be > 0")
    parameters = cell_parameters(cell)
    # A spacing beyond the edges has the grid of the longest; gemmi does not end where it is huge.
    spacing = min(d_min / sample_rate, max(parameters[:3]))
    points = math.prod(max(1.0, edge / spacing) for edge in parameters[:3])
    demand(
        f"a grid of some {points:.2g} points to {d_min:g} A",
        _BYTES_OF_POINT * points,
        "choose a larger d_min",
    )
    grid = gemmi.FloatGrid()
    name = spacegroup_name(group_ops(spacegroup))
    grid.spacegroup = gemmi.SpaceGroup(name or "P 1")
    grid.set_unit_cell(gemmi.UnitCell(*parameters))
    grid.set_size_from_spacing(spacing, gemmi.GridSizeRounding.Up)
    shape = (grid.nu, grid.nv, grid.nw)
    return shape if name is not None else _for_any_setting(shape, spacegroup)


def _for_any_setting(shape: Sides, spacegroup: str) -> Sides:
    """Enlarge a grid until every operation of a group maps it onto itself.

    Translations of all settings are multiples of 1/12; axes that rotations mix get equal numbers.
    """
    sides = np.array([-(-side // _TRANSLATION_DENOMINATOR) for side in shape])
    for rotation, _ in operations(spacegroup):
        for first, second in np.argwhere(rotation != 0).tolist():
            sides[[first, second]] = max(sides[first], sides[second])
    na, nb, nc = (int(side) * _TRANSLATION_DENOMINATOR for side in sides)
    return (na, nb, nc)


def _check_shape(shape: tuple[int, ...]) -> Sides:
    """Return the shape of a grid as three ints; raise where it is not."""
    try:
        sides = [operator.index(side) for side in shape]
    except TypeError:
        raise ValueError(f"shape is {shown(shape)}, needs three whole numbers") from None
    if len(sides) != 3 or min(sides) < 1:
        raise ValueError(f"shape is {shown(shape)}, needs three numbers >= 1")
    na, nb, nc = sides
    if max(na, nb, nc) > _MOST_POINTS:
        raise ArgandError(f"shape has a side of {max(na, nb, nc)}, needs up to {_MOST_POINTS:,}")
    return (na, nb, nc)


def _plan_map(
    hkl: NDArray[np.int32],
    grid: Sides,
    spacegroup: str,
    method: str,
    itemsize: int,
    allocated: int,
) -> bool:
    """Decide whether a map is made by matrix products.

    A MemoryLimitError says where the map takes more memory than a call may take.

    Parameters
    ----------
    hkl
        Miller indices (m, 3) of the list.
    grid, spacegroup, method
        Arguments of `map_from_structure_factors`.
    itemsize
        Bytes of a real number.
    allocated
        Bytes of the map, where the call allocates it.
    """
    symmetry = operations(spacegroup)
    reach = np.zeros(3, int)
    for rotation, _ in symmetry:
        equivalents = np.abs(hkl @ rotation)
        reach = np.maximum(reach, equivalents.max(axis=0, initial=0))
    h, k, l = reach.tolist()
    by_matrix = _use_matrix(method, (h, k, l), grid)
    points = math.prod(grid)
    reflections = math.prod(_seam.box_shape((h, k, l)))
    images = _REFLECTION_BYTES * len(hkl) * (1 + len(symmetry))
    needed = allocated + images + 2 * itemsize * reflections
    if not by_matrix:
        # The half grid and the map made of it, and the place in the half grid of every reflection
        # of the box.
        needed += 2 * itemsize * points + (_REFLECTION_BYTES + 4 * itemsize) * reflections
    na, nb, nc = grid
    demand(
        f"a map of {na} x {nb} x {nc} points from hkl to {h} {k} {l}",
        needed,
        "choose a coarser grid or fewer reflections",
    )
    return by_matrix


def _box_from_list(
    hkl: NDArray[np.int32],
    f: Complex,
    spacegroup: str,
) -> Complex:
    """Put reflections, equivalents and Friedel mates on the box -h..h, -k..k, -l..l."""
    orders, source, factor = symmetry_equivalents(hkl, spacegroup, f.dtype)
    values = f[source] * factor
    reach = np.abs(orders).max(axis=0, initial=0)
    box = np.zeros(2 * reach + 1, f.dtype)
    # A value that is written later prevails: mates come first, reflections of the list last.
    box[tuple((reach - orders).T)] = values.conj()
    box[tuple((reach + orders).T)] = values
    return box


def _use_matrix(method: str, box: Sides, grid: Sides) -> bool:
    """Tell whether the method is matrix products; "auto" takes what costs less than the other."""
    if method not in _METHODS:
        raise ArgandError(f"method is {method!r}, needs one of {', '.join(_METHODS)}")
    if method != "auto":
        return method == "matrix"
    return matrix_is_cheaper(box, grid)


def _map_by_fft(
    hkl: NDArray[np.int32], f: Complex, spacegroup: str, grid: Sides, scale: float
) -> Real:
    """Transform structure factors (m,) of a list to a map (na, nb, nc) by a real FFT."""
    return MapTransform(hkl, grid, spacegroup, f.dtype)(f, scale)


def _list_by_fft(
    density: Real,
    hkl: NDArray[np.int32],
    scale: float,
) -> Complex:
    """Transform one map to structure factors (m,) by a real FFT."""
    import scipy.fft

    # rfftn sums exp(-2 pi i h.x): it gives conj F of a reflection, or F where the half grid has its
    # mate.
    half = scipy.fft.rfftn(density)
    index, is_mate = half_grid(hkl, _check_shape(density.shape))
    from_half = half[index]
    f: Complex = np.where(is_mate, from_half, from_half.conj()) * half.real.dtype.type(scale)
    return f
