"""Choose the space group: where to begin, and which of the best two the phases belong to."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np

from argand.cell import Cell
from argand.io import Reflections
from argand.measured import merge
from argand.measured.merging import usable
from argand.solve.laue_group import laue_candidates
from argand.solve.search import Ending, PhaseSearch
from argand.solve.space_group import RankedGroup
from argand.symmetry import group_ops, triplets

__all__ = ["first_group", "group_notes", "in_best_group"]

# The stated space group is left where another one has so much more likelihood (logarithm).
_DECISIVE = 4.0

# A better ranked group is taken where it explains the strong reflections no worse than by this.
_WORSE_RESIDUAL = 0.02

# Data are merged where fewer equivalents were measured than this share of the unique reflections.
_FEW_REPEATED = 0.2

# Equivalents of a right Laue group seldom disagree by more than this.
_LARGE_R_INT = 0.15

# Centrings by how much of the reflections they extinguish, with a group that has no other symmetry
# but inversion.
_CENTRED_GROUPS = ("F -1", "R -3:H", "I -1", "C -1", "A -1", "B -1")

# A centring is that of the lattice where what it extinguishes has less than this share of the mean
# intensity.
_EXTINGUISHED = 0.02


def first_group(reflections: Reflections, cell: Cell, stated: str | None) -> tuple[str, list[str]]:
    """Choose the space group that data are merged and first looked at in.

    Parameters
    ----------
    reflections
        Measured reflections.
    cell
        Unit cell, angstrom and degrees.
    stated
        Space group that the data came with, in gemmi's name; or None.

    Returns
    -------
    The group, and notes on it. It is the stated one, unless the intensities lack the symmetry of
    its Laue group.
    """
    if stated is not None and _obeys(reflections, stated):
        return stated, []
    lattice = stated if stated is not None else _centred_group(reflections)
    candidates = laue_candidates(reflections, cell=cell, spacegroup=lattice)
    best = candidates[0]
    if stated is None:
        note = f"no space group is stated; the intensities have the symmetry of {best.spacegroup}"
        return best.spacegroup, [note]
    rotations = _rotations(stated)
    for candidate in candidates:
        is_stated = _rotations(candidate.spacegroup) == rotations
        if is_stated and best.accepted and not candidate.accepted:
            note = (
                f"the intensities lack the symmetry of {stated}: {candidate.reason}; they were "
                f"merged in {best.spacegroup}"
            )
            return best.spacegroup, [note]
    return stated, []


def in_best_group(
    search: PhaseSearch, ending: Ending, ranked: Sequence[RankedGroup], stated: str | None
) -> Ending:
    """Return the ending in the best space group: the best two are imposed and compared.

    The space group that the data came with is left only where the data contradict it.

    Parameters
    ----------
    search
        What found the ending.
    ending
        Phases, in the group that they were looked at in.
    ranked
        Space groups by what the phases in P 1 say, best first.
    stated
        Space group that the data came with; None where none is stated.
    """
    best = ranked[0]
    for group in ranked:
        is_stated = stated is not None and _is_same_or_mirrored(group.spacegroup, stated)
        if is_stated and not group.refused and group.score > best.score - _DECISIVE:
            best = group
            break
    if best.refused or _is_same_or_mirrored(best.spacegroup, ending.spacegroup):
        return ending
    other = search.impose(ending.p1, best.spacegroup, ending.start, ending.cycles)
    is_worse = other.figures.strong_residual > ending.figures.strong_residual + _WORSE_RESIDUAL
    if is_worse and other.probability <= ending.probability:
        return ending
    return other


def group_notes(ending: Ending, stated: str | None, ranked: Sequence[RankedGroup]) -> list[str]:
    """Say in sentences where the space group is not the one that the data came with."""
    if stated is None or stated == ending.spacegroup:
        return []
    reasons = {group.spacegroup: group.reasons for group in ranked}
    notes = [f"the data contradict the space group {stated}: {ending.spacegroup} fits better"]
    for name in (ending.spacegroup, stated):
        if reasons.get(name):
            notes.append(f"{name}: {'; '.join(reasons[name])}")
    return notes


def _is_same_or_mirrored(first: str, second: str) -> bool:
    """Tell whether two space groups are one, or the two hands of an enantiomorphic pair."""
    if first == second:
        return True
    operations = set(triplets(group_ops(second)))
    mirrored: set[str] = set()
    for triplet in triplets(group_ops(first)):
        operation = gemmi.Op(triplet)
        operation.tran = [-shift for shift in operation.tran]
        mirrored.add(operation.wrap().triplet())
    return mirrored == operations


def _obeys(reflections: Reflections, spacegroup: str) -> bool:
    """Tell whether equivalents agree in a space group, or too few were measured to tell."""
    merged = merge(reflections, spacegroup=spacegroup)
    repeated = merged.measured - len(merged.hkl)
    is_merged = repeated < _FEW_REPEATED * len(merged.hkl)
    return is_merged or not merged.r_int > _LARGE_R_INT


def _rotations(spacegroup: str) -> frozenset[tuple[int, ...]]:
    """Return the rotations of the Laue group of a space group, as tuples of nine numbers."""
    rotations: set[tuple[int, ...]] = set()
    for operation in group_ops(spacegroup).sym_ops:
        flat = [number for row in operation.rot for number in row]
        rotations.add(tuple(flat))
        rotations.add(tuple(-number for number in flat))
    return frozenset(rotations)


def _centred_group(reflections: Reflections) -> str:
    """Return a group with the centring of the lattice, by which reflections are extinct."""
    rows = usable(reflections)
    hkl = reflections.hkl[rows]
    intensity = reflections.intensities()[0][rows]
    mean = float(np.abs(intensity).mean())
    for spacegroup in _CENTRED_GROUPS:
        absent = group_ops(spacegroup).systematic_absences(hkl)
        # What a program has left out counts as extinct: half of all reflections cannot be missing.
        if not absent.any() or float(intensity[absent].mean()) < _EXTINGUISHED * mean:
            return spacegroup
    return "P -1"
