"""List reflections: which there are, where they lie, which are equivalent or absent.

hkl arrays are int32 (m, 3). Lists that argand makes are sorted by h, then k, then l: neighbours
share h and k, as the kernels like it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import gemmi
import numpy as np
import numpy.typing as npt

from argand import _seam
from argand._memory import demand
from argand._numbers import real_array, real_number, shown
from argand._signals import interruptible
from argand.cell import FloatArray, cell_parameters, cell_volume, reciprocal_metric
from argand.errors import ArgandError
from argand.symmetry import SpaceGroup, group_ops, operation_arrays, spacegroup_name

__all__ = [
    "as_hkl",
    "asymmetric_unit",
    "centric",
    "epsilon",
    "friedel_mates",
    "friedel_sides",
    "hkl_cube",
    "in_p1",
    "index_codes",
    "miller_indices",
    "stol",
    "systematic_absences",
]

HklArray = npt.NDArray[np.int32]

#: Largest |h|, |k|, |l|: the longest edge of a cell has no more orders at 1 angstrom, and the
#: number of three such indices in `index_codes` keeps to 64 bits.
LARGEST_ORDER = 1_000_000
#: Resolutions beyond this (angstrom) are mistakes of units: form factors are tabulated to 0.08.
SMALLEST_D_MIN = 0.01
# Bytes of a listed reflection: in gemmi's list as it grows, as an array, and sorted with its order.
_BYTES_OF_LISTED = 80
# Bytes of an index triple of hkl_cube: three grids, and the list made of them.
_BYTES_OF_CUBE = 24
# Bytes of a reflection that is taken to the asymmetric unit: its indices, and the equivalent.
_BYTES_IN_UNIT = 40
# Bytes of stol of a reflection: the answer, and its indices where they are no int32, which are
# converted to float64 and checked for their size.
_BYTES_OF_STOL = 8
_BYTES_OF_REAL_INDICES = 56
# Bytes of an image of a reflection where a setting has no name: its indices twice, and its code.
_BYTES_OF_IMAGE = 60
# Reflections that gemmi takes to the asymmetric unit at a time: Ctrl-C is heard in between.
_ROWS_AT_A_TIME = 1_000_000
# Bytes of a reflection whose flag or mate is found: its indices, converted from real numbers.
_BYTES_OF_FLAG = 72
# Bytes of an equivalent in `in_p1`: its indices, twice while they are sorted, place and phase.
_BYTES_OF_EQUIVALENT = 120


def as_hkl(hkl: npt.ArrayLike) -> HklArray:
    """Return Miller indices as a contiguous int32 array (m, 3).

    Raises
    ------
    ArgandError
        Another shape, or numbers that are not whole.
    """
    numbers = orders_array(hkl)
    if numbers.dtype != np.int32:
        raise ArgandError("hkl holds something that is no whole number")
    is_argument = isinstance(hkl, np.ndarray) and np.may_share_memory(numbers, hkl)
    return numbers.copy() if is_argument else numbers


def orders_array(hkl: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return orders (m, 3) contiguous: int32, or float64 where they are not whole numbers.

    The array may be the argument itself.

    Raises
    ------
    ArgandError
        Another shape, masked, NaN or infinite numbers, or orders beyond `LARGEST_ORDER`.
    """
    if np.ma.is_masked(hkl):
        raise ArgandError("hkl is a masked array, needs plain numbers: leave the masked rows out")
    orders = np.asarray(hkl)
    if orders.ndim != 2 or orders.shape[1] != 3:
        raise ArgandError(f"hkl has shape {orders.shape}, needs (m, 3)")
    if orders.dtype != np.int32:
        if orders.dtype.kind not in "biufO":
            raise ArgandError(f"hkl has dtype {orders.dtype}, needs whole numbers")
        try:
            orders = orders.astype(np.float64)
        except (TypeError, ValueError):
            raise ArgandError(f"hkl has dtype {orders.dtype}, needs whole numbers") from None
        if not np.isfinite(orders).all():
            raise ArgandError("hkl holds NaN or infinity, which is no whole number")
    orders = np.ascontiguousarray(orders)
    largest = _seam.largest_order(orders)
    if largest > LARGEST_ORDER:
        raise ArgandError(f"hkl holds {largest:.16g}, needs indices up to {LARGEST_ORDER:,}")
    if orders.dtype == np.float64:
        whole = orders.astype(np.int32)
        if np.array_equal(whole, orders):
            return whole
    return orders


def stol(hkl: npt.ArrayLike, cell: Sequence[float]) -> FloatArray:
    """Return sin(theta)/lambda = 1/(2d) = sqrt(h^T G* h) / 2 in 1/angstrom of hkl (..., 3)."""
    indices = np.asarray(hkl)
    if indices.ndim < 1 or indices.shape[-1] != 3:
        raise ArgandError(f"hkl has shape {indices.shape}, needs (..., 3)")
    count = indices.size // 3
    dtype = np.int32 if indices.dtype == np.int32 else np.float64
    bytes_of_row = _BYTES_OF_STOL + (0 if dtype == np.int32 else _BYTES_OF_REAL_INDICES)
    demand(f"stol of {count:,} reflections", bytes_of_row * count, "give fewer at a time")
    if dtype != np.int32:
        indices = real_array("hkl", hkl)
    flat = np.ascontiguousarray(indices, dtype).reshape(-1, 3)
    squared = stol_squares(flat, cell)
    return np.sqrt(squared, out=squared).reshape(indices.shape[:-1])


def stol_squares(hkl: npt.NDArray[Any], cell: Sequence[float]) -> FloatArray:
    """Return stol^2 (m,) in A^-2 of hkl (m, 3), contiguous, int32 or float64.

    Arguments are not checked: only argand calls this.
    """
    squares = np.empty(len(hkl))
    _seam.stol_squares(hkl, _metric(tuple(cell)), squares)
    return squares


def survey(
    hkl: HklArray, cell: Sequence[float]
) -> tuple[FloatArray, tuple[int, int, int], tuple[float, float]]:
    """Return stol^2 (m,), the largest |h|, |k|, |l|, and the least and the largest stol^2.

    `hkl` (m, 3) is a contiguous int32 array; it is not checked: only argand calls this.
    """
    squares = np.empty(len(hkl))
    reach, limits = _seam.survey(hkl, _metric(tuple(cell)), squares)
    return squares, reach, limits


@lru_cache(maxsize=256)
def _metric(cell: tuple[float, ...]) -> FloatArray:
    """Return the reciprocal metric (3, 3) of a checked cell."""
    return reciprocal_metric(cell_parameters(cell))


def hkl_cube(h_max: int) -> HklArray:
    """Return every hkl with indices from -h_max to h_max, 000 included: ((2 h_max + 1)^3, 3).

    h is slowest and l fastest.
    """
    number = real_number("h_max", h_max)
    if not number.is_integer() or not 0 <= number <= LARGEST_ORDER:
        needs = f"needs a whole number from 0 to {LARGEST_ORDER:,}"
        raise ArgandError(f"h_max is {shown(h_max)}, {needs}")
    highest = int(number)
    edge = 2 * highest + 1
    demand(f"the cube of hkl to {highest}", _BYTES_OF_CUBE * edge**3, "choose a smaller one")
    axis = np.arange(-highest, highest + 1, dtype=np.int32)
    h, k, l = np.meshgrid(axis, axis, axis, indexing="ij")
    return np.stack([h, k, l], axis=-1).reshape(-1, 3)


def miller_indices(
    cell: Sequence[float], spacegroup: SpaceGroup = "P 1", d_min: float = 1.0, unique: bool = True
) -> HklArray:
    """List the reflections to a resolution, without systematic absences and without 000.

    Parameters
    ----------
    cell
        Angstrom and degrees.
    spacegroup
        Name or operations.
    d_min
        Smallest lattice spacing, angstrom.
    unique
        List one of each set of equivalents under the Laue group (Friedel mates count as
        equivalent), in the asymmetric unit of `asymmetric_unit`; False: the whole sphere.

    Returns
    -------
    int32 (m, 3), sorted, l fastest

    Raises
    ------
    ArgandError
        `d_min` is below 0.01 angstrom, or so small that indices go beyond a million.
    MemoryLimitError
        The list takes more than `argand.memory_limit()`.
    """
    d_min = real_number("d_min", d_min)
    if not SMALLEST_D_MIN <= d_min < np.inf:
        raise ArgandError(
            f"d_min is {d_min}, needs a resolution in angstrom, {SMALLEST_D_MIN:g} or more"
        )
    parameters = cell_parameters(cell)
    longest = max(parameters[:3])
    if longest / d_min > LARGEST_ORDER:
        raise ArgandError(
            f"d_min is {d_min} for an edge of {longest:g} angstrom, needs a resolution with "
            f"indices up to {LARGEST_ORDER:,}"
        )
    group = group_ops(spacegroup)
    name = spacegroup_name(group)
    is_unique = bool(unique) and name is not None
    # The volume of the sphere of resolution over that of a node of the reciprocal lattice.
    listed = 4.0 / 3.0 * np.pi * cell_volume(parameters) * (1.0 / d_min) ** 3
    if name is not None:
        # gemmi leaves out what the centring extinguishes.
        listed /= len(group.cen_ops)
    if is_unique:
        # The equivalents of a general reflection, Friedel mates included.
        listed /= len(group.sym_ops) * (1 if group.is_centrosymmetric() else 2)
    demand(
        f"the list of some {listed:,.0f} reflections to {d_min:g} A",
        _BYTES_OF_LISTED * listed,
        "choose a larger d_min",
    )
    unit_cell = gemmi.UnitCell(*parameters)
    tabulated = gemmi.SpaceGroup(name or "P 1")
    hkl = gemmi.make_miller_array(unit_cell, tabulated, d_min, unique=is_unique)
    if name is None:
        hkl = hkl[~group.systematic_absences(hkl)]
        if unique:
            in_unit = (asymmetric_unit(hkl, spacegroup) == hkl).all(axis=1)
            hkl = hkl[in_unit]
    return _sorted(hkl)


def _sorted(hkl: HklArray) -> HklArray:
    """Return reflections (m, 3) sorted by h, then k, then l."""
    codes = index_codes(hkl.astype(np.int64))
    if not (codes[1:] > codes[:-1]).all():
        hkl = hkl[interruptible(len(codes), np.argsort, codes)]
    return np.ascontiguousarray(hkl, dtype=np.int32)


def asymmetric_unit(hkl: npt.ArrayLike, spacegroup: SpaceGroup) -> HklArray:
    """Return the equivalent of each reflection (m, 3) in the asymmetric unit of the Laue group.

    The asymmetric unit is that of CCP4 and gemmi. In a setting without a name the equivalent that
    sorts last is returned.
    """
    indices = as_hkl(hkl)
    group = group_ops(spacegroup)
    name = spacegroup_name(group)
    bytes_of_row = _BYTES_IN_UNIT if name else 2 * _BYTES_OF_IMAGE * len(group.sym_ops)
    demand(
        f"the asymmetric unit of {len(indices):,} reflections",
        bytes_of_row * len(indices),
        "give fewer at a time",
    )
    if name is None:
        return _last_equivalent(indices, spacegroup)
    inside = np.empty_like(indices)
    for start in range(0, len(indices), _ROWS_AT_A_TIME):
        rows = slice(start, start + _ROWS_AT_A_TIME)
        # gemmi moves many at once only as rows of an MTZ file: float32 holds 2^24 exactly.
        mtz = gemmi.Mtz(with_base=True)
        mtz.spacegroup = gemmi.SpaceGroup(name)
        mtz.set_data(indices[rows].astype(np.float32))
        mtz.ensure_asu()
        inside[rows] = mtz.array
    return inside


def _last_equivalent(indices: HklArray, spacegroup: SpaceGroup) -> HklArray:
    """Return the equivalent under the Laue group of each reflection (m, 3) that sorts last."""
    rotations = np.unique(operation_arrays(spacegroup)[0], axis=0)
    images = np.einsum("mi,oij->moj", indices, np.concatenate([rotations, -rotations]))
    last = index_codes(images).argmax(axis=1)
    return np.ascontiguousarray(images[np.arange(len(indices)), last], dtype=np.int32)


def index_codes(hkl: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return one number for each hkl (..., 3), which sorts by h, then k, then l.

    An index beyond `LARGEST_ORDER`, as an equivalent can have, is an `ArgandError`.
    """
    largest = int(np.abs(hkl).max(initial=0))
    if largest > LARGEST_ORDER:
        raise ArgandError(
            f"an equivalent has an index of {largest:,}, needs indices up to {LARGEST_ORDER:,}"
        )
    side = 2 * largest + 1
    h, k, l = np.moveaxis(hkl, -1, 0)
    return np.asarray((h * side + k) * side + l)


def friedel_mates(hkl: npt.ArrayLike) -> HklArray:
    """Return -h, -k, -l (m, 3) of reflections (m, 3)."""
    return -_fitting("mates", hkl)


def friedel_sides(
    hkl: npt.ArrayLike, spacegroup: SpaceGroup
) -> tuple[HklArray, npt.NDArray[np.bool_]]:
    """Take reflections to the asymmetric unit of the Laue group, and tell which are Friedel mates.

    Parameters
    ----------
    hkl : (m, 3)
    spacegroup
        Name or operations.

    Returns
    -------
    Equivalents (m, 3) in the asymmetric unit, and where (m,) only inversion leads to them. Centric
    reflections are never mates.
    """
    indices = as_hkl(hkl)
    unit_hkl = asymmetric_unit(indices, spacegroup)
    rotations = np.unique(operation_arrays(spacegroup)[0], axis=0)
    is_mate = np.ones(len(indices), bool)
    for rotation in rotations:
        is_mate &= (indices @ rotation != unit_hkl).any(axis=1)
    return unit_hkl, is_mate


def in_p1(hkl: npt.ArrayLike, spacegroup: SpaceGroup) -> tuple[HklArray, Callable[[Any], Any]]:
    """List all equivalents of reflections, and how their F follows.

    x -> R x + t leaves the crystal as it is, so F(h R) = F(h) exp(-2 pi i h.t); moduli stay what
    they are.

    Parameters
    ----------
    hkl : (m, 3)
    spacegroup
        Name or operations.

    Returns
    -------
    The equivalents (n, 3), each once, and a function from F (m,) of `hkl` to F (n,).
    """
    indices = as_hkl(hkl)
    rotations, translations = operation_arrays(spacegroup)
    count = len(rotations) * len(indices)
    demand(f"{count:,} equivalents of reflections", _BYTES_OF_EQUIVALENT * count, "give fewer")
    images = np.einsum("mi,oij->omj", indices, rotations).reshape(-1, 3)
    turns = (indices @ translations.T).T
    phase = np.exp(-2j * np.pi * turns).reshape(-1)
    _, first = interruptible(count, np.unique, index_codes(images), True)

    def expand(f: Any) -> Any:
        return (np.tile(f, len(rotations)) * phase)[first]

    return np.ascontiguousarray(images[first], np.int32), expand


def systematic_absences(hkl: npt.ArrayLike, spacegroup: SpaceGroup) -> npt.NDArray[np.bool_]:
    """Tell which reflections (m, 3) a space group extinguishes: F = 0 whatever the atoms."""
    return np.asarray(group_ops(spacegroup).systematic_absences(_fitting("absences", hkl)))


def centric(hkl: npt.ArrayLike, spacegroup: SpaceGroup) -> npt.NDArray[np.bool_]:
    """Tell which reflections (m, 3) an operation takes to their Friedel mates.

    The phase of a centric reflection has two possible values.
    """
    return np.asarray(group_ops(spacegroup).centric_flag_array(_fitting("centric flags", hkl)))


def epsilon(hkl: npt.ArrayLike, spacegroup: SpaceGroup) -> npt.NDArray[np.int32]:
    """Count the operations, without centring, that map each reflection (m, 3) onto itself.

    The expected intensity of a reflection is this times the average.
    """
    group = group_ops(spacegroup)
    return np.asarray(group.epsilon_factor_without_centering_array(_fitting("epsilon", hkl)), "i4")


def _fitting(what: str, hkl: npt.ArrayLike) -> HklArray:
    """Return Miller indices (m, 3), or raise where `what` of them takes more than a call may."""
    indices = as_hkl(hkl)
    demand(f"{what} of {len(indices):,} hkl", _BYTES_OF_FLAG * len(indices), "give fewer at a time")
    return indices
