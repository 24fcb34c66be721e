"""Read lists of reflections whose rows are all in plain fixed columns: a million in a second."""

from __future__ import annotations

import numpy as np

from argand import _seam
from argand.cell import FloatArray

__all__ = ["read_plain_rows"]

# h, k, l, value, sigma, batch number, satellite index and wavelength.
_NUMBERS_OF_ROW = 8


def read_plain_rows(lines: list[str], first: int) -> FloatArray | None:
    """Read a list whose rows are 3I4, 2F8.2, I4, up to 0 0 0, a blank line or the last line.

    Parameters
    ----------
    lines
        Lines of the file.
    first
        Number of the first line of the list.

    Returns
    -------
    (m, 8) h, k, l, value, sigma and batch number of each reflection, then two columns of NaN; None
    where a row is not plain, and has to be read with more care.
    """
    rows = lines[first:]
    table = np.full((len(rows), _NUMBERS_OF_ROW), np.nan)
    # A line may be damaged text, with halves of pairs of 16 bits that no encoding knows.
    text = "\n".join(rows).encode(errors="replace")
    count = _seam.read_fixed_rows(text, table)
    if count == 0 or (count < len(rows) and not _ends_list(rows[count])):
        return None
    return table[:count]


def _ends_list(line: str) -> bool:
    """Tell whether a line is blank, or is the reflection 0 0 0 in fixed columns."""
    return not line.strip() or line[:12].split() == ["0", "0", "0"]
