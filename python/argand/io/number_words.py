"""Parse words of tables as numbers: integers, and numbers as C and Fortran write them."""

from __future__ import annotations

import numpy as np

from argand.cell import FloatArray

__all__ = ["parse_integers", "parse_numbers"]

# The bytes of integers, and blanks.
_INTEGER_BYTES = b"0123456789+- "

# The bytes of numbers as C and Fortran write them, and blanks.
_NUMBER_BYTES = b"0123456789+-.eEdD "

# Values beyond this are damage: their squares overflow.
_LARGEST_VALUE = 1e100


def parse_integers(words: list[str]) -> list[int]:
    """Parse integers, which may have blanks around them; a ValueError for other words."""
    _check_bytes(words, _INTEGER_BYTES)
    numbers = list(map(int, words))
    # Whole numbers beyond this have no exact float64.
    if numbers and max(max(numbers), -min(numbers)) > 2**53:
        raise ValueError
    return numbers


def parse_numbers(words: list[str]) -> FloatArray:
    """Parse numbers as C and Fortran write them; a ValueError for nan, inf and other words."""
    text = _check_bytes(words, _NUMBER_BYTES)
    if "d" in text or "D" in text:
        words = [word.upper().replace("D", "E") for word in words]
    numbers = np.array(list(map(float, words)), dtype=np.float64)
    if not (np.abs(numbers) < _LARGEST_VALUE).all():
        raise ValueError
    return numbers


def _check_bytes(words: list[str], allowed: bytes) -> str:
    """Return the joined words; a ValueError where they have other characters than those allowed."""
    text = "".join(words)
    if not text.isascii() or text.encode().translate(None, allowed):
        raise ValueError
    return text
