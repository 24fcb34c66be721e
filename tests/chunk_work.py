"""Work that tests give to other processes, which must be able to import it."""

from __future__ import annotations

import os
from collections.abc import Sequence

import argand


def prepared(value: int) -> None:
    os.environ["ARGAND_TEST_PREPARED"] = str(value)


def doubled(chunk: Sequence[int]) -> list[tuple[int, int]]:
    return [(2 * item, int(os.environ["ARGAND_TEST_PREPARED"])) for item in chunk]


def refused(chunk: Sequence[int]) -> None:
    raise argand.ArgandError("no such thing")
