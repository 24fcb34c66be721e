"""Put together an asymmetric unit of whole molecules near the middle of the cell."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import gemmi
import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atom_type, atomic_number
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.site_symmetry import cartesian_axes
from argand.solve.contacts import Contacts, find_contacts
from argand.symmetry import operation_arrays

__all__ = ["assemble", "bonds", "numbered_labels"]

# Atoms are bonded when they are nearer than the sum of gemmi's covalent radii and this, angstrom.
_SLACK = 0.3

# The largest covalent radius is 2.6 A: no bond is longer than this.
_LONGEST_BOND = 4.0

# A fragment is moved by lattice translations of so many cells when the best place is sought.
_TRANSLATIONS = (-1, 0, 1)


def bonds(crystal: Crystal, slack: float = _SLACK) -> Contacts:
    """Return the bonds of all sites, each listed from both of its ends."""
    radii = np.array([gemmi.Element(atom_type(name).element).covalent_r for name in crystal.types])
    longest = min(_LONGEST_BOND, 2.0 * float(radii.max(initial=0.0)) + slack)
    contacts = find_contacts(crystal, longest)
    limit = radii[contacts.site] + radii[contacts.neighbour] + slack
    return contacts.select(contacts.distance < limit)


def assemble(crystal: Crystal) -> Crystal:
    """Choose the images of isotropic sites so that molecules are whole, sort and label them.

    Every fragment grows from its heaviest site along the shortest bonds, and is moved as a whole
    to the image whose centre is nearest the middle of the cell. Sites come fragment by fragment,
    the largest first, in the order of their bonds; labels are those of `numbered_labels`.
    """
    contacts = bonds(crystal)
    to_frac = np.asarray(np.linalg.inv(cartesian_axes(crystal)).T, np.float64)
    frac = np.array(crystal.frac)
    numbers = np.array([atomic_number(atom_type(name).element) for name in crystal.types])
    fragments = _grow(frac, numbers, contacts, to_frac, crystal)
    fragments.sort(key=lambda fragment: -len(fragment[0]))
    order: list[int] = []
    placed: list[FloatArray] = []
    for sites, positions in fragments:
        order += sites
        placed.append(_near_the_middle(positions, crystal))
    types = tuple(crystal.types[i] for i in order)
    return crystal.replace(
        types=types,
        labels=numbered_labels(types),
        frac=np.concatenate(placed),
        occ=crystal.occ[order],
        b_iso=crystal.b_iso[order],
    )


def numbered_labels(types: Sequence[str]) -> tuple[str, ...]:
    """Return labels for sites in their order: C1, C2, O1, C3, ..."""
    count: dict[str, int] = {}
    labels = []
    for name in types:
        element = atom_type(name).element
        count[element] = count.get(element, 0) + 1
        labels.append(f"{element}{count[element]}")
    return tuple(labels)


def _grow(
    frac: FloatArray,
    numbers: NDArray[np.integer],
    contacts: Contacts,
    to_frac: FloatArray,
    crystal: Crystal,
) -> list[tuple[list[int], FloatArray]]:
    """Return the fragments: their sites, in the order of their bonds, and positions (s, 3).

    A site that is placed by an operation gives its own neighbours by the same operation.
    """
    remaining = np.ones(len(frac), bool)
    first = np.searchsorted(contacts.site, np.arange(len(frac) + 1))
    rotations, translations = operation_arrays(crystal.symops)
    fragments: list[tuple[list[int], FloatArray]] = []
    for start in np.argsort(-numbers, kind="stable").tolist():
        if not remaining[start]:
            continue
        remaining[start] = False
        sites = [start]
        positions = [frac[start]]
        turns = [np.eye(3)]
        for here in itertools.count():
            if here >= len(sites):
                break
            site = sites[here]
            for row in range(int(first[site]), int(first[site + 1])):
                neighbour = int(contacts.neighbour[row])
                if not remaining[neighbour]:
                    continue
                remaining[neighbour] = False
                # The bond is known at the listed place of the site; turn it to where it is now.
                step = turns[here] @ (contacts.vector[row] @ to_frac)
                position = positions[here] + step
                sites.append(neighbour)
                positions.append(position)
                turns.append(_rotation_to(position, frac[neighbour], rotations, translations))
        fragments.append((sites, np.array(positions)))
    return fragments


def _rotation_to(
    position: FloatArray,
    frac: FloatArray,
    rotations: NDArray[np.int64],
    translations: FloatArray,
) -> FloatArray:
    """Return the rotation (3, 3) of the operation that brings a site (3,) to a position (3,)."""
    shift = rotations @ frac + translations - position
    shift -= np.rint(shift)
    nearest = np.abs(shift).max(axis=1).argmin()
    return np.asarray(rotations[nearest], np.float64)


def _near_the_middle(positions: FloatArray, crystal: Crystal) -> FloatArray:
    """Return the image of a fragment (s, 3) whose centre is nearest the middle of the cell."""
    rotations, translations = operation_arrays(crystal.symops)
    axes = cartesian_axes(crystal)
    centres = rotations @ positions.mean(axis=0) + translations
    base = np.floor(centres)
    steps = np.array(list(itertools.product(_TRANSLATIONS, repeat=3)))
    candidates = (centres - base)[:, None] + steps
    distance = np.linalg.norm((candidates - 0.5) @ axes.T, axis=2)
    # The identity comes first: it stays unless another operation is nearer by more than rounding.
    operation, step = np.unravel_index(np.round(distance, 6).argmin(), distance.shape)
    moved = positions @ rotations[operation].T + translations[operation]
    return np.asarray(moved - base[operation] + steps[step])
