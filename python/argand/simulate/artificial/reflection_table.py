"""Unique reflections of a space group, with what symmetry says of each of them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.reflections import (
    HklArray,
    asymmetric_unit,
    centric,
    epsilon,
    index_codes,
    systematic_absences,
)
from argand.rows import unique_rows
from argand.simulate.twins import twin_law
from argand.symmetry import SpaceGroup, operation_arrays

__all__ = ["ReflectionRows", "ReflectionTable", "box_indices", "table_of_box"]

# Reflections whose equivalents are listed at once: their arrays stay small.
_ROWS_AT_A_TIME = 20_000


class ReflectionRows(NamedTuple):
    """Hold columns of a `ReflectionTable`."""

    hkl: NDArray[np.int32]
    multiplicity: NDArray[np.int32]
    epsilon: NDArray[np.int32]
    centric: NDArray[np.bool_]
    restricted: NDArray[np.float32]


class ReflectionTable:
    """List the unique reflections of a space group among some, without absences and 000.

    Parameters
    ----------
    spacegroup
        Name or operations.
    hkl : (n, 3)
        Reflections, of which equivalents are listed once, in the asymmetric unit.

    Attributes
    ----------
    hkl : (m, 3) int32
        Sorted, l fastest.
    multiplicity : (m,) int32
        Reflections that are equivalent, Friedel mates included.
    epsilon : (m,) int32
        Operations, without centring, that map the reflection onto itself.
    centric : (m,) bool
        Whether the phase has two possible values.
    restricted : (m,) float64
        One of the two phases of centric reflections, from 0 to below pi; the other is pi more. 0
        for the others.
    columns : (c + 1,) int64
        Where each h and k begins in `hkl`, and m.
    with_none : ReflectionRows
        The same, phases in float32, with a row of zeros behind the last: row -1, where there is no
        reflection.
    twin : (m,) int64 or None
        Row of the reflection that a twin by merohedry adds; -1 where it is absent or not among
        these. None: the group has no such twins.
    """

    def __init__(self, spacegroup: SpaceGroup, hkl: HklArray) -> None:
        self.spacegroup = spacegroup
        in_unit = asymmetric_unit(hkl, spacegroup)
        unique, _ = unique_rows(in_unit)
        is_listed = ~systematic_absences(unique, spacegroup) & unique.any(axis=1)
        self.hkl = np.ascontiguousarray(unique[is_listed])
        self.epsilon = epsilon(self.hkl, spacegroup)
        self.centric = centric(self.hkl, spacegroup)
        self.multiplicity = np.zeros(len(self.hkl), np.int32)
        self.restricted = np.zeros(len(self.hkl))
        rotations, translations = operation_arrays(spacegroup)
        _, first = np.unique(rotations, axis=0, return_index=True)
        rotations, translations = rotations[first], translations[first]
        for start in range(0, len(self.hkl), _ROWS_AT_A_TIME):
            rows = slice(start, start + _ROWS_AT_A_TIME)
            self._describe(rows, rotations, translations)
        self.twin = self._twin_rows()
        is_new = np.diff(self.hkl[:, :2], axis=0).any(axis=1)
        begins = np.concatenate([[True], is_new, [True]]) if len(self.hkl) else [True]
        self.columns = np.flatnonzero(begins)
        restricted = self.restricted.astype(np.float32)
        columns = (self.hkl, self.multiplicity, self.epsilon, self.centric, restricted)
        self.with_none = ReflectionRows(*(_with_zeros(column) for column in columns))

    def _describe(
        self, rows: slice, rotations: NDArray[np.int64], translations: FloatArray
    ) -> None:
        """Find multiplicities and restricted phases of some rows."""
        hkl = self.hkl[rows].astype(np.int64)
        images = np.einsum("mi,oij->moj", hkl, rotations)
        codes = index_codes(np.concatenate([images, -images], axis=1))
        codes.sort(axis=1)
        self.multiplicity[rows] = 1 + (np.diff(codes, axis=1) > 0).sum(axis=1)
        # An operation with h R = -h gives F(h)* = F(h) exp(-2 pi i h.t): the phase is pi h.t.
        is_mate = (images == -hkl[:, None]).all(axis=2)
        mate = is_mate.argmax(axis=1)
        turns = (hkl * translations[mate]).sum(axis=1)
        # Translations are multiples of 1/24.
        half_turns = np.rint(24.0 * turns).astype(np.int64) % 24
        self.restricted[rows] = np.where(is_mate.any(axis=1), np.pi * half_turns / 24.0, 0.0)

    def _twin_rows(self) -> NDArray[np.int64] | None:
        """Return the row of the twin's reflection for each row, -1 where there is none."""
        law = twin_law(self.spacegroup)
        if law is None:
            return None
        mates = asymmetric_unit((self.hkl @ law).astype(np.int32), self.spacegroup)
        both = np.concatenate([self.hkl, mates]).astype(np.int64)
        codes = index_codes(both)
        own, wanted = codes[: len(self.hkl)], codes[len(self.hkl) :]
        place = np.minimum(np.searchsorted(own, wanted), len(own) - 1)
        return np.where(own[place] == wanted, place, -1)


def _with_zeros(column: NDArray[Any]) -> NDArray[Any]:
    """Return a column with a row of zeros behind the last."""
    return np.concatenate([column, np.zeros_like(column, shape=(1, *column.shape[1:]))])


def box_indices(box: tuple[int, int, int]) -> HklArray:
    """Return the Miller indices (n, 3) of a box -H..H, -K..K, 0..L, 000 included."""
    h, k, l = box
    axes = (np.arange(-h, h + 1), np.arange(-k, k + 1), np.arange(l + 1))
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.int32)


@lru_cache(maxsize=128)
def table_of_box(spacegroup: SpaceGroup, box: tuple[int, int, int]) -> ReflectionTable:
    """Return the table of all reflections -H..H, -K..K, -L..L of a group, which is made once."""
    return ReflectionTable(spacegroup, box_indices(box))
