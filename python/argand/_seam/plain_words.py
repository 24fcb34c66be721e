"""Tables of words with blanks between them, such as the loops of a CIF."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from argand import _core
from argand._seam.arrays import address

#: Kinds of columns: null values only, numbers, words of at most eight bytes.
NULL_COLUMN, NUMBER_COLUMN, WORD_COLUMN = range(3)


def count_plain_words(text: bytes, start: int) -> tuple[int, int]:
    """Count the words from `start` on that mean themselves in a CIF.

    They are printable ASCII without an underscore, and begin with none of ``" # $ ' ; [ ]``.

    Returns
    -------
    The number of words before the first other word, and of bytes up to that word.
    """
    characters = np.frombuffer(text, np.uint8)[start:]
    return _core.count_plain_words(len(characters), address(characters))


def read_plain_words(
    text: bytes, start: int, rows: int, columns: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8]] | None:
    """Read plain words from `start` on, row by row, as a table.

    Returns
    -------
    Table (columns, rows) float64 and kinds (columns,) int8. A null value, "." or "?", is NaN in a
    column of numbers or of null values. A column of words holds their bytes, filled up with zeros,
    in the places of numbers; a null value is empty there. None where a word has more than eight
    bytes or stands among numbers, and where the text ends before the table.
    """
    characters = np.frombuffer(text, np.uint8)[start:]
    table = np.empty((columns, rows))
    kinds = np.empty(columns, np.int8)
    is_read = _core.read_plain_words(
        len(characters), address(characters), columns, rows, address(table), address(kinds)
    )
    return (table, kinds) if is_read else None
