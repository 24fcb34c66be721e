"""Atoms that move together: hydrogens with their carriers, types that share a site."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atom_type
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.simulate.groups import hydrogen_groups, shared_sites
from argand.site_symmetry import position_basis

__all__ = ["leaders", "released_modes", "riding_modes"]


def riding_modes(crystal: Crystal) -> FloatArray:
    """Return the free directions (k, n, 3) of sites that lead; the sites that follow move along.

    Hydrogens follow their carrier, and atoms of several types at one site follow the first of them,
    where their site symmetry allows it. Directions are Cartesian unit vectors.
    """
    leader = leaders(crystal)
    modes = []
    for site in np.unique(leader).tolist():
        modes += _modes_of_site(crystal, site, leader == site)
    shape = len(modes), len(leader), 3
    return np.array(modes).reshape(shape)


def released_modes(crystal: Crystal, modes: FloatArray) -> FloatArray:
    """Return the free directions (j, n, 3) of hydrogens that follow a carrier, each on its own.

    Directions that `modes` (k, n, 3) hold already are left out: there is nothing to release where
    every hydrogen moves freely.
    """
    leader = leaders(crystal)
    sites = np.arange(len(leader))
    released = []
    basis = _orthonormal_rows(modes.reshape(len(modes), 3 * len(leader)))
    for site, symbol in enumerate(crystal.types):
        if leader[site] == site or not _is_hydrogen(symbol):
            continue
        for mode in _modes_of_site(crystal, site, sites == site):
            direction = mode.ravel()
            remainder = direction - basis.T @ (basis @ direction)
            if np.linalg.norm(remainder) > 1e-6:
                released.append(mode)
    shape = len(released), len(leader), 3
    return np.array(released).reshape(shape)


def leaders(crystal: Crystal) -> NDArray[np.intp]:
    """Return the site (n,) that each site follows; a site that leads follows itself."""
    bases = []
    for site in range(len(crystal.types)):
        bases.append(position_basis(crystal, site))
    leader = np.arange(len(crystal.types))
    for group in hydrogen_groups(crystal):
        carriers = [site for site in group if not _is_hydrogen(crystal.types[site])]
        leader[group] = carriers[0] if carriers else group[0]
    leader = shared_sites(crystal)[leader]
    for site, followed in enumerate(leader.tolist()):
        if not _is_within(bases[site], bases[followed]):
            leader[site] = site
    return leader.astype(np.intp)


def _is_hydrogen(symbol: str) -> bool:
    return atom_type(symbol).element in ("H", "D")


def _is_within(basis: FloatArray, directions: FloatArray) -> bool:
    """Return whether directions (j, 3) lie in the space of an orthonormal basis (i, 3)."""
    projected = directions @ basis.T @ basis
    return bool(np.allclose(projected, directions, atol=1e-6))


def _modes_of_site(crystal: Crystal, site: int, moving: NDArray[np.bool_]) -> list[FloatArray]:
    """Make a mode (n, 3) of all `moving` sites (n,) for each free direction of one site."""
    modes = []
    for direction in position_basis(crystal, site):
        mode = np.zeros((len(moving), 3))
        mode[moving] = direction
        modes.append(mode)
    return modes


def _orthonormal_rows(matrix: FloatArray) -> FloatArray:
    """Return an orthonormal basis (r, l) of the space that the rows of a matrix (k, l) span."""
    if not len(matrix):
        return matrix
    _, singular, rows = np.linalg.svd(matrix, full_matrices=False)
    largest = max(singular.max(initial=0.0), 1e-300)
    return np.asarray(rows[singular > 1e-9 * largest])
