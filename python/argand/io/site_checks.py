"""Note what is odd in a structure by itself: a cell without the symmetry, sites that coincide."""

from __future__ import annotations

from argand.crystal import Crystal
from argand.site_ranges import NAMES_SHOWN, first_names
from argand.site_symmetry import coincident_sites
from argand.symmetry import cell_doubt

__all__ = ["structure_notes"]


def structure_notes(crystal: Crystal) -> list[str]:
    """Say in words what is odd in a structure by itself.

    A cell may lack the symmetry of its group, and sites coincide, so that atoms are counted twice.

    Raises
    ------
    ArgandError
        Cell and space group do not belong together, see `argand.symmetry.cell_doubt`.
    """
    doubt = cell_doubt(crystal.cell, crystal.symops)
    notes = [] if doubt is None else [doubt]
    pairs = coincident_sites(crystal)
    if not len(pairs):
        return notes
    names: list[str] = []
    for first, second in pairs[:NAMES_SHOWN].tolist():
        names.append(f"{crystal.labels[first]}-{crystal.labels[second]}")
    return [*notes, f"atoms on top of each other: {first_names(names, len(pairs))}"]
