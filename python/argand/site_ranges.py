"""Refuse sites with displacements or occupancies that no crystal has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from argand.cell import Cell, FloatArray, metric, sym_to_matrix
from argand.errors import ArgandError

__all__ = ["NAMES_SHOWN", "check_site_ranges", "first_names", "site_names"]

# U in A^2 above this is a mistake: the atom would be spread over 10 A.
_LARGEST_U = 100.0

# U in A^2 below this is a mistake; exp(-8 pi^2 U s^2) would overflow soon after.
_SMALLEST_U = -1.0

# Tensors beyond this, in A^2, are not diagonalised, which would fail for infinite ones.
_DIAGONALISED = 1e6

# Occupancies above this are a mistake, percent included.
_LARGEST_OCCUPANCY = 100.0

# A refinement may pass an occupancy below 0, but not by a whole atom.
_SMALLEST_OCCUPANCY = -1.0

#: Names of sites in a sentence before the rest is only counted
NAMES_SHOWN = 5


def check_site_ranges(
    labels: Sequence[str],
    occ: FloatArray,
    b_iso: FloatArray,
    beta: FloatArray,
    anisotropic: npt.NDArray[np.bool_],
    cell: Cell,
) -> None:
    """Raise where displacements or occupancies are beyond those of any crystal.

    Parameters
    ----------
    labels : (n,)
        Names of the sites.
    occ, b_iso : (n,)
        Occupancies, and B in A^2.
    beta : (a, 6)
        Tensors of exp(-h^T beta h) of the anisotropic sites, order 11 22 33 12 13 23.
    anisotropic : (n,)
        Which sites are anisotropic.
    cell
        Unit cell, angstrom and degrees.

    Raises
    ------
    ArgandError
        Names the quantity, its range and the sites.
    """
    lowest = b_iso / (8.0 * np.pi**2)
    highest = lowest.copy()
    if anisotropic.any():
        # With G = L L^T, L^T beta L is the tensor along Cartesian axes.
        triangle = np.linalg.cholesky(metric(cell))
        tensors = triangle.T @ (sym_to_matrix(beta) / (2.0 * np.pi**2)) @ triangle
        # No principal value is beyond the sum of all |U|: most tensors need no diagonalisation.
        bound = np.abs(tensors).sum(axis=(1, 2))
        lowest[anisotropic], highest[anisotropic] = -bound, bound
        is_large = (bound > abs(_SMALLEST_U)) & (bound < _DIAGONALISED)
        if is_large.any():
            principal = np.linalg.eigvalsh(tensors[is_large])
            rows = np.flatnonzero(anisotropic)[is_large]
            lowest[rows], highest[rows] = principal[:, 0], principal[:, -1]
    # An overflow on the way leaves NaN, which is outside of the range too.
    needs = f"needs {_SMALLEST_U:g} to {_LARGEST_U:g} A^2"
    _refuse(labels, ~(highest <= _LARGEST_U), f"U beyond any crystal, {needs}")
    _refuse(labels, ~(lowest >= _SMALLEST_U), f"U far below 0, {needs}")
    too_full = occ > _LARGEST_OCCUPANCY
    _refuse(labels, too_full, f"occupancy above {_LARGEST_OCCUPANCY:g}, needs 0 to 1")
    too_empty = occ < _SMALLEST_OCCUPANCY
    _refuse(labels, too_empty, f"occupancy below {_SMALLEST_OCCUPANCY:g}, needs 0 to 1")


def site_names(labels: Sequence[str], chosen: npt.NDArray[np.bool_]) -> str:
    """List the labels of the chosen sites, the first few by name."""
    sites = np.flatnonzero(chosen)
    names = [labels[site] or "(no label)" for site in sites[:NAMES_SHOWN].tolist()]
    return first_names(names, len(sites))


def first_names(names: Sequence[str], count: int) -> str:
    """List the first names, `NAMES_SHOWN` or all of them, and say how many more there are."""
    shown = ", ".join(names)
    return f"{shown} and {count - NAMES_SHOWN} more" if count > NAMES_SHOWN else shown


def _refuse(labels: Sequence[str], wrong: npt.NDArray[np.bool_], fault: str) -> None:
    """Raise where any site (n,) is wrong."""
    if wrong.any():
        raise ArgandError(f"{fault}: {site_names(labels, wrong)}")
