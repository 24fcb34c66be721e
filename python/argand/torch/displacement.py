"""Displacement parameters to the dimensionless beta of the core, differentiably."""

from __future__ import annotations

import numpy as np
import torch

from argand import cell as _cell


def beta_from_b_iso(b_iso: torch.Tensor, cell: tuple[float, ...]) -> torch.Tensor:
    """Convert isotropic B to beta = (B / 4) G*, since B stol^2 = h^T (B / 4) G* h.

    Parameters
    ----------
    b_iso
        B (n,) in A^2.
    cell
        (a, b, c, alpha, beta, gamma) in angstrom and degrees.

    Returns
    -------
    (n, 6), 11 22 33 12 13 23, without unit, in the dtype and on the device of `b_iso`.
    """
    beta_of_one = _cell.beta_from_b_iso(np.ones(1), cell)
    factor = torch.as_tensor(beta_of_one, dtype=b_iso.dtype, device=b_iso.device)
    return b_iso[:, None] * factor


def beta_from_u_aniso(u_aniso: torch.Tensor, cell: tuple[float, ...]) -> torch.Tensor:
    """Convert anisotropic U to beta_ij = 2 pi^2 a*_i a*_j U_ij.

    Parameters
    ----------
    u_aniso
        U (n, 6) in A^2, 11 22 33 12 13 23 as in a CIF.
    cell
        (a, b, c, alpha, beta, gamma) in angstrom and degrees.

    Returns
    -------
    (n, 6), 11 22 33 12 13 23, without unit, in the dtype and on the device of `u_aniso`.
    """
    beta_of_ones = _cell.beta_from_u_aniso(np.ones((1, 6)), cell)
    factor = torch.as_tensor(beta_of_ones, dtype=u_aniso.dtype, device=u_aniso.device)
    return u_aniso * factor
