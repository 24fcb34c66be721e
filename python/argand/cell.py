"""The unit cell: its metric, and displacement parameters expressed in it.

A cell is (a, b, c, alpha, beta, gamma) in angstrom and degrees. G_ij = a_i . a_j is its metric, G* = G^-1 the
reciprocal one, so that 1/d^2 = h^T G* h. Displacement parameters all become the dimensionless beta of
exp(-h^T beta h), six numbers in the order 11 22 33 12 13 23.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from argand.errors import ArgandError

__all__ = [
    "Cell",
    "FloatArray",
    "b_iso_from_u_aniso",
    "beta_from_b_iso",
    "beta_from_u_aniso",
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

_ROW = np.array([0, 1, 2, 0, 0, 1])
_COLUMN = np.array([0, 1, 2, 1, 2, 2])


def cell_parameters(cell: Sequence[float] | FloatArray) -> Cell:
    """Six checked floats; an `ArgandError` says which parameter cannot be."""
    values = tuple(float(value) for value in cell)
    if len(values) != 6:
        raise ArgandError(f"cell has {len(values)} numbers, needs 6: a, b, c, alpha, beta, gamma")
    a, b, c, alpha, beta, gamma = values
    if not (np.isfinite(values).all() and min(a, b, c) >= 1e-3 and max(a, b, c) <= 1e6):
        raise ArgandError(f"cell {values} needs positive lengths in angstrom")
    if not (
        min(alpha, beta, gamma) > 0.0
        and max(alpha, beta, gamma) < 180.0
        and _volume_factor(values) > 1e-12
    ):
        raise ArgandError(f"cell {values} has angles (degrees) that no parallelepiped has")
    return (a, b, c, alpha, beta, gamma)


def _cosines(cell: Sequence[float]) -> tuple[float, float, float]:
    # cos(90 degrees) is 6e-17 in floating point: an orthogonal cell must have a diagonal metric
    alpha, beta, gamma = (
        0.0 if angle == 90.0 else float(np.cos(np.radians(angle))) for angle in cell[3:]
    )
    return alpha, beta, gamma


def _volume_factor(cell: Sequence[float]) -> float:
    ca, cb, cg = _cosines(cell)
    return 1.0 - ca * ca - cb * cb - cg * cg + 2.0 * ca * cb * cg


def cell_volume(cell: Sequence[float]) -> float:
    """V = abc sqrt(1 - cos^2 alpha - cos^2 beta - cos^2 gamma + 2 cos alpha cos beta cos gamma), A^3."""
    a, b, c, *_ = cell
    return float(a * b * c * np.sqrt(_volume_factor(cell)))


def metric(cell: Sequence[float]) -> FloatArray:
    """G (3, 3), A^2: the squared length of a fractional vector x is x^T G x."""
    a, b, c, *_ = cell
    ca, cb, cg = _cosines(cell)
    return np.array(
        [
            [a * a, a * b * cg, a * c * cb],
            [a * b * cg, b * b, b * c * ca],
            [a * c * cb, b * c * ca, c * c],
        ]
    )


def reciprocal_metric(cell: Sequence[float]) -> FloatArray:
    """G* = G^-1 (3, 3), A^-2: 1/d^2 = h^T G* h."""
    return np.asarray(np.linalg.inv(metric(cell)), dtype=np.float64)


def sym_to_matrix(six: FloatArray) -> FloatArray:
    """(..., 6) in the order 11 22 33 12 13 23 to symmetric (..., 3, 3)."""
    return six[..., [[0, 3, 4], [3, 1, 5], [4, 5, 2]]]


def matrix_to_sym(matrix: FloatArray) -> FloatArray:
    """The inverse of `sym_to_matrix`."""
    return matrix[..., _ROW, _COLUMN]


def _u_to_beta(cell: Sequence[float]) -> FloatArray:
    star = np.sqrt(np.diag(reciprocal_metric(cell)))
    scale: FloatArray = 2.0 * np.pi**2 * star[_ROW] * star[_COLUMN]
    return scale


def beta_from_b_iso(b_iso: FloatArray, cell: Sequence[float]) -> FloatArray:
    """beta = (B/4) G*: B (n,) A^2 to (n, 6), since B stol^2 = B h^T G* h / 4."""
    six = matrix_to_sym(reciprocal_metric(cell))
    return np.asarray(b_iso, dtype=np.float64)[..., None] * (six / 4.0)


def beta_from_u_aniso(u_aniso: FloatArray, cell: Sequence[float]) -> FloatArray:
    """beta_ij = 2 pi^2 a*_i a*_j U_ij: U (n, 6) A^2 as in a CIF to (n, 6)."""
    return np.asarray(u_aniso, dtype=np.float64) * _u_to_beta(cell)


def u_aniso_from_beta(beta: FloatArray, cell: Sequence[float]) -> FloatArray:
    """The inverse of `beta_from_u_aniso`."""
    return np.asarray(beta, dtype=np.float64) / _u_to_beta(cell)


def b_iso_from_u_aniso(u_aniso: FloatArray, cell: Sequence[float]) -> FloatArray:
    """Equivalent B = (8 pi^2 / 3) sum_ij U_ij a*_i a*_j a_i . a_j: U (n, 6) to (n,), A^2."""
    beta = sym_to_matrix(beta_from_u_aniso(u_aniso, cell))
    trace: FloatArray = np.einsum("...ij,ij->...", beta, metric(cell))
    return trace * (4.0 / 3.0)
