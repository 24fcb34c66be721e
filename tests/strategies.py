"""Hypothesis strategies: cells, crystals and batches as hostile as nature makes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import argand


@st.composite
def cells(draw: Any) -> tuple[float, ...]:
    """Any triclinic cell that is no pancake."""
    lengths = [draw(st.floats(3.0, 30.0)) for _ in range(3)]
    while True:
        angles = [draw(st.floats(60.0, 120.0)) for _ in range(3)]
        ca, cb, cg = np.cos(np.radians(angles))
        if 1 - ca * ca - cb * cb - cg * cg + 2 * ca * cb * cg > 0.15:
            return (*lengths, *angles)


@st.composite
def crystals(draw: Any, max_sites: int = 12) -> argand.Crystal:
    """P 1, zero to a few sites, isotropic or anisotropic, B from 0 to 200 A^2."""
    cell = draw(cells())
    n = draw(st.integers(0, max_sites))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    u_aniso = None
    if draw(st.booleans()):
        root = rng.normal(size=(n, 3, 3)) * 0.15
        u = root @ root.transpose(0, 2, 1)
        u_aniso = np.stack(
            [u[:, 0, 0], u[:, 1, 1], u[:, 2, 2], u[:, 0, 1], u[:, 0, 2], u[:, 1, 2]], axis=1
        )
    return argand.Crystal(
        cell=cell,
        types=tuple(rng.choice(["H", "C", "O2-", "Fe3+", "U"], n)),
        frac=rng.uniform(-2, 2, (n, 3)),
        occ=rng.uniform(0, 1, n),
        b_iso=rng.choice([0.0, 1.0, 20.0, 200.0], n),
        u_aniso=u_aniso,
    )


def reflections(reach: int = 8) -> st.SearchStrategy[Any]:
    """A list of Miller indices in any order, with repetitions, perhaps empty."""
    order = st.integers(-reach, reach)
    return st.lists(st.tuples(order, order, order), max_size=40).map(
        lambda h: np.array(h, np.int32).reshape(-1, 3)
    )
