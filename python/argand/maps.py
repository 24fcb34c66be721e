"""What is put into a Fourier synthesis: coefficients of difference maps, and the Patterson function."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from argand.density import Complex, Real, map_from_structure_factors
from argand.reflections import as_hkl
from argand.symmetry import group_ops, triplets


def difference_coefficients(
    f_obs: ArrayLike, f_calc: ArrayLike, *, n_obs: float = 1.0, n_calc: float = 1.0
) -> Complex:
    """(n_obs |Fo| - n_calc |Fc|) exp(i phi_c): coefficients of the map Fo - Fc, with n_obs = 2 of 2Fo - Fc.

    `f_obs` (m,) are amplitudes on the scale of the complex `f_calc` (m,); where one is not finite (not measured) the
    coefficient is 0. Source: International Tables for Crystallography B, section 1.3.4.
    """
    observed, calculated = np.asarray(f_obs, float), np.asarray(f_calc)
    if observed.shape != calculated.shape:
        raise ValueError(
            f"f_obs has shape {observed.shape}, needs {calculated.shape}: that of f_calc"
        )
    known = np.isfinite(observed) & np.isfinite(calculated)
    size = np.where(known, n_obs * observed - n_calc * np.abs(calculated), 0.0)
    coefficients: Complex = size * np.exp(1j * np.angle(np.where(known, calculated, 0.0)))
    return coefficients


def patterson(
    hkl: ArrayLike,
    amplitude: ArrayLike,
    shape: tuple[int, int, int],
    *,
    cell: tuple[float, ...],
    spacegroup: str = "P 1",
    out: Real | None = None,
) -> Real:
    """P(u) = (1/V) sum_h |F(h)|^2 cos(2 pi h.u), the autocorrelation of the density, e^2/A^3, on a grid [ia, ib, ic].

    It needs no phases: its peaks are the vectors between atoms. `hkl` (m, 3), `amplitude` (m,) = |F|; its symmetry is
    that of `spacegroup` with all translations but the centring's left out, and an inversion (the Patterson group).

    Source: A. L. Patterson, Phys. Rev. 46, 372 (1934).
    """
    indices, size = as_hkl(hkl), np.asarray(amplitude)
    if size.shape != (len(indices),) or np.iscomplexobj(size):
        raise ValueError(
            f"amplitude is {size.dtype} {size.shape}, needs real numbers ({len(indices)},): |F|"
        )
    squares = (size * size).astype(np.complex64 if size.dtype == np.float32 else np.complex128)
    return map_from_structure_factors(
        indices, squares, shape, cell=cell, spacegroup=_patterson_group(spacegroup), out=out
    )


def _patterson_group(spacegroup: str) -> str:
    group = group_ops(spacegroup)
    group.sym_ops = [type(op)(op.triplet()) for op in group.sym_ops]
    for op in group.sym_ops:
        op.tran = [0, 0, 0]
    return ";".join(triplets(group))
