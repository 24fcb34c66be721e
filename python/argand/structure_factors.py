"""Structure factors of crystals: F(h) = sum_j occ_j f_j(h) exp(-T_j(h)) exp(+2 pi i h.x_j)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand import _dispatch
from argand._pack import pack
from argand.crystal import Crystal

Complex = NDArray[np.complexfloating[Any, Any]]

_REAL = {"complex64": "float32", "complex128": "float64"}


def structure_factors(
    crystal: Crystal | Sequence[Crystal],
    hkl: ArrayLike | Sequence[ArrayLike],
    *,
    table: str = "it92",
    energy_kev: float | None = None,
    dtype: str = "complex128",
    method: str = "auto",
    out: Complex | None = None,
) -> Complex | list[Complex]:
    """Complex structure factors by direct summation over every atom of the cell.

    F(h) = sum_j occ_j f_j(h) exp(-T_j(h)) exp(+2 pi i h.x_j), in electrons for x-rays,
    with T = B stol^2 for isotropic and h^T beta h for anisotropic displacement.

    Parameters
    ----------
    crystal
        One crystal, or a sequence of n crystals that are computed in one call.
    hkl
        Miller indices (m, 3), integers. For several crystals: one array for all, or a sequence of n arrays.
        The full cube of `hkl_cube` is recognised and summed over half of it where F(-h) = conj F(h).
    table
        Form factors: "it92" (x-rays), "electron" or "neutron", see `form_factors`.
    energy_kev
        Photon energy. Given, f' + i f'' enters as f0 + f' + i f''; None (the default) leaves dispersion out.
    dtype
        "complex128" or "complex64" (the sum then runs in float32).
    method
        "auto" or "direct", the sum over atoms.
    out
        Array to write to, C-contiguous, of the shape and dtype returned; not for ragged lists.

    Returns
    -------
    (m,) for one crystal, (n, m) for several with one list, a list of n arrays for several lists.

    Raises
    ------
    ValueError, TypeError
        Name the argument, what it is and what it must be.
    ArgandError
        An atom type that the table does not know.

    Source: International Tables for Crystallography B, section 1.2 (structure factor, Debye-Waller factor).
    """
    if dtype not in _REAL:
        raise ValueError(f"dtype is {dtype!r}, needs 'complex128' or 'complex64'")
    if method not in ("auto", "direct"):
        raise ValueError(f"method is {method!r}, needs 'auto' or 'direct'")
    single = isinstance(crystal, Crystal)
    crystals = [crystal] if isinstance(crystal, Crystal) else list(crystal)
    batch = pack(crystals, hkl, table=table, energy_kev=energy_kev, dtype=_REAL[dtype])
    ragged = batch.hkl_ptr is not None
    if ragged and out is not None:
        raise ValueError("out is given with several lists of hkl, needs one list for all crystals")
    count = batch.out_shape[0] if ragged else int(np.prod(batch.out_shape[1:]))
    shape = (count,) if single or ragged else (len(crystals), count)
    if out is None:
        out = np.empty(shape, dtype)
    elif out.shape != shape:
        raise ValueError(f"out has shape {out.shape}, needs {shape}")
    elif not out.flags.c_contiguous:
        raise ValueError("out is strided, needs to be contiguous (C order)")
    _dispatch.structure_factors(batch, out.reshape(batch.out_shape))
    if batch.hkl_ptr is not None:
        return [out[a:b] for a, b in zip(batch.hkl_ptr[:-1], batch.hkl_ptr[1:], strict=True)]
    return out
