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

Orders = NDArray[Any]  # (m, 3) int32, or float64 where orders are not whole numbers


def pack(
    crystals: Sequence[Crystal],
    lists: Sequence[Orders],
    *,
    table: str = "it92",
    energy_kev: float | None = None,
    dtype: np.dtype[Any] | str = "float64",
) -> Batch:
    """Crystals in P 1, and one list of reflections for all of them or one for each (see `hkl_lists`).

    Crystals of equal cell and reflections share the form factors of an atom type. `dtype` is the real type.
    """
    rows: dict[tuple[Any, ...], int] = {}
    values: list[NDArray[Any]] = []
    scatterer: list[NDArray[np.int32]] = []
    for c, crystal in enumerate(crystals):
        own = 0 if len(lists) == 1 else c
        kinds = list(dict.fromkeys(crystal.types))
        missing = [kind for kind in kinds if (crystal.cell, kind, own) not in rows]
        if missing:
            f = form_factors(missing, stol(lists[own], crystal.cell), table=table, energy_kev=energy_kev)
            for kind, value in zip(missing, f, strict=True):
                rows[crystal.cell, kind, own] = len(values)
                values.append(value)
        row_of = {kind: rows[crystal.cell, kind, own] for kind in kinds}
        scatterer.append(np.array([row_of[kind] for kind in crystal.types], np.int32))
    real = np.dtype(dtype)
    form = _concatenate(values, np.float64)
    displaced = [crystal.beta() for crystal in crystals]
    box = box_of(lists[0]) if len(lists) == 1 else None
    same_kind = np.result_type(*lists) if lists else np.int32
    return Batch(
        atom_ptr=_pointers([len(crystal.types) for crystal in crystals]),
        frac=_concatenate([crystal.frac for crystal in crystals], real, (0, 3)),
        beta=_concatenate(displaced, real) if any(np.any(b) for b in displaced) else None,
        occ=_concatenate([crystal.occ for crystal in crystals], real),
        scatterer=_concatenate(scatterer, np.int32),
        form=form.astype(np.result_type(real, np.complex64) if np.iscomplexobj(form) else real, copy=False),
        form_ptr=_pointers([len(v) for v in values]),
        hkl=None if box else _concatenate(lists, same_kind, (0, 3)),
        hkl_ptr=_pointers([len(h) for h in lists]) if len(lists) != 1 else None,
        box=box,
    )


def hkl_lists(hkl: ArrayLike | Sequence[ArrayLike], crystals: int) -> list[Orders]:
    """One list for all crystals, or one for each; int32, or float64 where orders are not whole numbers."""
    if isinstance(hkl, (list, tuple)) and len(hkl) and np.ndim(hkl[0]) == 2:
        if len(hkl) != crystals:
            raise ValueError(f"hkl holds {len(hkl)} lists, needs one for all or {crystals}: one a crystal")
        lists = [_orders(h) for h in hkl]
        return lists if len({h.dtype for h in lists}) < 2 else [h.astype(np.float64) for h in lists]
    return [_orders(hkl)]


def _orders(hkl: ArrayLike | Sequence[ArrayLike]) -> Orders:
    array = np.asarray(hkl)
    if array.ndim != 2 or array.shape[1] != 3:
        raise ValueError(f"hkl has shape {array.shape}, needs (m, 3)")
    if array.dtype != np.int32:
        with np.errstate(invalid="ignore"):
            whole = array.astype(np.int32)
        array = whole if np.array_equal(whole, array) else array.astype(np.float64)
        if not np.isfinite(array).all():
            raise ValueError("hkl holds NaN or infinity")
    return np.ascontiguousarray(array)


def row_order(hkl: Orders) -> NDArray[np.intp] | None:
    """The order in which neighbours share h and k and l rises, as the kernels like it; None where it is good as it is.

    The step from one reflection to the next is cheap within a row, the start of a row is not.
    """
    step = np.diff(hkl, axis=0)
    breaks = len(step) - int(np.count_nonzero((step == [0, 0, 1]).all(axis=1)))
    if breaks < 0.3 * len(hkl):
        return None
    order: NDArray[np.intp] = np.lexsort(hkl.T[::-1])
    return order


def box_of(hkl: Orders) -> tuple[int, int, int] | None:
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
