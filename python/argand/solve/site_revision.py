"""Revise the elements of sites with the help of a complete model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atomic_number
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.solve.completion import CompleteStructure, without_hydrogens
from argand.solve.contacts import find_contacts
from argand.solve.element_costs import is_alone
from argand.solve.element_evidence import element_misfits
from argand.solve.element_facts import RARITY
from argand.solve.elements import reassign
from argand.solve.observed_amplitudes import ObservedAmplitudes
from argand.solve.site_search import FoundSites

__all__ = ["is_same", "revised_sites"]

# Contacts are listed to this distance in angstrom.
_LONGEST_CONTACT = 3.8

# Elements are tried whose atomic number is at most so far, and by such a share, from that of an
# element of the model.
_FARTHEST = 4
_FARTHEST_SHARE = 0.15

# Water with less than this share of its electrons is partly occupied; none is less than the second.
_LARGEST_PARTIAL = 0.85
_LEAST_OCCUPANCY = 0.2
_OXYGEN = 8

# Occupancies that differ by less are the same.
_SAME_OCCUPANCY = 0.1


def revised_sites(
    observed: ObservedAmplitudes,
    structure: CompleteStructure,
    contents: Mapping[str, float] | None,
) -> FoundSites:
    """Return the sites of a complete model without hydrogens, with the elements that fit best.

    Parameters
    ----------
    observed
        The measured data.
    structure
        A complete, refined model of them.
    contents
        Atoms of each element in the cell, or None where they are unknown.
    """
    heavy = without_hydrogens(structure.crystal)
    symbols = _possible(set(heavy.types), contents)
    misfits, electrons = element_misfits(observed, structure, symbols)
    contacts = find_contacts(heavy, _LONGEST_CONTACT)
    multiplicity = heavy.multiplicity().astype(int)
    assignment = reassign(misfits, heavy.types, multiplicity, contacts, symbols, contents)
    sites = heavy.replace(
        types=assignment.elements,
        labels=tuple(f"{name}{i}" for i, name in enumerate(assignment.elements, start=1)),
        occ=_occupancies(assignment.elements, electrons, is_alone(contacts, len(electrons))),
        u_aniso=None,
    )
    return FoundSites(sites, electrons, assignment, float(np.sqrt(structure.refinement.scale[0])))


def is_same(sites: Crystal, structure: CompleteStructure) -> bool:
    """Tell whether revised sites have the elements and the occupancies of a model."""
    heavy = without_hydrogens(structure.crystal)
    difference = np.abs(sites.occ - heavy.occ)
    return sites.types == heavy.types and bool((difference < _SAME_OCCUPANCY).all())


def _occupancies(
    elements: tuple[str, ...], electrons: FloatArray, alone: NDArray[np.bool_]
) -> FloatArray:
    """Return occupancies (n,): less than 1 of oxygen without bonds that has too few electrons."""
    numbers = np.array([atomic_number(element) for element in elements])
    share = electrons / numbers
    partial = alone & (numbers == _OXYGEN) & (share < _LARGEST_PARTIAL)
    return np.where(partial, np.maximum(share, _LEAST_OCCUPANCY), 1.0)


def _possible(present: set[str], contents: Mapping[str, float] | None) -> list[str]:
    """List the elements that sites may have: of the content, or like those of the model."""
    if contents is not None:
        of_content = {name for name, count in contents.items() if count > 0.0}
        return sorted((of_content | present) - {"H", "D"}, key=atomic_number)
    numbers = np.array([atomic_number(symbol) for symbol in present])
    symbols = set(present)
    for symbol in RARITY:
        distance = np.abs(numbers - atomic_number(symbol))
        if (distance <= np.maximum(_FARTHEST, _FARTHEST_SHARE * numbers)).any():
            symbols.add(symbol)
    return sorted(symbols, key=atomic_number)
