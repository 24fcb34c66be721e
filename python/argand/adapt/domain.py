"""In what measured data lie outside of what an adaptation has learned."""

from __future__ import annotations

import numpy as np

from argand.adapt.learned import Learned
from argand.domain import resolution_difference
from argand.measured import Merged
from argand.reflections import stol

__all__ = ["outside_learned"]

# A cell whose edges differ by more than this part, or whose angles by more than this (radians),
# belongs to another crystal.
_LARGEST_STRAIN = 0.05

# A regression that is shown fewer than this share of its reflections knows next to nothing.
_LEAST_SHARE = 0.125


def outside_learned(learned: Learned, merged: Merged) -> list[str]:
    """Compare a merged data set with the cell, resolution and reflections that were learned.

    How far atoms moved, B, and gaps of the data show in the estimate itself, which is flagged.

    Returns
    -------
    One clause for each difference that matters; empty where there is none.
    """
    clauses = [_cell(learned, merged), _resolution(learned, merged)]
    if not any(clauses):
        # Another cell or resolution has other reflections anyway.
        clauses.append(_reflections(learned, merged))
    return [clause for clause in clauses if clause]


def _cell(learned: Learned, merged: Merged) -> str:
    """Compare the unit cells."""
    measured_cell = np.array(merged.cell)
    known_cell = np.array(learned.crystal.cell)
    edges = measured_cell[:3] / known_cell[:3] - 1.0
    angles = np.radians(measured_cell[3:] - known_cell[3:])
    strain = np.abs([*edges, *angles]).max()
    if strain <= _LARGEST_STRAIN:
        return ""
    cell = " ".join(f"{x:g}" for x in merged.cell)
    return f"the cell {cell} is not that of a crystal like the known one"


def _resolution(learned: Learned, merged: Merged) -> str:
    """Compare where the data end with where the learned reflections end."""
    measured = float(stol(merged.hkl, merged.cell).max(initial=0.0))
    return resolution_difference(measured, float(learned.stol.max()), "those that were learned")


def _reflections(learned: Learned, merged: Merged) -> str:
    """Count the learned reflections that the data could have, from the number of both."""
    reachable = stol(merged.hkl, learned.crystal.cell) <= learned.stol.max()
    count = int(reachable.sum())
    if count >= _LEAST_SHARE * len(learned.hkl):
        return ""
    return f"it has {count} of the {len(learned.hkl)} reflections that were learned"
