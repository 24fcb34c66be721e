"""Refuse structures with numbers that no crystal has, and note sites that coincide."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from argand.cell import metric, sym_to_matrix
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io.cif_site_columns import site_names
from argand.site_symmetry import coincident_sites

__all__ = ["check_ranges", "structure_notes"]

# U in A^2 above this is a mistake: the atom would be spread over 10 A.
_LARGEST_U = 100.0

# U in A^2 below this is a mistake; exp(-8 pi^2 U s^2) would overflow soon after.
_SMALLEST_U = -1.0

# Occupancies above this are a mistake, percent included.
_LARGEST_OCCUPANCY = 100.0


def check_ranges(crystal: Crystal, source: str) -> None:
    """Raise where displacements or occupancies are beyond those of any crystal.

    Parameters
    ----------
    crystal, source
        The structure, and the file that it was read from.

    Raises
    ------
    ArgandError
        Names the file, the site, its value and the range.
    """
    lowest = crystal.b_iso / (8.0 * np.pi**2)
    highest = lowest.copy()
    if crystal.anisotropic.any():
        # With G = L L^T, L^T beta L is the tensor along Cartesian axes.
        triangle = np.linalg.cholesky(metric(crystal.cell))
        tensors = sym_to_matrix(crystal.beta()[crystal.anisotropic]) / (2.0 * np.pi**2)
        principal = np.linalg.eigvalsh(triangle.T @ tensors @ triangle)
        lowest[crystal.anisotropic] = principal[:, 0]
        highest[crystal.anisotropic] = principal[:, -1]
    needs = f"needs {_SMALLEST_U:g} to {_LARGEST_U:g} A^2"
    _refuse(crystal, source, lowest < _SMALLEST_U, f"U far below 0, {needs}")
    _refuse(crystal, source, highest > _LARGEST_U, f"U beyond any crystal, {needs}")
    too_full = crystal.occ > _LARGEST_OCCUPANCY
    _refuse(crystal, source, too_full, f"occupancy above {_LARGEST_OCCUPANCY:g}, needs 0 to 1")


def structure_notes(crystal: Crystal) -> list[str]:
    """Say in words which sites coincide with others, so that their atoms are counted twice."""
    pairs = coincident_sites(crystal)
    if not pairs:
        return []
    names = [f"{crystal.labels[first]}-{crystal.labels[second]}" for first, second in pairs]
    return [f"atoms on top of each other: {site_names(names, np.ones(len(names), dtype=bool))}"]


def _refuse(crystal: Crystal, source: str, wrong: npt.NDArray[np.bool_], fault: str) -> None:
    """Raise where any site (n,) is wrong."""
    if wrong.any():
        raise ArgandError(f"{source}: {fault}: {site_names(crystal.labels, wrong)}")
