"""Crystals that large-cell sums are tried on, and the scale of their errors."""

from __future__ import annotations

import numpy as np

import argand
from argand.cell import matrix_to_sym, metric, u_aniso_from_beta

TYPES = ("C", "N", "O2-", "S", "Fe3+", "H")


def tensors(rng: np.random.Generator, b_iso: np.ndarray, cell: tuple[float, ...]) -> np.ndarray:
    """U_cif of the given equivalent B, principal values some 2 : 1, turned anyhow."""
    principal = np.exp(rng.normal(0, 0.35, (len(b_iso), 3)))
    principal *= (b_iso / (8 * np.pi**2) / principal.mean(axis=1))[:, None]
    axes = np.linalg.qr(rng.normal(size=(len(b_iso), 3, 3)))[0]
    u = np.einsum("nij,nj,nkj->nik", axes, principal, axes)
    to_frac = np.linalg.inv(np.linalg.cholesky(metric(cell)).T)
    return u_aniso_from_beta(matrix_to_sym(2 * np.pi**2 * to_frac @ u @ to_frac.T), cell)


def random_crystal(
    rng: np.random.Generator, atoms: int = 400, anisotropic: float = 0.0
) -> argand.Crystal:
    """Triclinic, six elements, B 5 to 80, partial occupancies; a fraction of the atoms anisotropic."""
    cell = (*rng.uniform(18, 26, 3), *rng.uniform(75, 110, 3))
    b_iso = rng.uniform(5, 80, atoms)
    u_aniso = tensors(rng, b_iso, cell)
    u_aniso[rng.random(atoms) >= anisotropic] = np.nan
    return argand.Crystal(
        cell=cell,
        types=tuple(rng.choice(TYPES, atoms)),
        frac=rng.uniform(-1, 2, (atoms, 3)),
        occ=rng.uniform(0.2, 1, atoms),
        b_iso=b_iso,
        u_aniso=u_aniso if anisotropic else None,
    )


def scale(crystal: argand.Crystal, hkl: np.ndarray, **more) -> float:
    """S of the promise: the largest root mean square of F for atoms anywhere."""
    stol = argand.stol(hkl, crystal.cell)
    kinds = sorted(set(crystal.types))
    f = np.abs(argand.form_factors(kinds, stol, **more))[[kinds.index(t) for t in crystal.types]]
    g = crystal.occ[:, None] * f * np.exp(-np.outer(crystal.b_iso, stol**2))
    return float(np.sqrt(np.square(g).sum(axis=0)).max())
