"""What the symmetry of a special position leaves free of a site's place and of its displacement tensor.

The operations that keep a site in place form a group; what they all leave unchanged is the range of their mean, a
projector.
"""

from __future__ import annotations

import gemmi
import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray, matrix_to_sym, metric, sym_to_matrix
from argand.crystal import SPECIAL_POSITION_RADIUS, Crystal
from argand.symmetry import operations

__all__ = ["cartesian_axes", "displacement_basis", "position_basis", "site_rotations"]

_U_NAMES = ("U11", "U22", "U33", "U12", "U13", "U23")


def cartesian_axes(crystal: Crystal) -> FloatArray:
    """M (3, 3) of x_cartesian = M x_fractional, angstrom: x along a, y in the ab plane."""
    return np.array(gemmi.UnitCell(*crystal.cell).orth.mat.tolist())


def site_rotations(crystal: Crystal, site: int) -> NDArray[np.int64]:
    """Rotations (g, 3, 3) of the operations that keep a site in place, to within `SPECIAL_POSITION_RADIUS`."""
    every = operations(crystal.symops)
    rotation = np.array([r for r, _ in every])
    shift = rotation @ crystal.frac[site] + np.array([t for _, t in every]) - crystal.frac[site]
    shift -= np.rint(shift)
    near = np.einsum("oi,ij,oj->o", shift, metric(crystal.cell), shift) < SPECIAL_POSITION_RADIUS**2
    return np.asarray(rotation[near])


def position_basis(crystal: Crystal, site: int) -> FloatArray:
    """Orthonormal Cartesian directions (r, 3) along which a site may move: x, y, z on a general position."""
    to_cartesian = cartesian_axes(crystal)
    mean = site_rotations(crystal, site).mean(axis=0)
    projector = to_cartesian @ mean @ np.linalg.inv(to_cartesian)
    values, vectors = np.linalg.eigh((projector + projector.T) / 2)
    kept = vectors[:, values > 0.5].T
    if len(kept) == 3:
        return np.eye(3)
    largest = np.abs(kept).argmax(axis=1)
    return np.asarray(kept * np.sign(kept[np.arange(len(kept)), largest])[:, None])


def displacement_basis(
    crystal: Crystal, site: int, to_u: FloatArray
) -> list[tuple[str, FloatArray]]:
    """Independent components of U, each with the direction (6,) in which it takes the others along.

    beta turns as R beta R^T; `to_u` (6,) scales its components to those of U.
    """
    rotation = site_rotations(crystal, site)
    units = sym_to_matrix(np.eye(6))
    images = np.einsum("oij,qjk,olk->oqil", rotation, units, rotation)
    projector = (
        matrix_to_sym(images).mean(axis=0) / to_u[:, None] * to_u
    )  # row q: where unit q of U goes
    rest = projector.copy()
    found: list[tuple[str, FloatArray]] = []
    for component in range(6):
        row = np.abs(rest[:, component]).argmax()
        if abs(rest[row, component]) < 1e-6:
            continue
        direction = rest[row] / rest[row, component]
        rest = rest - np.outer(rest[:, component], direction)
        found = [(name, other - other[component] * direction) for name, other in found]
        found.append((_U_NAMES[component], direction))
    return [
        (name, np.where(np.abs(direction) < 1e-12, 0.0, direction)) for name, direction in found
    ]
