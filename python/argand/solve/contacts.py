"""List the contacts of sites: which images of other sites are near, how far, and where."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray, reciprocal_metric
from argand.crystal import Crystal
from argand.rows import distinct_rows
from argand.site_symmetry import cartesian_axes
from argand.symmetry import operation_arrays

__all__ = ["Contacts", "find_contacts"]

# Images of a site nearer to each other, in angstrom, are one atom.
_SAME_IMAGE = 0.05


@dataclass(frozen=True, eq=False)
class Contacts:
    """Hold the contacts of the sites of an asymmetric unit with all atoms around them.

    Attributes
    ----------
    site, neighbour : (c,)
        Numbers of the two sites; the first is ascending.
    operation, translation : (c,) and (c, 3)
        Symmetry operation of the neighbour's image, and the cells by which it is moved afterwards.
    vector : (c, 3)
        From the site to the image of its neighbour, Cartesian, angstrom.
    distance : (c,)
        In angstrom; ascending for each site.
    """

    site: NDArray[np.intp]
    neighbour: NDArray[np.intp]
    operation: NDArray[np.intp]
    translation: NDArray[np.intp]
    vector: FloatArray
    distance: FloatArray

    def select(self, choice: NDArray[Any]) -> Contacts:
        """Return the contacts that a mask (c,) or numbers choose."""
        return Contacts(
            self.site[choice],
            self.neighbour[choice],
            self.operation[choice],
            self.translation[choice],
            self.vector[choice],
            self.distance[choice],
        )


def find_contacts(crystal: Crystal, longest: float) -> Contacts:
    """Find all pairs of a site and an atom that are at most `longest` angstrom apart.

    Every site is the first of its own pairs, so that a bond between two sites is listed twice.
    Images of the site itself count, the site itself does not; coinciding images count once, as
    those of the first operation.
    """
    axes = cartesian_axes(crystal)
    rotations, translations = operation_arrays(crystal.symops)
    frac = crystal.frac
    images = np.einsum("oij,nj->noi", rotations, frac) + translations
    shift = images[None] - frac[:, None, None]
    nearest = -np.rint(shift).astype(np.intp)
    vector = (shift + nearest) @ axes.T
    squared = np.einsum("mnoi,mnoi->mno", vector, vector)
    indices = []
    moves = []
    vectors = []
    for move in _translations(crystal, longest):
        step = axes @ move
        moved = squared + 2.0 * (vector @ step) + step @ step
        index = np.argwhere((moved < longest**2) & (moved > _SAME_IMAGE**2))
        indices.append(index)
        near = tuple(index.T)
        moves.append(nearest[near] + np.array(move))
        vectors.append(vector[near] + step)
    site, neighbour, operation = np.concatenate(indices).T
    between = np.concatenate(vectors)
    distance = np.linalg.norm(between, axis=1)
    return _distinct(Contacts(site, neighbour, operation, np.concatenate(moves), between, distance))


def _distinct(contacts: Contacts) -> Contacts:
    """Sort contacts by site and distance, and leave out all but the first of coinciding images."""
    contacts = contacts.select(np.argsort(contacts.operation, kind="stable"))
    place = np.rint(contacts.vector / _SAME_IMAGE)
    first, _ = distinct_rows(np.column_stack([contacts.site, contacts.neighbour, place]))
    contacts = contacts.select(first)
    return contacts.select(np.lexsort((contacts.distance, contacts.site)))


def _translations(crystal: Crystal, longest: float) -> list[tuple[int, ...]]:
    """Return the lattice translations that can lead to contacts, of differences within a cell.

    A difference is at most half a cell along each axis, where planes of the lattice lie
    1 / sqrt(G*_ii) apart.
    """
    spacing = 1.0 / np.sqrt(np.diag(reciprocal_metric(crystal.cell)))
    ranges = []
    for axis in range(3):
        reach = int(np.floor(longest / spacing[axis] + 0.5))
        ranges.append(range(-reach, reach + 1))
    return list(itertools.product(*ranges))
