"""Write simulated data on other axes than those of their crystal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from argand.cell import metric
from argand.io import Reflections

# Indices of the crystal in terms of the measured ones: k, l, h, and k, h, -l.
CYCLIC = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
EXCHANGE = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])


def on_other_axes(reflections: Reflections, matrix: np.ndarray, *, cell: bool) -> Reflections:
    """Write data on axes that `matrix` turns into those of the crystal."""
    inverse = np.rint(np.linalg.inv(matrix)).astype(int)
    hkl = (reflections.hkl @ inverse.T).astype(np.int32)
    assert reflections.cell is not None
    g = inverse @ metric(reflections.cell) @ inverse.T
    lengths = np.sqrt(np.diag(g))
    angles = [
        float(np.degrees(np.arccos(g[i, j] / (lengths[i] * lengths[j]))))
        for i, j in ((1, 2), (0, 2), (0, 1))
    ]
    stated = (*lengths.tolist(), *angles) if cell else None
    return replace(reflections, hkl=hkl, cell=stated, spacegroup=None)
