"""Crystals and reflections as the ragged arrays that the core takes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand import _seam
from argand._seam import Batch
from argand.crystal import Crystal
from argand.form_factors import at_squares
from argand.reflections import stol_squares

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
    real = np.dtype(dtype)
    ready = [_ready(crystal, real) for crystal in crystals]
    rows: dict[tuple[Any, ...], int] = {}
    values: list[NDArray[Any]] = []
    scatterer: list[NDArray[np.int32]] = []
    for c, (crystal, atoms) in enumerate(zip(crystals, ready, strict=True)):
        own = 0 if len(lists) == 1 else c
        missing = [kind for kind in atoms.kinds if (crystal.cell, kind, own) not in rows]
        if missing:
            f = at_squares(missing, stol_squares(lists[own], crystal.cell), table, energy_kev)
            for kind in missing:
                rows[crystal.cell, kind, own] = len(rows)
            values.append(f.reshape(-1))
        row_of = [rows[crystal.cell, kind, own] for kind in atoms.kinds]
        in_order = row_of == list(range(len(row_of)))
        scatterer.append(atoms.kind if in_order else np.array(row_of, np.int32)[atoms.kind])
    form = _join(values, real)
    return Batch(
        atom_ptr=_pointers([len(atoms.kind) for atoms in ready]),
        frac=_join([atoms.frac for atoms in ready], real, (0, 3)),
        beta=_join([atoms.beta for atoms in ready], real)
        if any(atoms.displaced for atoms in ready)
        else None,
        occ=_join([atoms.occ for atoms in ready], real),
        scatterer=_join(scatterer, np.int32),
        form=form.astype(
            np.result_type(real, np.complex64) if np.iscomplexobj(form) else real, copy=False
        ),
        form_ptr=_pointers([len(lists[own]) for _, _, own in rows]),
        hkl=None
        if (box := box_of(lists[0]) if len(lists) == 1 else None)
        else _join(lists, _kind(lists), (0, 3)),
        hkl_ptr=_pointers([len(h) for h in lists]) if len(lists) != 1 else None,
        box=box,
    )


class _Atoms(NamedTuple):
    """What the core needs of a crystal, whatever the reflections."""

    kinds: tuple[str, ...]  # its atom types
    kind: NDArray[np.int32]  # (n,) index of each atom's
    frac: NDArray[Any]
    beta: NDArray[Any]
    occ: NDArray[Any]
    displaced: bool


# A crystal never changes: who asks for it again and again gets what was made the first time
_made: WeakKeyDictionary[Crystal, dict[np.dtype[Any], _Atoms]] = WeakKeyDictionary()


def _ready(crystal: Crystal, real: np.dtype[Any]) -> _Atoms:
    known = _made.setdefault(crystal, {})
    if real not in known:
        kinds = tuple(dict.fromkeys(crystal.types))
        index = {kind: i for i, kind in enumerate(kinds)}
        beta = np.ascontiguousarray(crystal.beta(), real)
        known[real] = _Atoms(
            kinds=kinds,
            kind=np.array([index[kind] for kind in crystal.types], np.int32),
            frac=np.ascontiguousarray(crystal.frac, real),
            beta=beta,
            occ=np.ascontiguousarray(crystal.occ, real),
            displaced=bool(beta.any()),
        )
    return known[real]


def _kind(lists: Sequence[Orders]) -> np.dtype[Any]:
    return np.result_type(*lists) if lists else np.dtype(np.int32)


def hkl_lists(hkl: ArrayLike | Sequence[ArrayLike], crystals: int) -> list[Orders]:
    """One list for all crystals, or one for each; int32, or float64 where orders are not whole numbers."""
    if isinstance(hkl, (list, tuple)) and len(hkl) and np.ndim(hkl[0]) == 2:
        if len(hkl) != crystals:
            raise ValueError(
                f"hkl holds {len(hkl)} lists, needs one for all or {crystals}: one a crystal"
            )
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
    if len(hkl) < 32:
        return None
    rows, cube = _seam.arrangement(hkl)
    if cube >= 0 or rows < 0.3 * len(hkl):
        return None
    order: NDArray[np.intp] = np.lexsort(hkl.T[::-1])
    return order


def box_of(hkl: Orders) -> tuple[int, int, int] | None:
    """(h, h, h) where hkl is the cube of `hkl_cube`, in its order."""
    _, cube = _seam.arrangement(hkl)
    return None if cube < 0 else (cube, cube, cube)


def _pointers(lengths: Sequence[int]) -> NDArray[np.int64]:
    return np.array([0, *accumulate(lengths)], np.int64)


def _join(
    arrays: Sequence[NDArray[Any]], dtype: Any, empty: tuple[int, ...] = (0,)
) -> NDArray[Any]:
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate(arrays) if arrays else np.empty(empty, dtype)
