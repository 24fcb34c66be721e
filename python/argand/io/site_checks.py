"""Note sites of a structure that coincide."""

from __future__ import annotations

from argand.crystal import Crystal
from argand.site_ranges import NAMES_SHOWN, first_names
from argand.site_symmetry import coincident_sites

__all__ = ["structure_notes"]


def structure_notes(crystal: Crystal) -> list[str]:
    """Say in words which sites coincide with others, so that their atoms are counted twice."""
    pairs = coincident_sites(crystal)
    if not len(pairs):
        return []
    names: list[str] = []
    for first, second in pairs[:NAMES_SHOWN].tolist():
        names.append(f"{crystal.labels[first]}-{crystal.labels[second]}")
    return [f"atoms on top of each other: {first_names(names, len(pairs))}"]
