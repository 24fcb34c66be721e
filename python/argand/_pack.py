"""Crystals and reflections as the ragged arrays that the core takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand import _seam
from argand._seam import Batch, row_pointers
from argand.crystal import Crystal
from argand.form_factors import Corrections, at_squares
from argand.reflections import orders_array, stol_squares

# Miller indices (m, 3) int32, or float64 where orders are not whole numbers.
Orders = NDArray[Any]

# A list of fewer reflections is not sorted: that would cost more than the sum saves.
_FEWEST_TO_SORT = 32
# A list is sorted where its rows are so short: the number of rows is at least this share of the
# reflections.
_SHORT_ROWS = 0.3


def pack(
    crystals: Sequence[Crystal],
    lists: Sequence[Orders],
    *,
    table: str = "it92",
    energy_kev: float | None = None,
    corrections: Corrections = (),
    dtype: np.dtype[Any] | str = "float64",
) -> Batch:
    """Build the batch of crystals and their reflections.

    Crystals of equal cell and reflections share the form factors of an atom type. The lists are not
    checked: `hkl_lists` makes them.

    Parameters
    ----------
    crystals
        Crystals in P 1.
    lists
        One list of reflections for all crystals, or one for each.
    table, energy_kev, corrections
        Table of form factors, photon energy in keV and stated f' and f'', as in `form_factors`.
    dtype
        float32 or float64.

    Raises
    ------
    ArgandError
        An atom type that the table does not know.
    """
    real = np.dtype(dtype)
    whole_orders = all(hkl.dtype == np.int32 for hkl in lists)
    atoms_of_crystals = [_atoms(crystal, real, whole_orders) for crystal in crystals]
    row_numbers: dict[tuple[Any, ...], int] = {}
    row_lengths: list[int] = []
    form_blocks: list[NDArray[Any]] = []
    scatterer_blocks: list[NDArray[np.int32]] = []
    for number, (crystal, atoms) in enumerate(zip(crystals, atoms_of_crystals, strict=True)):
        list_number = 0 if len(lists) == 1 else number
        keys = [(crystal.cell, kind, list_number) for kind in atoms.kinds]
        missing = [key for key in keys if key not in row_numbers]
        if missing:
            hkl = lists[list_number]
            squares = stol_squares(hkl, crystal.cell)
            kinds = [kind for _, kind, _ in missing]
            rows_of_kinds = at_squares(kinds, squares, table, energy_kev, corrections)
            form_blocks.append(rows_of_kinds.reshape(-1))
            for key in missing:
                row_numbers[key] = len(row_numbers)
                row_lengths.append(len(hkl))
        rows = [row_numbers[key] for key in keys]
        if rows == list(range(len(rows))):
            scatterer_blocks.append(atoms.kind)
        else:
            scatterer_blocks.append(np.array(rows, np.int32)[atoms.kind])

    form = _join(form_blocks, real)
    form_dtype = np.result_type(real, np.complex64) if form.dtype.kind == "c" else real
    is_displaced = any(atoms.displaced for atoms in atoms_of_crystals)
    shared = len(lists) == 1
    box = box_of(lists[0]) if shared else None
    hkl_dtype = np.result_type(*lists) if lists else np.dtype(np.int32)
    return _seam.make_batch(
        frac=_join([atoms.frac for atoms in atoms_of_crystals], real, (0, 3)),
        form=form.astype(form_dtype, copy=False),
        hkl=_join(lists, hkl_dtype, (0, 3)) if box is None else None,
        box=box,
        beta=_join([atoms.beta for atoms in atoms_of_crystals], real) if is_displaced else None,
        occ=_join([atoms.occ for atoms in atoms_of_crystals], real),
        scatterer=_join(scatterer_blocks, np.int32),
        atom_ptr=row_pointers([len(atoms.kind) for atoms in atoms_of_crystals]),
        form_ptr=row_pointers(row_lengths),
        hkl_ptr=None if shared else row_pointers([len(hkl) for hkl in lists]),
    )


class _PackedAtoms(NamedTuple):
    """Hold the atoms of a crystal as the core takes them, whatever the reflections."""

    # The atom types of the crystal, each once.
    kinds: tuple[str, ...]
    # (n,) index into `kinds` of each atom
    kind: NDArray[np.int32]
    frac: NDArray[Any]
    beta: NDArray[Any]
    occ: NDArray[Any]
    # whether any beta differs from 0
    displaced: bool


# The real type of the arrays, and whether atoms may be moved into the cell.
_AtomsKey = tuple[np.dtype[Any], bool]

# A crystal never changes, so that its atoms are prepared once for each key.
_atoms_by_crystal: WeakKeyDictionary[Crystal, dict[_AtomsKey, _PackedAtoms]] = WeakKeyDictionary()


def _atoms(crystal: Crystal, real: np.dtype[Any], whole_orders: bool) -> _PackedAtoms:
    """Return the atoms of a crystal as arrays of a real type.

    In single precision coordinates of other cells would leave few digits for the position in the
    cell. Where all orders are whole numbers, atoms are moved into the cell 000 first: F is the
    same.
    """
    into_cell = whole_orders and real == np.float32
    atoms_by_key = _atoms_by_crystal.setdefault(crystal, {})
    atoms = atoms_by_key.get((real, into_cell))
    if atoms is None:
        frac = crystal.frac - np.floor(crystal.frac) if into_cell else crystal.frac
        kinds = tuple(dict.fromkeys(crystal.types))
        number_of_kind = {kind: number for number, kind in enumerate(kinds)}
        beta = np.ascontiguousarray(crystal.beta(), real)
        atoms = _PackedAtoms(
            kinds=kinds,
            kind=np.array([number_of_kind[kind] for kind in crystal.types], np.int32),
            frac=np.ascontiguousarray(frac, real),
            beta=beta,
            occ=np.ascontiguousarray(crystal.occ, real),
            displaced=bool(beta.any()),
        )
        atoms_by_key[real, into_cell] = atoms
    return atoms


def hkl_lists(hkl: ArrayLike | Sequence[ArrayLike], crystals: int) -> list[Orders]:
    """Check the reflections of several crystals, and return one list for all or one for each.

    Parameters
    ----------
    hkl
        Miller indices (m, 3), or a sequence of such arrays: one a crystal.
    crystals
        The number of crystals.

    Returns
    -------
    Contiguous arrays (m, 3): int32, or float64 where orders are not whole numbers.

    Raises
    ------
    ValueError
        A shape, a number of lists, or an order that is no number.
    """
    if not isinstance(hkl, (list, tuple)) or not len(hkl) or np.ndim(hkl[0]) != 2:
        return [orders_array(hkl)]  # type: ignore[arg-type]
    if len(hkl) != crystals:
        raise ValueError(
            f"hkl holds {len(hkl)} lists, needs one for all or {crystals}: one a crystal"
        )
    lists = [orders_array(orders) for orders in hkl]
    dtypes = {orders.dtype for orders in lists}
    if len(dtypes) > 1:
        return [orders.astype(np.float64) for orders in lists]
    return lists


def row_order(hkl: Orders) -> NDArray[np.intp] | None:
    """Return the order in which the kernels sum reflections fastest; None where it is as given.

    Neighbours share h and k, and l rises: the step from one reflection to the next is cheap within
    such a row, the start of a row is not. The list is not checked.
    """
    if len(hkl) < _FEWEST_TO_SORT:
        return None
    rows, cube = _seam.arrangement(hkl)
    if cube >= 0 or rows < _SHORT_ROWS * len(hkl):
        return None
    by_h_k_l = hkl.T[::-1]
    order: NDArray[np.intp] = np.lexsort(by_h_k_l)
    return order


def box_of(hkl: Orders) -> tuple[int, int, int] | None:
    """Return the box (n, n, n) of a list that is `hkl_cube(n)` in order; None for other lists."""
    _, cube = _seam.arrangement(hkl)
    return None if cube < 0 else (cube, cube, cube)


def _join(
    arrays: Sequence[NDArray[Any]],
    dtype: Any,
    empty: tuple[int, ...] = (0,),
) -> NDArray[Any]:
    """Concatenate arrays; a single one is not copied, and none give an array of shape `empty`."""
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate(arrays) if arrays else np.empty(empty, dtype)
