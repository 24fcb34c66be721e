"""Structure factors of crystals: F(h) = sum_j occ_j f_j(h) exp(-T_j(h)) exp(+2 pi i h.x_j)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand import _dispatch, large_cells
from argand._asymmetric import Share, share
from argand._pack import Orders, hkl_lists, pack, row_order
from argand.crystal import Crystal

Complex = NDArray[np.complexfloating[Any, Any]]

_REAL = {"complex64": "float32", "complex128": "float64"}


@overload
def structure_factors(
    crystal: Crystal,
    hkl: ArrayLike,
    *,
    table: str = ...,
    energy_kev: float | None = ...,
    dtype: str = ...,
    method: str = ...,
    eps: float = ...,
    out: Complex | None = ...,
) -> Complex: ...


@overload
def structure_factors(
    crystal: Sequence[Crystal],
    hkl: ArrayLike | Sequence[ArrayLike],
    *,
    table: str = ...,
    energy_kev: float | None = ...,
    dtype: str = ...,
    method: str = ...,
    eps: float = ...,
    out: Complex | None = ...,
) -> Any: ...


def structure_factors(
    crystal: Crystal | Sequence[Crystal],
    hkl: ArrayLike | Sequence[ArrayLike],
    *,
    table: str = "it92",
    energy_kev: float | None = None,
    dtype: str = "complex128",
    method: str = "auto",
    eps: float = 1e-6,
    out: Complex | None = None,
) -> Complex | list[Complex]:
    """Complex structure factors of one crystal or of many in one call.

    F(h) = sum_j occ_j f_j(h) exp(-T_j(h)) exp(+2 pi i h.x_j), in electrons for x-rays,
    with T = B stol^2 for isotropic and h^T beta h for anisotropic displacement.

    Parameters
    ----------
    crystal
        One crystal, or a sequence of n crystals that are computed in one call.
    hkl
        Miller indices (m, 3) in any order; they need not be whole numbers (satellites). For several crystals: one
        array for all, or a sequence of n arrays. The full cube of `hkl_cube` is recognised and summed over half of it
        where F(-h) = conj F(h).
    table
        Form factors: "it92" (x-rays), "electron" or "neutron", see `form_factors`.
    energy_kev
        Photon energy. Given, f' + i f'' enters as f0 + f' + i f''; None (the default) leaves dispersion out.
    dtype
        "complex128" or "complex64" (the sum then runs in float32).
    method
        "direct", the sum over atoms, has no error but rounding. "nufft", for thousands of atoms, has the error `eps`
        and needs whole orders and finufft (`pip install argand[large]`). "auto" takes it where it is there and saves
        more than half of the time; see `argand.large_cells`.
    eps
        Largest error of "nufft" over the root mean square of F at low angles, 1e-12 to 1e-2; max |F| is some times
        that.
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
    if method not in ("auto", "direct", "nufft"):
        raise ValueError(f"method is {method!r}, needs 'auto', 'direct' or 'nufft'")
    single = isinstance(crystal, Crystal)
    crystals = [crystal] if isinstance(crystal, Crystal) else list(crystal)
    lists = hkl_lists(hkl, len(crystals))
    shares = [share(c, friedel=energy_kev is None) for c in crystals]
    ragged = len(lists) != 1
    if ragged and out is not None:
        raise ValueError("out is given with several lists of hkl, needs one list for all crystals")
    dispersion = energy_kev is not None
    each = lists if ragged else lists * len(shares)
    large = [
        method == "nufft" or (method == "auto" and large_cells.pays(s.part, h, eps, dispersion))
        for s, h in zip(shares, each, strict=True)
    ]
    apart: list[Complex] = []
    if any(large):
        for c, s, h, by_transforms in zip(crystals, shares, each, large, strict=True):
            if by_transforms:
                part = large_cells.structure_factors(s.part, h, table=table, energy_kev=energy_kev, eps=eps)
                apart.append(s.complete(part, h).astype(dtype, copy=False))
            else:
                apart.append(structure_factors(c, h, table=table, energy_kev=energy_kev, dtype=dtype, method="direct"))
    if ragged:
        return apart or _ragged(shares, lists, table, energy_kev, dtype)
    shape = (len(lists[0]),) if single else (len(crystals), len(lists[0]))
    if out is None:
        out = np.empty(shape, dtype)
    elif out.shape != shape or out.dtype != dtype or not out.flags.c_contiguous:
        raise ValueError(f"out is {out.dtype} {out.shape}, needs a C-contiguous {dtype} array of shape {shape}")
    if apart:
        for row, f in zip(np.atleast_2d(out), apart, strict=True):
            row[...] = f
        return out
    order = row_order(lists[0])
    sums = out if order is None else np.empty(shape, dtype)
    in_rows = lists[0] if order is None else np.ascontiguousarray(lists[0][order])
    batch = pack([s.part for s in shares], [in_rows], table=table, energy_kev=energy_kev, dtype=_REAL[dtype])
    _dispatch.structure_factors(batch, sums.reshape(batch.out_shape), trusted=True)
    for share_, g in zip(shares, np.atleast_2d(sums), strict=True):
        g[...] = share_.complete(g, in_rows)
    if order is not None:
        out[..., order] = sums
    return out


def _ragged(
    shares: Sequence[Share], lists: Sequence[Orders], table: str, energy_kev: float | None, dtype: str
) -> list[Complex]:
    """F of every crystal at its own reflections."""
    orders = [row_order(hkl) for hkl in lists]
    in_rows = [h if o is None else np.ascontiguousarray(h[o]) for h, o in zip(lists, orders, strict=True)]
    batch = pack([s.part for s in shares], in_rows, table=table, energy_kev=energy_kev, dtype=_REAL[dtype])
    assert batch.hkl_ptr is not None
    sums = np.empty(batch.out_shape, dtype)
    _dispatch.structure_factors(batch, sums, trusted=True)
    result = []
    for c, (share_, hkl, order) in enumerate(zip(shares, in_rows, orders, strict=True)):
        f = share_.complete(sums[batch.hkl_ptr[c] : batch.hkl_ptr[c + 1]], hkl)
        if order is not None:
            f, unordered = np.empty_like(f), f
            f[order] = unordered
        result.append(f)
    return result
