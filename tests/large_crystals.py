"""Make random crystals for sums by non-uniform transforms, and the scale of their errors."""

from __future__ import annotations

import numpy as np

import argand
from argand.cell import matrix_to_sym, metric, u_aniso_from_beta

TYPES = ("C", "N", "O2-", "S", "Fe3+", "H")


def random_tensors(
    rng: np.random.Generator, b_iso: np.ndarray, cell: tuple[float, ...]
) -> np.ndarray:
    """Return U_cif (n, 6) in A^2 of equivalent B (n,), with principal values of some 2 : 1."""
    principal = np.exp(rng.normal(0, 0.35, (len(b_iso), 3)))
    u_iso = b_iso / (8 * np.pi**2)
    principal *= (u_iso / principal.mean(axis=1))[:, None]
    axes, _ = np.linalg.qr(rng.normal(size=(len(b_iso), 3, 3)))
    u = np.einsum("nij,nj,nkj->nik", axes, principal, axes)
    to_cartesian = np.linalg.cholesky(metric(cell)).T
    to_frac = np.linalg.inv(to_cartesian)
    beta = 2 * np.pi**2 * to_frac @ u @ to_frac.T
    return u_aniso_from_beta(matrix_to_sym(beta), cell)


def random_crystal(
    rng: np.random.Generator, atoms: int = 400, anisotropic: float = 0.0
) -> argand.Crystal:
    """Make a triclinic crystal of six elements with B of 5 to 80 A^2 and partial occupancies.

    `anisotropic` is the fraction of atoms that have a displacement tensor.
    """
    cell = (*rng.uniform(18, 26, 3), *rng.uniform(75, 110, 3))
    b_iso = rng.uniform(5, 80, atoms)
    u_aniso = random_tensors(rng, b_iso, cell)
    u_aniso[rng.random(atoms) >= anisotropic] = np.nan
    return argand.Crystal(
        cell=cell,
        types=tuple(rng.choice(TYPES, atoms)),
        frac=rng.uniform(-1, 2, (atoms, 3)),
        occ=rng.uniform(0.2, 1, atoms),
        b_iso=b_iso,
        u_aniso=u_aniso if anisotropic else None,
    )


def scale(crystal: argand.Crystal, hkl: np.ndarray, **radiation) -> float:
    """Return the largest root mean square of F for atoms at random positions, in electrons."""
    stol = argand.stol(hkl, crystal.cell)
    types = sorted(set(crystal.types))
    numbers = [types.index(symbol) for symbol in crystal.types]
    modulus = np.abs(argand.form_factors(types, stol, **radiation))[numbers]
    damping = np.exp(-np.outer(crystal.b_iso, stol**2))
    g = crystal.occ[:, None] * modulus * damping
    return float(np.sqrt(np.square(g).sum(axis=0)).max())
