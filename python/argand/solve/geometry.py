"""Find bonds, angles and their standard uncertainties, across symmetry images too."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import gemmi
import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atom_type
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.rows import distinct_rows
from argand.site_symmetry import cartesian_axes
from argand.symmetry import operation_arrays

__all__ = ["Bonds", "angles", "bonds", "symmetry_code"]

# Two atoms are bonded when they are nearer than the sum of their covalent radii and this
# (angstrom).
_SLACK = 0.4

# Atoms nearer than this share of the sum of their radii exclude each other: they are disordered, or
# images of one atom near a special position. The shortest bonds, of metals to each other, have .67.
_SHORTEST_SHARE = 0.6

# Translations of an image into the cells around the one in which it is nearest.
_NEIGHBOUR_CELLS = np.array(list(itertools.product((-1, 0, 1), repeat=3)))

# Two images are one atom when they agree to this (angstrom).
_SAME_ATOM = 1e-3


@dataclass(frozen=True, eq=False)
class Bonds:
    """Hold the bonds of all sites of an asymmetric unit, each from a site to an image of a site.

    Parameters
    ----------
    site : (m,)
        Site at which the bond begins, ascending.
    neighbour : (m,)
        Site of which the atom at the other end is an image.
    operation : (m,)
        Number of the symmetry operation that makes the image.
    translation : (m, 3)
        Cells by which the image is moved after the operation.
    vector : (m, 3)
        Cartesian vector of the bond, angstrom.
    """

    site: NDArray[np.intp]
    neighbour: NDArray[np.intp]
    operation: NDArray[np.intp]
    translation: NDArray[np.intp]
    vector: FloatArray

    @property
    def length(self) -> FloatArray:
        """Return the lengths (m,) of the bonds, angstrom."""
        return np.asarray(np.linalg.norm(self.vector, axis=1))


def bonds(crystal: Crystal) -> Bonds:
    """Find the bonds of every site: two atoms nearer than their covalent radii and 0.4 angstrom.

    Two metals have to be nearer than their covalent radii: cations side by side are not bonded. A
    hydrogen is bonded to its nearest atom alone.
    """
    parts = []
    rotations, translations = operation_arrays(crystal.symops)
    pairs = zip(rotations, translations, strict=True)
    for number, (rotation, translation) in enumerate(pairs):
        parts.append(_contacts(crystal, number, crystal.frac @ rotation.T + translation))
    rows = np.concatenate([part[0] for part in parts])
    vector = np.concatenate([part[1] for part in parts])
    is_hydrogen = _hydrogens(crystal)
    keep = _first_of_each_atom(rows, vector)
    keep &= ~(is_hydrogen[rows[:, 0]] & is_hydrogen[rows[:, 1]])
    rows, vector = rows[keep], vector[keep]
    keep = _nearest_of_hydrogens(rows, np.linalg.norm(vector, axis=1), is_hydrogen)
    rows, vector = rows[keep], vector[keep]
    order = np.lexsort((np.linalg.norm(vector, axis=1), rows[:, 0]))
    rows, vector = rows[order], vector[order]
    return Bonds(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3:], vector)


def angles(bonds_of_sites: Bonds) -> tuple[NDArray[np.intp], FloatArray]:
    """List the angles between the bonds of each site.

    Returns
    -------
    pairs : (k, 2)
        Numbers of the two bonds of each angle.
    degrees : (k,)
        The angles.
    """
    pairs: list[tuple[int, int]] = []
    for site in np.unique(bonds_of_sites.site):
        rows = np.flatnonzero(bonds_of_sites.site == site).tolist()
        pairs += itertools.combinations(rows, 2)
    numbers = np.array(pairs, np.intp).reshape(-1, 2)
    unit = bonds_of_sites.vector / bonds_of_sites.length[:, None]
    cosine = np.sum(unit[numbers[:, 0]] * unit[numbers[:, 1]], axis=1)
    return numbers, np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))


def symmetry_code(operation: int, translation: NDArray[np.intp]) -> str:
    """Return the code n_klm of an image as CIF has it, '.' for the site itself.

    n counts operations from 1; k, l and m are 5 plus the cells by which the image is moved.
    """
    if operation == 0 and not translation.any():
        return "."
    k, l, m = (translation + 5).tolist()
    return f"{operation + 1}_{k}{l}{m}"


def _contacts(
    crystal: Crystal, operation: int, images: FloatArray
) -> tuple[NDArray[np.intp], FloatArray]:
    """Find which images (n, 3) under one operation are bonded to which sites.

    Returns rows (m, 6) of site, neighbour, operation and translation, and vectors (m, 3) in
    angstrom.
    """
    radius = np.array([gemmi.Element(_element(symbol)).covalent_r for symbol in crystal.types])
    total = radius[:, None] + radius
    is_metal = np.array([gemmi.Element(_element(symbol)).is_metal for symbol in crystal.types])
    longest = total + np.where(is_metal[:, None] & is_metal, 0.0, _SLACK)
    difference = images[None] - crystal.frac[:, None]
    nearest = -np.rint(difference).astype(np.intp)
    found_rows = []
    found_vectors = []
    for cell in _NEIGHBOUR_CELLS:
        translation = nearest + cell
        vector = (difference + translation) @ cartesian_axes(crystal).T
        length = np.linalg.norm(vector, axis=2)
        first, second = np.nonzero((length < longest) & (length > _SHORTEST_SHARE * total))
        numbers = np.full(len(first), operation)
        moved = translation[first, second]
        found_rows.append(np.column_stack([first, second, numbers, moved]))
        found_vectors.append(vector[first, second])
    return np.concatenate(found_rows), np.concatenate(found_vectors)


def _first_of_each_atom(rows: NDArray[np.intp], vector: FloatArray) -> NDArray[np.bool_]:
    """Tell which rows (m,) are the first of their atom: operations may make it several times."""
    position = np.rint(vector / _SAME_ATOM).astype(np.intp)
    key = np.column_stack([rows[:, :2], position])
    first, _ = distinct_rows(key)
    is_first = np.zeros(len(rows), bool)
    is_first[first] = True
    return is_first


def _nearest_of_hydrogens(
    rows: NDArray[np.intp], length: FloatArray, is_hydrogen: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tell which rows (m,) are no bond of a hydrogen to an atom that is not its nearest."""
    shortest = np.full(len(is_hydrogen), np.inf)
    for end in (0, 1):
        np.minimum.at(shortest, rows[:, end], length)
    limit = np.full(len(rows), np.inf)
    for end in (0, 1):
        at_hydrogen = is_hydrogen[rows[:, end]]
        limit[at_hydrogen] = shortest[rows[at_hydrogen, end]] + _SAME_ATOM
    return np.asarray(length <= limit)


def _hydrogens(crystal: Crystal) -> NDArray[np.bool_]:
    """Tell which sites (n,) are hydrogen or deuterium."""
    return np.array([_element(symbol) in ("H", "D") for symbol in crystal.types], bool)


def _element(symbol: str) -> str:
    """Return the element of an atom type."""
    return atom_type(symbol).element
