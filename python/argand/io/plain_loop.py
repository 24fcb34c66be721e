"""Read long loops of reflections in a CIF at once, where their values are plain words.

A loop is cut out of the text, and one row of a mark takes its place. The parser of the CIF then
tells by that row whether the loop was one, and not a part of a text, and that all of it was cut.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import islice

import numpy as np
import numpy.typing as npt

from argand import _seam
from argand.cell import FloatArray

__all__ = ["PlainLoop", "cut_plain_loops"]

# The head of a loop of reflections: tags with nothing but blanks between them.
_HEAD = re.compile(r"^[ \t]*loop_\s+((?:_(?:diffrn_)?refln[_.]\S+\s+)+)", re.M | re.I)

# Values that are not plain begin with one of these; a loop that has some is parsed as a whole.
_BEGIN_OTHER_VALUES = ('"', "$", "'", ";", "[", "]")

# The mark of a loop is this word and its number.
_MARK = "argand-plain-loop-"

# Null values in CIF.
_NULLS = (".", "?")


class PlainLoop:
    """Hold the columns of a loop whose values are numbers and words of at most eight bytes.

    Parameters
    ----------
    body
        Text of the rows.
    table, kinds
        Columns (columns, rows) and what they hold, see `argand._seam.read_plain_words`.
    """

    def __init__(
        self, body: str, table: npt.NDArray[np.float64], kinds: npt.NDArray[np.int8]
    ) -> None:
        self._body = body
        self._table = table
        self._kinds = kinds

    def has_values(self, position: int) -> bool:
        """Tell whether a column has a value that is not null."""
        return int(self._kinds[position]) in (_seam.NUMBER_COLUMN, _seam.WORD_COLUMN)

    def numbers(self, position: int) -> FloatArray | None:
        """Return a column (n,) of numbers, NaN where null; None for a column of others."""
        if self._kinds[position] != _seam.NUMBER_COLUMN:
            return None
        numbers: FloatArray = self._table[position]
        return numbers

    def strings(self, position: int) -> list[str]:
        """Return the values of a column as the file has them, "" where null."""
        if self._kinds[position] == _seam.WORD_COLUMN:
            words: list[str] = self._table[position].view("S8").astype("U8").tolist()
            return words
        column = list(islice(self._all_strings, position, None, len(self._kinds)))
        if any(null in column for null in _NULLS):
            return ["" if value in _NULLS else value for value in column]
        return column

    @cached_property
    def _all_strings(self) -> list[str]:
        """Return all values, row by row, for columns of numbers that are wanted as strings."""
        return self._body.split()


def cut_plain_loops(text: str) -> tuple[str, dict[str, PlainLoop]]:
    """Read the loops of reflections whose values are plain, and cut them out of a text.

    Returns
    -------
    The text with one row of a mark in place of the rows of each loop that was read, and the loops
    by their marks. Only a parser can tell whether each of them was a loop.
    """
    loops: dict[str, PlainLoop] = {}
    parts: list[str] = []
    end = 0
    if _MARK in text:
        return text, loops
    encoded = b""
    head = _HEAD.search(text)
    while head is not None:
        start = head.end()
        # Another character than ASCII becomes one byte, so that positions are those of the text.
        encoded = encoded or text.encode("ascii", errors="replace")
        columns = len(head[1].split())
        size, loop = _read_loop(text, encoded, start, columns)
        if loop is not None:
            mark = f"{_MARK}{len(loops)}"
            loops[mark] = loop
            parts += [text[end:start], f"{mark} " * columns, "\n"]
            end = start + size
        head = _HEAD.search(text, start + size)
    if not loops:
        return text, loops
    return "".join([*parts, text[end:]]), loops


def _read_loop(text: str, encoded: bytes, start: int, columns: int) -> tuple[int, PlainLoop | None]:
    """Return the characters from `start` on that are plain words, and the loop if it ends there."""
    words, size = _seam.count_plain_words(encoded, start)
    end = start + size
    if words == 0 or words % columns or text[end : end + 1] in _BEGIN_OTHER_VALUES:
        return size, None
    body = text[start:end]
    if not body.isascii():
        return size, None
    columns_read = _seam.read_plain_words(encoded, start, words // columns, columns)
    return size, None if columns_read is None else PlainLoop(body, *columns_read)
