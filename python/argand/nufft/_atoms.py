"""The atoms of a crystal as points that scatter isotropically.

An anisotropic atom is an isotropic one smeared by what its tensor has beyond its smallest eigenvalue, a Gaussian in
two directions. Gauss-Hermite quadrature replaces each of the two by n points:

    exp(-t) = sum_i w_i cos(sqrt(2t) x_i) + error,    |error| <= n! (2t)^n / (2n)!,

so that the atom becomes n1 n2 weighted points of one B. The orders n are the least that the bound allows.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from argand.cell import Cell, FloatArray, beta_from_u_aniso, metric, sym_to_matrix
from argand.crystal import Crystal

IntArray = NDArray[np.intp]

_MOST_POINTS = 64  # along one direction; reached only by displacements of several resolutions


class Atoms(NamedTuple):
    """What a crystal in P 1 consists of, by number instead of by name."""

    cell: Cell
    kinds: tuple[str, ...]
    kind: IntArray  # (n,) into kinds
    frac: FloatArray
    occ: FloatArray
    b_iso: FloatArray  # (n,) equivalent B of anisotropic atoms
    u_aniso: FloatArray | None  # (n, 6), rows of NaN for isotropic atoms


class Points(NamedTuple):
    """Isotropic scatterers: point p is `weight[p]` of atom `atom[p]`, which has the displacement `b[atom[p]]`."""

    b: FloatArray  # (n,) B of each atom, the isotropic part where it is anisotropic
    frac: FloatArray  # (p, 3)
    atom: IntArray | None = None  # (p,); None, as weight: each atom is a point
    weight: FloatArray | None = None  # (p,)

    def of_atoms(self, values: FloatArray) -> FloatArray:
        """What its atom has, for each point: (n,) to (p,)."""
        return values if self.atom is None else values.take(self.atom)

    def per_atom(self, values: FloatArray) -> FloatArray:
        """Weighted sums over the points of each atom: (p,) to (n,)."""
        if self.atom is None or self.weight is None:
            return values
        return np.bincount(self.atom, self.weight * values, minlength=len(self.b)).astype(
            np.float64
        )


# A crystal never changes, so neither do the numbers of its types
_made: WeakKeyDictionary[Crystal, Atoms] = WeakKeyDictionary()


def atoms_of(crystal: Crystal) -> Atoms:
    if crystal not in _made:
        _made[crystal] = _atoms_of(crystal)
    return _made[crystal]


def _atoms_of(crystal: Crystal) -> Atoms:
    kinds = tuple(dict.fromkeys(crystal.types))
    number = {kind: i for i, kind in enumerate(kinds)}
    kind = np.array([number[symbol] for symbol in crystal.types], dtype=np.intp)
    return Atoms(
        crystal.cell, kinds, kind, crystal.frac, crystal.occ, crystal.b_iso, crystal.u_aniso
    )


def points_of(atoms: Atoms, q: FloatArray, form: FloatArray, tolerance: float) -> Points:
    """Points whose sum is that of the atoms; `tolerance` bounds the error of an atom of occupancy 1.

    q are values of stol^2 that cover the reflections, form (kinds, p) the moduli of the form factors there.
    """
    n = len(atoms.kind)
    tensor = np.zeros(n, bool) if atoms.u_aniso is None else ~np.isnan(atoms.u_aniso[:, 0])
    whole = np.flatnonzero(~tensor)
    if len(whole) == n:
        return Points(atoms.b_iso, atoms.frac)
    assert atoms.u_aniso is not None
    rows = np.flatnonzero(tensor)
    b, excess, direction = principal(atoms.u_aniso[rows], atoms.cell)
    with np.errstate(divide="ignore"):
        log_g = np.log(form)[atoms.kind[rows]] - np.outer(b, q)
    order = np.stack([orders(log_g, q, excess[:, i], tolerance / 3) for i in (0, 1)], axis=1)
    axes = np.sqrt(excess / (8 * np.pi**2))[..., None] * direction  # root mean square displacements
    parts = [(whole, np.ones(len(whole)), atoms.frac[whole])]
    for n1, n2 in np.unique(order, axis=0):
        some = np.flatnonzero((order == [n1, n2]).all(axis=1))
        weight, shift = _product(
            int(n1), int(n2), tolerance / 3 / max(np.exp(log_g[some].max()), 1e-300)
        )
        moved = atoms.frac[rows[some], None] + shift @ axes[some]
        parts.append(
            (np.repeat(rows[some], len(weight)), np.tile(weight, len(some)), moved.reshape(-1, 3))
        )
    b_all = atoms.b_iso.copy()
    b_all[rows] = b
    atom, weight, frac = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Points(b_all, frac, atom, weight)


@lru_cache(maxsize=1024)
def _hermite(n: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of the mean over a normal distribution."""
    x, w = np.polynomial.hermite_e.hermegauss(n)
    return x, w / w.sum()


def _product(n1: int, n2: int, tolerance: float) -> tuple[FloatArray, FloatArray]:
    """Weights (p,) and places (p, 2) of the mean in two directions, without the lightest points."""
    (x1, w1), (x2, w2) = _hermite(n1), _hermite(n2)
    weight = np.outer(w1, w2).ravel()
    place = np.stack(np.meshgrid(x1, x2, indexing="ij"), axis=-1).reshape(-1, 2)
    rising = np.argsort(weight)
    kept = rising[np.cumsum(weight[rising]) > tolerance]
    return weight[kept], place[kept]


def principal(u_aniso: FloatArray, cell: Cell) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Least principal B (n,), what the others exceed it by (n, 2), their directions (n, 2, 3), fractional per angstrom.

    With metric G = O^T O, cartesian x = O frac and 2 pi^2 U = O beta O^T.
    """
    to_cartesian = np.linalg.cholesky(metric(cell)).T
    beta = sym_to_matrix(beta_from_u_aniso(u_aniso, cell))
    value, vector = np.linalg.eigh(
        4.0 * to_cartesian @ beta @ to_cartesian.T
    )  # B = 8 pi^2 U, rising
    direction = np.linalg.inv(to_cartesian) @ vector[:, :, 1:]
    return value[:, 0], value[:, 1:] - value[:, :1], direction.transpose(0, 2, 1)


def orders(
    log_g: FloatArray, q: FloatArray, excess: FloatArray, tolerance: float
) -> NDArray[np.int64]:
    """Least n for which g n! (2 excess q)^n / (2n)! <= tolerance at every q; log_g (n, p) is log of f exp(-b q)."""
    order = np.full(len(excess), _MOST_POINTS)
    with np.errstate(divide="ignore"):
        log_2t = np.log(2.0 * excess)[:, None] + np.log(q)
    left = np.arange(len(excess))
    for n in range(1, _MOST_POINTS):
        error = (log_g[left] + n * log_2t[left]).max(axis=1) + gammaln(n + 1) - gammaln(2 * n + 1)
        done = error <= np.log(tolerance)
        order[left[done]] = n
        left = left[~done]
        if not len(left):
            break
    return order
