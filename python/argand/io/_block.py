"""One data block of a CIF: values by tag, whatever the dialect, and complaints that name the file."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import numpy as np
from gemmi import cif

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.files import PathLike, read_text

__all__ = ["NULL", "Block", "blocks_of", "read_blocks"]

#: unknown and not applicable; an empty string is met as well
NULL = ("?", ".", "")


class Block:
    """Tags are matched without case and with '.' as '_': `_atom_site.label` and `_atom_site_label` are one."""

    def __init__(self, source: str, block: cif.Block) -> None:
        self.source = source
        self.name = block.name
        self.notes: list[str] = []
        self._found: dict[str, list[tuple[cif.Item, int]]] = {}
        for item in block:
            tags = item.loop.tags if item.loop else [item.pair[0]] if item.pair else []  # type: ignore[index]
            for place, tag in enumerate(tags):
                self._found.setdefault(tag.lower().replace(".", "_"), []).append((item, place))

    def error(self, message: str) -> ArgandError:
        return ArgandError(f"{self.source}: {message}")

    def note(self, message: str) -> None:
        """Keep a doubt, to be said as a warning when the reading is done."""
        self.notes.append(f"{self.source}: {message}")

    def has(self, prefix: str) -> bool:
        return any(tag.startswith(prefix) for tag in self._found)

    def column(self, *tags: str) -> list[str] | None:
        """Values of the first of `tags` that is there with any value, as plain strings; None without one."""
        for tag in tags:
            given = [
                values
                for values in map(_values, self._found.get(tag, []))
                if set(values) - set(NULL)
            ]
            if any(values != given[0] for values in given[1:]):
                raise self.error(f"{tag} is given {len(given)} times with different values")
            if given:
                return given[0]
        return None

    def text(self, *tags: str) -> str | None:
        """A single value, None where it is null."""
        values = self.column(*tags)
        return values[0].strip() if values and values[0].strip() not in NULL else None

    def number(self, *tags: str) -> float | None:
        value = self.text(*tags)
        return None if value is None else float(self._numbers(tags[0], [value])[0])

    def loose_number(self, *tags: str) -> float | None:
        """A single number where it is one: for what is good to know and not needed ('0.7-2.1', 'TOF')."""
        value = self.text(*tags)
        number = np.nan if value is None else cif.as_number(value)
        return float(number) if np.isfinite(number) else None

    def numbers(self, *tags: str) -> FloatArray | None:
        """A column of numbers without their standard uncertainties; NaN where null."""
        for tag in tags:
            values = self.column(tag)
            if values is not None:
                return self._numbers(tag, values)
        return None

    def _numbers(self, tag: str, values: Sequence[str]) -> FloatArray:
        numbers = np.array([cif.as_number(value) for value in values], dtype=np.float64)
        for value, number in zip(values, numbers, strict=True):
            if np.isnan(number) and value.strip() not in NULL:
                raise self.error(f"{tag} is {value!r}, needs a number")
        return numbers


def _values(place: tuple[cif.Item, int]) -> list[str]:
    item, index = place
    raw = item.loop.values[index :: len(item.loop.tags)] if item.loop else [item.pair[1]]  # type: ignore[index]
    return [cif.as_string(value) for value in raw]


def read_blocks(path: PathLike) -> list[Block]:
    """Data blocks of a CIF; an `ArgandError` of one line carries the parser's complaint."""
    return blocks_of(read_text(path), os.fspath(path))


def blocks_of(text: str, source: str) -> list[Block]:
    """Data blocks of the text of a CIF, which complaints call `source`."""
    try:
        # level 0: a tag given twice matters only when it is used, see Block.column
        document = cif.read_string(text, check_level=0)
    except ValueError as error:
        complaint = re.sub(r"^\w+:(\d+)(:\d+\(\d+\):)?", r"line \1:", str(error))
        raise ArgandError(f"{source}: no valid CIF: {complaint}") from None
    if len(document) == 0:
        raise ArgandError(f"{source}: no valid CIF: it has no data block")
    return [Block(source, block) for block in document]
