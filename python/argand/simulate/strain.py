"""Strained cells: what the point group allows of a random strain."""

from __future__ import annotations

import numpy as np

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.site_symmetry import cartesian_axes
from argand.symmetry import operations

__all__ = ["strained_cells"]

# An angle that differs by less (degrees) from that of the known cell was not strained: it stays
# exactly.
_SAME_ANGLE = 1e-9

# Where the six components 11 22 33 12 13 23 of a symmetric strain stand in its matrix.
_MATRIX_OF_COMPONENTS = np.array([[0, 3, 4], [3, 1, 5], [4, 5, 2]])


def strained_cells(crystal: Crystal, widths: FloatArray, normal: FloatArray) -> FloatArray:
    """Compute cells whose edges are (1 + e) a_i, e a strain that the point group allows.

    Parameters
    ----------
    crystal
        Its cell is strained.
    widths : (b,)
        Root mean square of the components before the average.
    normal : (b, 6)
        Components 11 22 33 12 13 23 from N(0, 1).

    Returns
    -------
    Cells (b, 6), angstrom and degrees.
    """
    edges = cartesian_axes(crystal)
    rotations = np.array([rotation for rotation, _ in operations(crystal.symops)])
    cartesian = edges @ rotations @ np.linalg.inv(edges)
    cells = np.empty((len(normal), 6))
    for row, width in enumerate(widths):
        strain = normal[row][_MATRIX_OF_COMPONENTS]
        image_sum = np.einsum("oij,jk,olk->il", cartesian, strain, cartesian)
        average = width * image_sum / len(cartesian)
        stretch = np.eye(3) + average
        cells[row] = _cell_of_edges(stretch @ edges, crystal)
    return cells


def _cell_of_edges(edges: FloatArray, known: Crystal) -> FloatArray:
    """Compute the cell (6,) whose edges are the columns (3, 3), unstrained angles unchanged."""
    metric = edges.T @ edges
    lengths = np.sqrt(np.diag(metric))
    a, b, c = lengths
    cos_alpha = metric[1, 2] / b / c
    cos_beta = metric[0, 2] / a / c
    cos_gamma = metric[0, 1] / a / b
    cosines = np.array([cos_alpha, cos_beta, cos_gamma])
    angles = np.degrees(np.arccos(cosines))
    known_angles = known.cell[3:]
    unstrained = np.abs(angles - known_angles) < _SAME_ANGLE
    return np.concatenate([lengths, np.where(unstrained, known_angles, angles)])
