"""Find the symmetry equivalents of reflections within their own list."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from argand.errors import ArgandError

__all__ = ["equivalent_rows", "with_mates"]

IntArray = npt.NDArray[np.int64]
RowArray = npt.NDArray[np.int32]


def equivalent_rows(hkl: IntArray, rotations: IntArray) -> RowArray:
    """Find h R of every reflection h and rotation R in a list that has one of each Friedel pair.

    Parameters
    ----------
    hkl : (n, 3)
        Miller indices, of each Friedel pair one.
    rotations : (k, 3, 3)
        Rotations of the space group or the Laue group, in the basis of `hkl`.

    Returns
    -------
    (k, n) int32
        Rows of `with_mates`: i for reflection i, n + i for its Friedel mate, 2 n where the list
        holds neither.

    Raises
    ------
    ArgandError
        A reflection and its mate are both listed, or one is listed twice.
    """
    count = len(hkl)
    images = np.einsum("mi,oij->omj", hkl, rotations)
    reach = np.abs(hkl).max(axis=0, initial=0)
    sides = 2 * reach + 1
    row_of = np.full(int(sides.prod()), 2 * count, np.int32)
    # A reflection that is its own mate, 0 0 0, gets the row that is written last: its own.
    row_of[_numbers(-hkl, reach, sides)] = np.arange(count, 2 * count)
    row_of[_numbers(hkl, reach, sides)] = np.arange(count)
    nonzero = int(hkl.any(axis=1).sum())
    if int((row_of < 2 * count).sum()) != 2 * nonzero + (count - nonzero):
        raise ArgandError("hkl lists a reflection twice, or together with its Friedel mate")
    inside = (np.abs(images) <= reach).all(axis=2)
    numbers = np.where(inside, _numbers(images, reach, sides), 0)
    rows: RowArray = np.where(inside, row_of[numbers], np.int32(2 * count))
    return rows


def with_mates(structure_factors: npt.NDArray[Any]) -> npt.NDArray[np.complex64]:
    """Return F, conj F and a zero (2 n + 1,), which the rows of `equivalent_rows` point to."""
    count = len(structure_factors)
    extended = np.zeros(2 * count + 1, np.complex64)
    extended[:count] = structure_factors
    extended[count : 2 * count] = extended[:count].conj()
    return extended


def _numbers(hkl: IntArray, reach: IntArray, sides: IntArray) -> IntArray:
    """Number Miller indices (..., 3) in the box -reach..reach, whose sides are 2 reach + 1."""
    h, k, l = np.moveaxis(hkl + reach, -1, 0)
    numbers: IntArray = (h * sides[1] + k) * sides[2] + l
    return numbers
