"""Hypothesis strategies for cells, crystals and reflections as hostile as nature makes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import argand

# Squared volume of the cell with unit edges below which a cell is too flat for a test.
_FLAT = 0.15


@st.composite
def cells(draw: Any) -> tuple[float, ...]:
    """Draw any triclinic cell that is not flat."""
    lengths = [draw(st.floats(3.0, 30.0)) for _ in range(3)]
    while True:
        angles = [draw(st.floats(60.0, 120.0)) for _ in range(3)]
        ca, cb, cg = np.cos(np.radians(angles))
        if 1 - ca * ca - cb * cb - cg * cg + 2 * ca * cb * cg > _FLAT:
            return (*lengths, *angles)


@st.composite
def crystals(draw: Any, max_sites: int = 12) -> argand.Crystal:
    """Draw a crystal in P 1: no site to a few, isotropic or anisotropic, B from 0 to 200 A^2."""
    cell = draw(cells())
    n = draw(st.integers(0, max_sites))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    u_aniso = None
    if draw(st.booleans()):
        root = rng.normal(size=(n, 3, 3)) * 0.15
        u_aniso = argand.cell.matrix_to_sym(root @ root.transpose(0, 2, 1))
    types = rng.choice(["H", "C", "O2-", "Fe3+", "U"], n)
    frac = rng.uniform(-2, 2, (n, 3))
    occ = rng.uniform(0, 1, n)
    b_iso = rng.choice([0.0, 1.0, 20.0, 200.0], n)
    return argand.Crystal(
        cell=cell, types=tuple(types), frac=frac, occ=occ, b_iso=b_iso, u_aniso=u_aniso
    )


def reflections(reach: int = 8) -> st.SearchStrategy[Any]:
    """Draw a list of Miller indices in any order, with repetitions, perhaps empty."""
    order = st.integers(-reach, reach)
    lists = st.lists(st.tuples(order, order, order), max_size=40)
    return lists.map(lambda rows: np.array(rows, np.int32).reshape(-1, 3))
