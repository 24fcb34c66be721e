"""Strained cells: what the point group allows of a random strain."""

from __future__ import annotations

import numpy as np

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.site_symmetry import cartesian_axes
from argand.symmetry import operations

__all__ = ["strained_cells"]


def strained_cells(crystal: Crystal, widths: FloatArray, drawn: FloatArray) -> FloatArray:
    """Cells (b, 6) whose edges are (1 + e) a_i, e a symmetric strain averaged over the point group.

    widths (b,) times drawn (b, 6), the components 11 22 33 12 13 23 of N(0, 1), is the strain before the average.
    """
    to_cartesian = cartesian_axes(crystal)
    rotations = (
        to_cartesian
        @ np.array([r for r, _ in operations(crystal.symops)])
        @ np.linalg.inv(to_cartesian)
    )
    cells = np.empty((len(drawn), 6))
    for i, (width, e) in enumerate(zip(widths, drawn, strict=True)):
        strain = np.array([[e[0], e[3], e[4]], [e[3], e[1], e[5]], [e[4], e[5], e[2]]])
        strain = width * np.einsum("oij,jk,olk->il", rotations, strain, rotations) / len(rotations)
        cells[i] = _cell_of((np.eye(3) + strain) @ to_cartesian, crystal)
    return cells


def _cell_of(vectors: FloatArray, parent: Crystal) -> FloatArray:
    """Six parameters of the cell whose edges are the columns; angles of 90 degrees that nothing has touched stay so."""
    g = vectors.T @ vectors
    lengths = np.sqrt(np.diag(g))
    cosines = np.array([g[1, 2], g[0, 2], g[0, 1]]) / lengths[[1, 0, 0]] / lengths[[2, 2, 1]]
    angles = np.degrees(np.arccos(cosines))
    angles = np.where(np.abs(angles - parent.cell[3:]) < 1e-9, parent.cell[3:], angles)
    return np.concatenate([lengths, angles])
