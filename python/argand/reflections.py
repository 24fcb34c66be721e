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
from argand.cell import FloatArray, cell_parameters, reciprocal_metric
from argand.errors import ArgandError
from argand.symmetry import SpaceGroup, group_ops, operation_arrays, spacegroup_name

__all__ = [
    "as_hkl",
    "asymmetric_unit",
    "centric",
    "epsilon",
    "friedel_mates",
    "hkl_cube",
    "in_p1",
    "index_codes",
    "miller_indices",
    "stol",
    "systematic_absences",
]

HklArray = npt.NDArray[np.int32]


def as_hkl(hkl: npt.ArrayLike) -> HklArray:
    """Return Miller indices as a contiguous int32 array (m, 3).

    Raises
    ------
    ArgandError
        Another shape, or numbers that are not whole.
    """
    indices = np.asarray(hkl)
    if indices.ndim != 2 or indices.shape[1] != 3:
        raise ArgandError(f"hkl has shape {indices.shape}, needs (m, 3)")
    if indices.dtype == np.int32:
        return indices.copy(order="C")
    with np.errstate(invalid="ignore"):
        whole = indices.astype(np.int32)
    if not np.array_equal(whole, indices):
        raise ArgandError("hkl holds something that is no whole number")
    return np.ascontiguousarray(whole)


def stol(hkl: npt.ArrayLike, cell: Sequence[float]) -> FloatArray:
    """Return sin(theta)/lambda = 1/(2d) = sqrt(h^T G* h) / 2 in 1/angstrom of hkl (..., 3)."""
    indices = np.asarray(hkl)
    if indices.ndim < 1 or indices.shape[-1] != 3:
        raise ArgandError(f"hkl has shape {indices.shape}, needs (..., 3)")
    dtype = np.int32 if indices.dtype == np.int32 else np.float64
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
    if h_max < 0:
        raise ArgandError(f"h_max is {h_max}, needs to be 0 or more")
    axis = np.arange(-h_max, h_max + 1, dtype=np.int32)
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
    """
    if not 0.0 < d_min < np.inf:
        raise ArgandError(f"d_min is {d_min}, needs a resolution in angstrom")
    group = group_ops(spacegroup)
    name = spacegroup_name(group)
    unit_cell = gemmi.UnitCell(*cell_parameters(cell))
    tabulated = gemmi.SpaceGroup(name or "P 1")
    hkl = gemmi.make_miller_array(unit_cell, tabulated, d_min, unique=unique and name is not None)
    if name is None:
        hkl = hkl[~group.systematic_absences(hkl)]
        if unique:
            in_unit = (asymmetric_unit(hkl, spacegroup) == hkl).all(axis=1)
            hkl = hkl[in_unit]
    return _sorted(hkl)


def _sorted(hkl: HklArray) -> HklArray:
    """Return reflections (m, 3) sorted by h, then k, then l."""
    l_fastest = np.lexsort(hkl.T[::-1])
    return np.ascontiguousarray(hkl[l_fastest], dtype=np.int32)


def asymmetric_unit(hkl: npt.ArrayLike, spacegroup: SpaceGroup) -> HklArray:
    """Return the equivalent of each reflection (m, 3) in the asymmetric unit of the Laue group.

    The asymmetric unit is that of CCP4 and gemmi. In a setting without a name the equivalent that
    sorts last is returned.
    """
    indices = as_hkl(hkl)
    group = group_ops(spacegroup)
    name = spacegroup_name(group)
    if name is None:
        return _last_equivalent(indices, spacegroup)
    unit = gemmi.ReciprocalAsu(gemmi.SpaceGroup(name))
    inside = [unit.to_asu(row, group)[0] for row in indices.tolist()]
    return np.array(inside, dtype=np.int32).reshape(-1, 3)


def _last_equivalent(indices: HklArray, spacegroup: SpaceGroup) -> HklArray:
    """Return the equivalent under the Laue group of each reflection (m, 3) that sorts last."""
    rotations = np.unique(operation_arrays(spacegroup)[0], axis=0)
    images = np.einsum("mi,oij->moj", indices, np.concatenate([rotations, -rotations]))
    last = index_codes(images).argmax(axis=1)
    return np.ascontiguousarray(images[np.arange(len(indices)), last], dtype=np.int32)


def index_codes(hkl: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return one number for each hkl (..., 3), which sorts by h, then k, then l."""
    side = 2 * int(np.abs(hkl).max(initial=0)) + 1
    h, k, l = np.moveaxis(hkl, -1, 0)
    return np.asarray((h * side + k) * side + l)


def friedel_mates(hkl: npt.ArrayLike) -> HklArray:
    """Return -h, -k, -l (m, 3) of reflections (m, 3)."""
    return -as_hkl(hkl)


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
    images = np.einsum("mi,oij->omj", indices, rotations).reshape(-1, 3)
    turns = (indices @ translations.T).T
    phase = np.exp(-2j * np.pi * turns).reshape(-1)
    equivalents, first = np.unique(images, axis=0, return_index=True)

    def expand(f: Any) -> Any:
        return (np.tile(f, len(rotations)) * phase)[first]

    return np.ascontiguousarray(equivalents, np.int32), expand


def systematic_absences(hkl: npt.ArrayLike, spacegroup: SpaceGroup) -> npt.NDArray[np.bool_]:
    """Tell which reflections (m, 3) a space group extinguishes: F = 0 whatever the atoms."""
    absent: npt.NDArray[np.bool_] = group_ops(spacegroup).systematic_absences(as_hkl(hkl))
    return absent


def centric(hkl: npt.ArrayLike, spacegroup: SpaceGroup) -> npt.NDArray[np.bool_]:
    """Tell which reflections (m, 3) an operation takes to their Friedel mates.

    The phase of a centric reflection has two possible values.
    """
    flags: npt.NDArray[np.bool_] = group_ops(spacegroup).centric_flag_array(as_hkl(hkl))
    return flags


def epsilon(hkl: npt.ArrayLike, spacegroup: SpaceGroup) -> npt.NDArray[np.int32]:
    """Count the operations, without centring, that map each reflection (m, 3) onto itself.

    The expected intensity of a reflection is this times the average.
    """
    factors = group_ops(spacegroup).epsilon_factor_without_centering_array(as_hkl(hkl))
    return np.asarray(factors, dtype=np.int32)
