"""Structure factors of crystals: F(h) = sum_j occ_j f_j(h) exp(-T_j(h)) exp(+2 pi i h.x_j)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand import _seam, nufft
from argand._memory import demand, memory_limit
from argand._pack import Orders, hkl_lists, pack, row_order
from argand.copies import Share, share
from argand.crystal import Crystal
from argand.reflections import as_hkl

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
        and needs whole orders and finufft (`pip install argand[nufft]`). "auto" takes it where it is there and saves
        more than half of the time; see `argand.nufft`.
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
    MemoryLimitError
        It would take more than `argand.memory_limit()` even in blocks.

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
        method == "nufft" or (method == "auto" and nufft.pays(s.part, h, eps, dispersion))
        for s, h in zip(shares, each, strict=True)
    ]
    apart: list[Complex] = []
    if any(large):
        for c, s, h, by_transforms in zip(crystals, shares, each, large, strict=True):
            if by_transforms:
                whole = h if h.dtype == np.int32 else as_hkl(h)
                part = nufft.sum_in_p1(s.part, whole, table, energy_kev, eps)
                apart.append(s.complete(part, h).astype(dtype, copy=False))
            else:
                apart.append(
                    structure_factors(
                        c, h, table=table, energy_kev=energy_kev, dtype=dtype, method="direct"
                    )
                )
    how = How(table, energy_kev, dtype)
    if ragged:
        return apart or _ragged(shares, lists, how)
    if apart and single and out is None:
        return apart[0]
    shape = (len(lists[0]),) if single else (len(crystals), len(lists[0]))
    kept = 0
    if out is None:
        kept = len(crystals) * len(lists[0]) * how.itemsize
        if kept > memory_limit():  # the words cost something
            demand(_what(len(crystals), len(lists[0])), kept, _INSTEAD)
        out = np.empty(shape, dtype)
    elif out.shape != shape or out.dtype != dtype or not out.flags.c_contiguous:
        raise ValueError(
            f"out is {out.dtype} {out.shape}, needs a C-contiguous {dtype} array of shape {shape}"
        )
    if apart:
        for row, f in zip(np.atleast_2d(out), apart, strict=True):
            row[...] = f
    else:
        _direct(
            shares, lists[0], how, out.reshape(len(shares), len(lists[0])), memory_limit() - kept
        )
    return out


class How(NamedTuple):
    """What all crystals of a call have in common."""

    table: str
    energy_kev: float | None
    dtype: str

    @property
    def itemsize(self) -> int:
        return 8 if self.dtype == "complex64" else 16


# Bytes that a reflection takes besides F and form factors: its indices twice, its place, its row in the core
_REFLECTION = 128
_FEW = 1024  # reflections of the smallest block
_INSTEAD = "ask for fewer reflections or crystals at a time"


def _what(crystals: int, reflections: int) -> str:
    return f"F of {crystals} crystal{'s' if crystals > 1 else ''} at {reflections:,} reflections"


def _bytes_a_reflection(shares: Sequence[Share]) -> int:
    """F in rows and in order, and form factors of every type of atom in every cell, in two precisions at worst."""
    form = len({(s.part.cell, kind) for s in shares for kind in set(s.part.types)})
    return _REFLECTION + 48 * len(shares) + 32 * form


def _direct(shares: Sequence[Share], hkl: Orders, how: How, out: Complex, limit: float) -> None:
    """Sum into out (crystals, m), contiguous; in parts where all at once takes more than `limit` bytes."""
    m, n = len(hkl), len(shares)
    at_most = (
        _REFLECTION + 48 * n + 32 * sum(len(s.part.types) for s in shares)
    )  # as if all atoms were of other types
    if m * at_most <= limit or m * (each := _bytes_a_reflection(shares)) <= limit:
        _sum(shares, hkl, how, out)
    elif n > 1:
        _direct(shares[: n // 2], hkl, how, out[: n // 2], limit)
        _direct(shares[n // 2 :], hkl, how, out[n // 2 :], limit)
    else:
        demand(_what(n, m), memory_limit() - limit + each * min(m, _FEW), _INSTEAD)
        block = int(limit // each)
        for begin in range(0, m, block):
            some = slice(begin, begin + block)
            _sum(shares, hkl[some], how, out[:, some])


def _sum(shares: Sequence[Share], hkl: Orders, how: How, out: Complex) -> None:
    order = row_order(hkl)
    sums = out if order is None else np.empty(out.shape, how.dtype)
    in_rows = hkl if order is None else np.ascontiguousarray(hkl[order])
    parts = [s.part for s in shares]
    batch = pack(
        parts, [in_rows], table=how.table, energy_kev=how.energy_kev, dtype=_REAL[how.dtype]
    )
    _seam.structure_factors(batch, sums.reshape(batch.out_shape), trusted=True)
    for share_, g in zip(shares, sums, strict=True):
        f = share_.complete(g, in_rows)
        if f is not g:
            g[...] = f
    if order is not None:
        out[:, order] = sums


def _ragged(shares: Sequence[Share], lists: Sequence[Orders], how: How) -> list[Complex]:
    """F of every crystal at its own reflections, some crystals at a time where all take too much memory."""
    kept = sum(map(len, lists)) * how.itemsize
    demand(_what(len(shares), sum(map(len, lists))), kept, _INSTEAD)
    limit = memory_limit() - kept
    result: list[Complex] = []
    begin, taken = 0, 0
    for end, (share_, hkl) in enumerate(zip(shares, lists, strict=True)):
        own = len(hkl) * _bytes_a_reflection([share_])
        if end > begin and taken + own > limit:
            result += _ragged_sum(shares[begin:end], lists[begin:end], how, limit)
            begin, taken = end, 0
        taken += own
    return result + _ragged_sum(shares[begin:], lists[begin:], how, limit)


def _ragged_sum(
    shares: Sequence[Share], lists: Sequence[Orders], how: How, limit: float
) -> list[Complex]:
    if len(shares) == 1:
        f = np.empty((1, len(lists[0])), how.dtype)
        _direct(shares, lists[0], how, f, limit)
        return [f[0]]
    orders = [row_order(hkl) for hkl in lists]
    in_rows = [
        h if o is None else np.ascontiguousarray(h[o]) for h, o in zip(lists, orders, strict=True)
    ]
    parts = [s.part for s in shares]
    batch = pack(parts, in_rows, table=how.table, energy_kev=how.energy_kev, dtype=_REAL[how.dtype])
    assert batch.hkl_ptr is not None
    sums = np.empty(batch.out_shape, how.dtype)
    _seam.structure_factors(batch, sums, trusted=True)
    result = []
    for c, (share_, hkl, order) in enumerate(zip(shares, in_rows, orders, strict=True)):
        f = share_.complete(sums[batch.hkl_ptr[c] : batch.hkl_ptr[c + 1]], hkl)
        if order is not None:
            f, unordered = np.empty_like(f), f
            f[order] = unordered
        result.append(f)
    return result
