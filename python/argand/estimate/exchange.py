"""Put atoms back that have changed places: amplitudes hardly tell, the known structure does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from argand.atom_types import atom_type
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.site_symmetry import cartesian_axes, position_basis
from argand.symmetry import operations

__all__ = ["exchanged"]


def exchanged(crystal: Crystal, displacement: FloatArray, *, alike: bool = True) -> FloatArray:
    """Assign displaced atoms to the nearest known sites, and return the displacements that result.

    Sites on general positions take each other's place, or that of an image by symmetry, so that the
    sum of squared displacements is least.

    Parameters
    ----------
    crystal
        The known structure, n sites.
    displacement
        Cartesian displacements (n, 3), angstrom.
    alike
        Whether only atoms of one type and occupancy take each other's place; else any but
        hydrogens.

    Returns
    -------
    (n, 3)
        Displacements of the atom that each site has now.
    """
    axes = cartesian_axes(crystal)
    frac = crystal.frac + displacement @ np.linalg.inv(axes).T
    kinds = _kinds(crystal, alike)
    general = []
    for site in range(len(kinds)):
        if len(position_basis(crystal, site)) == 3:
            general.append(site)
    assigned = displacement.copy()
    for kind in sorted({kinds[site] for site in general}):
        sites = np.array([site for site in general if kinds[site] == kind])
        vectors = _nearest_vectors(crystal, frac[sites], sites)
        squares = np.square(vectors).sum(axis=2)
        atoms, places = linear_sum_assignment(squares)
        assigned[sites[places]] = vectors[atoms, places]
    return assigned


def _kinds(crystal: Crystal, alike: bool) -> list[tuple[str, float]]:
    """Say which sites may take each other's place: those of equal kind."""
    kinds = []
    for symbol, occupancy in zip(crystal.types, crystal.occ, strict=True):
        element = atom_type(symbol).element
        if alike:
            kinds.append((element, round(float(occupancy), 3)))
        elif element in ("H", "D"):
            kinds.append(("H", 0.0))
        else:
            kinds.append(("", 0.0))
    return kinds


def _nearest_vectors(crystal: Crystal, frac: FloatArray, sites: NDArray[np.intp]) -> FloatArray:
    """Calculate Cartesian vectors (i, j, 3) from site j to the nearest image of atom i."""
    axes = cartesian_axes(crystal)
    vectors = np.zeros((len(frac), len(sites), 3))
    shortest = np.full(vectors.shape[:2], np.inf)
    for rotation, shift in operations(crystal.symops):
        image = frac @ rotation.T + shift
        difference = image[:, None] - crystal.frac[sites]
        difference = (difference - np.rint(difference)) @ axes.T
        square = np.square(difference).sum(axis=2)
        nearer = square < shortest
        vectors[nearer] = difference[nearer]
        shortest[nearer] = square[nearer]
    return vectors
