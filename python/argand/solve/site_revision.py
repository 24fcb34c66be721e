"""Revise the elements of sites with the help of a complete model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atomic_number
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.peaks import nearest_image
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

# A site with fewer electrons is noise: a quarter of an oxygen atom. One with a larger B, in A^2, is
# nowhere.
_LEAST_ELECTRONS = 2.0
_LARGEST_B = 30.0

# A residual peak is an atom that the model lacks when it is so high, in e/A^3 and in robust
# deviations of the map, farther than this from all atoms, in angstrom, and above this share of the
# electrons of the nearest one. Hydrogens have .8 e/A^3 at most.
_LEAST_PEAK = 1.5
_LEAST_SIGNIFICANCE = 7.0
_SHORTEST_BOND = 1.1
_RIPPLE = 0.08
_MOST_PEAKS = 12

# Occupancies that differ by less are the same.
_SAME_OCCUPANCY = 0.1


def revised_sites(
    observed: ObservedAmplitudes,
    structure: CompleteStructure,
    contents: Mapping[str, float] | None,
) -> tuple[FoundSites, Crystal]:
    """Find the elements that fit the sites of a complete model best, hydrogens left out.

    Parameters
    ----------
    observed
        The measured data.
    structure
        A complete, refined model of them.
    contents
        Atoms of each element in the cell, or None where they are unknown.

    Returns
    -------
    FoundSites
        The sites of the model with these elements.
    Crystal
        A better start: sites without electrons are dropped, and atoms that the model lacks added
        as carbon.
    """
    heavy = without_hydrogens(structure.crystal)
    symbols = _possible(set(heavy.types), contents)
    misfits, electrons = element_misfits(observed, structure, symbols)
    contacts = find_contacts(heavy, _LONGEST_CONTACT)
    multiplicity = heavy.multiplicity().astype(int)
    assignment = reassign(misfits, heavy.types, multiplicity, contacts, symbols, contents)
    sites = heavy.replace(
        types=assignment.elements,
        occ=_occupancies(assignment.elements, electrons, is_alone(contacts, len(electrons))),
        u_aniso=None,
    )
    scale = float(np.sqrt(structure.refinement.scale[0]))
    better = _with_peaks(_without_few(sites, electrons), _missing(observed, structure))
    return FoundSites(sites, electrons, assignment, scale), better


def is_same(sites: Crystal, structure: CompleteStructure) -> bool:
    """Tell whether revised sites have the elements and the occupancies of a model."""
    heavy = without_hydrogens(structure.crystal)
    if sites.types != heavy.types:
        return False
    return bool((np.abs(sites.occ - heavy.occ) < _SAME_OCCUPANCY).all())


def _without_few(crystal: Crystal, electrons: FloatArray) -> Crystal:
    """Return a crystal without sites whose electrons (n,) are few, or spread over an angstrom."""
    rows = np.flatnonzero((electrons > _LEAST_ELECTRONS) & (crystal.b_iso < _LARGEST_B))
    if not len(rows):
        return crystal
    return crystal.select(rows)


def _missing(observed: ObservedAmplitudes, structure: CompleteStructure) -> FloatArray:
    """Return positions (p, 3) of residual peaks that are atoms which a complete model lacks."""
    calculated = structure.refinement.structure_factors()[0]
    scale = float(np.sqrt(structure.refinement.scale[0]))
    difference = observed.difference_density(calculated, scale)
    noise = float(np.median(np.abs(difference))) / 0.6745
    lowest = max(_LEAST_PEAK, _LEAST_SIGNIFICANCE * noise)
    peaks = observed.peaks(difference, lowest, _MOST_PEAKS)
    heavy = without_hydrogens(structure.crystal)
    if not len(peaks.frac):
        return peaks.frac
    distance = nearest_image(peaks.frac, heavy.frac, heavy.cell, heavy.symops)
    numbers = np.array([atomic_number(name) for name in heavy.types])
    # Near heavy atoms there are ripples.
    ripple = _RIPPLE * numbers[distance.argmin(axis=1)]
    is_atom = (distance.min(axis=1) > _SHORTEST_BOND) & (peaks.height > ripple)
    return np.asarray(peaks.frac[is_atom])


def _with_peaks(crystal: Crystal, frac: FloatArray) -> Crystal:
    """Return a crystal with carbon at positions (p, 3) too, and labels by number."""
    added = len(frac)
    types = (*crystal.types, *("C" for _ in range(added)))
    return crystal.replace(
        types=types,
        labels=tuple(f"{name}{number}" for number, name in enumerate(types, start=1)),
        frac=np.concatenate([crystal.frac, frac.reshape(-1, 3)]),
        occ=np.append(crystal.occ, np.ones(added)),
        b_iso=np.append(crystal.b_iso, np.full(added, float(np.median(crystal.b_iso)))),
    )


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
