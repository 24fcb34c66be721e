"""Read reflections in plain columns under a line of names, such as `h k l F sigF phase`."""

from __future__ import annotations

import re
from array import array

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.io.reflections import Reflections
from argand.io.satellites import main_reflections
from argand.reflections import HklArray

__all__ = [
    "COMMENT_MARKS",
    "checked_indices",
    "has_decimal_comma",
    "has_named_columns",
    "is_comment",
    "parse_number",
    "read_named_columns",
    "split_words",
]

# Orders of reflections beyond this are damage, not measurements.
_LARGEST_INDEX = 9999

# Batch numbers fit int32.
_LARGEST_BATCH = 2**31 - 1

# Lines that begin with one of these are comments.
COMMENT_MARKS = ("#", "!")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_SEPARATORS = re.compile(r"[,;]")
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([EeDd][+-]?[0-9]{1,2})?\s*")

# Names of columns, without case, blanks and punctuation, by the quantity that they hold.
_NAMES_BY_QUANTITY = {
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
    "wavelength": ("wavelength", "lambda", "wave", "wl"),
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


# Columns of these names right after h k l are satellite indices of a modulated structure, or a
# single one the multiplicity of the reflection.
_SATELLITE_NAMES = ("m", "m1", "m2", "m3", "n", "p")

# Signs in brackets after a name mean one of two Friedel mates.
_MATE = re.compile(r"\(?[+-]\)?$")


def has_named_columns(line: str) -> bool:
    """Tell whether a line names the columns of a list: it begins with h k l."""
    return [word.lower() for word in split_words(line)[:3]] == ["h", "k", "l"]


def read_named_columns(lines: list[str], header: int, source: str) -> tuple[Reflections, list[str]]:
    """Read the columns under a line of names; columns of unknown names are ignored.

    Returns the reflections, and remarks about what the list holds and is not used.

    Parameters
    ----------
    lines
        Lines of the file.
    header
        Number of the line of names.
    source
        Name of the file, for complaints.

    Raises
    ------
    ArgandError
        Names the columns, or the line that does not fit them.
    """
    words_of_header = split_words(lines[header])
    mates = [word for word in words_of_header if _MATE.search(word)]
    if mates:
        raise ArgandError(
            f"{source}: its columns {', '.join(mates)} are of Friedel mates, "
            "needs a row for each of them"
        )
    names = [re.sub(r"[^a-z0-9]", "", word.lower()) for word in words_of_header]
    positions = _positions(names)
    if not positions.keys() & {"intensity", "amplitude", "amplitude_calc"}:
        raise ArgandError(
            f"{source}: its columns are {' '.join(names)}, "
            "needs one of intensity, F, Fc after h k l"
        )
    rows = array("d")
    for number, line in enumerate(lines[header + 1 :], start=header + 2):
        words = split_words(line)
        if not words or words[0].startswith(COMMENT_MARKS):
            continue
        row = [] if "," in line and has_decimal_comma(line) else _parse_row(words)
        has_indices = all(value % 1 == 0 for value in row[:3])
        if len(row) != len(names) or not has_indices:
            raise ArgandError(
                f"{source}: line {number} is {line[:40]!r}, "
                f"needs {len(names)} numbers: {' '.join(names)}"
            )
        rows.extend(row)
    if not rows:
        raise ArgandError(f"{source}: no reflections")
    notes: list[str] = []
    table = np.array(rows).reshape(-1, len(names))
    table = main_reflections(table, _satellite_orders(table, names), source, notes)
    return _reflections(table, positions, source), notes


def _positions(names: list[str]) -> dict[str, int]:
    """Find the position of the first column of each quantity, after h, k and l."""
    quantity_by_name: dict[str, str] = {}
    for quantity, synonyms in _NAMES_BY_QUANTITY.items():
        for synonym in synonyms:
            quantity_by_name[synonym] = quantity
    positions: dict[str, int] = {}
    first = 3 + _count_satellites(names)
    for position, name in enumerate(names):
        if position >= first and name in quantity_by_name:
            positions.setdefault(quantity_by_name[name], position)
    return positions


def _count_satellites(names: list[str]) -> int:
    """Return how many of the columns after h k l are named as satellite indices are."""
    count = 0
    while names[3 + count : 4 + count] and names[3 + count] in _SATELLITE_NAMES:
        count += 1
    return count


def _satellite_orders(table: FloatArray, names: list[str]) -> FloatArray:
    """Return the satellite index of each row (m,): 0 in main reflections, NaN where there is none.

    A single index that is positive in all rows is a multiplicity.
    """
    columns = table[:, 3 : 3 + _count_satellites(names)]
    is_multiplicity = columns.shape[1] == 1 and bool((columns > 0).all())
    if columns.shape[1] == 0 or is_multiplicity:
        return np.full(len(table), np.nan)
    orders: FloatArray = np.abs(columns).sum(axis=1)
    return orders


def _parse_row(words: list[str]) -> list[float]:
    """Parse the numbers of a line; an empty list where a word is no number."""
    try:
        return [parse_number(word) for word in words]
    except ValueError:
        return []


def _reflections(table: FloatArray, positions: dict[str, int], source: str) -> Reflections:
    """Make reflections of a table (m, columns), phases in degrees."""
    columns = {quantity: table[:, position] for quantity, position in positions.items()}
    degrees = columns.get("phase")
    batch = columns.get("batch")
    wavelengths = np.unique(columns.get("wavelength", []))
    if len(wavelengths) > 1:
        raise ArgandError(
            f"{source}: a wavelength for each reflection, {wavelengths[0]:g} to "
            f"{wavelengths[-1]:g} Å (Laue data), needs data of one wavelength"
        )
    return Reflections(
        checked_indices(table[:, :3], source),
        intensity=columns.get("intensity"),
        amplitude=columns.get("amplitude"),
        sigma=columns.get("sigma"),
        amplitude_calc=columns.get("amplitude_calc"),
        phase=None if degrees is None else np.radians(degrees),
        batch=None if batch is None else _batch_numbers(batch, source),
        format="columns with names",
        wavelength=float(wavelengths[0]) if len(wavelengths) else None,
    )


def _batch_numbers(batch: FloatArray, source: str) -> npt.NDArray[np.int32]:
    """Make batch numbers (m,) int32 of whole numbers and refuse others."""
    numbers = np.clip(np.rint(batch), -_LARGEST_BATCH, _LARGEST_BATCH)
    if not np.array_equal(numbers, batch):
        raise ArgandError(f"{source}: a batch number is no whole number up to {_LARGEST_BATCH}")
    return numbers.astype(np.int32)


def checked_indices(indices: FloatArray, source: str) -> HklArray:
    """Make Miller indices (m, 3) int32 of whole numbers and refuse those that are too large.

    Raises
    ------
    ArgandError
        Names the source and an index that is no whole number, or the largest index.
    """
    # NaN differs from itself, and infinity is beyond the largest index.
    is_whole = np.rint(indices) == indices
    largest = np.abs(indices).max(initial=0)
    if is_whole.all() and largest <= _LARGEST_INDEX:
        return np.ascontiguousarray(indices, np.int32)
    broken = indices[~np.isfinite(indices) | ~is_whole]
    if len(broken):
        raise ArgandError(f"{source}: an index of {float(broken[0]):g}, needs whole numbers")
    raise ArgandError(f"{source}: an index of {int(largest)}, needs indices up to {_LARGEST_INDEX}")


def is_comment(line: str) -> bool:
    """Tell whether a line is a comment."""
    return line.lstrip().startswith(COMMENT_MARKS)


def has_decimal_comma(line: str) -> bool:
    """Tell whether a row of numbers, apart by blanks or semicolons, has decimal commas."""
    words = line.replace(";", " ").split()
    return len(words) > 3 and any(_DECIMAL_COMMA.fullmatch(word) for word in words[3:])


def split_words(line: str) -> list[str]:
    """Split a line at blanks, tabs, commas and semicolons."""
    if "," in line or ";" in line:
        return _SEPARATORS.sub(" ", line).split()
    return line.split()


def parse_number(text: str) -> float:
    """Parse a number as C and Fortran write it; a ValueError for nan, inf and everything else."""
    if not _NUMBER.fullmatch(text):
        raise ValueError
    number = float(text.upper().replace("D", "E"))
    if number in (np.inf, -np.inf):
        raise ValueError
    return number
