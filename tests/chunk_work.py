"""Work that tests give to other processes, which must be able to import it."""

from __future__ import annotations

import os
from collections.abc import Sequence

import argand


def prepared(value: int) -> None:
    """Prepare a process: note a number in its environment."""
    os.environ["ARGAND_TEST_PREPARED"] = str(value)


def doubled(chunk: Sequence[int]) -> list[tuple[int, int]]:
    """Return each number of a chunk doubled, with the number that the process was prepared with."""
    prepared_value = int(os.environ["ARGAND_TEST_PREPARED"])
    return [(2 * number, prepared_value) for number in chunk]


def refused(chunk: Sequence[int]) -> None:
    """Fail for every chunk."""
    raise argand.ArgandError("no such thing")
