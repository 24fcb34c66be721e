"""Revise the elements of sites with the help of a complete model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from argand.atom_types import atomic_number
from argand.solve.completion import CompleteStructure, without_hydrogens
from argand.solve.contacts import find_contacts
from argand.solve.element_evidence import element_misfits
from argand.solve.element_facts import RARITY
from argand.solve.elements import reassign
from argand.solve.observed_amplitudes import ObservedAmplitudes
from argand.solve.site_search import FoundSites

__all__ = ["revised_sites"]

# Contacts are listed to this distance in angstrom.
_LONGEST_CONTACT = 3.8

# Elements are tried whose atomic number is at most so far, and by such a share, from that of an
# element of the model.
_FARTHEST = 4
_FARTHEST_SHARE = 0.15


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
    assignment = reassign(
        misfits,
        heavy.types,
        heavy.multiplicity().astype(int),
        find_contacts(heavy, _LONGEST_CONTACT),
        symbols,
        contents,
    )
    sites = heavy.replace(
        types=assignment.elements,
        labels=tuple(f"{name}{i}" for i, name in enumerate(assignment.elements, start=1)),
        u_aniso=None,
    )
    return FoundSites(sites, electrons, assignment, float(np.sqrt(structure.refinement.scale[0])))


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
