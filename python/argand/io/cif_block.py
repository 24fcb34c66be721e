"""Look up values in a data block of a CIF, whatever its dialect; complaints name the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from gemmi import cif

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.io.plain_loop import PlainLoop, cut_plain_loops
from argand.io.shelx import Instructions, is_shelx, parse_instructions

__all__ = ["NULL_VALUES", "Block", "parse_blocks"]

# Unknown and not applicable in CIF; files with an empty string are met as well.
NULL_VALUES = ("?", ".", "")

# Tags under which programs keep the SHELX instructions of a refinement as text.
_INSTRUCTION_TAGS = ("_shelx_res_file", "_iucr_refine_instructions_details")

# A number with its standard uncertainty: decimals, an exponent, and digits in brackets.
_UNCERTAINTY = re.compile(r"[+-]?\d*(?:\.(\d*))?(?:[eE]([+-]?\d{1,2}))?\((\d+)\)")

# Numbers beyond this are no measured or refined quantity, and overflow in products.
_LARGEST_NUMBER = 1e30

# A value that is quoted, or a text of several lines, begins with one of these.
_QUOTES = ("'", '"', ";")

# The bytes of numbers without an exponent, and the length up to which none is too small or too
# large for a double.
_PLAIN_BYTES = b"0123456789+-."
_LONGEST_PLAIN_NUMBER = 30

# gemmi begins its complaints with the source and the position.
_GEMMI_POSITION = re.compile(r"^\w+:(\d+)(:\d+\(\d+\):)?")


class _Column(NamedTuple):
    """Where the values of a tag stand: an item of a CIF, or a loop that was read in its place."""

    item: cif.Item
    position: int
    plain: PlainLoop | None


class Block:
    """Look up columns, texts and numbers of a data block of a CIF by their tags.

    Tags are matched without case and with '.' as '_': `_atom_site.label` is `_atom_site_label`.
    Readers leave notes about values that deserve a second look; `take_notes` collects them.

    Parameters
    ----------
    source
        Name of the file, for complaints.
    block
        The block as gemmi parsed it.
    plain_loops
        Loops that were cut out of the text, by the marks in their places.
    """

    def __init__(
        self, source: str, block: cif.Block, plain_loops: Mapping[str, PlainLoop] | None = None
    ) -> None:
        self.source = source
        self.name = block.name
        self._block = block
        self._notes: list[str] = []
        self._numbers_by_tag: dict[str, FloatArray | None] = {}
        self._values_by_tag: dict[str, list[str] | None] = {}
        self._columns: dict[str, list[_Column]] = {}
        #: Loops of this block that were cut out of the text.
        self.plain_loop_count = 0
        for item in block:
            loop = _loop_in_place(item, plain_loops or {})
            self.plain_loop_count += loop is not None
            for position, tag in enumerate(_tags(item)):
                plain_tag = tag.lower().replace(".", "_")
                self._columns.setdefault(plain_tag, []).append(_Column(item, position, loop))

    @cached_property
    def instructions(self) -> Instructions | None:
        """Return the SHELX instructions that the block carries as text; None where it has none."""
        for tag in _INSTRUCTION_TAGS:
            text = self.text(tag)
            if text and is_shelx(text):
                return parse_instructions(text, f"{self.source}: {tag}")
        return None

    def error(self, message: str) -> ArgandError:
        """Make an exception whose message begins with the name of the file."""
        return ArgandError(f"{self.source}: {message}")

    def note(self, message: str) -> None:
        """Add a note about a value that deserves a second look, once."""
        note = f"{self.source}: {message}"
        if note not in self._notes:
            self._notes.append(note)

    def take_notes(self) -> list[str]:
        """Return the notes added since the last call, and forget them."""
        notes = self._notes
        self._notes = []
        return notes

    def has(self, prefix: str) -> bool:
        """Tell whether any tag of the block begins with `prefix`."""
        return any(tag.startswith(prefix) for tag in self._columns)

    def states(self, prefix: str) -> bool:
        """Tell whether any tag that begins with `prefix` has a value that is not null."""
        for tag, columns in self._columns.items():
            if not tag.startswith(prefix):
                continue
            if any(self._has_values(column) for column in columns):
                return True
        return False

    def has_values(self, *tags: str) -> bool:
        """Tell whether one of `tags` has a value that is not null."""
        for tag in tags:
            if any(self._has_values(column) for column in self._columns.get(tag, [])):
                return True
        return False

    def _has_values(self, column: _Column) -> bool:
        """Tell whether a column has a value that is not null."""
        if column.plain is not None:
            return column.plain.has_values(column.position)
        return any(value not in NULL_VALUES for value in _values(self._block, column))

    def column(self, *tags: str) -> list[str] | None:
        """Return the values of the first of `tags` that has a value that is not null, as strings.

        Raises
        ------
        ArgandError
            The block has a tag several times, with different values.
        """
        for tag in tags:
            # A column may have a million values, and is asked for several times.
            if tag not in self._values_by_tag:
                self._values_by_tag[tag] = self._column_of_tag(tag)
            values = self._values_by_tag[tag]
            if values is not None:
                return values
        return None

    def _column_of_tag(self, tag: str) -> list[str] | None:
        """Return the values of a tag as strings; None where all are null."""
        columns: list[list[str]] = []
        for column in self._columns.get(tag, []):
            if column.plain is not None and not column.plain.has_values(column.position):
                continue
            values = _values(self._block, column)
            if any(value not in NULL_VALUES for value in values):
                columns.append(values)
        for values in columns[1:]:
            if values != columns[0]:
                count = len(columns)
                raise self.error(f"{tag} is given {count} times with different values")
        return columns[0] if columns else None

    def text(self, *tags: str) -> str | None:
        """Return the single value of the first of `tags` that has one; None where it is null."""
        values = self.column(*tags)
        if not values:
            return None
        text = values[0].strip()
        return None if text in NULL_VALUES else text

    def number(self, *tags: str) -> float | None:
        """Return a single number without its standard uncertainty; None where it is null.

        Raises
        ------
        ArgandError
            The value is no number.
        """
        value = self.text(*tags)
        if value is None:
            return None
        return float(self._parse_numbers(tags[0], [value])[0])

    def optional_number(self, *tags: str) -> float | None:
        """Return a single number, or None for a value such as '0.7-2.1', 'TOF' or 1e99.

        For values that are good to know and not needed.
        """
        value = self.text(*tags)
        if value is None:
            return None
        number = float(cif.as_number(value))
        # NaN is not within the range either.
        return number if abs(number) <= _LARGEST_NUMBER else None

    def numbers(self, *tags: str) -> FloatArray | None:
        """Return a column (n,) of numbers without their standard uncertainties; NaN where null.

        Raises
        ------
        ArgandError
            A value is no number.
        """
        for tag in tags:
            # A column may have a million numbers, and is asked for several times.
            if tag not in self._numbers_by_tag:
                self._numbers_by_tag[tag] = self._numbers_of_tag(tag)
            numbers = self._numbers_by_tag[tag]
            if numbers is not None:
                return numbers.copy()
        return None

    def _numbers_of_tag(self, tag: str) -> FloatArray | None:
        """Return the numbers (n,) of a tag, NaN where null; None where all are null."""
        numbers = self._plain_numbers_of_tag(tag)
        if numbers is not None:
            # They have too few digits to be too large.
            return numbers
        values = self.column(tag)
        return None if values is None else self._parse_numbers(tag, values)

    def _plain_numbers_of_tag(self, tag: str) -> FloatArray | None:
        """Return the numbers (n,) of a tag that a loop has which was cut out; None for others."""
        columns = self._columns.get(tag, [])
        if len(columns) != 1 or columns[0].plain is None:
            return None
        return columns[0].plain.numbers(columns[0].position)

    def uncertainties(self, *tags: str) -> FloatArray | None:
        """Return the standard uncertainties (n,) in brackets, NaN without; None where none has one.

        That is 2.1 for a value of 58.8(21), and 0.21 for 5.88(21).
        """
        for tag in tags:
            if self._plain_numbers_of_tag(tag) is not None:
                return None
            if self.has_values(tag):
                break
        values = self.column(*tags) or []
        brackets = [_UNCERTAINTY.fullmatch(value) for value in values]
        if not any(brackets):
            return None
        sigmas = np.full(len(values), np.nan)
        for row, match in enumerate(brackets):
            if match:
                exponent = int(match[2] or 0) - len(match[1] or "")
                sigmas[row] = float(f"{match[3]}e{exponent}")
        return sigmas

    def _parse_numbers(self, tag: str, values: Sequence[str]) -> FloatArray:
        """Turn the strings of a column into numbers; NaN where null."""
        numbers = _plain_numbers(values)
        if numbers is None:
            numbers = np.array([cif.as_number(value) for value in values], dtype=np.float64)
        for row in np.flatnonzero(np.isnan(numbers)).tolist():
            value = values[row]
            if value.strip() not in NULL_VALUES:
                raise self.error(f"{tag} is {value[:40]!r}, needs a number")
        for row in np.flatnonzero(np.abs(numbers) > _LARGEST_NUMBER).tolist():
            raise self.error(f"{tag} is {values[row]!r}, needs less than {_LARGEST_NUMBER:g}")
        return numbers


def parse_blocks(text: str, source: str) -> list[Block]:
    """Parse the text of a CIF into its data blocks; `source` names the file in complaints.

    Raises
    ------
    ArgandError
        One line with the complaint of the parser.
    """
    shortened, plain_loops = cut_plain_loops(text)
    if plain_loops:
        blocks = _blocks_of_shortened(shortened, source, plain_loops)
        if blocks:
            return blocks
    try:
        document = _parse(text)
    except ValueError as error:
        complaint = _GEMMI_POSITION.sub(r"line \1:", str(error))
        raise ArgandError(f"{source}: no valid CIF: {complaint}") from None
    if len(document) == 0:
        raise ArgandError(f"{source}: no valid CIF: it has no data block")
    return [Block(source, block) for block in document]


def _parse(text: str) -> cif.Document:
    """Parse the text of a CIF by gemmi."""
    # Level 0 accepts a tag that is given twice: that matters only for a tag that is used, and
    # Block.column looks at those.
    return cif.read_string(text, check_level=0)


def _blocks_of_shortened(
    text: str, source: str, plain_loops: Mapping[str, PlainLoop]
) -> list[Block]:
    """Return the data blocks of a text that loops were cut out of.

    The list is empty where the text is no valid CIF, and where not all were loops as a whole: then
    the text has to be parsed as it was.
    """
    try:
        document = _parse(text)
    except ValueError:
        return []
    blocks = [Block(source, block, plain_loops) for block in document]
    if sum(block.plain_loop_count for block in blocks) != len(plain_loops):
        return []
    return blocks


def _loop_in_place(item: cif.Item, plain_loops: Mapping[str, PlainLoop]) -> PlainLoop | None:
    """Return the loop in whose place the single row of a loop stands; None for other items."""
    if not plain_loops or not item.loop or item.loop.length() != 1:
        return None
    marks = set(item.loop.values)
    return plain_loops.get(marks.pop()) if len(marks) == 1 else None


def _tags(item: cif.Item) -> list[str]:
    """List the tags of a loop or a pair; other items of a CIF have none."""
    if item.loop:
        return list(item.loop.tags)
    return [tag for tag, _ in _pairs(item)]


def _values(block: cif.Block, column: _Column) -> list[str]:
    """Return the values of a column of a loop, or of a pair, of a block as plain strings."""
    if column.plain is not None:
        return column.plain.strings(column.position)
    if column.item.loop:
        raw = list(block.item_as_table(column.item).column(column.position))
    else:
        raw = [value for _, value in _pairs(column.item)]
    # Most columns have neither quotes nor texts, and a column may have a million values.
    text = "".join(raw)
    if any(mark in text for mark in _QUOTES):
        return [cif.as_string(value) for value in raw]
    if any(null in raw for null in NULL_VALUES):
        return ["" if value in NULL_VALUES else value for value in raw]
    return raw


def _plain_numbers(values: Sequence[str]) -> FloatArray | None:
    """Return numbers (n,) that are digits, sign and decimal point alone; None where one is not."""
    if max(map(len, values), default=0) > _LONGEST_PLAIN_NUMBER:
        return None
    text = "".join(values)
    if not text.isascii() or text.encode().translate(None, _PLAIN_BYTES):
        return None
    try:
        return np.fromiter(map(float, values), np.float64, len(values))
    except ValueError:
        return None


def _pairs(item: cif.Item) -> list[tuple[str, str]]:
    """Return the tag and the value of an item that is a pair; an empty list for other items."""
    # gemmi's stubs know no more of a pair than that it is an object.
    pair: Any = item.pair
    return [] if pair is None else [(pair[0], pair[1])]
