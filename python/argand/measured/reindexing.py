"""Find other axes of measured data, in which they follow a known crystal."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import product

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray, metric
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured.absences import check_absences
from argand.measured.agreement import calculated_intensity
from argand.measured.check_intensities import correlation_at_low_angles, expected_amplitudes
from argand.measured.merging import Merged, merge, usable
from argand.radiation import Radiation
from argand.reflections import stol
from argand.symmetry import operation_arrays

__all__ = ["other_axes", "reindexing_words"]

Matrices = npt.NDArray[np.int64]

# Reflections of the lowest angles that tell which axes fit.
_MOST_REFLECTIONS = 3000

# Correlations of fewer reflections tell nothing.
_FEWEST_REFLECTIONS = 50

# Axes of a lattice are the same where lengths and scalar products differ by less than this share.
_SAME_LATTICE = 0.03

# Amplitudes of a crystal like the known one correlate better than this at low angles.
_LEAST_CORRELATION = 0.5

# Other axes have to raise the correlation by this much.
_LEAST_GAIN = 0.2


def reindexing_words(reflections: Reflections, crystal: Crystal, radiation: Radiation) -> str:
    """Name the reindexing with which data follow a crystal; '' where none is better.

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
        return ""
    measured_cell = reflections.cell or crystal.cell
    rows = np.flatnonzero(usable(reflections))
    if len(rows) < _FEWEST_REFLECTIONS:
        return ""
    by_angle = np.argsort(stol(reflections.hkl[rows], measured_cell), kind="stable")
    chosen = reflections[rows[by_angle[:_MOST_REFLECTIONS]]]
    identity = np.eye(3, dtype=np.int64)
    as_they_are = _correlation(chosen, identity, crystal, radiation)
    best_correlation = max(_LEAST_CORRELATION, as_they_are + _LEAST_GAIN)
    best: Matrices | None = None
    for matrix in other_axes(reflections, crystal):
        correlation = _correlation(chosen, matrix, crystal, radiation)
        if correlation > best_correlation:
            best_correlation = correlation
            best = matrix
    if best is None:
        return ""
    return (
        f"reindexed as {_words(best)} they follow the structure "
        f"(correlation {best_correlation:.2f} at low angles)"
    )


def other_axes(reflections: Reflections, crystal: Crystal) -> list[Matrices]:
    """List matrices (3, 3) that turn the indices of the data into those of the crystal.

    One of all that its Laue group takes for the same is listed, and none that changes nothing.
    """
    matrices = _unimodular()
    expected = metric(crystal.cell)
    measured = metric(reflections.cell or crystal.cell)
    transformed = matrices @ measured @ np.swapaxes(matrices, 1, 2)
    lengths = np.sqrt(np.diag(expected))
    difference = np.abs(transformed - expected) / np.outer(lengths, lengths)
    fits = (difference < _SAME_LATTICE).all(axis=(1, 2))
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


def _correlation(
    reflections: Reflections, matrix: Matrices, crystal: Crystal, radiation: Radiation
) -> float:
    """Correlate reindexed data with the structure at low angles; -1 where they cannot be of it."""
    hkl = np.ascontiguousarray(reflections.hkl @ matrix.T, np.int32)
    reindexed = replace(reflections, hkl=hkl, cell=crystal.cell, spacegroup=crystal.spacegroup)
    try:
        if check_absences(reindexed, crystal.spacegroup).violated:
            return -1.0
        merged: Merged = merge(reindexed)
        calculated: FloatArray = calculated_intensity(crystal, merged.hkl, radiation=radiation)
        expected = expected_amplitudes(merged, calculated)
        correlation, _ = correlation_at_low_angles(merged, expected)
    except ArgandError:
        return -1.0
    return correlation


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
