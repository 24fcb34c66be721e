"""Unit cells of artificial crystals: any crystal system, a given volume, many at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.simulate.artificial.space_groups import GroupOperations

__all__ = ["NUMBERS_OF_A_LATTICE", "cells_of", "draw_metrics", "orthogonal", "reciprocal", "widths"]

#: Uniform numbers that one shape takes: three pairs for the edges, and three angles
NUMBERS_OF_A_LATTICE = 9

# Standard deviation of the logarithm of an edge, as measured cells have.
_EDGE_SPREAD = 0.27

# Free angles lie between these (degrees): reduced triclinic and conventional monoclinic cells.
_SMALLEST_ANGLE = 75.0
_LARGEST_ANGLE = 118.0

# Angles are rounded to so many decimals, so that 90 and 120 degrees are exact.
_DECIMALS = 9


def draw_metrics(
    operations: GroupOperations, uniform: FloatArray, volume: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Make metrics of cells that a space group allows.

    A cell of any shape is drawn, and its metric averaged over the rotations of the group.

    Parameters
    ----------
    operations
        The group.
    uniform : (b, 9)
        Uniform numbers in (0, 1).
    volume : (b,)
        Volumes of the cells, A^3.

    Returns
    -------
    Metrics (6, b), A^2, in the order 11 22 33 12 13 23, and where (b,) three angles drawn form a
    cell.
    """
    radius = np.sqrt(-2.0 * np.log(uniform[:, 0:6:2]))
    edges = np.exp(_EDGE_SPREAD * radius * np.cos(2.0 * np.pi * uniform[:, 1:6:2])).T
    span = _LARGEST_ANGLE - _SMALLEST_ANGLE
    cosines = np.cos(np.radians(_SMALLEST_ANGLE + span * uniform[:, 6:9])).T
    a, b, c = edges
    metric = np.stack(
        [a * a, b * b, c * c, a * b * cosines[2], a * c * cosines[1], b * c * cosines[0]]
    )
    metric = operations.mean_metric(metric)
    squared_volume = determinant(metric)
    # Flat cells have no room: their volume is below a fifth of the product of their edges.
    product = metric[0] * metric[1] * metric[2]
    possible = squared_volume > 0.04 * product
    scale = np.cbrt(np.square(volume) / np.where(possible, squared_volume, 1.0))
    return metric * scale, possible


def determinant(metric: FloatArray) -> FloatArray:
    """Return the determinants (b,) of symmetric matrices (6, b): squared volumes of metrics."""
    m11, m22, m33, m12, m13, m23 = metric
    minors = m11 * m22 * m33 + 2.0 * m12 * m13 * m23
    return np.asarray(minors - m11 * m23 * m23 - m22 * m13 * m13 - m33 * m12 * m12)


def reciprocal(metric: FloatArray) -> FloatArray:
    """Return the inverses (6, b) of metrics (6, b)."""
    m11, m22, m33, m12, m13, m23 = metric
    adjugate = np.stack(
        [
            m22 * m33 - m23 * m23,
            m11 * m33 - m13 * m13,
            m11 * m22 - m12 * m12,
            m13 * m23 - m12 * m33,
            m12 * m23 - m13 * m22,
            m12 * m13 - m11 * m23,
        ]
    )
    return adjugate / determinant(metric)


def widths(metric: FloatArray) -> FloatArray:
    """Return the distances (3, b), angstrom, between neighbouring planes h, k, l = 100, 010, 001.

    A vector shorter than half of each has fractional components below 1/2: rounding finds it.
    """
    return np.asarray(1.0 / np.sqrt(reciprocal(metric)[:3]))


def orthogonal(metric: FloatArray) -> FloatArray:
    """Return matrices (6, b) that take Cartesian angstrom to fractional coordinates.

    They are upper triangular, 11 22 33 12 13 23; x lies along a, y in the plane of a and b.
    """
    m11, m22, m33, m12, m13, m23 = metric
    ax = np.sqrt(m11)
    bx = m12 / ax
    by = np.sqrt(m22 - bx * bx)
    cx = m13 / ax
    cy = (m23 - bx * cx) / by
    cz = np.sqrt(m33 - cx * cx - cy * cy)
    inverse = [
        1.0 / ax,
        1.0 / by,
        1.0 / cz,
        -bx / (ax * by),
        (bx * cy - by * cx) / (ax * by * cz),
        -cy / (by * cz),
    ]
    return np.stack(inverse)


def cells_of(metric: FloatArray) -> FloatArray:
    """Return cells (b, 6), angstrom and degrees, of metrics (6, b)."""
    edges = np.sqrt(metric[:3])
    cosines = metric[[5, 4, 3]] / np.stack(
        [edges[1] * edges[2], edges[0] * edges[2], edges[0] * edges[1]]
    )
    angles = np.round(np.degrees(np.arccos(cosines)), _DECIMALS)
    return np.concatenate([edges, angles]).T
