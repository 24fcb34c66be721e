"""Say in sentences what of a refined model is uncertain: disorder, content, displacements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atom_type, atomic_number
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.peaks import Peaks, nearest_image

__all__ = ["content_notes", "displacement_notes", "occupancy_notes", "peak_notes"]

# A residual peak of so many electrons in a cubic angstrom is more than bonds and errors leave, and
# so is this share of the number of electrons of the nearest atom, near which errors are larger.
_NOTABLE_PEAK = 0.9
_NOTABLE_SHARE = 0.04

# A site with less than this share of its electrons is partly occupied.
_PARTIAL = 0.75

# At most so many labels are named in a note.
_MOST_LABELS = 6


def content_notes(crystal: Crystal, contents: Mapping[str, float] | None) -> list[str]:
    """Compare the atoms of a model with those that the cell is said to hold."""
    if contents is None:
        return []
    composition = crystal.composition()
    notes = []
    for element in sorted(set(contents) | set(composition)):
        stated = contents.get(element, 0.0)
        found = composition.get(element, 0.0)
        if abs(stated - found) > 0.5:
            notes.append(f"The model has {found:g} {element} in the cell, the content {stated:g}.")
    return notes


def displacement_notes(crystal: Crystal, anisotropic: bool) -> list[str]:
    """Name sites whose displacement is no positive tensor.

    `anisotropic` says whether most sites have a tensor.
    """
    heavy = np.array([atom_type(name).element not in ("H", "D") for name in crystal.types])
    notes = []
    indefinite = heavy & ~crystal.anisotropic
    if anisotropic and indefinite.any():
        notes.append(
            f"{_listed(crystal, indefinite)}: left isotropic, since the tensor is not positive."
        )
    return notes


def occupancy_notes(crystal: Crystal, frac: FloatArray, electrons: FloatArray) -> list[str]:
    """Name sites that have too few electrons for their element.

    `electrons` (q,) were counted at positions `frac` (q, 3) before elements were assigned.
    """
    if not len(frac):
        return []
    distance = nearest_image(crystal.frac, frac, crystal.cell, crystal.symops)
    nearest = distance.argmin(axis=1)
    partial = np.zeros(len(crystal.types), bool)
    for site, name in enumerate(crystal.types):
        number = atomic_number(atom_type(name).element)
        if number > 1 and distance[site, nearest[site]] < 0.3:
            partial[site] = electrons[nearest[site]] < _PARTIAL * number
    if not partial.any():
        return []
    note = (
        f"{_listed(crystal, partial)}: fewer electrons than the element has; "
        "perhaps disordered, partly occupied, or a lighter element."
    )
    return [note]


def peak_notes(crystal: Crystal, peaks: Peaks) -> list[str]:
    """Name the atom, no hydrogen, next to the highest residual peak where that is high (e/A^3)."""
    if not len(peaks.height) or peaks.height[0] < _NOTABLE_PEAK:
        return []
    distance = nearest_image(peaks.frac[:1], crystal.frac, crystal.cell, crystal.symops)[0]
    for site, name in enumerate(crystal.types):
        if atom_type(name).element in ("H", "D"):
            distance[site] = np.inf
    site = int(distance.argmin())
    electrons = atomic_number(atom_type(crystal.types[site]).element)
    if peaks.height[0] < _NOTABLE_SHARE * electrons:
        return []
    note = (
        f"The highest residual peak, {peaks.height[0]:.2f} e/Å³, lies {distance[site]:.2f} Å from "
        f"{crystal.labels[site]}: disorder, or an atom that the model lacks."
    )
    return [note]


def _listed(crystal: Crystal, chosen: NDArray[np.bool_]) -> str:
    """Join the labels of some sites."""
    labels: Sequence[str] = [crystal.labels[i] for i in np.flatnonzero(chosen)]
    more = len(labels) - _MOST_LABELS
    words = ", ".join(labels[:_MOST_LABELS])
    return f"{words} and {more} more" if more > 0 else words
