"""Note sites of a structure that coincide."""

from __future__ import annotations

import numpy as np

from argand.crystal import Crystal
from argand.site_ranges import site_names
from argand.site_symmetry import coincident_sites

__all__ = ["structure_notes"]


def structure_notes(crystal: Crystal) -> list[str]:
    """Say in words which sites coincide with others, so that their atoms are counted twice."""
    pairs = coincident_sites(crystal)
    if not pairs:
        return []
    names = [f"{crystal.labels[first]}-{crystal.labels[second]}" for first, second in pairs]
    return [f"atoms on top of each other: {site_names(names, np.ones(len(names), dtype=bool))}"]
