"""Read the rows of SHELX lists of reflections, in columns or free, as one table of numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.io.named_columns import (
    COMMENT_MARKS,
    has_decimal_comma,
    is_comment,
    split_words,
)
from argand.io.number_words import parse_integers, parse_numbers
from argand.io.plain_rows import read_plain_rows
from argand.io.satellites import (
    has_multiplicities,
    satellites_in_columns,
    satellites_in_words,
)

__all__ = ["RowTable", "read_plain_list", "read_rows"]

# A minus that separates two numbers, not one of an exponent.
_TOUCHING_MINUS = re.compile(r"(?<=[0-9.])-")

# Batch numbers of a free list have four digits at most; other words in their place are ignored.
_BATCH = re.compile(r"-?\d{1,4}")

# F8.2 writes numbers with so many decimals, and a number without a point in units of the last.
_DECIMALS = 2

# Width of the column of an index, and of a value.
_INDEX_WIDTH = 4
_VALUE_WIDTH = 8

# Rows whose words are held at the same time.
_READ_AT_ONCE = 10000

# Rows that are read at once in the search for the one that is no reflection.
_SEARCHED_AT_ONCE = 1000

# The table (m, 8) of rows and remarks about it; None where a row cannot be read.
_Table = tuple[FloatArray, tuple[str, ...]]
_RowReader = Callable[[Sequence[str]], _Table | None]


class RowTable(NamedTuple):
    """Hold the rows of a list of reflections and where the list ends.

    Parameters
    ----------
    numbers : (m, 8)
        h, k, l, value, sigma, batch number, satellite index and wavelength of each reflection; NaN
        for what the list does not have.
    rest
        Lines after the end of the list.
    notes
        Remarks about values that are not what they seem.
    """

    numbers: FloatArray
    rest: list[str]
    notes: tuple[str, ...] = ()


def read_plain_list(text: str, start: int, above: int) -> RowTable | None:
    """Read a list whose lines are all plain rows in fixed columns.

    Parameters
    ----------
    text
        Content of the file.
    start
        Where in the text the first row begins.
    above
        Number of lines above the first row.

    Returns
    -------
    The list as `read_rows` reads it, much quicker; None where a row has to be read with more care.
    """
    plain = read_plain_rows(text, start)
    if plain is None:
        return None
    numbers, end = plain
    rest = text[end:].splitlines()
    lines_before = above + len(numbers)
    if rest and rest[0].strip():
        # The reflection 0 0 0 belongs to the list.
        rest = rest[1:]
        lines_before += 1
    return RowTable(numbers, rest, _notes_of_end(rest, lines_before, _read_fixed))


def read_rows(lines: list[str], first: int, source: str, *, has_satellites: bool) -> RowTable:
    """Read a list: every line in fixed columns, or else every line free.

    The list ends with the reflection 0 0 0, a blank line, a text, or the file.

    Parameters
    ----------
    lines
        Lines of the file.
    first
        Number of the first line of the list.
    source
        Name of the file, for complaints.
    has_satellites
        Whether the lines may hold satellite indices where they can be read without (HKLF 6).

    Raises
    ------
    ArgandError
        Names the line that is no reflection.
    """
    numbers, end = _list_body(lines, first)
    rows = [lines[number] for number in numbers]
    if not rows:
        raise ArgandError(f"{source}: {_why_empty(lines, end)}")
    for number, row in zip(numbers, rows, strict=True):
        if "," in row and has_decimal_comma(row):
            raise ArgandError(
                f"{source}: line {number + 1} is {row[:40]!r}: decimal commas, needs points"
            )
    readers: list[_RowReader] = [_read_fixed, _read_fixed_satellites, _read_free]
    if has_satellites:
        readers = [_read_fixed_satellites, _read_fixed, _read_free]
    for read in readers:
        table = read(rows)
        if table is not None:
            rest = lines[end:]
            return RowTable(table[0], rest, table[1] + _notes_of_end(rest, end, read))
    # The reading that came furthest has met what is really wrong.
    bad = max(_first_bad(rows, read) for read in readers)
    if bad and _is_trailing_text(lines, numbers[bad]):
        table_before = read_rows(
            lines[: numbers[bad]], first, source, has_satellites=has_satellites
        )
        return table_before._replace(rest=lines[numbers[bad] :])
    raise ArgandError(
        f"{source}: line {numbers[bad] + 1} is {rows[bad][:40]!r}, "
        "needs h k l intensity sigma (HKLF 4)"
    )


def _list_body(lines: list[str], first: int) -> tuple[list[int], int]:
    """Return the numbers of the lines of a list, without comments, and of the line after its end.

    The reflection 0 0 0 belongs to the list, a blank line and what follows do not.
    """
    numbers: list[int] = []
    for number in range(first, len(lines)):
        stripped = lines[number].lstrip()
        if not stripped:
            return numbers, number
        if stripped[0] == "0" and _is_zero(lines[number]):
            return numbers, number + 1
        if stripped[0] not in COMMENT_MARKS:
            numbers.append(number)
    return numbers, len(lines)


def _is_zero(line: str) -> bool:
    """Tell whether a line is of the reflection 0 0 0."""
    zeros = ["0", "0", "0"]
    return line[: 3 * _INDEX_WIDTH].split() == zeros or split_words(line)[:3] == zeros


def _why_empty(lines: list[str], end: int) -> str:
    """Say why a list without reflections is empty."""
    rest = lines[end:]
    if _next_row(rest, _read_fixed) is None and _next_row(rest, _read_free) is None:
        return "no reflections"
    return (
        f"line {end} is {lines[end - 1][:40]!r}: 0 0 0 ends a list of SHELX, "
        "F(000) has to stand after the list or nowhere"
    )


def _notes_of_end(rest: list[str], lines_before: int, read: _RowReader) -> tuple[str, ...]:
    """Return a remark about reflections in the lines that follow the end of a list."""
    number = _next_row(rest, read)
    if number is None:
        return ()
    line = f"the list ends with a blank line or 0 0 0 before line {lines_before + number + 1}"
    return (f"{line}: reflections that follow are not read",)


def _next_row(rest: list[str], read: _RowReader) -> int | None:
    """Return the number of the first line after the end of a list, if it is a reflection."""
    for number, line in enumerate(rest):
        if not line.strip() or is_comment(line) or _is_zero(line):
            continue
        table = read([line])
        # A line without sigma may be anything: the face of a crystal, for one.
        is_row = table is not None and bool(np.isfinite(table[0][0, 4]))
        return number if is_row else None
    return None


def _first_bad(rows: Sequence[str], read: _RowReader) -> int:
    """Return the number of the first row that is no reflection."""
    for start in range(0, len(rows), _SEARCHED_AT_ONCE):
        stop = start + _SEARCHED_AT_ONCE
        if read(rows[start:stop]) is not None:
            continue
        for number, row in enumerate(rows[start:stop], start=start):
            if read([row]) is None:
                return number
    return len(rows) - 1


def _is_trailing_text(lines: list[str], number: int) -> bool:
    """Tell whether a line of words ends the list: no later line is a reflection."""
    if not re.match(r"\s*[A-Za-z_;]", lines[number]):
        return False
    for line in lines[number:]:
        if _read_fixed([line]) is not None or _read_free([line]) is not None:
            return False
    return True


def _read_fixed(rows: Sequence[str]) -> _Table | None:
    """Read rows in fixed columns, 3I4, 2F8.2, I4, and F8.4 for the wavelength of HKLF 2."""
    columns = _fixed_columns(rows, 3)
    if columns is None:
        return None
    hkl, values, sigmas, rest = columns
    return _fixed_table(hkl, values, sigmas, rest, satellites=None)


def _read_fixed_satellites(rows: Sequence[str]) -> _Table | None:
    """Read rows in fixed columns with one to three satellite indices: 4I4, 2F8.2, I4."""
    count = satellites_in_columns(rows)
    columns = _fixed_columns(rows, 3 + count)
    if count == 0 or columns is None:
        return None
    indices, values, sigmas, rest = columns
    orders = np.abs(indices[3:]).sum(axis=0).tolist()
    return _fixed_table(indices[:3], values, sigmas, rest, satellites=orders)


def _fixed_columns(
    rows: Sequence[str], indices: int
) -> tuple[list[list[int]], list[str], list[str], list[str]] | None:
    """Cut rows into so many indices of four characters, two values of eight, and the rest."""
    start = indices * _INDEX_WIDTH
    middle = start + _VALUE_WIDTH
    stop = middle + _VALUE_WIDTH
    try:
        numbers: list[list[int]] = []
        for position in range(0, start, _INDEX_WIDTH):
            numbers.append(
                parse_integers([row[position : position + _INDEX_WIDTH] for row in rows])
            )
    except ValueError:
        return None
    values = [row[start:middle] for row in rows]
    sigmas = [row[middle:stop] for row in rows]
    return numbers, values, sigmas, [row[stop:] for row in rows]


def _fixed_table(
    hkl: list[list[int]],
    values: list[str],
    sigmas: list[str],
    rest: list[str],
    satellites: list[int] | None,
) -> _Table | None:
    """Make a table of the columns of a list; None where one holds something else than numbers."""
    table = np.full((len(values), 8), np.nan)
    try:
        table[:, :3] = np.transpose(hkl)
        table[:, 3] = parse_numbers(values)
        table[:, 4] = parse_numbers(sigmas)
        table[:, 5] = parse_integers([text[:_INDEX_WIDTH].strip() or "0" for text in rest])
    except ValueError:
        return None
    if satellites is not None:
        table[:, 6] = satellites
    further = [text[_INDEX_WIDTH:] for text in rest]
    if any(further):
        table[:, 7] = _wavelengths([text.split() for text in further])
    return table, _set_points(table, values, sigmas)


def _set_points(table: FloatArray, values: list[str], sigmas: list[str]) -> tuple[str, ...]:
    """Divide numbers without a decimal point by 100, as Fortran does, and say so.

    That is so in a list that F8.2 wrote: other numbers have a point and two decimals. Lists in
    which no number has a point, or some have other decimals, are left as they stand.
    """
    pointless = np.empty((len(values), 2), bool)
    for column, words in enumerate((values, sigmas)):
        pointless[:, column] = ["." not in word for word in words]
    if pointless.all() or not pointless.any():
        return ()
    for words in (values, sigmas):
        for word in words:
            if "." in word and len(word.rstrip().partition(".")[2]) != _DECIMALS:
                return ()
    pointless &= table[:, 3:5] != 0.0
    count = int(pointless.sum())
    if count == 0:
        return ()
    table[:, 3:5] = np.where(pointless, table[:, 3:5] / 10.0**_DECIMALS, table[:, 3:5])
    return (f"{count} values have no decimal point: F8.2 reads them in hundredths",)


def _read_free(rows: Sequence[str]) -> _Table | None:
    """Read rows of numbers that stand apart: h, k, l, value, and sigma and more where it is."""
    satellites = satellites_in_words(_free_words([row])[0] for row in rows)
    table = np.full((len(rows), 8), np.nan)
    # A list of words for each of a million rows would keep Python's garbage collector busy.
    for start in range(0, len(rows), _READ_AT_ONCE):
        stop = start + _READ_AT_ONCE
        try:
            _fill_free(table[start:stop], _free_words(rows[start:stop]), satellites)
        except ValueError:
            return None
    if satellites == 0 and has_multiplicities(table[:, 3], _free_words(rows[:1])[0]):
        return None
    return table, ()


def _free_words(rows: Sequence[str]) -> list[list[str]]:
    """Split rows into the words of their numbers, at a minus that touches a number as well."""
    text = "\n".join(rows)
    if "," in text or ";" in text:
        text = "\n".join(" ".join(split_words(row)) for row in rows)
    if _TOUCHING_MINUS.search(text):
        text = _TOUCHING_MINUS.sub(" -", text)
    return [row.split() for row in text.split("\n")]


def _fill_free(table: FloatArray, words: list[list[str]], satellites: int) -> None:
    """Fill a table (m, 8) with the numbers of rows (m); a ValueError where a word is none.

    The rows have so many satellite indices.
    """
    start = 3 + satellites
    if min(map(len, words)) <= start:
        raise ValueError
    for axis in range(3):
        table[:, axis] = parse_integers([row[axis] for row in words])
    for column in range(3, start):
        orders = np.abs(parse_integers([row[column] for row in words]))
        table[:, 6] = orders + np.nan_to_num(table[:, 6])
    table[:, 3] = parse_numbers([row[start] for row in words])
    with_sigma = [number for number, row in enumerate(words) if len(row) > start + 1]
    table[with_sigma, 4] = parse_numbers([words[number][start + 1] for number in with_sigma])
    table[:, 5] = 0
    if max(map(len, words)) > start + 2:
        table[:, 5] = [_free_batch(row[start + 2 : start + 3]) for row in words]
        table[:, 7] = _wavelengths([row[start + 3 :] for row in words])


def _free_batch(words: list[str]) -> int:
    """Return the batch number in the word after sigma, 0 without one."""
    return int(words[0]) if words and _BATCH.fullmatch(words[0]) else 0


def _wavelengths(words: list[list[str]]) -> FloatArray:
    """Return wavelengths (m,), the last and only word after the batch numbers, or NaN."""
    no_wavelengths = np.full(len(words), np.nan)
    for row in words:
        if len(row) != 1 or "." not in row[0]:
            return no_wavelengths
    try:
        return parse_numbers([row[0] for row in words])
    except ValueError:
        return no_wavelengths
