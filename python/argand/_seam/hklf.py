"""Lists of reflections as text in the fixed columns of SHELX."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from argand import _core
from argand._seam.arrays import address


def read_fixed_rows(text: bytes, table: npt.NDArray[np.float64]) -> tuple[int, int]:
    """Read rows 3I4, 2F8.2, I4 from the beginning of a text, as far as they are plain.

    A row is plain where each number fills one column alone, both values have a decimal point, and
    nothing but blanks follows the batch number, which may be missing. The reading ends before the
    first other row, and before the reflection 0 0 0.

    Parameters
    ----------
    text
        Lines that end with a newline, or with a carriage return and a newline.
    table
        Array (n, m) float64, contiguous, with n at least 6. h, k, l, value, sigma and batch number
        of the rows that are read are written to its first six lines; nothing else is touched.

    Returns
    -------
    The number of rows that were read, at most m, and of the bytes that they take in the text.
    """
    characters = np.frombuffer(text, np.uint8)
    return _core.read_fixed_rows(len(text), address(characters), table.shape[1], address(table))
