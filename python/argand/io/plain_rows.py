"""Read lists of reflections whose rows are all in plain fixed columns: ten million in a second."""

from __future__ import annotations

import numpy as np

from argand import _seam
from argand.cell import FloatArray

__all__ = ["read_plain_rows"]

# h, k, l, value, sigma and batch number, which a plain row has, satellite index and wavelength.
_NUMBERS_OF_ROW = 8
_NUMBERS_OF_PLAIN_ROW = 6


def read_plain_rows(text: str, start: int = 0) -> tuple[FloatArray, int] | None:
    """Read a list whose rows are 3I4, 2F8.2, I4, up to 0 0 0, a blank line or the end of the text.

    Parameters
    ----------
    text
        Content of the file.
    start
        Where in the text the first row begins.

    Returns
    -------
    (m, 8) h, k, l, value, sigma and batch number of each reflection, then two columns of NaN; and
    where in the text the line after the last row begins. None where a row is not plain, and has to
    be read with more care.
    """
    # A line may be damaged text, with halves of pairs of 16 bits that no encoding knows.
    encoded = text[start:].encode(errors="replace")
    table = np.empty((_NUMBERS_OF_ROW, encoded.count(b"\n") + 1))
    count, size = _seam.read_fixed_rows(encoded, table)
    # Plain rows are ASCII: each character is one byte.
    end = start + size
    if count == 0 or not _ends_list(text, end):
        return None
    table[_NUMBERS_OF_PLAIN_ROW:, :count] = np.nan
    return table[:, :count].T, end


def _ends_list(text: str, end: int) -> bool:
    """Tell whether a text ends, or a line begins that is blank or is 0 0 0 in fixed columns."""
    newline = text.find("\n", end)
    lines = text[end : None if newline < 0 else newline].splitlines()
    if not lines:
        return True
    return not lines[0].strip() or lines[0][:12].split() == ["0", "0", "0"]
