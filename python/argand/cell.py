"""Describe the unit cell: its metric, and displacement parameters expressed in it.

A cell is (a, b, c, alpha, beta, gamma) in angstrom and degrees. G_ij = a_i . a_j is its metric and
G* = G^-1 the reciprocal metric, so that 1/d^2 = h^T G* h. Displacement parameters of every kind
become the dimensionless tensor beta of exp(-h^T beta h), six numbers in the order 11 22 33 12 13
23.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from argand._numbers import real_number
from argand.errors import ArgandError

__all__ = [
    "Cell",
    "FloatArray",
    "b_iso_from_u_aniso",
    "beta_from_b_iso",
    "beta_from_u_aniso",
    "beta_of_sites",
    "beta_rotations",
    "cell_parameters",
    "cell_volume",
    "matrix_to_sym",
    "metric",
    "reciprocal_metric",
    "sym_to_matrix",
    "u_aniso_from_beta",
]

Cell = tuple[float, float, float, float, float, float]
FloatArray = npt.NDArray[np.float64]

# Row and column in the 3 x 3 matrix of each of the six components 11 22 33 12 13 23.
_ROW = np.array([0, 1, 2, 0, 0, 1])
_COLUMN = np.array([0, 1, 2, 1, 2, 2])
# Number of the component that stands at each place of the 3 x 3 matrix.
_COMPONENT = np.array([[0, 3, 4], [3, 1, 5], [4, 5, 2]])

# Edges between these lengths (angstrom) are taken for cells: others are mistakes of units.
_SHORTEST_EDGE = 1e-3
_LONGEST_EDGE = 1e6
# Angles below this are in radians: no cell in degrees is so flat.
_RADIANS = 3.2

# Squared volume of the cell with unit edges below which the three edges lie in one plane.
_SMALLEST_VOLUME_FACTOR = 1e-12


def cell_parameters(cell: Sequence[float] | FloatArray) -> Cell:
    """Check six cell parameters (angstrom, degrees) and return them as floats.

    Raises
    ------
    ArgandError
        Names the parameters that no cell can have.
    """
    try:
        values = tuple(real_number("cell", value) for value in cell)
    except TypeError:
        raise ArgandError(f"cell is {cell!r:.60}, needs 6 numbers") from None
    if len(values) != 6:
        raise ArgandError(f"cell has {len(values)} numbers, needs 6: a, b, c, alpha, beta, gamma")
    a, b, c, alpha, beta, gamma = values
    edges = values[:3]
    angles = values[3:]
    in_range = min(edges) >= _SHORTEST_EDGE and max(edges) <= _LONGEST_EDGE
    if not (np.isfinite(values).all() and in_range):
        raise ArgandError(f"cell {values} needs positive lengths in angstrom")
    if min(angles) < _RADIANS:
        raise ArgandError(f"cell {values} has angles below {_RADIANS}, needs degrees")
    possible = max(angles) < 180.0
    if not (possible and _volume_factor(values) > _SMALLEST_VOLUME_FACTOR):
        raise ArgandError(f"cell {values} has angles (degrees) that no parallelepiped has")
    return (a, b, c, alpha, beta, gamma)


def _cosines(cell: Sequence[float]) -> tuple[float, float, float]:
    """Return cos alpha, cos beta, cos gamma, exactly 0 for a right angle."""
    # cos(90 degrees) is 6e-17 in floating point: an orthogonal cell must have a diagonal metric.
    cosines = []
    for angle in cell[3:]:
        cosines.append(0.0 if angle == 90.0 else float(np.cos(np.radians(angle))))
    ca, cb, cg = cosines
    return ca, cb, cg


def _volume_factor(cell: Sequence[float]) -> float:
    """Return (V / abc)^2 of a cell."""
    ca, cb, cg = _cosines(cell)
    return 1.0 - ca * ca - cb * cb - cg * cg + 2.0 * ca * cb * cg


def cell_volume(cell: Sequence[float]) -> float:
    """Return the volume of a cell in A^3.

    V = abc sqrt(1 - cos^2 alpha - cos^2 beta - cos^2 gamma + 2 cos alpha cos beta cos gamma).
    """
    a, b, c, *_ = cell
    return float(a * b * c * np.sqrt(_volume_factor(cell)))


def metric(cell: Sequence[float]) -> FloatArray:
    """Return the metric G (3, 3) in A^2: the squared length of a fractional vector x is x^T G x."""
    a, b, c, *_ = cell
    ca, cb, cg = _cosines(cell)
    ab = a * b * cg
    ac = a * c * cb
    bc = b * c * ca
    return np.array(
        [
            [a * a, ab, ac],
            [ab, b * b, bc],
            [ac, bc, c * c],
        ]
    )


def reciprocal_metric(cell: Sequence[float]) -> FloatArray:
    """Return the reciprocal metric G* = G^-1 (3, 3) in A^-2: 1/d^2 = h^T G* h."""
    return _reciprocal_metric(tuple(cell)).copy()


@lru_cache(maxsize=64)
def _reciprocal_metric(cell: tuple[float, ...]) -> FloatArray:
    """Return the reciprocal metric of a cell; see `reciprocal_metric`."""
    return np.asarray(np.linalg.inv(metric(cell)), dtype=np.float64)


def sym_to_matrix(six: FloatArray) -> FloatArray:
    """Return the symmetric matrices (..., 3, 3) of components (..., 6) 11 22 33 12 13 23."""
    return six[..., _COMPONENT]


def matrix_to_sym(matrix: FloatArray) -> FloatArray:
    """Return the components (..., 6) 11 22 33 12 13 23 of symmetric matrices (..., 3, 3)."""
    return matrix[..., _ROW, _COLUMN]


def beta_rotations(rotation: npt.NDArray[Any]) -> FloatArray:
    """Return matrices (..., 6, 6) that turn the six components of beta as R beta R^T does.

    Parameters
    ----------
    rotation : (..., 3, 3)
        R of symmetry operations x' = R x + t, in fractional coordinates.
    """
    units = sym_to_matrix(np.eye(6))
    images = np.einsum("...ij,qjk,...lk->...qil", rotation, units, rotation)
    # Row q holds the image of the q-th unit tensor, which is column q of the matrix.
    return np.ascontiguousarray(np.swapaxes(matrix_to_sym(images), -1, -2))


def _u_to_beta(cell: Sequence[float]) -> FloatArray:
    """Return the factors (6,) that turn the components of U (A^2) into components of beta."""
    star = np.sqrt(np.diag(reciprocal_metric(cell)))
    scale: FloatArray = 2.0 * np.pi**2 * star[_ROW] * star[_COLUMN]
    return scale


def beta_from_b_iso(b_iso: FloatArray, cell: Sequence[float]) -> FloatArray:
    """Return beta (n, 6) = (B/4) G* of isotropic B (n,) in A^2, since B stol^2 = B h^T G* h / 4."""
    six = matrix_to_sym(reciprocal_metric(cell))
    return np.asarray(b_iso, dtype=np.float64)[..., None] * (six / 4.0)


def beta_from_u_aniso(u_aniso: FloatArray, cell: Sequence[float]) -> FloatArray:
    """Return beta_ij = 2 pi^2 a*_i a*_j U_ij (n, 6) of U (n, 6) in A^2, as in a CIF."""
    return np.asarray(u_aniso, dtype=np.float64) * _u_to_beta(cell)


def beta_of_sites(
    b_iso: FloatArray,
    u_aniso: FloatArray | None,
    anisotropic: npt.NDArray[np.bool_],
    cell: Sequence[float],
) -> FloatArray:
    """Return beta (..., n, 6) of sites of which some are isotropic and some anisotropic.

    Parameters
    ----------
    b_iso : (..., n)
        B in A^2; not used for anisotropic sites.
    u_aniso : (..., n, 6) or None
        U in A^2; not used for isotropic sites.
    anisotropic : (n,)
        Which sites have a tensor U.
    cell
        Unit cell, angstrom and degrees.
    """
    beta = beta_from_b_iso(b_iso, cell)
    if u_aniso is not None and anisotropic.any():
        tensors = u_aniso[..., anisotropic, :]
        beta[..., anisotropic, :] = beta_from_u_aniso(tensors, cell)
    return beta


def u_aniso_from_beta(beta: FloatArray, cell: Sequence[float]) -> FloatArray:
    """Return U_ij = beta_ij / (2 pi^2 a*_i a*_j) (n, 6) in A^2 of beta (n, 6)."""
    return np.asarray(beta, dtype=np.float64) / _u_to_beta(cell)


def b_iso_from_u_aniso(u_aniso: FloatArray, cell: Sequence[float]) -> FloatArray:
    """Return the equivalent B (n,) in A^2 of U (n, 6).

    It is (8 pi^2 / 3) sum_ij U_ij a*_i a*_j a_i . a_j.
    """
    beta = sym_to_matrix(beta_from_u_aniso(u_aniso, cell))
    trace: FloatArray = np.einsum("...ij,ij->...", beta, metric(cell))
    return trace * (4.0 / 3.0)
