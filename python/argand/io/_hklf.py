"""SHELX reflection lists: HKLF 3, 4 and 5 in columns or free, and plain columns with or without names."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.io._reflections import Reflections
from argand.reflections import as_hkl

__all__ = ["Listed", "read_columns"]

_LARGEST_INDEX = 9999
_MOST = 0.8  # of the lines with a negative batch number
_COMMENT = ("#", "!")
_SEPARATORS = re.compile(r"[,;]")
_DIGITS = frozenset("0123456789+-. ")
_TOUCHING = re.compile(r"(?<=[0-9.])-")  # a minus that parts two numbers, not one of an exponent
_Row = tuple[int, int, int, float, float, int]

# plain names of columns, without case, blanks and punctuation
_NAMES = {
    "intensity": (
        "i",
        "iobs",
        "int",
        "intensity",
        "fsquared",
        "f2",
        "fsq",
        "fo2",
        "fosq",
        "f2obs",
        "fobs2",
        "imean",
    ),
    "amplitude": ("f", "fo", "fobs", "fp", "amplitude", "fmeas"),
    "amplitude_calc": ("fc", "fcalc"),
    "phase": ("phi", "phase", "phic", "phicalc", "phcalc", "pha"),
    "batch": ("batch", "m", "domain"),
    "sigma": (
        "sigma",
        "sig",
        "sigf",
        "sigi",
        "sigmaf",
        "sigmai",
        "sigf2",
        "sigfo",
        "sigfo2",
        "sigfobs",
        "sigiobs",
        "s",
    ),
}


class Listed(NamedTuple):
    """A list of reflections, and the lines that follow its end: programs keep instructions there."""

    reflections: Reflections
    trailer: list[str]


def read_columns(text: str, source: str, *, hklf: int | None = None) -> Listed:
    """A list h, k, l, value, standard uncertainty, batch number.

    SHELX writes 3I4, 2F8.2, I4, in which numbers may touch (`1-100-100 9999.9912345.67`); others write the same
    numbers apart, by blanks, tabs or commas, or by nothing but a minus (`-12-10 3`). The list ends with the reflection
    0 0 0, a blank line, or the file. A first line of names (`h k l F sigF phase`) says what the columns are; else they
    are intensities, or amplitudes for `hklf` = 3. A number without a decimal point is taken as it stands. Negative
    batch numbers mean overlap in HKLF 5, where lines that overlap repeat one intensity, and a free set in others.

    Raises
    ------
    ArgandError
        Names the line that is no reflection.
    """
    lines = text.splitlines()
    first = next(
        (
            i
            for i, line in enumerate(lines)
            if line.strip() and not line.lstrip().startswith(_COMMENT)
        ),
        None,
    )
    if first is None:
        raise ArgandError(f"{source}: no reflections")
    words = _split(lines[first])
    if [word.lower() for word in words[:3]] == ["h", "k", "l"]:
        return Listed(_named(lines, first, source), [])
    table, end = _digits(lines, first) or _listed(lines, first, source)
    numbers = np.array(table, dtype=np.float64)
    if not len(numbers):
        raise ArgandError(f"{source}: no reflections")
    value, sigma = numbers[:, 3], numbers[:, 4]
    batch = numbers[:, 5].astype(np.int32)
    twin = hklf == 5 or (hklf is None and _repeats(value, batch))
    batch = batch if twin else np.abs(batch)
    found = Reflections(
        _indices(numbers[:, :3], source),
        sigma=None if np.isnan(sigma).all() else sigma,
        batch=batch if batch.any() else None,
        format=f"SHELX HKLF {5 if twin else hklf or 4}{'' if hklf or twin else ' or plain columns'}",
        **{"amplitude" if hklf == 3 else "intensity": value},  # type: ignore[arg-type]
    )
    return Listed(found, lines[end:])


def _digits(lines: list[str], first: int) -> tuple[FloatArray, int] | None:
    """What `_rows` makes of a list of plain digits in columns, as most are, in a fifth of the time; None for others."""
    ends = (
        i
        for i in range(first, len(lines))
        if not lines[i].strip() or lines[i][:12].split() == ["0", "0", "0"]
    )
    end = next(ends, len(lines))
    body = lines[first:end]
    if not body or not _DIGITS.issuperset("".join(body)):
        return None
    try:
        columns: list[list[float]] = [[int(line[i : i + 4]) for line in body] for i in (0, 4, 8)]
        columns += [[float(line[i : i + 8]) for line in body] for i in (12, 20)]
        columns.append([int(line[28:32].strip() or 0) for line in body])
    except ValueError:
        return None
    return np.array(columns, dtype=np.float64).T, end + (
        end < len(lines) and bool(lines[end].strip())
    )


def _repeats(value: FloatArray, batch: npt.NDArray[np.int32]) -> bool:
    """Whether lines of negative batch number have the intensity of the next line, as in HKLF 5."""
    shared = np.flatnonzero(batch[:-1] < 0)
    return len(shared) > 0 and float((value[shared] == value[shared + 1]).mean()) > _MOST


def _listed(lines: list[str], first: int, source: str) -> tuple[list[_Row], int]:
    """All rows, and where the list ends. Either every line is in columns or none needs to be."""
    outcomes = []
    for reading in (_fixed, _free):
        rows, end, bad = _rows(lines, first, reading)
        if bad is None or (rows and _is_text(lines, bad)):
            return rows, end
        outcomes.append(bad)
    bad = max(outcomes)
    raise ArgandError(
        f"{source}: line {bad + 1} is {lines[bad][:40]!r}, needs h k l intensity sigma (HKLF 4)"
    )


def _rows(
    lines: list[str], first: int, reading: Callable[[str], _Row]
) -> tuple[list[_Row], int, int | None]:
    """Rows up to the end, the number of the line after it, and that of a line that is no reflection."""
    rows: list[_Row] = []
    for number in range(first, len(lines)):
        line = lines[number]
        if line.lstrip().startswith(_COMMENT):
            continue
        if rows and not line.strip():
            return rows, number, None
        try:
            row = reading(line)
        except ValueError:
            return rows, number, number
        if row[:3] == (0, 0, 0):
            return rows, number + 1, None
        rows.append(row)
    return rows, len(lines), None


def _is_text(lines: list[str], number: int) -> bool:
    """Whether the list ends at a line of words that no further reflection follows."""
    if not re.match(r"\s*[A-Za-z_;]", lines[number]):
        return False
    for line in lines[number:]:
        for reading in (_fixed, _free):
            try:
                reading(line)
            except ValueError:
                continue
            return False
    return True


def _fixed(line: str) -> _Row:
    if "\t" in line:
        raise ValueError
    h, k, l = (_integer(line[i : i + 4]) for i in (0, 4, 8))
    batch = line[28:32].strip()
    return h, k, l, _number(line[12:20]), _number(line[20:28]), _integer(batch) if batch else 0


def _free(line: str) -> _Row:
    words = _split(_TOUCHING.sub(" -", line))
    if len(words) < 4:
        raise ValueError
    h, k, l = (_integer(word) for word in words[:3])
    sigma = _number(words[4]) if len(words) > 4 else np.nan
    batch = int(words[5]) if len(words) > 5 and re.fullmatch(r"-?\d{1,4}", words[5]) else 0
    return h, k, l, _number(words[3]), sigma, batch


def _split(line: str) -> list[str]:
    return _SEPARATORS.sub(" ", line).split()


def _integer(text: str) -> int:
    if not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text):
        raise ValueError
    return int(text)


def _number(text: str) -> float:
    if not re.fullmatch(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([EeDd][+-]?[0-9]{1,2})?\s*", text):
        raise ValueError
    return float(text.upper().replace("D", "E"))


def _indices(hkl: Any, source: str) -> Any:
    if np.abs(hkl).max(initial=0) > _LARGEST_INDEX:
        raise ArgandError(
            f"{source}: an index of {int(np.abs(hkl).max())}, needs indices up to {_LARGEST_INDEX}"
        )
    return as_hkl(hkl)


def _named(lines: list[str], header: int, source: str) -> Reflections:
    """Plain columns under a line of names; names that say nothing here are passed over."""
    names = [re.sub(r"[^a-z0-9]", "", word.lower()) for word in _split(lines[header])]
    known = {name: field for field, all_of in _NAMES.items() for name in all_of}
    place: dict[str, int] = {}
    for column, name in enumerate(names):
        if column > 2 and name in known:
            place.setdefault(known[name], column)
    if not place.keys() & {"intensity", "amplitude", "amplitude_calc"}:
        raise ArgandError(
            f"{source}: its columns are {' '.join(names)}, needs one of intensity, F, Fc after h k l"
        )
    table = []
    for number, line in enumerate(lines[header + 1 :], start=header + 2):
        words = _split(line)
        if not words or line.lstrip().startswith(_COMMENT):
            continue
        try:
            values = [_number(word) for word in words]
        except ValueError:
            values = []
        if len(values) != len(names) or any(value % 1 for value in values[:3]):
            raise ArgandError(
                f"{source}: line {number} is {line[:40]!r}, needs {len(names)} numbers: {' '.join(names)}"
            )
        table.append(values)
    if not table:
        raise ArgandError(f"{source}: no reflections")
    numbers = np.array(table)
    columns: dict[str, Any] = {field: numbers[:, column] for field, column in place.items()}
    if "phase" in columns:
        columns["phase"] = np.radians(columns["phase"])
    if "batch" in columns:
        columns["batch"] = columns["batch"].astype(np.int32)
    return Reflections(_indices(numbers[:, :3], source), format="columns with names", **columns)
