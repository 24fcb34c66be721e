"""Read and write SHELX lists of reflections: HKLF 3, 4 and 5 in columns or free."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.files import PathLike, write_text
from argand.io.named_columns import (
    checked_indices,
    has_named_columns,
    is_comment,
    parse_number,
    read_named_columns,
    split_words,
)
from argand.io.reflections import Reflections
from argand.reflections import as_hkl

__all__ = ["read_columns", "write_hklf4"]

# In HKLF 5 a line with a negative batch number repeats the intensity of the next line. A list is
# taken for one where more than this share of such lines do.
_SHARE_OF_REPEATS = 0.8

# The characters of a list in columns that the fast reader takes.
_DIGITS = frozenset("0123456789+-. ")

# A minus that separates two numbers, not one of an exponent.
_TOUCHING_MINUS = re.compile(r"(?<=[0-9.])-")

# Largest value of F8.2 that keeps two decimals also with a sign: four digits before the point.
_LARGEST_VALUE = 9999.0

# Largest index that fits I4 with a sign.
_LARGEST_WRITTEN_INDEX = 999

# Smallest sigma that F8.2 can hold.
_SMALLEST_SIGMA = 0.01

# h, k, l, value, sigma, batch number
_Row = tuple[int, int, int, float, float, int]
_LineReader = Callable[[str], _Row]


def read_columns(
    text: str, source: str, *, hklf: int | None = None
) -> tuple[Reflections, list[str]]:
    """Read a list h, k, l, value, standard uncertainty, batch number.

    SHELX writes 3I4, 2F8.2, I4, in which numbers may touch (`1-100-100 9999.9912345.67`); others
    write the same numbers apart, by blanks, tabs or commas, or by nothing but a minus
    (`-12-10 3`). The list ends with the reflection 0 0 0, a blank line, or the file. A first line
    of names (`h k l F sigF phase`) names the columns. A number without a decimal point is
    taken as it stands. Negative batch numbers mean overlap in HKLF 5, and a free set in others.

    Parameters
    ----------
    text
        Content of the file.
    source
        Name of the file, for complaints.
    hklf
        3 for amplitudes, 4 or 5 for intensities, None for intensities without or with overlap.

    Returns
    -------
    tuple[Reflections, list[str]]
        The reflections, and the lines that follow their end: some programs keep instructions there.

    Raises
    ------
    ArgandError
        Names the line that is no reflection.
    """
    lines = text.splitlines()
    first = _first_line(lines)
    if first is None:
        raise ArgandError(f"{source}: no reflections")
    if has_named_columns(lines[first]):
        return read_named_columns(lines, first, source), []
    table, end = _read_digits(lines, first) or _read_lines(lines, first, source)
    numbers = np.array(table, dtype=np.float64)
    if not len(numbers):
        raise ArgandError(f"{source}: no reflections")
    value = numbers[:, 3]
    sigma = numbers[:, 4]
    batch = numbers[:, 5].astype(np.int32)
    is_twin = hklf == 5 or (hklf is None and _repeats_intensities(value, batch))
    if not is_twin:
        batch = np.abs(batch)
    kind = f"SHELX HKLF {5 if is_twin else hklf or 4}"
    if not hklf and not is_twin:
        kind += " or plain columns"
    reflections = Reflections(
        checked_indices(numbers[:, :3], source),
        intensity=None if hklf == 3 else value,
        amplitude=value if hklf == 3 else None,
        sigma=None if np.isnan(sigma).all() else sigma,
        batch=batch if batch.any() else None,
        format=kind,
    )
    return reflections, lines[end:]


def write_hklf4(
    path: PathLike, hkl: npt.ArrayLike, intensity: npt.ArrayLike, sigma: npt.ArrayLike
) -> float:
    """Write intensities as a SHELX HKLF 4 list, 3I4 2F8.2, ended by 0 0 0.

    All numbers are scaled so that the largest is 9999 and two decimals keep as much as possible:
    the scale of such a file is arbitrary anyway.

    Parameters
    ----------
    path
        File to write, complete or not at all.
    hkl : (m, 3)
        Miller indices.
    intensity, sigma : (m,)
        |F|^2 and its standard uncertainty.

    Returns
    -------
    float
        The factor by which intensities and sigmas were multiplied.

    Raises
    ------
    ArgandError
        Names the argument that does not fit, or a file that cannot be written.
    """
    indices = as_hkl(hkl)
    intensities = _finite_column("intensity", intensity, len(indices))
    sigmas = _finite_column("sigma", sigma, len(indices))
    order = int(np.abs(indices).max(initial=0))
    if order > _LARGEST_WRITTEN_INDEX:
        raise ArgandError(f"hkl holds an order of {order}, needs four characters at most")
    largest = max(np.abs(intensities).max(initial=0.0), np.abs(sigmas).max(initial=0.0))
    factor = _LARGEST_VALUE / float(largest) if largest > 0 else 1.0
    lines: list[str] = []
    for (h, k, l), value, uncertainty in zip(indices.tolist(), intensities, sigmas, strict=True):
        scaled_sigma = max(factor * uncertainty, _SMALLEST_SIGMA)
        lines.append(f"{h:4d}{k:4d}{l:4d}{factor * value:8.2f}{scaled_sigma:8.2f}")
    lines.append(f"{0:4d}{0:4d}{0:4d}{0.0:8.2f}{0.0:8.2f}")
    write_text(path, "\n".join(lines) + "\n")
    return factor


def _finite_column(name: str, values: npt.ArrayLike, m: int) -> FloatArray:
    """Make an array (m,) of an argument and check its shape and that its numbers are finite."""
    column = np.asarray(values, dtype=np.float64)
    if column.shape != (m,) or not np.isfinite(column).all():
        raise ArgandError(f"{name} has shape {column.shape}, needs ({m},) finite numbers like hkl")
    return column


def _first_line(lines: list[str]) -> int | None:
    """Return the number of the first line that is neither blank nor a comment."""
    for number, line in enumerate(lines):
        if line.strip() and not is_comment(line):
            return number
    return None


def _read_digits(lines: list[str], first: int) -> tuple[FloatArray, int] | None:
    """Read a list of plain digits in fixed columns, as most are, five times faster than by line.

    Returns the table (m, 6) and the number of the line after its end; None for other lists.
    """
    end = first
    while end < len(lines):
        line = lines[end]
        if not line.strip() or line[:12].split() == ["0", "0", "0"]:
            break
        end += 1
    body = lines[first:end]
    if not body or not _DIGITS.issuperset("".join(body)):
        return None
    columns: list[list[float]] = []
    try:
        for start in (0, 4, 8):
            columns.append([int(line[start : start + 4]) for line in body])
        for start in (12, 20):
            columns.append([float(line[start : start + 8]) for line in body])
        columns.append([int(line[28:32].strip() or 0) for line in body])
    except ValueError:
        return None
    # The reflection 0 0 0 belongs to the list, a blank line and what follows do not.
    ended_by_zeros = end < len(lines) and bool(lines[end].strip())
    return np.array(columns, dtype=np.float64).T, end + ended_by_zeros


def _repeats_intensities(value: FloatArray, batch: npt.NDArray[np.int32]) -> bool:
    """Tell whether lines of negative batch number have the intensity of the next, as in HKLF 5."""
    negative = np.flatnonzero(batch[:-1] < 0)
    if not len(negative):
        return False
    share = float((value[negative] == value[negative + 1]).mean())
    return share > _SHARE_OF_REPEATS


def _read_lines(lines: list[str], first: int, source: str) -> tuple[list[_Row], int]:
    """Read a list line by line: every line in fixed columns, or else every line free.

    Returns the rows and the number of the line after the end of the list.
    """
    bad_lines: list[int] = []
    for read_line in (_read_fixed, _read_free):
        rows, end, bad = _read_until_end(lines, first, read_line)
        if bad is None or (rows and _is_trailing_text(lines, bad)):
            return rows, end
        bad_lines.append(bad)
    # The reading that came furthest has met what is really wrong.
    bad = max(bad_lines)
    raise ArgandError(
        f"{source}: line {bad + 1} is {lines[bad][:40]!r}, needs h k l intensity sigma (HKLF 4)"
    )


def _read_until_end(
    lines: list[str], first: int, read_line: _LineReader
) -> tuple[list[_Row], int, int | None]:
    """Read rows up to the end of a list.

    Returns the rows, the number of the line after the end, and the number of a line that is no
    reflection, None where the list ends well.
    """
    rows: list[_Row] = []
    for number in range(first, len(lines)):
        line = lines[number]
        if is_comment(line):
            continue
        if rows and not line.strip():
            return rows, number, None
        try:
            row = read_line(line)
        except ValueError:
            return rows, number, number
        if row[:3] == (0, 0, 0):
            return rows, number + 1, None
        rows.append(row)
    return rows, len(lines), None


def _is_trailing_text(lines: list[str], number: int) -> bool:
    """Tell whether a line of words ends the list: no later line is a reflection."""
    if not re.match(r"\s*[A-Za-z_;]", lines[number]):
        return False
    for line in lines[number:]:
        if _is_row(line, _read_fixed) or _is_row(line, _read_free):
            return False
    return True


def _is_row(line: str, read_line: _LineReader) -> bool:
    """Tell whether a line can be read as a reflection."""
    try:
        read_line(line)
    except ValueError:
        return False
    return True


def _read_fixed(line: str) -> _Row:
    """Read a line in fixed columns, 3I4, 2F8.2, I4; a ValueError where it is none."""
    if "\t" in line:
        raise ValueError
    h, k, l = (_parse_integer(line[start : start + 4]) for start in (0, 4, 8))
    value = parse_number(line[12:20])
    sigma = parse_number(line[20:28])
    batch = line[28:32].strip()
    return h, k, l, value, sigma, _parse_integer(batch) if batch else 0


def _read_free(line: str) -> _Row:
    """Read a line of numbers that stand apart; sigma may be absent. A ValueError for others."""
    words = split_words(_TOUCHING_MINUS.sub(" -", line))
    if len(words) < 4:
        raise ValueError
    h, k, l = (_parse_integer(word) for word in words[:3])
    sigma = parse_number(words[4]) if len(words) > 4 else np.nan
    batch = 0
    if len(words) > 5 and re.fullmatch(r"-?\d{1,4}", words[5]):
        batch = int(words[5])
    return h, k, l, parse_number(words[3]), sigma, batch


def _parse_integer(text: str) -> int:
    """Parse an integer without the underscores that Python allows."""
    if not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text):
        raise ValueError
    return int(text)
