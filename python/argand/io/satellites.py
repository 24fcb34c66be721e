"""Count the satellite indices in rows of reflections of a modulated structure.

Such a row is h k l m value sigma, with one to three indices m of one digit. Value and sigma have
decimal points, so that a small whole intensity is not taken for an index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["satellites_in_columns", "satellites_in_words"]

_MOST_SATELLITES = 3

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
