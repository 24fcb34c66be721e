"""Slow truths: the definitions, ten lines each, without a trick."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def structure_factors(
    frac: NDArray[Any], beta: NDArray[Any], occ: NDArray[Any], form: NDArray[Any], hkl: NDArray[Any]
) -> NDArray[np.complex128]:
    """F(h) = sum_j occ_j f_j(h) exp(-h^T beta_j h) exp(2 pi i h.x_j); form (atoms, m), beta (atoms, 6)."""
    h = np.asarray(hkl, float)
    tensor = beta[:, [0, 3, 4, 3, 1, 5, 4, 5, 2]].reshape(-1, 3, 3)
    exponent = np.einsum("hi,aij,hj->ah", h, tensor, h)
    return np.asarray(
        (occ[:, None] * form * np.exp(2j * np.pi * frac @ h.T - exponent)).sum(axis=0)
    )


def density(
    f: NDArray[Any], hkl: NDArray[Any], shape: tuple[int, int, int], volume: float
) -> NDArray[np.float64]:
    """rho(x) = (1/V) Re sum_h F(h) exp(-2 pi i h.x) on a grid, every reflection given."""
    x = np.stack(np.meshgrid(*[np.arange(n) / n for n in shape], indexing="ij"), axis=-1)
    rho = np.zeros(shape)
    for h, value in zip(np.asarray(hkl), f, strict=True):
        rho += (value * np.exp(-2j * np.pi * (x @ h))).real
    return rho / volume


def box(reach: tuple[int, int, int]) -> NDArray[np.int32]:
    """-h..h, -k..k, -l..l, h slowest."""
    axes = [np.arange(-n, n + 1) for n in reach]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.int32)


def site_jacobian(
    frac: NDArray[Any], beta: NDArray[Any], occ: float, hkl: NDArray[Any], turns: NDArray[Any]
) -> NDArray[np.complex128]:
    """(10, m): d/d(x y z, beta 11 22 33 12 13 23, occ) of occ sum_o exp(-h^T beta h) exp(2 pi i (h.x + turns)).

    hkl (operations, m, 3) as each operation sees them, turns (operations, m).
    """
    h, k, l = np.moveaxis(np.asarray(hkl, float), 2, 0)
    products = np.stack([h * h, k * k, l * l, 2 * h * k, 2 * h * l, 2 * k * l])
    term = np.exp(2j * np.pi * (hkl @ frac + turns) - np.einsum("q,qom->om", beta, products))
    by_frac = 2j * np.pi * np.stack([h, k, l]) * term * occ
    return np.concatenate([by_frac, -products * term * occ, term[None]]).sum(axis=1)
