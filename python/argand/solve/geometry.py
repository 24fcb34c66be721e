"""Find bonds, angles and their standard uncertainties, across symmetry images too."""

from __future__ import annotations

import itertools

import gemmi
import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atom_type
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.solve.contacts import Contacts, find_contacts

__all__ = ["angles", "bonds", "symmetry_code"]

# Two atoms are bonded when they are nearer than the sum of their covalent radii and this
# (angstrom).
_SLACK = 0.4

# Atoms nearer than this share of the sum of their radii exclude each other: they are disordered, or
# images of one atom near a special position. The shortest bonds, of metals to each other, have .67.
_SHORTEST_SHARE = 0.6

# Two distances are the same when they agree to this (angstrom).
_SAME_DISTANCE = 1e-3


def bonds(crystal: Crystal) -> Contacts:
    """Find the bonds of every site: two atoms nearer than their covalent radii and 0.4 angstrom.

    Two metals have to be nearer than their covalent radii: cations side by side are not bonded. A
    hydrogen is bonded to its nearest atom alone.
    """
    elements = [gemmi.Element(atom_type(name).element) for name in crystal.types]
    radius = np.array([element.covalent_r for element in elements])
    is_metal = np.array([element.is_metal for element in elements], bool)
    is_hydrogen = np.array([element.is_hydrogen for element in elements], bool)
    total = radius[:, None] + radius
    longest = total + np.where(is_metal[:, None] & is_metal, 0.0, _SLACK)
    contacts = find_contacts(crystal, float(longest.max(initial=0.0)))
    pair = contacts.site, contacts.neighbour
    is_bond = contacts.distance < longest[pair]
    is_bond &= contacts.distance > _SHORTEST_SHARE * total[pair]
    is_bond &= ~(is_hydrogen[contacts.site] & is_hydrogen[contacts.neighbour])
    contacts = contacts.select(is_bond)
    return contacts.select(_nearest_of_hydrogens(contacts, is_hydrogen))


def angles(bonds_of_sites: Contacts) -> tuple[NDArray[np.intp], FloatArray]:
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
    unit = bonds_of_sites.vector / bonds_of_sites.distance[:, None]
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


def _nearest_of_hydrogens(contacts: Contacts, is_hydrogen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which bonds (m,) are none of a hydrogen to an atom that is not its nearest."""
    shortest = np.full(len(is_hydrogen), np.inf)
    limit = np.full(len(contacts.site), np.inf)
    for end in (contacts.site, contacts.neighbour):
        np.minimum.at(shortest, end, contacts.distance)
    for end in (contacts.site, contacts.neighbour):
        at_hydrogen = is_hydrogen[end]
        limit[at_hydrogen] = shortest[end[at_hydrogen]] + _SAME_DISTANCE
    return np.asarray(contacts.distance <= limit)
