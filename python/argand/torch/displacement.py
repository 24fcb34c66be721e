"""Displacement parameters to the dimensionless beta of the core, differentiably."""

from __future__ import annotations

import numpy as np
import torch

from argand import cell as _cell


def beta_from_b_iso(b_iso: torch.Tensor, cell: tuple[float, ...]) -> torch.Tensor:
    """Isotropic B (n,) in A^2 to beta (n, 6): beta = (B / 4) G*, since B stol^2 = h^T (B / 4) G* h."""
    unit = _cell.beta_from_b_iso(np.ones(1), cell)
    return b_iso[:, None] * torch.as_tensor(unit, dtype=b_iso.dtype, device=b_iso.device)


def beta_from_u_aniso(u_aniso: torch.Tensor, cell: tuple[float, ...]) -> torch.Tensor:
    """Anisotropic U (n, 6), 11 22 33 12 13 23 in A^2, to beta (n, 6): beta_ij = 2 pi^2 a*_i a*_j U_ij."""
    unit = _cell.beta_from_u_aniso(np.ones((1, 6)), cell)
    return u_aniso * torch.as_tensor(unit, dtype=u_aniso.dtype, device=u_aniso.device)
