"""List the contacts of sites: which images of other sites are near, how far, and where."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

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
    site, neighbour : (c,) numbers of the two sites
    vector : (c, 3) from the site to the image of its neighbour, Cartesian, angstrom
    distance : (c,) in angstrom
    """

    site: NDArray[np.intp]
    neighbour: NDArray[np.intp]
    vector: FloatArray
    distance: FloatArray

    def select(self, mask: NDArray[np.bool_]) -> Contacts:
        """Return the contacts where a mask (c,) is true."""
        return Contacts(
            self.site[mask], self.neighbour[mask], self.vector[mask], self.distance[mask]
        )


def find_contacts(crystal: Crystal, longest: float) -> Contacts:
    """Find all pairs of a site and an atom that are at most `longest` angstrom apart.

    Every site is the first of its own pairs, so that a bond between two sites is listed twice.
    Images of the site itself count, the site itself does not; coinciding images count once.
    """
    axes = cartesian_axes(crystal)
    rotations, translations = operation_arrays(crystal.symops)
    frac = crystal.frac
    images = np.einsum("oij,nj->noi", rotations, frac) + translations
    shift = images[None] - frac[:, None, None]
    shift -= np.rint(shift)
    sites, neighbours, vectors = [], [], []
    for translation in _translations(crystal, longest):
        vector = (shift + translation) @ axes.T
        squared = np.einsum("mnoi,mnoi->mno", vector, vector)
        near = (squared < longest**2) & (squared > _SAME_IMAGE**2)
        site, neighbour, operation = np.nonzero(near)
        sites.append(site)
        neighbours.append(neighbour)
        vectors.append(vector[site, neighbour, operation])
    site = np.concatenate(sites)
    neighbour = np.concatenate(neighbours)
    vector = np.concatenate(vectors)
    place = np.rint(vector / _SAME_IMAGE)
    first, _ = distinct_rows(np.column_stack([site, neighbour, place]))
    distance = np.linalg.norm(vector, axis=1)
    order = first[np.lexsort((distance[first], site[first]))]
    return Contacts(site[order], neighbour[order], vector[order], distance[order])


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
