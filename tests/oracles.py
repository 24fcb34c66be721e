"""Slow truths: the definitions in ten lines each, without a trick."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def structure_factors(
    frac: NDArray[Any],
    beta: NDArray[Any],
    occ: NDArray[Any],
    form: NDArray[Any],
    hkl: NDArray[Any],
) -> NDArray[np.complex128]:
    """Sum F(h) = sum_j occ_j f_j(h) exp(-h^T beta_j h) exp(2 pi i h.x_j) over atoms.

    frac (atoms, 3), beta (atoms, 6), occ (atoms,), form (atoms, m) and hkl (m, 3) give F (m,).
    """
    h = np.asarray(hkl, float)
    tensor = beta[:, [0, 3, 4, 3, 1, 5, 4, 5, 2]].reshape(-1, 3, 3)
    exponent = np.einsum("hi,aij,hj->ah", h, tensor, h)
    terms = np.exp(2j * np.pi * frac @ h.T - exponent)
    weighted = occ[:, None] * form * terms
    return np.asarray(weighted.sum(axis=0))


def density(
    f: NDArray[Any],
    hkl: NDArray[Any],
    shape: tuple[int, int, int],
    volume: float,
) -> NDArray[np.float64]:
    """Sum rho(x) = (1/V) Re sum_h F(h) exp(-2 pi i h.x) on a grid, every reflection given."""
    axes = [np.arange(points) / points for points in shape]
    x = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    rho = np.zeros(shape)
    for h, value in zip(np.asarray(hkl), f, strict=True):
        wave = np.exp(-2j * np.pi * (x @ h))
        rho += (value * wave).real
    return rho / volume


def box(reach: tuple[int, int, int]) -> NDArray[np.int32]:
    """List the Miller indices -h..h, -k..k, -l..l of a box (m, 3), h slowest."""
    axes = [np.arange(-largest, largest + 1) for largest in reach]
    orders = np.meshgrid(*axes, indexing="ij")
    return np.stack(orders, axis=-1).reshape(-1, 3).astype(np.int32)


def site_jacobian(
    frac: NDArray[Any],
    beta: NDArray[Any],
    occ: float,
    hkl: NDArray[Any],
    turns: NDArray[Any],
) -> NDArray[np.complex128]:
    """Differentiate occ sum_o exp(-h^T beta h) exp(2 pi i (h.x + turns)) by all of one site.

    hkl (operations, m, 3) are the reflections as each operation turns them, turns (operations, m).
    Returns (10, m): the derivatives by x y z, beta 11 22 33 12 13 23 and occ.
    """
    h, k, l = np.moveaxis(np.asarray(hkl, float), 2, 0)
    products = np.stack([h * h, k * k, l * l, 2 * h * k, 2 * h * l, 2 * k * l])
    exponent = np.einsum("q,qom->om", beta, products)
    term = np.exp(2j * np.pi * (hkl @ frac + turns) - exponent)
    by_frac = 2j * np.pi * np.stack([h, k, l]) * term * occ
    by_beta = -products * term * occ
    return np.concatenate([by_frac, by_beta, term[None]]).sum(axis=1)


def dual_space_cycle(
    hkl: NDArray[Any],
    f: NDArray[Any],
    f000: float,
    amplitudes: NDArray[Any],
    *,
    shape: tuple[int, int, int],
    threshold: float,
    factor: float,
    shifted: NDArray[Any],
    cap: float,
) -> tuple[NDArray[np.complex128], NDArray[np.complex128], float]:
    """Make one dual-space cycle of one start by full complex transforms in double precision.

    hkl (n, 3) are one of each Friedel pair, f (n,) their structure factors, amplitudes (measured,)
    those of the first rows, shifted (measured,) bool. Density below `threshold` of its rms without
    F(000) is multiplied by `factor`. Returns F (n,), its calculated value G (n,) and F(000).
    """
    plus, minus = tuple(np.asarray(hkl).T), tuple(-np.asarray(hkl).T)
    box = np.zeros(shape, complex)
    box[plus], box[minus] = f, np.conj(f)
    # numpy's forward transform sums exp(-2 pi i h.x), as the density does.
    without_f000 = np.fft.fftn(box).real
    rho = without_f000 + f000
    rho = np.where(rho < threshold * without_f000.std(), factor * rho, rho)
    back = np.fft.ifftn(rho)
    g = back[plus]
    measured = len(amplitudes)
    new = g * np.minimum(1, cap / np.abs(g))
    new[:measured] = amplitudes * np.exp(1j * np.angle(g[:measured]))
    new[:measured][shifted] = 1j * g[:measured][shifted]
    return new, g, float(back[0, 0, 0].real)


def free_points(
    filling: Any,
    row: NDArray[np.int64],
    points: NDArray[np.float64],
    nearest: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Tell which points keep their distances; arguments of `argand._seam.find_free`."""
    is_free = np.ones(points.shape[:2], bool)
    for r, c in np.ndindex(is_free.shape):
        m11, m22, m33, m12, m13, m23 = filling.metric[row[r]]
        g = np.array([[m11, m12, m13], [m12, m22, m23], [m13, m23, m33]])
        for site in range(min(nearest.shape[-1], filling.sites[row[r]])):
            difference = filling.images[row[r], site] - points[r, c]
            difference -= np.rint(difference)
            squares = np.einsum("oi,ij,oj->o", difference, g, difference)
            is_free[r, c] &= not (squares < nearest[r, site]).any()
    return is_free
