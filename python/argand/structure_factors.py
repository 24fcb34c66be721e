"""Compute structure factors: F(h) = sum_j occ_j f_j(h) exp(-T_j(h)) exp(+2 pi i h.x_j).

A call is planned first: which crystals are summed over atoms and which by transforms, in which
order the kernels walk the reflections, and in how many blocks the sum keeps to the memory limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand import _seam, nufft
from argand._memory import demand, memory_limit
from argand._numbers import real_number
from argand._pack import Orders, hkl_lists, pack, row_order
from argand.completion import Completion, independent_part
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.form_factors import Corrections
from argand.reflections import as_hkl
from argand.tabulated import FormFactorTable, tabulated_structure_factors

Complex = NDArray[np.complexfloating[Any, Any]]

# The atoms of a crystal that are summed, in P 1, and what completes their sum.
Part = tuple[Crystal, Completion]

_REAL = {"complex64": "float32", "complex128": "float64"}

# Bytes of a reflection besides F and form factors: its indices in two orders, its place in the
# order of the kernels, its row in the core.
_BYTES_OF_REFLECTION = 128
# Bytes of F at one reflection: in the order of the kernels, completed, and in the caller's order.
_BYTES_OF_F = 48
# Bytes of one form factor: in float64 and once more in the type of the sum, complex at worst.
_BYTES_OF_FORM = 32
# Reflections of the smallest block: smaller ones would cost more in calls than in sums.
_SMALLEST_BLOCK = 1024
_ADVICE = "ask for fewer reflections or crystals at a time"


class SumSettings(NamedTuple):
    """Hold what all crystals of a call have in common; see `structure_factors` for the values."""

    table: str
    energy_kev: float | None
    corrections: Corrections
    dtype: str
    method: str
    eps: float

    @property
    def real_form(self) -> bool:
        """Tell whether form factors are real: dispersion is left out."""
        return self.energy_kev is None

    @property
    def itemsize(self) -> int:
        """Return the bytes of one complex F."""
        return 8 if self.dtype == "complex64" else 16

    def by_transforms(self, part: Crystal, hkl: Orders) -> bool:
        """Tell whether a crystal in P 1 is summed by non-uniform transforms at a list (m, 3)."""
        if self.method == "auto":
            return nufft.pays(part, hkl, self.eps, not self.real_form)
        return self.method == "nufft"


@overload
def structure_factors(
    crystal: Crystal,
    hkl: ArrayLike,
    *,
    table: str | FormFactorTable = ...,
    energy_kev: float | None = ...,
    corrections: Corrections = ...,
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
    corrections: Corrections = ...,
    dtype: str = ...,
    method: str = ...,
    eps: float = ...,
    out: Complex | None = ...,
) -> Any: ...


def structure_factors(
    crystal: Crystal | Sequence[Crystal],
    hkl: ArrayLike | Sequence[ArrayLike],
    *,
    table: str | FormFactorTable = "it92",
    energy_kev: float | None = None,
    corrections: Corrections = (),
    dtype: str = "complex128",
    method: str = "auto",
    eps: float = 1e-6,
    out: Complex | None = None,
) -> Complex | list[Complex]:
    """Compute complex structure factors of one crystal, or of many in one call.

    F(h) = sum_j occ_j f_j(h) exp(-T_j(h)) exp(+2 pi i h.x_j), in electrons for x-rays,
    with T = B stol^2 for isotropic and h^T beta h for anisotropic displacement.

    Parameters
    ----------
    crystal
        One crystal, or a sequence of n crystals that are computed in one call.
    hkl
        Miller indices (m, 3) in any order; they need not be whole numbers (satellites). For several
        crystals: one array for all, or a sequence of n arrays. The full cube of `hkl_cube` is
        recognised and summed over half of it where F(-h) = conj F(h).
    table
        Form factors: "it92" (x-rays), "electron" or "neutron", see `form_factors`; or a
        `FormFactorTable`, as `argand.io.read_tsc` reads it, for one crystal, summed directly.
    energy_kev
        Photon energy. Given, f' + i f'' enters as f0 + f' + i f''; None (the default) leaves
        dispersion out.
    corrections
        (element, f', f'') in electrons at this energy, instead of the tabulated ones: at an
        absorption edge the tables are not good enough.
    dtype
        "complex128" or "complex64": the sum then runs in float32, and its error is about
        |h| 1e-7 of the root mean square of F. Whole cells are taken off the positions before they
        are rounded, except for orders that are not whole numbers.
    method
        "direct", the sum over atoms, has no error but rounding. "nufft", for thousands of atoms,
        has the error `eps` and needs whole orders and finufft (the extra `nufft`).
        "auto" takes it where it is there and saves more than half of the time; see `argand.nufft`.
    eps
        Largest error of "nufft" over the root mean square of F at low angles, 1e-11 to 1e-2;
        max |F| is some times that.
    out
        Array to write to, C-contiguous, of the shape and dtype returned, apart from `hkl`; not for
        ragged lists.

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

    Source: International Tables for Crystallography B, section 1.2 (structure factor, Debye-Waller
    factor).
    """
    if dtype not in _REAL:
        raise ArgandError(f"dtype is {dtype!r}, needs 'complex128' or 'complex64'")
    if method not in ("auto", "direct", "nufft"):
        raise ArgandError(f"method is {method!r}, needs 'auto', 'direct' or 'nufft'")
    if isinstance(table, FormFactorTable):
        if not isinstance(crystal, Crystal) or out is not None or method == "nufft":
            raise ArgandError("a table of form factors is of one crystal, without out and nufft")
        return tabulated_structure_factors(
            crystal, hkl, table, energy_kev=energy_kev, corrections=corrections, dtype=dtype
        )
    settings = SumSettings(table, energy_kev, corrections, dtype, method, real_number("eps", eps))
    crystals = [crystal] if isinstance(crystal, Crystal) else list(crystal)
    lists = hkl_lists(hkl, len(crystals))
    parts = [independent_part(each, settings.real_form) for each in crystals]
    if len(lists) != 1:
        if out is not None:
            raise ValueError(
                "out is given with several lists of hkl, needs one list for all crystals"
            )
        return _sum_at_lists(parts, lists, settings)
    reflections = len(lists[0])
    shape = (reflections,) if isinstance(crystal, Crystal) else (len(crystals), reflections)
    limit = memory_limit()
    if out is None:
        output_bytes = len(crystals) * reflections * settings.itemsize
        # Building the message is slow: only when it is needed.
        if output_bytes > limit:
            demand(_describe(len(crystals), reflections), output_bytes, _ADVICE)
        limit -= output_bytes
        out = np.empty(shape, dtype)
    else:
        _seam.check_output(out, shape, dtype, hkl=hkl)
    _sum_at_one_list(parts, lists[0], settings, out.reshape(len(crystals), reflections), limit)
    return out


def _describe(crystals: int, reflections: int) -> str:
    """Return the words for F of so many crystals at so many reflections."""
    plural = "s" if crystals > 1 else ""
    return f"F of {crystals} crystal{plural} at {reflections:,} reflections"


def _sum_at_one_list(
    parts: Sequence[Part], hkl: Orders, settings: SumSettings, out: Complex, limit: float
) -> None:
    """Write F of every crystal at one list into `out` (n, m), in at most `limit` further bytes."""
    direct = []
    for row, (part, completion) in enumerate(parts):
        if settings.by_transforms(part, hkl):
            out[row] = _sum_by_transforms(part, completion, hkl, settings)
        else:
            direct.append(row)
    if len(direct) == len(parts):
        _sum_in_blocks(parts, hkl, settings, out, limit)
    elif direct:
        sums = np.empty((len(direct), len(hkl)), settings.dtype)
        direct_parts = [parts[row] for row in direct]
        _sum_in_blocks(direct_parts, hkl, settings, sums, limit - sums.nbytes)
        out[direct] = sums


def _sum_at_lists(
    parts: Sequence[Part], lists: Sequence[Orders], settings: SumSettings
) -> list[Complex]:
    """Return F of every crystal at a list of its own."""
    results: dict[int, Complex] = {}
    direct = []
    for number, (part, completion) in enumerate(parts):
        if settings.by_transforms(part, lists[number]):
            f = _sum_by_transforms(part, completion, lists[number], settings)
            results[number] = f.astype(settings.dtype, copy=False)
        else:
            direct.append(number)
    reflections = sum(len(lists[number]) for number in direct)
    output_bytes = reflections * settings.itemsize
    demand(_describe(len(direct), reflections), output_bytes, _ADVICE)
    limit = memory_limit() - output_bytes
    for group in _groups_of_lists(direct, parts, lists, limit):
        group_parts = [parts[number] for number in group]
        group_lists = [lists[number] for number in group]
        sums = _sum_group_of_lists(group_parts, group_lists, settings, limit)
        results.update(zip(group, sums, strict=True))
    return [results[number] for number in range(len(parts))]


def _sum_by_transforms(
    part: Crystal, completion: Completion, hkl: Orders, settings: SumSettings
) -> Complex:
    """Return F (m,) of a large crystal by non-uniform fast Fourier transforms."""
    whole = hkl if hkl.dtype == np.int32 else as_hkl(hkl)
    sums = nufft.sum_in_p1(
        part, whole, settings.table, settings.energy_kev, settings.eps, settings.corrections
    )
    return completion.complete(sums, hkl)


def _bytes_a_reflection(parts: Sequence[Part]) -> int:
    """Estimate the bytes that a sum takes for one reflection of all crystals."""
    # Crystals of one cell share the form factors of an atom type.
    forms: set[tuple[Any, str]] = set()
    for part, _ in parts:
        forms.update((part.cell, kind) for kind in set(part.types))
    return _BYTES_OF_REFLECTION + _BYTES_OF_F * len(parts) + _BYTES_OF_FORM * len(forms)


def _fits(parts: Sequence[Part], reflections: int, limit: float) -> bool:
    """Tell whether a sum over all crystals at once keeps to `limit` bytes."""
    # Most calls are small: as if every atom had a type of its own, which is fast to count.
    forms = sum(len(part.types) for part, _ in parts)
    at_most = _BYTES_OF_REFLECTION + _BYTES_OF_F * len(parts) + _BYTES_OF_FORM * forms
    if reflections * at_most <= limit:
        return True
    return reflections * _bytes_a_reflection(parts) <= limit


def _blocks(parts: Sequence[Part], reflections: int, limit: float) -> Iterator[tuple[slice, slice]]:
    """Cut a sum of n crystals at m reflections into blocks that keep to `limit` bytes.

    Yields slices of the crystals and of the reflections. Crystals are halved until all reflections
    of a half fit; a single crystal is cut into blocks of reflections.
    """
    waiting = [(0, len(parts))]
    while waiting:
        begin, end = waiting.pop()
        block = parts[begin:end]
        if _fits(block, reflections, limit):
            yield slice(begin, end), slice(0, reflections)
        elif len(block) > 1:
            middle = begin + len(block) // 2
            waiting += [(middle, end), (begin, middle)]
        else:
            bytes_each = _bytes_a_reflection(block)
            smallest = bytes_each * min(reflections, _SMALLEST_BLOCK)
            demand(_describe(1, reflections), memory_limit() - limit + smallest, _ADVICE)
            size = int(limit // bytes_each)
            for first in range(0, reflections, size):
                yield slice(begin, end), slice(first, first + size)


def _sum_in_blocks(
    parts: Sequence[Part], hkl: Orders, settings: SumSettings, out: Complex, limit: float
) -> None:
    """Write F by the sum over atoms into `out` (n, m), in blocks that take up to `limit` bytes."""
    if _fits(parts, len(hkl), limit):
        _sum_over_atoms(parts, hkl, settings, out)
        return
    for crystals, reflections in _blocks(parts, len(hkl), limit):
        block = out[crystals, reflections]
        _sum_over_atoms(parts[crystals], hkl[reflections], settings, block)


def _sum_over_atoms(
    parts: Sequence[Part], hkl: Orders, settings: SumSettings, out: Complex
) -> None:
    """Write F of all crystals at one list into `out` (n, m), in one call into the core."""
    order = row_order(hkl)
    sums = out
    sorted_hkl = hkl
    if order is not None:
        sorted_hkl = np.ascontiguousarray(hkl[order])
    if order is not None or not out.flags.c_contiguous:
        sums = np.empty(out.shape, settings.dtype)
    batch = pack(
        [part for part, _ in parts],
        [sorted_hkl],
        table=settings.table,
        energy_kev=settings.energy_kev,
        corrections=settings.corrections,
        dtype=_REAL[settings.dtype],
    )
    _seam.structure_factors(batch, sums.reshape(batch.out_shape), trusted=True)
    for (_, completion), partial in zip(parts, sums, strict=True):
        f = completion.complete(partial, sorted_hkl)
        if f is not partial:
            partial[...] = f
    if sums is not out:
        out[:, slice(None) if order is None else order] = sums


def _groups_of_lists(
    numbers: Sequence[int], parts: Sequence[Part], lists: Sequence[Orders], limit: float
) -> Iterator[list[int]]:
    """Yield groups of crystals, each with a list of its own, whose sums keep to `limit` bytes."""
    group: list[int] = []
    group_bytes = 0
    for number in numbers:
        needed = len(lists[number]) * _bytes_a_reflection([parts[number]])
        if group and group_bytes + needed > limit:
            yield group
            group, group_bytes = [], 0
        group.append(number)
        group_bytes += needed
    if group:
        yield group


def _sum_group_of_lists(
    parts: Sequence[Part], lists: Sequence[Orders], settings: SumSettings, limit: float
) -> list[Complex]:
    """Return F by the sum over atoms of crystals that have lists of their own, in one call."""
    if len(parts) == 1:
        single = np.empty((1, len(lists[0])), settings.dtype)
        _sum_in_blocks(parts, lists[0], settings, single, limit)
        return [single[0]]
    orders = [row_order(hkl) for hkl in lists]
    sorted_lists = []
    for hkl, order in zip(lists, orders, strict=True):
        sorted_lists.append(hkl if order is None else np.ascontiguousarray(hkl[order]))
    batch = pack(
        [part for part, _ in parts],
        sorted_lists,
        table=settings.table,
        energy_kev=settings.energy_kev,
        corrections=settings.corrections,
        dtype=_REAL[settings.dtype],
    )
    assert batch.hkl_ptr is not None
    sums = np.empty(batch.out_shape, settings.dtype)
    _seam.structure_factors(batch, sums, trusted=True)
    results = []
    for number, (_, completion) in enumerate(parts):
        partial = sums[batch.hkl_ptr[number] : batch.hkl_ptr[number + 1]]
        f = completion.complete(partial, sorted_lists[number])
        order = orders[number]
        if order is not None:
            in_order = f
            f = np.empty_like(in_order)
            f[order] = in_order
        results.append(f)
    return results
