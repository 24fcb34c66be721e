"""Name the atoms of a refined model that show disorder, and by which signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atom_type, atomic_number
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.peaks import Peaks, nearest_image
from argand.solve.assembly import bonds
from argand.solve.contacts import find_contacts
from argand.solve.element_facts import covalent_radius

__all__ = ["DisorderSign", "disorder_notes", "disorder_signs"]

Sign = Literal["positions", "displacement", "occupancy", "residual"]

# Two atoms nearer than this share of the sum of their covalent radii are positions of one atom: no
# bond but to hydrogen is so short, C#N has .79 of it.
_SHORTEST_BOND = 0.72
_LONGEST_PAIR = 2.0

# B of an atom is far above that of its neighbours when it is so many times their mean, and this in
# A^2 at least: last atoms of chains have twice as much.
_LARGE_RATIO = 2.6
_LARGE_B = 6.0

# A residual peak belongs to an atom at these distances, in angstrom, where it has at least so many
# e/A^3, and this share of the atom's electrons, near which errors are larger.
_NEAREST_PEAK = 0.35
_FARTHEST_PEAK = 1.3
_NOTABLE_PEAK = 0.7
_NOTABLE_SHARE = 0.04

# At most so many labels are named in a sentence.
_MOST_LABELS = 8

_WORDS: dict[Sign, str] = {
    "positions": "two positions nearer than a bond",
    "displacement": "displacements far above those of their neighbours",
    "occupancy": "partly occupied",
    "residual": "residual density beside them",
}


@dataclass(frozen=True)
class DisorderSign:
    """Say why an atom may be disordered.

    Attributes
    ----------
    label : of the atom
    sign : "positions", "displacement", "occupancy" or "residual"
    value : distance to the other position (angstrom), B over that of the neighbours, occupancy, or
        height of the residual peak (e/A^3)
    """

    label: str
    sign: Sign
    value: float


def disorder_signs(crystal: Crystal, peaks: Peaks) -> tuple[DisorderSign, ...]:
    """List the signs of disorder of a refined model, hydrogens left out.

    Parameters
    ----------
    crystal
        The model.
    peaks
        Those of its last difference map.
    """
    elements = [atom_type(name).element for name in crystal.types]
    heavy = np.array([element not in ("H", "D") for element in elements])
    signs: list[DisorderSign] = []
    for site, distance in _too_near(crystal, elements, heavy):
        signs.append(DisorderSign(crystal.labels[site], "positions", distance))
    ratios = _displacement_ratios(crystal, heavy)
    large = heavy & (ratios > _LARGE_RATIO) & (crystal.b_iso > _LARGE_B)
    for site in np.flatnonzero(large).tolist():
        signs.append(DisorderSign(crystal.labels[site], "displacement", float(ratios[site])))
    for site in np.flatnonzero(heavy & (crystal.occ < 1.0)).tolist():
        signs.append(DisorderSign(crystal.labels[site], "occupancy", float(crystal.occ[site])))
    for site, height in _beside_peaks(crystal, peaks, heavy):
        signs.append(DisorderSign(crystal.labels[site], "residual", height))
    return tuple(signs)


def disorder_notes(signs: Sequence[DisorderSign]) -> list[str]:
    """Say in a sentence for each kind of sign which atoms show it."""
    notes: list[str] = []
    for sign, words in _WORDS.items():
        labels = list(dict.fromkeys(row.label for row in signs if row.sign == sign))
        if not labels:
            continue
        listed = ", ".join(labels[:_MOST_LABELS])
        if len(labels) > _MOST_LABELS:
            listed += f" and {len(labels) - _MOST_LABELS} more"
        notes.append(f"Disorder shows at {listed}: {words}.")
    return notes


def _too_near(
    crystal: Crystal, elements: Sequence[str], heavy: NDArray[np.bool_]
) -> list[tuple[int, float]]:
    """Return the sites that have another atom nearer than a bond, and its distance, angstrom."""
    contacts = find_contacts(crystal, _LONGEST_PAIR)
    nearest: dict[int, float] = {}
    for site, neighbour, distance in zip(
        contacts.site.tolist(), contacts.neighbour.tolist(), contacts.distance, strict=True
    ):
        if not (heavy[site] and heavy[neighbour]):
            continue
        radii = covalent_radius(elements[site]) + covalent_radius(elements[neighbour])
        if distance < _SHORTEST_BOND * radii:
            nearest.setdefault(site, float(distance))
    return sorted(nearest.items())


def _displacement_ratios(crystal: Crystal, heavy: NDArray[np.bool_]) -> FloatArray:
    """Return B (n,) over the mean B of the bonded atoms, or over the median B without any."""
    between = bonds(crystal)
    between = between.select(heavy[between.neighbour])
    count = np.bincount(between.site, minlength=len(heavy))
    total = np.bincount(between.site, crystal.b_iso[between.neighbour], minlength=len(heavy))
    usual = float(np.median(crystal.b_iso[heavy])) if heavy.any() else 1.0
    mean = np.where(count > 0, total / np.maximum(count, 1), usual)
    return np.asarray(crystal.b_iso / np.maximum(mean, 1e-3))


def _beside_peaks(
    crystal: Crystal, peaks: Peaks, heavy: NDArray[np.bool_]
) -> list[tuple[int, float]]:
    """Return the sites that are nearest to residual peaks, and the heights of these, e/A^3."""
    rows = np.flatnonzero(heavy)
    if not len(peaks.height) or not len(rows):
        return []
    distance = nearest_image(peaks.frac, crystal.frac[rows], crystal.cell, crystal.symops)
    heights: dict[int, float] = {}
    for number, height in enumerate(peaks.height.tolist()):
        row = int(distance[number].argmin())
        site = int(rows[row])
        electrons = atomic_number(atom_type(crystal.types[site]).element)
        is_beside = _NEAREST_PEAK < distance[number, row] < _FARTHEST_PEAK
        if is_beside and height > max(_NOTABLE_PEAK, _NOTABLE_SHARE * electrons):
            heights.setdefault(site, height)
    return sorted(heights.items())
