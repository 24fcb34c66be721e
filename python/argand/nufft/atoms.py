"""Replace anisotropic atoms by groups of points that scatter isotropically.

A sum over points needs scattering that depends on stol alone. An anisotropic atom is an isotropic
one, with the smallest principal B of its tensor, smeared by a Gaussian along the two other
principal directions. Gauss-Hermite quadrature replaces each of the two Gaussians by n points:

    exp(-t) = sum_i w_i cos(sqrt(2t) x_i) + error,    |error| <= n! (2t)^n / (2n)!,

so that the atom becomes n1 n2 weighted points of one B. The orders n1 and n2 are the smallest that
this bound allows.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from argand.cell import Cell, FloatArray, beta_from_u_aniso, metric, sym_to_matrix
from argand.crystal import Crystal

IntArray = NDArray[np.intp]
TypeNumbers = tuple[tuple[str, ...], IntArray]

# Quadrature points along one direction. Only displacements of several times the resolution of the
# data reach this limit.
_MOST_POINTS = 64
# Keeps logarithms and quotients finite where nothing scatters.
_TINY = 1e-300

# A crystal never changes, so the numbers of its atom types may be kept as long as it lives.
_numbers_by_crystal: WeakKeyDictionary[Crystal, TypeNumbers] = WeakKeyDictionary()


class Points(NamedTuple):
    """Hold isotropic scatterers: point p is the share `weight[p]` of atom `atom[p]`.

    `atom` and `weight` are None where each atom is one point.
    """

    b_iso: FloatArray  # (atoms,) B in A^2; of an anisotropic atom its smallest principal B
    frac: FloatArray  # (points, 3)
    atom: IntArray | None = None  # (points,)
    weight: FloatArray | None = None  # (points,)

    def values_of_atoms(self, values: FloatArray) -> FloatArray:
        """Give each point the value of its atom: (atoms,) to (points,)."""
        return values if self.atom is None else values.take(self.atom)

    def sum_by_atom(self, values: FloatArray) -> FloatArray:
        """Add the values of the points of each atom, times their weights: (points,) to (atoms,)."""
        if self.atom is None or self.weight is None:
            return values
        weighted = self.weight * values
        atoms = len(self.b_iso)
        sums = np.bincount(self.atom, weighted, minlength=atoms)
        return sums.astype(np.float64)


def type_numbers(crystal: Crystal) -> TypeNumbers:
    """Return the different atom types of a crystal, and for each atom the number of its type (n,).

    The result is kept as long as the crystal lives.
    """
    if crystal not in _numbers_by_crystal:
        types = tuple(dict.fromkeys(crystal.types))
        number_of_type = {symbol: number for number, symbol in enumerate(types)}
        numbers = [number_of_type[symbol] for symbol in crystal.types]
        _numbers_by_crystal[crystal] = types, np.array(numbers, dtype=np.intp)
    return _numbers_by_crystal[crystal]


def points_of_atoms(crystal: Crystal, q: FloatArray, form: FloatArray, tolerance: float) -> Points:
    """Replace the atoms of a crystal in P 1 by isotropic points that have the same sum.

    Parameters
    ----------
    crystal : Crystal
        Atoms with or without displacement tensors.
    q : (p,)
        Values of stol^2 in 1/A^2 that cover the reflections.
    form : (types, p)
        Moduli of the form factors of each atom type at q.
    tolerance : float
        Largest error of an atom of occupancy 1, in electrons.
    """
    u_aniso = crystal.u_aniso
    if u_aniso is None:
        return Points(crystal.b_iso, crystal.frac)
    has_tensor = ~np.isnan(u_aniso[:, 0])
    isotropic = np.flatnonzero(~has_tensor)
    anisotropic = np.flatnonzero(has_tensor)
    if not len(anisotropic):
        return Points(crystal.b_iso, crystal.frac)

    tensors = u_aniso[anisotropic]
    smallest_b, excess_b, directions = principal_displacements(tensors, crystal.cell)
    _, numbers = type_numbers(crystal)
    with np.errstate(divide="ignore"):
        log_form = np.log(form)[numbers[anisotropic]]
    log_scattering = log_form - np.outer(smallest_b, q)
    # The two directions and the points that are left out have a third of the tolerance each.
    share = tolerance / 3
    order_1 = quadrature_orders(log_scattering, q, excess_b[:, 0], share)
    order_2 = quadrature_orders(log_scattering, q, excess_b[:, 1], share)
    orders = np.stack([order_1, order_2], axis=1)
    # Root mean square displacements as vectors.
    lengths = np.sqrt(excess_b / (8 * np.pi**2))
    axes = lengths[..., None] * directions

    atom = [isotropic]
    weight = [np.ones(len(isotropic))]
    frac = [crystal.frac[isotropic]]
    for n1, n2 in np.unique(orders, axis=0):
        rows = np.flatnonzero((orders == [n1, n2]).all(axis=1))
        atoms = anisotropic[rows]
        strongest = max(np.exp(log_scattering[rows].max()), _TINY)
        weights, shifts = _product_rule(int(n1), int(n2), share / strongest)
        positions = crystal.frac[atoms, None] + shifts @ axes[rows]
        atom.append(np.repeat(atoms, len(weights)))
        weight.append(np.tile(weights, len(atoms)))
        frac.append(positions.reshape(-1, 3))
    b_iso = crystal.b_iso.copy()
    b_iso[anisotropic] = smallest_b
    return Points(
        b_iso=b_iso,
        frac=np.concatenate(frac),
        atom=np.concatenate(atom),
        weight=np.concatenate(weight),
    )


def principal_displacements(
    u_aniso: FloatArray, cell: Cell
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the principal values of displacement tensors U (n, 6) in A^2 as B, and their axes.

    With the metric G = O^T O, cartesian coordinates are x = O frac and 2 pi^2 U = O beta O^T.

    Returns
    -------
    smallest_b : (n,)
        Smallest principal B in A^2.
    excess_b : (n, 2)
        How much the two other principal B exceed it, in A^2.
    directions : (n, 2, 3)
        Unit vectors along these two axes, in fractional coordinates per angstrom.
    """
    to_cartesian = np.linalg.cholesky(metric(cell)).T
    beta = sym_to_matrix(beta_from_u_aniso(u_aniso, cell))
    # B = 8 pi^2 U; eigh sorts the eigenvalues, the smallest first.
    values, vectors = np.linalg.eigh(4.0 * to_cartesian @ beta @ to_cartesian.T)
    directions = np.linalg.inv(to_cartesian) @ vectors[:, :, 1:]
    smallest_b = values[:, 0]
    excess_b = values[:, 1:] - values[:, :1]
    return smallest_b, excess_b, directions.transpose(0, 2, 1)


def quadrature_orders(
    log_scattering: FloatArray, q: FloatArray, excess_b: FloatArray, tolerance: float
) -> NDArray[np.int64]:
    """Return for each atom the smallest order n whose quadrature error is below the tolerance.

    The error is g n! (2 excess_b q)^n / (2n)! at every q, with g = f exp(-b q).

    Parameters
    ----------
    log_scattering : (n, p)
        log g of each atom at each q.
    q : (p,)
        stol^2 in 1/A^2.
    excess_b : (n,)
        B in A^2 along one direction beyond the isotropic part.
    tolerance : float
        Largest error, in the unit of g.
    """
    from scipy.special import gammaln

    orders = np.full(len(excess_b), _MOST_POINTS)
    with np.errstate(divide="ignore"):
        log_2t = np.log(2.0 * excess_b)[:, None] + np.log(q)
    remaining = np.arange(len(excess_b))
    for n in range(1, _MOST_POINTS):
        largest = (log_scattering[remaining] + n * log_2t[remaining]).max(axis=1)
        log_error = largest + gammaln(n + 1) - gammaln(2 * n + 1)
        converged = log_error <= np.log(tolerance)
        orders[remaining[converged]] = n
        remaining = remaining[~converged]
        if not len(remaining):
            break
    return orders


@lru_cache(maxsize=1024)
def _normal_rule(n: int) -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights (n,) of the mean over a normal distribution."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    return nodes, weights / weights.sum()


def _product_rule(n1: int, n2: int, tolerance: float) -> tuple[FloatArray, FloatArray]:
    """Return weights (p,) and nodes (p, 2) of the mean over a normal distribution in a plane.

    The lightest points are left out as long as their weights add up to less than the tolerance.
    """
    nodes_1, weights_1 = _normal_rule(n1)
    nodes_2, weights_2 = _normal_rule(n2)
    weights = np.outer(weights_1, weights_2).ravel()
    plane = np.meshgrid(nodes_1, nodes_2, indexing="ij")
    nodes = np.stack(plane, axis=-1).reshape(-1, 2)
    lightest_first = np.argsort(weights)
    total = np.cumsum(weights[lightest_first])
    heavy = lightest_first[total > tolerance]
    return weights[heavy], nodes[heavy]
