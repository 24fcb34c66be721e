"""Crystals and reflections as the ragged arrays that the core takes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand._dispatch import Batch
from argand.crystal import Crystal
from argand.form_factors import form_factors
from argand.reflections import hkl_cube, stol


def pack(
    crystals: Sequence[Crystal],
    hkl: ArrayLike | Sequence[ArrayLike],
    *,
    table: str = "it92",
    energy_kev: float | None = None,
    dtype: np.dtype[Any] | str = "float64",
) -> Batch:
    """Crystals and reflections as the ragged arrays that the core takes, expanded to P 1.

    Crystals of equal cell and reflections share the form factors of an atom type. `dtype` is the real type.
    """
    expanded = [c.to_p1() for c in crystals]
    lists = _hkl_lists(hkl, len(expanded))
    boxes = [_box_of(h) for h in lists] if len(lists) == 1 else [None]
    rows: dict[tuple[Any, ...], int] = {}
    values: list[NDArray[Any]] = []
    scatterer: list[NDArray[np.int32]] = []
    for c, p1 in enumerate(expanded):
        own = 0 if len(lists) == 1 else c
        kinds = list(dict.fromkeys(p1.types))
        missing = [kind for kind in kinds if (p1.cell, kind, own) not in rows]
        if missing:
            f = form_factors(missing, stol(lists[own], p1.cell), table=table, energy_kev=energy_kev)
            for kind, value in zip(missing, f, strict=True):
                rows[p1.cell, kind, own] = len(values)
                values.append(value)
        row_of = {kind: rows[p1.cell, kind, own] for kind in kinds}
        scatterer.append(np.array([row_of[kind] for kind in p1.types], np.int32))
    real = np.dtype(dtype)
    form = _concatenate(values, np.float64)
    displaced = [p1.beta() for p1 in expanded]
    return Batch(
        atom_ptr=_pointers([len(p1.types) for p1 in expanded]),
        frac=_concatenate([p1.frac for p1 in expanded], real, (0, 3)),
        beta=_concatenate(displaced, real) if any(np.any(b) for b in displaced) else None,
        occ=_concatenate([p1.occ for p1 in expanded], real),
        scatterer=_concatenate(scatterer, np.int32),
        form=form.astype(np.result_type(real, np.complex64) if np.iscomplexobj(form) else real, copy=False),
        form_ptr=_pointers([len(v) for v in values]),
        hkl=None if boxes[0] else _concatenate(lists, np.int32, (0, 3)),
        hkl_ptr=_pointers([len(h) for h in lists]) if len(lists) != 1 else None,
        box=boxes[0],
    )


def _hkl_lists(hkl: ArrayLike | Sequence[ArrayLike], crystals: int) -> list[NDArray[np.int32]]:
    """One list for all crystals, or one for each."""
    if isinstance(hkl, (list, tuple)) and len(hkl) and np.ndim(hkl[0]) == 2:
        if len(hkl) != crystals:
            raise ValueError(f"hkl holds {len(hkl)} lists, needs one for all or {crystals}: one a crystal")
        return [as_hkl(h) for h in hkl]
    return [as_hkl(hkl)]


def as_hkl(hkl: ArrayLike | Sequence[ArrayLike]) -> NDArray[np.int32]:
    array = np.asarray(hkl)
    if array.ndim != 2 or array.shape[1] != 3:
        raise ValueError(f"hkl has shape {array.shape}, needs (m, 3)")
    if array.dtype == np.int32:
        return np.ascontiguousarray(array)
    with np.errstate(invalid="ignore"):
        integers = array.astype(np.int32)
    if array.size and not np.array_equal(integers, array):
        raise ValueError("hkl holds numbers that are no integers (or beyond 32 bits), needs Miller indices")
    return np.ascontiguousarray(integers)


def _box_of(hkl: NDArray[np.int32]) -> tuple[int, int, int] | None:
    """(h, h, h) where hkl is the cube of `hkl_cube`, in its order."""
    edge = round(len(hkl) ** (1 / 3)) if len(hkl) else 0
    if edge % 2 == 0 or edge**3 != len(hkl) or not np.array_equal(hkl, _cube(edge // 2)):
        return None
    return (edge // 2,) * 3


_cube = lru_cache(maxsize=8)(hkl_cube)


def _pointers(lengths: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _concatenate(arrays: Sequence[NDArray[Any]], dtype: Any, empty: tuple[int, ...] = (0,)) -> NDArray[Any]:
    if not arrays:
        return np.empty(empty, dtype)
    joined = np.concatenate(arrays)
    return joined if np.iscomplexobj(joined) else np.ascontiguousarray(joined, dtype)
