"""Recognise satellites of a modulated structure in rows of reflections, and leave them out.

Such a row is h k l m value sigma, with one to three indices m of one digit. Value and sigma have
decimal points, so that a small whole intensity is not taken for an index. The multiplicity of a
reflection of a powder stands in the same place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from argand.cell import FloatArray
from argand.errors import ArgandError

__all__ = ["has_multiplicities", "main_reflections", "satellites_in_columns", "satellites_in_words"]

_MOST_SATELLITES = 3

# Multiplicities of the reflections of a powder, and the fewest rows that show what they are where
# intensities would stand.
_MULTIPLICITIES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 48)
_FEWEST_MULTIPLICITIES = 3

_SATELLITE = re.compile(r"[+-]?\d")

# The columns of an index and of two values, I4 and 2F8.2, in which every number fills its end.
_INDEX_COLUMN = r"[ \d-]{3}\d"
_VALUE_COLUMNS = r"(?:(?=.{0,6}\.).{7}[\d.]){2}"


def satellites_in_columns(rows: Sequence[str]) -> int:
    """Return the number of satellite indices that all rows have in fixed columns; 0 without.

    Every number ends with its column: free rows may have numbers in these columns as well.
    """
    for count in range(1, _MOST_SATELLITES + 1):
        columns = re.compile(f"(?:{_INDEX_COLUMN}){{{3 + count}}}{_VALUE_COLUMNS}")
        if all(map(columns.match, rows)):
            return count
    return 0


def satellites_in_words(words: Iterable[Sequence[str]]) -> int:
    """Return the number of satellite indices that all rows, split into words, have; 0 without.

    The rows are taken one by one, up to the first that has none.
    """
    possible = list(range(1, _MOST_SATELLITES + 1))
    for row in words:
        possible = [count for count in possible if _has_satellites(row[3:], count)]
        if not possible:
            return 0
    return possible[0]


def _has_satellites(words: Sequence[str], count: int) -> bool:
    """Tell whether the words after h k l are so many satellite indices, a value and a sigma."""
    if len(words) < count + 2 or not all(map(_SATELLITE.fullmatch, words[:count])):
        return False
    return "." in words[count] and "." in words[count + 1]


def has_multiplicities(values: FloatArray, words: Sequence[str]) -> bool:
    """Tell whether multiplicities stand where values (m,) should, before a value and a sigma.

    The words are those of the first row.
    """
    if len(values) < _FEWEST_MULTIPLICITIES or len(words) < 6 or "." not in words[5]:
        return False
    return bool(np.isin(values, _MULTIPLICITIES).all())


def main_reflections(
    table: FloatArray, order: FloatArray, source: str, notes: list[str]
) -> FloatArray:
    """Return the rows of a table whose satellite index is 0 or absent, with a note about others.

    Parameters
    ----------
    table : (m, columns)
        Numbers of the reflections.
    order : (m,)
        Satellite index of each, NaN where a row has none.
    source
        Name of the file, for complaints.
    notes
        Remarks, which this function adds to.

    Raises
    ------
    ArgandError
        All reflections are satellites.
    """
    is_main = np.isnan(order) | (order == 0)
    if is_main.all():
        return table
    satellites = int((~is_main).sum())
    if not is_main.any():
        raise ArgandError(
            f"{source}: {satellites} satellites of a modulated structure alone (h k l m)"
        )
    notes.append(f"{satellites} satellites of a modulated structure (h k l m) are left out")
    main: FloatArray = table[is_main]
    return main
