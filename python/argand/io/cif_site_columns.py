"""Read columns of the loop of atom sites of a CIF, each of which has one value for each site."""

from __future__ import annotations

from argand.cell import FloatArray
from argand.io.cif_block import NULL_VALUES, Block

__all__ = ["site_numbers", "site_texts"]


def site_texts(block: Block, n: int, *tags: str) -> list[str]:
    """Read a column of n texts; an empty string where null or absent.

    Raises
    ------
    ArgandError
        The column has another number of values than there are sites.
    """
    values = block.column(*tags)
    if not values:
        return [""] * n
    _check_length(block, tags[0], len(values), n)
    return ["" if value in NULL_VALUES else value for value in values]


def site_numbers(block: Block, n: int, *tags: str) -> FloatArray | None:
    """Read a column of n numbers, NaN where null; None where it is absent.

    Raises
    ------
    ArgandError
        The column has another number of values than there are sites, or one is no number.
    """
    numbers = block.numbers(*tags)
    if numbers is not None:
        _check_length(block, tags[0], len(numbers), n)
    return numbers


def _check_length(block: Block, tag: str, length: int, n: int) -> None:
    """Raise where a column has another number of values than there are sites."""
    if length != n:
        raise block.error(
            f"{tag} has {length} value{'s' if length > 1 else ''}, needs one for each of {n} sites"
        )
