"""Lists of reflections: which ones there are, where they lie, which are equivalent or absent.

hkl arrays are int32 (m, 3). Lists that argand makes are sorted by h, then k, then l: neighbours share h and k, as the
kernels like it.
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
from argand.radiation import KEV_ANGSTROM
from argand.symmetry import SpaceGroup, group_ops, operations, spacegroup_name

__all__ = [
    "as_hkl",
    "asymmetric_unit",
    "centric",
    "epsilon",
    "friedel_mates",
    "hkl_cube",
    "in_p1",
    "miller_indices",
    "reachable",
    "stol",
    "systematic_absences",
    "wavelength",
]

HklArray = npt.NDArray[np.int32]


def as_hkl(hkl: npt.ArrayLike) -> HklArray:
    """int32 (m, 3), checked: shape, and whole numbers."""
    given = np.asarray(hkl)
    if given.ndim != 2 or given.shape[1] != 3:
        raise ArgandError(f"hkl has shape {given.shape}, needs (m, 3)")
    if given.dtype == np.int32:
        return given.copy(order="C")
    with np.errstate(invalid="ignore"):
        whole = given.astype(np.int32)
    if not np.array_equal(whole, given):
        raise ArgandError("hkl holds something that is no whole number")
    return np.ascontiguousarray(whole)


def stol(hkl: npt.ArrayLike, cell: Sequence[float]) -> FloatArray:
    """sin(theta)/lambda = 1/(2d) = sqrt(h^T G* h) / 2 of hkl (..., 3), in 1/angstrom."""
    indices = np.asarray(hkl)
    if indices.ndim < 1 or indices.shape[-1] != 3:
        raise ArgandError(f"hkl has shape {indices.shape}, needs (..., 3)")
    kind = np.int32 if indices.dtype == np.int32 else np.float64
    squared = stol_squares(np.ascontiguousarray(indices, kind).reshape(-1, 3), cell)
    return np.sqrt(squared, out=squared).reshape(indices.shape[:-1])


def stol_squares(hkl: npt.NDArray[Any], cell: Sequence[float]) -> FloatArray:
    """stol^2 (m,) of a list that is known to be right: (m, 3), contiguous, int32 or float64."""
    out = np.empty(len(hkl))
    _seam.stol_squares(hkl, _metric(tuple(cell)), out)
    return out


def survey(
    hkl: HklArray, cell: Sequence[float]
) -> tuple[FloatArray, tuple[int, int, int], tuple[float, float]]:
    """stol^2 (m,) of a list that is known to be right; the largest |h|, |k|, |l|; the least and the largest stol^2."""
    out = np.empty(len(hkl))
    return out, *_seam.survey(hkl, _metric(tuple(cell)), out)


@lru_cache(maxsize=256)
def _metric(cell: tuple[float, ...]) -> FloatArray:
    return reciprocal_metric(cell_parameters(cell))


def wavelength(energy_kev: float) -> float:
    """Wavelength in angstrom of photons of an energy in keV: 10 keV is 1.23984 A."""
    if not 0.0 < energy_kev < np.inf:
        raise ArgandError(f"energy_kev is {energy_kev}, needs a photon energy in keV")
    return KEV_ANGSTROM / energy_kev


def reachable(
    hkl: npt.ArrayLike, cell: Sequence[float], energy_kev: float
) -> npt.NDArray[np.bool_]:
    """Whether each reflection can be measured at an energy: d >= lambda/2, so sin(theta) <= 1."""
    within: npt.NDArray[np.bool_] = stol(hkl, cell) * wavelength(energy_kev) <= 1.0
    return within


def hkl_cube(h_max: int) -> HklArray:
    """Every hkl with indices from -h_max to h_max, 000 included: ((2 h_max + 1)^3, 3), h slowest, l fastest."""
    if h_max < 0:
        raise ArgandError(f"h_max is {h_max}, needs to be 0 or more")
    axis = np.arange(-h_max, h_max + 1, dtype=np.int32)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)


def miller_indices(
    cell: Sequence[float], spacegroup: SpaceGroup = "P 1", d_min: float = 1.0, unique: bool = True
) -> HklArray:
    """Reflections to a resolution, without systematic absences and without 000.

    Parameters
    ----------
    cell : angstrom and degrees
    spacegroup : name or operations
    d_min : smallest lattice spacing, angstrom
    unique : one of each set of equivalents under the Laue group (Friedel mates count as equivalent), in the asymmetric
        unit of `asymmetric_unit`; otherwise the whole sphere

    Returns
    -------
    int32 (m, 3), sorted, l fastest
    """
    if not 0.0 < d_min < np.inf:
        raise ArgandError(f"d_min is {d_min}, needs a resolution in angstrom")
    group = group_ops(spacegroup)
    name = spacegroup_name(group)
    unit_cell = gemmi.UnitCell(*cell_parameters(cell))
    listed = gemmi.SpaceGroup(name or "P 1")
    hkl = gemmi.make_miller_array(unit_cell, listed, d_min, unique=unique and name is not None)
    if name is None:
        hkl = hkl[~group.systematic_absences(hkl)]
        if unique:
            hkl = hkl[(asymmetric_unit(hkl, spacegroup) == hkl).all(axis=1)]
    return _sorted(hkl)


def _sorted(hkl: HklArray) -> HklArray:
    return np.ascontiguousarray(hkl[np.lexsort(hkl.T[::-1])], dtype=np.int32)


def asymmetric_unit(hkl: npt.ArrayLike, spacegroup: SpaceGroup) -> HklArray:
    """The equivalent of each reflection in the asymmetric unit of the Laue group, (m, 3): CCP4's and gemmi's choice.

    In a setting without a name: the equivalent that sorts last.
    """
    indices = as_hkl(hkl)
    group = group_ops(spacegroup)
    name = spacegroup_name(group)
    if name is None:
        rotations = np.unique([rotation for rotation, _ in operations(spacegroup)], axis=0)
        images = np.einsum("mi,oij->moj", indices, np.concatenate([rotations, -rotations]))
        reach = 2 * int(np.abs(images).max(initial=0)) + 1
        last = ((images[..., 0] * reach + images[..., 1]) * reach + images[..., 2]).argmax(axis=1)
        return np.ascontiguousarray(images[np.arange(len(indices)), last], dtype=np.int32)
    asu = gemmi.ReciprocalAsu(gemmi.SpaceGroup(name))
    inside = [asu.to_asu(row, group)[0] for row in indices.tolist()]
    return np.array(inside, dtype=np.int32).reshape(-1, 3)


def friedel_mates(hkl: npt.ArrayLike) -> HklArray:
    """-h, -k, -l."""
    return -as_hkl(hkl)


def in_p1(hkl: npt.ArrayLike, spacegroup: SpaceGroup) -> tuple[HklArray, Callable[[Any], Any]]:
    """All equivalents (n, 3) of reflections (m, 3), and a function that makes their F (n,) of those of `hkl` (m,).

    x -> R x + t leaves the crystal as it is, so F(h R) = F(h) exp(-2 pi i h.t); moduli of the result are those given.
    """
    indices = as_hkl(hkl)
    rotation, translation = (np.array(part) for part in zip(*operations(spacegroup), strict=True))
    images = np.einsum("mi,oij->omj", indices, rotation).reshape(-1, 3)
    phase = np.exp(-2j * np.pi * (indices @ translation.T).T).reshape(-1)
    every, first = np.unique(images, axis=0, return_index=True)
    return np.ascontiguousarray(every, np.int32), lambda f: (np.tile(f, len(rotation)) * phase)[
        first
    ]


def systematic_absences(hkl: npt.ArrayLike, spacegroup: SpaceGroup) -> npt.NDArray[np.bool_]:
    """Whether the space group extinguishes each reflection: F = 0 whatever the atoms."""
    absent: npt.NDArray[np.bool_] = group_ops(spacegroup).systematic_absences(as_hkl(hkl))
    return absent


def centric(hkl: npt.ArrayLike, spacegroup: SpaceGroup) -> npt.NDArray[np.bool_]:
    """Whether an operation takes each reflection to its Friedel mate: its phase then has two possible values."""
    flags: npt.NDArray[np.bool_] = group_ops(spacegroup).centric_flag_array(as_hkl(hkl))
    return flags


def epsilon(hkl: npt.ArrayLike, spacegroup: SpaceGroup) -> npt.NDArray[np.int32]:
    """How many operations map each reflection onto itself, centring not counted: its intensity over the average."""
    factors = group_ops(spacegroup).epsilon_factor_without_centering_array(as_hkl(hkl))
    return np.asarray(factors, dtype=np.int32)
