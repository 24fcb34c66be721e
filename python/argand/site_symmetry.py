"""Find what the symmetry of a special position leaves free of a site: position and displacement.

The operations that keep a site in place form a group. What all of them leave unchanged is the range
of their mean, which is a projector.
"""

from __future__ import annotations

import gemmi
import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray, beta_rotations, metric
from argand.crystal import Crystal
from argand.symmetry import operation_arrays

__all__ = [
    "cartesian_axes",
    "coincident_sites",
    "displacement_basis",
    "position_basis",
    "site_rotations",
]

_U_NAMES = ("U11", "U22", "U33", "U12", "U13", "U23")

# All components of U of a site on a general position, each free.
_GENERAL_TENSORS = tuple(zip(_U_NAMES, np.eye(6), strict=True))

# An element of a projector below this is 0, and a component of U with no larger one is not free.
_NOT_FREE = 1e-6
# Sites nearer than this, in angstrom, have one place.
_SAME_PLACE = 0.01
# Occupancies of two sites that add up to more than this, with rounding, cannot share a place.
_SHARED_OCCUPANCY = 1.01
# Sites x images beyond which coincident sites are not looked for: it would take seconds.
_MOST_PAIRS = 40_000_000
# Elements of a direction below this are rounding, and are made exactly 0.
_ROUNDING = 1e-12


def cartesian_axes(crystal: Crystal) -> FloatArray:
    """Return M (3, 3), angstrom, of x_cartesian = M x_fractional: x along a, y in the ab plane."""
    return np.array(gemmi.UnitCell(*crystal.cell).orth.mat.tolist())


def site_rotations(crystal: Crystal, site: int) -> NDArray[np.int64]:
    """Return the rotations (g, 3, 3) of the operations that keep a site in place."""
    rotations, _ = operation_arrays(crystal.symops)
    return np.asarray(rotations[crystal.in_place[site]])


def position_basis(crystal: Crystal, site: int) -> FloatArray:
    """Return orthonormal Cartesian directions (r, 3) along which a site may move.

    They are x, y and z on a general position, and fewer on a special one.
    """
    if crystal.in_place[site].sum() == 1:
        return np.eye(3)
    to_cartesian = cartesian_axes(crystal)
    mean = site_rotations(crystal, site).mean(axis=0)
    projector = to_cartesian @ mean @ np.linalg.inv(to_cartesian)
    values, vectors = np.linalg.eigh((projector + projector.T) / 2)
    # A projector has eigenvalues 0 and 1.
    allowed = vectors[:, values > 0.5].T
    if len(allowed) == 3:
        return np.eye(3)
    # The sign of an eigenvector is arbitrary: make its largest component positive.
    largest = np.abs(allowed).argmax(axis=1)
    sign = np.sign(allowed[np.arange(len(allowed)), largest])
    return np.asarray(allowed * sign[:, None])


def displacement_basis(
    crystal: Crystal, site: int, to_u: FloatArray
) -> list[tuple[str, FloatArray]]:
    """Return the independent components of U of a site, by name.

    Parameters
    ----------
    crystal, site
        The site of the crystal, by its number.
    to_u : (6,)
        Factors that turn components of beta, which rotates as R beta R^T, into components of U.

    Returns
    -------
    Names, 'U11' to 'U23', each with the direction (6,) in which the site symmetry takes the other
    components along.
    """
    if crystal.in_place[site].sum() == 1:
        return list(_GENERAL_TENSORS)
    turned = beta_rotations(site_rotations(crystal, site)).mean(axis=0)
    # Row q is what the site symmetry makes of the q-th unit tensor U.
    remaining = turned.T / to_u[:, None] * to_u
    basis: list[tuple[str, FloatArray]] = []
    for component in range(6):
        row = np.abs(remaining[:, component]).argmax()
        if abs(remaining[row, component]) < _NOT_FREE:
            continue
        direction = remaining[row] / remaining[row, component]
        remaining = remaining - np.outer(remaining[:, component], direction)
        reduced = []
        for name, other in basis:
            reduced.append((name, other - other[component] * direction))
        basis = [*reduced, (_U_NAMES[component], direction)]
    for _, direction in basis:
        direction[np.abs(direction) < _ROUNDING] = 0.0
    return basis


def coincident_sites(crystal: Crystal) -> NDArray[np.intp]:
    """List pairs of sites whose atoms have one place, and more than one atom's occupancy together.

    Sites with equal images count too.

    Returns
    -------
    (k, 2)
        The numbers of the sites of each pair, the smaller one first; none for structures so large
        that it would take too long.
    """
    n = len(crystal.types)
    g = metric(crystal.cell)
    if n * n * len(crystal.symops) > _MOST_PAIRS:
        return np.empty((0, 2), np.intp)
    rotations, translations = operation_arrays(crystal.symops)
    images = np.einsum("oij,nj->noi", rotations, crystal.frac) + translations
    first: list[NDArray[np.intp]] = [np.empty(0, np.intp)]
    second: list[NDArray[np.intp]] = [np.empty(0, np.intp)]
    for site in range(n - 1):
        shift = images[site + 1 :] - crystal.frac[site]
        shift -= np.rint(shift)
        squared = np.einsum("noi,ij,noj->no", shift, g, shift).min(axis=1)
        together = crystal.occ[site + 1 :] + crystal.occ[site] > _SHARED_OCCUPANCY
        others = site + 1 + np.flatnonzero((squared < _SAME_PLACE**2) & together)
        first.append(np.full(len(others), site))
        second.append(others)
    return np.column_stack([np.concatenate(first), np.concatenate(second)])
