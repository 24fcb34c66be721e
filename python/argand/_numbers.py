"""Turn arguments into numbers, and refuse what is none or larger than any measured quantity."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from argand.errors import ArgandError

__all__ = [
    "LARGEST",
    "check_size",
    "complex_array",
    "real_array",
    "real_number",
    "shown",
    "whole_array",
]

#: No coordinate, amplitude or density is larger; sums of products of such numbers stay finite.
LARGEST = 1e30

# What Python and numpy raise where something is no number, or is one beyond all floats.
_NO_NUMBER = (TypeError, ValueError, OverflowError)


def real_number(name: str, value: Any) -> float:
    """Return the argument `name` as a float.

    Raises
    ------
    ArgandError
        Names the argument, which is no number, or is larger than a float can be.
    """
    try:
        kind = getattr(getattr(value, "dtype", None), "kind", "f")
        if isinstance(value, (str, bytes)) or kind not in "biuf" or np.ma.is_masked(value):
            raise TypeError
        return float(value)
    except _NO_NUMBER:
        raise ArgandError(f"{name} is {shown(value)}, needs a number") from None


def real_array(name: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the argument `name` as a float64 array, which may be the argument itself.

    Raises
    ------
    ArgandError
        Names the argument, which holds something that is no number, or finite numbers beyond
        `LARGEST`.
    """
    array = _array(name, values, np.dtype(np.float64))
    check_size(name, array)
    return array


def complex_array(name: str, values: npt.ArrayLike) -> npt.NDArray[np.complex128]:
    """Return the argument `name` as a complex128 array, which may be the argument itself.

    Raises
    ------
    ArgandError
        Names the argument, which holds something that is no number, or finite numbers beyond
        `LARGEST`.
    """
    array = _array(name, values, np.dtype(np.complex128))
    check_size(name, array)
    return array


def whole_array(name: str, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the argument `name` as an int64 array, which may be the argument itself.

    Raises
    ------
    ArgandError
        Names the argument, which holds something that is no whole number of 64 bits.
    """
    array = np.asarray(values)
    if array.dtype.kind in "biu" and array.dtype != np.uint64 and not np.ma.is_masked(values):
        return array.astype(np.int64, copy=False)
    # Beyond 2^53 real numbers have steps above 1, and 2^63 and more do not fit.
    numbers = _array(name, values, np.dtype(np.float64))
    if (np.abs(numbers) < 2.0**53).all() and (numbers == np.rint(numbers)).all():
        return numbers.astype(np.int64)
    raise ArgandError(f"{name} holds {shown(values)}, needs whole numbers")


def check_size(name: str, array: npt.NDArray[Any], largest: float = LARGEST) -> None:
    """Raise where an array of numbers holds finite ones beyond `largest`.

    NaN and infinity, which stand for what is not known, are left to the caller.

    Raises
    ------
    ArgandError
        Names the argument and its largest number.
    """
    with np.errstate(over="ignore"):
        size = np.abs(array)
        is_small = size <= largest
    if is_small.all():
        return
    # A complex number whose modulus overflows has finite parts; NaN is neither small nor large.
    too_large = np.isfinite(array) & ~is_small
    if too_large.any():
        stated = float(size[too_large].max())
        raise ArgandError(f"{name} holds {stated:g}, needs numbers up to {largest:g}")


def _array(name: str, values: npt.ArrayLike, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Turn an argument into an array of a type that holds numbers."""
    if np.ma.is_masked(values):
        raise ArgandError(f"{name} is a masked array, needs plain numbers: leave masked values out")
    try:
        array = np.asarray(values)
        is_complex = array.dtype.kind == "c" and dtype.kind != "c"
        # Times and texts would be turned into numbers too.
        if array.dtype.kind not in "biufcO" or is_complex:
            raise TypeError
        with np.errstate(over="ignore"):
            numbers = array.astype(dtype, copy=False)
    except _NO_NUMBER:
        words = "real numbers" if dtype.kind == "f" else "numbers"
        raise ArgandError(f"{name} holds something else than numbers, needs {words}") from None
    # A number of extended precision may be beyond double precision.
    is_extended = array.dtype.kind in "fc" and array.dtype.itemsize > dtype.itemsize
    if is_extended and (np.isfinite(array) & ~np.isfinite(numbers)).any():
        raise ArgandError(f"{name} holds a number beyond all floats, needs up to {LARGEST:g}")
    return numbers


def shown(value: Any) -> str:
    """Return the beginning of what a value looks like, on one line."""
    return " ".join(repr(value).split())[:60]
