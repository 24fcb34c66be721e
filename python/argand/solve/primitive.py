"""Prepare measured reflections for phasing: in P 1, in the reduced primitive cell, as |F| and |E|.

Phasing knows no space group. Reflections are merged in the Laue group alone, so that what a screw
axis or a glide plane would extinguish stays in the data and can speak for or against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import Cell, FloatArray, cell_parameters
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured import Merged, french_wilson, merge
from argand.measured.wilson import local_mean, statistical_weight
from argand.reflections import centric, index_codes, stol
from argand.symmetry import SpaceGroup, group_ops, operation_arrays, without_translations

__all__ = [
    "PrimitiveReflections",
    "merge_in_point_group",
    "normalised_amplitudes",
    "primitive_basis",
    "primitive_operations",
    "primitive_reflections",
]

HklArray = npt.NDArray[np.int64]
IntArray = npt.NDArray[np.int64]

# Above so many sigma the prior of French and Wilson changes an amplitude by less than a percent.
_CERTAIN = 6.0

# Without standard uncertainties an intensity is taken to be known to this share of itself ...
_ASSUMED_ERROR = 0.05

# ... and to this share of the mean intensity.
_ASSUMED_FLOOR = 0.02

# A shell of |E| needs so many reflections for its mean to be known to 10 %.
_PER_SHELL = 150

# Numbers of shells between which a smooth curve through their means follows the fall of |F|^2.
_FEWEST_SHELLS = 6
_MOST_SHELLS = 25


@dataclass(frozen=True, eq=False)
class PrimitiveReflections:
    """Hold the measured reflections of one crystal, in P 1 and in a reduced primitive cell.

    Parameters
    ----------
    cell
        Primitive cell, angstrom and degrees.
    basis : (3, 3) float64
        Its axes as columns, in units of the conventional axes: x(conventional) = basis x(primitive)
        and h(primitive) = h(conventional) basis.
    hkl : (n, 3) int64
        One of each Friedel pair, in primitive indices; 0 0 0 is left out.
    intensity, sigma : (n,)
        Mean |F|^2 of the equivalents in the Laue group, and its standard uncertainty.
    amplitude : (n,)
        |F| as French and Wilson estimate it, above 0.
    normalised : (n,)
        |E|: |F| over the root mean square of the reflections around its resolution.
    spacing : (n,)
        Lattice spacing d, angstrom.
    laue : (n,) int64
        Number of the Laue-unique reflection that each one is an equivalent of.
    """

    cell: Cell
    basis: FloatArray
    hkl: HklArray
    intensity: FloatArray
    sigma: FloatArray
    amplitude: FloatArray
    normalised: FloatArray
    spacing: FloatArray
    laue: IntArray

    @property
    def d_min(self) -> float:
        """Return the resolution in angstrom: the smallest lattice spacing."""
        return float(self.spacing.min())


def merge_in_point_group(
    reflections: Reflections, cell: Sequence[float], spacegroup: SpaceGroup
) -> Merged:
    """Merge reflections by the rotations of a space group, without its screw axes and glide planes.

    Only what centring extinguishes is left out.

    Raises
    ------
    ArgandError
        Nothing can be merged.
    """
    return merge(reflections, cell=cell, spacegroup=without_translations(spacegroup))


def primitive_basis(cell: Sequence[float], spacegroup: SpaceGroup) -> FloatArray:
    """Return the axes (3, 3) of the reduced primitive cell as columns of conventional fractions.

    The cell is Niggli's, which keeps the grids of maps small.

    Source: B. Gruber, Acta Cryst. A29 (1973) 433; I. Krivy and B. Gruber, Acta Cryst. A32 (1976)
    297, as gemmi implements them.
    """
    centring = group_ops(spacegroup).find_centering()
    lattice = gemmi.GruberVector(gemmi.UnitCell(*cell_parameters(cell)), centring, True)
    lattice.niggli_reduce()
    change = lattice.change_of_basis
    basis = np.array(change.rot, float) / change.DEN
    if np.linalg.det(basis) < 0:
        basis = -basis
    return basis


def primitive_operations(spacegroup: SpaceGroup, basis: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return a group's rotations (k, 3, 3) and translations (k, 3) in a primitive basis.

    x -> R x + t in fractions of the primitive axes, identity first, each rotation once.

    Parameters
    ----------
    spacegroup
        Name or operations, in the conventional cell.
    basis : (3, 3)
        Primitive axes as columns, see `primitive_basis`.
    """
    rotations, translations = operation_arrays(spacegroup)
    inverse = np.linalg.inv(basis)
    primitive_rotations = np.rint(inverse @ rotations @ basis).astype(np.int64)
    primitive_translations = (translations @ inverse.T) % 1.0
    # 1 - 1e-16 is 0.
    primitive_translations[primitive_translations > 1.0 - 1e-9] = 0.0
    flat = primitive_rotations.reshape(len(rotations), 9)
    _, first = np.unique(flat, axis=0, return_index=True)
    first.sort()
    return primitive_rotations[first], primitive_translations[first]


def primitive_reflections(
    merged: Merged, basis: FloatArray, d_min: float | None = None
) -> PrimitiveReflections:
    """List all equivalents of merged reflections in the primitive cell, one of each Friedel pair.

    Parameters
    ----------
    merged
        Reflections merged by the rotations of a group, see `merge_in_point_group`.
    basis : (3, 3)
        Primitive axes as columns.
    d_min
        Leave out reflections of smaller lattice spacing, angstrom.

    Raises
    ------
    ArgandError
        No reflection is left.
    """
    amplitude, sigma = _amplitudes(merged)
    used = merged.hkl.any(axis=1)
    if d_min is not None:
        used &= 0.5 / merged.stol >= d_min
    rows = np.flatnonzero(used)
    if not len(rows):
        raise ArgandError(f"no reflection has a lattice spacing above {d_min} Å")
    rotations, _ = primitive_operations(merged.spacegroup, basis)
    hkl = np.rint(merged.hkl[rows] @ basis).astype(np.int64)
    images = np.einsum("mi,oij->omj", hkl, rotations).reshape(-1, 3)
    unique_row = np.tile(rows, len(rotations))
    is_mate = _in_other_half(images)
    images[is_mate] *= -1
    _, first = np.unique(index_codes(images), return_index=True)
    listed = images[first]
    row = unique_row[first]
    _, laue = np.unique(row, return_inverse=True)
    axes = gemmi.UnitCell(*merged.cell).orth.mat.array @ basis
    cell = _cell_of_axes(axes)
    spacing = 0.5 / stol(listed, cell)
    return PrimitiveReflections(
        cell=cell,
        basis=basis,
        hkl=listed,
        intensity=merged.intensity[row],
        sigma=sigma[row],
        amplitude=amplitude[row],
        normalised=normalised_amplitudes(amplitude[row], spacing),
        spacing=spacing,
        laue=laue.reshape(-1).astype(np.int64),
    )


def normalised_amplitudes(amplitude: FloatArray, spacing: FloatArray) -> FloatArray:
    """Return |E| (n,): |F| over its root mean square, which follows 1/d^2 smoothly.

    ln<|F|^2> is interpolated linearly in 1/d^2 between shells of equally many reflections.

    Parameters
    ----------
    amplitude, spacing : (n,)
        |F| of all reflections in P 1, and their lattice spacings in angstrom.
    """
    inverse_square = spacing**-2.0
    count = int(np.clip(len(amplitude) // _PER_SHELL, _FEWEST_SHELLS, _MOST_SHELLS))
    shells = np.array_split(np.argsort(inverse_square, kind="stable"), min(count, len(amplitude)))
    centres = np.array([inverse_square[shell].mean() for shell in shells])
    means = np.array([np.square(amplitude[shell]).mean() for shell in shells])
    least = means[means > 0].min(initial=np.inf)
    if not np.isfinite(least):
        raise ArgandError("all amplitudes are 0")
    logarithm = np.log(np.maximum(means, least))
    root_mean_square = np.exp(0.5 * np.interp(inverse_square, centres, logarithm))
    normalised: FloatArray = amplitude / root_mean_square
    return normalised


def _in_other_half(hkl: HklArray) -> npt.NDArray[np.bool_]:
    """Tell which reflections (n, 3) have their Friedel mate in the half l > 0, then k, then h."""
    h, k, l = hkl.T
    other: npt.NDArray[np.bool_] = (l < 0) | ((l == 0) & ((k < 0) | ((k == 0) & (h < 0))))
    return other


def _cell_of_axes(axes: FloatArray) -> Cell:
    """Return cell parameters of axes (3, 3), angstrom, which are columns."""
    lengths = np.linalg.norm(axes, axis=0)
    a, b, c = (axes / lengths).T
    angles = np.degrees(np.arccos([b @ c, a @ c, a @ b]))
    return cell_parameters([*lengths, *angles])


def _amplitudes(merged: Merged) -> tuple[FloatArray, FloatArray]:
    """Return |F| (n,), above 0, and sigma of the intensities (n,), assumed where there is none."""
    mean = float(np.abs(merged.intensity).mean())
    if not mean > 0:
        raise ArgandError("all intensities are 0")
    sigma = merged.sigma
    if sigma is None:
        sigma = _ASSUMED_ERROR * np.abs(merged.intensity) + _ASSUMED_FLOOR * mean
    # A few programs write sigma 0 for what they did not estimate.
    sigma = np.maximum(sigma, 1e-6 * mean)
    amplitude = np.sqrt(np.maximum(merged.intensity, 0.0))
    weak = np.flatnonzero(merged.intensity < _CERTAIN * sigma)
    if len(weak):
        expected = local_mean(merged) * statistical_weight(merged)
        is_centric = centric(merged.hkl, merged.spacegroup)
        posterior = french_wilson(
            merged.intensity[weak], sigma[weak], expected[weak], is_centric[weak]
        )
        amplitude[weak] = posterior.amplitude
    return amplitude, sigma
