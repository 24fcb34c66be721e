"""Find distinct rows of tables of whole numbers, and rows in such tables: one sort of one number.

A row is packed into one integer; sorting rows themselves, as `numpy.unique(axis=0)` does, takes ten
times as long. Where few integers are possible, as for equivalents in an asymmetric unit, they are
marked in a table instead of being sorted.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from argand._signals import interruptible

__all__ = ["distinct_rows", "find_rows", "row_codes", "unique_rows"]

RowArray = npt.NDArray[np.intp]

# Numbers that a code of 64 bits can tell apart.
_MOST_CODES = 2**63 - 1

# Possible codes for each row up to which a table of all codes is quicker than a sort: it takes
# about 10 bytes for each code, which a sort takes several times for each row.
_CODES_OF_ROW = 4


def distinct_rows(rows: npt.NDArray[Any]) -> tuple[RowArray, RowArray]:
    """Find the distinct rows of a table of whole numbers.

    Parameters
    ----------
    rows : (m, k)
        Integers, or real numbers without fractions.

    Returns
    -------
    first : (n,)
        Where each distinct row stands first; `rows[first]` is sorted by the first column, then by
        the second, and so on.
    place : (m,)
        Which of the distinct rows each row is: `rows[first][place]` is `rows`.
    """
    codes, code_count = _codes_and_count(rows)
    if code_count <= _CODES_OF_ROW * len(codes):
        return interruptible(len(codes), _distinct_codes, codes, code_count)
    find_unique = partial(np.unique, codes, return_index=True, return_inverse=True)
    _, first, place = interruptible(len(codes), find_unique)
    return first, place.reshape(-1)


def unique_rows(rows: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], RowArray]:
    """Return each row of a table (m, k) once, sorted, and the place (m,) of each among them."""
    first, place = distinct_rows(rows)
    return np.ascontiguousarray(rows[first]), place


def find_rows(listed: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> RowArray:
    """Find rows of whole numbers in a table.

    Parameters
    ----------
    listed : (n, k)
        The table.
    wanted : (m, k)
        The rows that are looked for.

    Returns
    -------
    (m,)
        Where `listed` holds each wanted row, the first place of several; -1 where it does not.
    """
    if not len(listed):
        return np.full(len(wanted), -1, np.intp)
    codes = row_codes(np.concatenate([listed, wanted]))
    listed_codes, wanted_codes = np.split(codes, [len(listed)])
    order = interruptible(len(codes), partial(np.argsort, listed_codes, kind="stable"))
    insertion = np.searchsorted(listed_codes, wanted_codes, sorter=order)
    row = order[np.minimum(insertion, len(listed) - 1)]
    return np.where(listed_codes[row] == wanted_codes, row, -1)


def row_codes(rows: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return one number for each row (m, k) of whole numbers, which sorts as the rows do."""
    return _codes_and_count(rows)[0]


def _codes_and_count(rows: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], int]:
    """Return the codes (m,) of rows (m, k), which are not negative, and a number above them all."""
    codes = np.zeros(len(rows), np.int64)
    if not len(rows):
        return codes, 1
    # Python's integers have no largest one.
    code_count = 1
    for column in rows.T:
        steps, step_count = _steps(column)
        if code_count * step_count > _MOST_CODES:
            codes, code_count = _ranks(codes)
        if code_count * step_count > _MOST_CODES:
            steps, step_count = _ranks(steps)
        codes *= step_count
        codes += steps
        code_count *= step_count
    return codes, code_count


def _distinct_codes(codes: npt.NDArray[np.int64], code_count: int) -> tuple[RowArray, RowArray]:
    """Find the first place of each distinct code (m,), sorted, and the rank of each code."""
    is_listed = np.zeros(code_count, bool)
    is_listed[codes] = True
    distinct = np.flatnonzero(is_listed)
    rank = np.empty(code_count, np.intp)
    rank[distinct] = np.arange(len(distinct))
    place = rank[codes]
    first = np.empty(len(distinct), np.intp)
    # Of several values for one element numpy keeps the last: the smallest place.
    first[place[::-1]] = np.arange(len(codes))[::-1]
    return first, place


def _steps(column: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], int]:
    """Return whole numbers (m,) counted from the smallest, and how many values that allows."""
    smallest, largest = int(column.min()), int(column.max())
    # The difference of two integers of 64 bits may need more of them.
    if largest - smallest >= _MOST_CODES or not -_MOST_CODES < smallest <= largest < _MOST_CODES:
        return _ranks(column)
    return column.astype(np.int64) - smallest, largest - smallest + 1


def _ranks(values: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], int]:
    """Return the rank (m,) of each value among the distinct ones, and how many those are."""
    distinct, rank = np.unique(values, return_inverse=True)
    return rank.reshape(-1).astype(np.int64), len(distinct)
