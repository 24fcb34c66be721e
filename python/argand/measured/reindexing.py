"""Find other axes of measured data, in which they follow a known crystal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import Cell, metric
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured.absences import check_absences
from argand.measured.agreement import calculated_intensity
from argand.measured.check_intensities import (
    amplitude_difference,
    correlation_at_low_angles,
    expected_amplitudes,
)
from argand.measured.merging import merge, usable
from argand.radiation import Radiation
from argand.reflections import stol
from argand.symmetry import group_ops, operation_arrays, spacegroup_name, triplets

__all__ = ["Reindexing", "find_reindexing", "other_axes", "reindexing_words"]

Matrices = npt.NDArray[np.int64]

# Reflections of the lowest angles that tell which axes fit.
_MOST_REFLECTIONS = 3000

# Correlations of fewer reflections tell nothing.
_FEWEST_REFLECTIONS = 50

# Axes of a lattice are the same where squared lengths and scalar products differ by less than this
# share: the lengths of relatives differ by up to 5 %.
_SAME_LATTICE = 0.1

# Amplitudes of a crystal like the known one correlate better than this at low angles.
_LEAST_CORRELATION = 0.5

# Other axes have to raise the correlation by this much.
_LEAST_GAIN = 0.2

# Other axes are proven where R(|Eo|, |Ec|) falls below this share of what all others have: wrong
# axes have the R of unrelated structures, with little scatter.
_PROVEN_SHARE = 0.75

# Unrelated structures have no R(|Eo|, |Ec|) below this, if no other axes can be compared.
_PROVEN_R = 0.5


class _Fit(NamedTuple):
    """Say how well data on some axes follow the known crystal."""

    correlation: float
    r: float


# What data on impossible axes have.
_NO_FIT = _Fit(-1.0, np.inf)


@dataclass(frozen=True, eq=False)
class Reindexing:
    """Hold other axes in which measured data follow a known crystal better than in their own.

    Parameters
    ----------
    matrix : (3, 3)
        New indices are ``matrix @ hkl``, new axes the same combinations of the old ones; its
        determinant is 1.
    correlation : float
        Correlation of |E| with those of the known crystal at low angles.
    r : float
        R(|Eo|, |Ec|) of the known crystal.
    other_r : float
        The lowest R(|Eo|, |Ec|) on any other axes, those of the data included.
    fits_cell : bool
        Whether the stated cell becomes that of the known crystal, or no cell is stated.
    """

    matrix: Matrices
    correlation: float
    r: float
    other_r: float
    fits_cell: bool

    @property
    def words(self) -> str:
        """Return the new indices in terms of the old, such as 'k, h, -l'."""
        return _words(self.matrix)

    @property
    def is_proven(self) -> bool:
        """Return whether R leaves no doubt that these are the axes of the known crystal."""
        return self.fits_cell and self.r < min(_PROVEN_R, _PROVEN_SHARE * self.other_r)

    def apply(self, reflections: Reflections) -> Reflections:
        """Return reflections with the new indices, cell and space group, where they state them."""
        hkl = np.ascontiguousarray(reflections.hkl @ self.matrix.T, np.int32)
        cell = None if reflections.cell is None else self._cell(reflections.cell)
        spacegroup = reflections.spacegroup
        if spacegroup is not None:
            spacegroup = self._spacegroup(spacegroup)
        return replace(reflections, hkl=hkl, cell=cell, spacegroup=spacegroup)

    def _cell(self, cell: Cell) -> Cell:
        """Return the unit cell (a, b, c, alpha, beta, gamma) on the new axes."""
        products = self.matrix @ metric(cell) @ self.matrix.T
        a, b, c = np.sqrt(np.diag(products)).tolist()
        alpha = _angle(products[1, 2] / (b * c))
        beta = _angle(products[0, 2] / (a * c))
        gamma = _angle(products[0, 1] / (a * b))
        return (a, b, c, alpha, beta, gamma)

    def _spacegroup(self, spacegroup: str) -> str:
        """Return name or operations of a space group on the new axes."""
        # Coordinates change by the inverse of the transposed matrix; its entries are integers.
        inverse = np.rint(np.linalg.inv(self.matrix.T)).astype(np.int64)
        change = gemmi.Op()
        change.rot = (inverse * gemmi.Op.DEN).tolist()
        group = gemmi.GroupOps(list(group_ops(spacegroup)))
        group.change_basis_forward(change)
        return spacegroup_name(group) or ";".join(triplets(group))


def find_reindexing(
    reflections: Reflections, crystal: Crystal, radiation: Radiation
) -> Reindexing | None:
    """Find the axes in which data follow a crystal better than in their own; None without any.

    The axes are sought among all orders of the axes, and among those that give the unit cell of
    the crystal from the one that the reflections state.

    Parameters
    ----------
    reflections
        Measured data.
    crystal
        Known structure.
    radiation
        Form factors.
    """
    if reflections.intensity is None and reflections.amplitude is None:
        return None
    measured_cell = reflections.cell or crystal.cell
    rows = np.flatnonzero(usable(reflections))
    if len(rows) < _FEWEST_REFLECTIONS:
        return None
    by_angle = np.argsort(stol(reflections.hkl[rows], measured_cell), kind="stable")
    chosen = reflections[rows[by_angle[:_MOST_REFLECTIONS]]]
    as_they_are = _fit(chosen, np.eye(3, dtype=np.int64), crystal, radiation)
    least_correlation = max(_LEAST_CORRELATION, as_they_are.correlation + _LEAST_GAIN)
    if least_correlation >= 1.0:
        return None
    candidates = other_axes(reflections, crystal)
    fits = [_fit(chosen, matrix, crystal, radiation) for matrix in candidates]
    best = max(range(len(fits)), key=lambda number: fits[number].correlation, default=None)
    if best is None or fits[best].correlation <= least_correlation:
        return None
    rivals = [as_they_are, *fits[:best], *fits[best + 1 :]]
    fits_cell = reflections.cell is None
    if reflections.cell is not None:
        fits_cell = bool(_in_lattice(candidates[best][None], reflections.cell, crystal.cell)[0])
    return Reindexing(
        matrix=candidates[best],
        correlation=fits[best].correlation,
        r=fits[best].r,
        other_r=min(fit.r for fit in rivals),
        fits_cell=fits_cell,
    )


def reindexing_words(reflections: Reflections, crystal: Crystal, radiation: Radiation) -> str:
    """Name the reindexing with which data follow a crystal; '' where none is better.

    Parameters
    ----------
    reflections
        Measured data.
    crystal
        Known structure.
    radiation
        Form factors.
    """
    reindexing = find_reindexing(reflections, crystal, radiation)
    if reindexing is None:
        return ""
    return (
        f"reindexed as {reindexing.words} they follow the structure "
        f"(correlation {reindexing.correlation:.2f} at low angles)"
    )


def other_axes(reflections: Reflections, crystal: Crystal) -> list[Matrices]:
    """List matrices (3, 3) that turn the indices of the data into those of the crystal.

    One of all that its Laue group takes for the same is listed, and none that changes nothing.
    """
    matrices = _unimodular()
    fits = _in_lattice(matrices, reflections.cell or crystal.cell, crystal.cell)
    is_order_of_axes = (np.abs(matrices).sum(axis=(1, 2)) == 3).tolist()
    rotations = np.unique(operation_arrays(crystal.spacegroup)[0].astype(np.int64), axis=0)
    laue_group = np.concatenate([rotations, -rotations])
    seen: set[bytes] = set()
    seen.update(rotation.T.tobytes() for rotation in laue_group)
    axes: list[Matrices] = []
    for matrix, in_lattice, in_order in zip(matrices, fits.tolist(), is_order_of_axes, strict=True):
        if not (in_lattice or in_order) or matrix.tobytes() in seen:
            continue
        seen.update((rotation.T @ matrix).tobytes() for rotation in laue_group)
        axes.append(matrix)
    return axes


@lru_cache(maxsize=1)
def _unimodular() -> Matrices:
    """List all matrices (n, 3, 3) of -1, 0 and 1 with the determinant 1, those with most 0 first.

    The right hand is kept, so that no structure is inverted.
    """
    entries = np.array(list(product((0, 1, -1), repeat=9)), dtype=np.int64)
    matrices = entries.reshape(-1, 3, 3)
    matrices = matrices[np.rint(np.linalg.det(matrices)) == 1]
    fewest_first = np.argsort(np.abs(matrices).sum(axis=(1, 2)), kind="stable")
    return np.ascontiguousarray(matrices[fewest_first])


def _in_lattice(matrices: Matrices, measured: Cell, expected: Cell) -> npt.NDArray[np.bool_]:
    """Tell which matrices (n, 3, 3) turn a measured cell into one like the expected one; (n,)."""
    products = metric(expected)
    transformed = matrices @ metric(measured) @ np.swapaxes(matrices, 1, 2)
    lengths = np.sqrt(np.diag(products))
    difference = np.abs(transformed - products) / np.outer(lengths, lengths)
    return np.asarray((difference < _SAME_LATTICE).all(axis=(1, 2)))


def _fit(
    reflections: Reflections, matrix: Matrices, crystal: Crystal, radiation: Radiation
) -> _Fit:
    """Compare reindexed data with the structure; `_NO_FIT` where they cannot be of it."""
    hkl = np.ascontiguousarray(reflections.hkl @ matrix.T, np.int32)
    reindexed = replace(reflections, hkl=hkl, cell=crystal.cell, spacegroup=crystal.spacegroup)
    try:
        if check_absences(reindexed, crystal.spacegroup).violated:
            return _NO_FIT
        merged = merge(reindexed)
        calculated = calculated_intensity(crystal, merged.hkl, radiation=radiation)
        expected = expected_amplitudes(merged, calculated)
        correlation, _ = correlation_at_low_angles(merged, expected)
    except ArgandError:
        return _NO_FIT
    return _Fit(correlation, amplitude_difference(merged, expected))


def _angle(cosine: float) -> float:
    """Return the angle of a cosine in degrees, free of rounding at right angles."""
    return round(float(np.degrees(np.arccos(cosine))), 9)


def _words(matrix: Matrices) -> str:
    """Write a matrix as the new indices in terms of the old, 'k, h, -l'."""
    indices: list[str] = []
    for row in matrix.tolist():
        terms = ""
        for factor, letter in zip(row, "hkl", strict=True):
            if factor:
                terms += ("-" if factor < 0 else "+") + letter
        indices.append(terms.removeprefix("+"))
    return ", ".join(indices)
