"""Read and write SHELX lists of reflections: HKLF 3, 4 and 5 in columns or free."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from argand._memory import demand
from argand._numbers import real_array
from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.files import PathLike, write_text
from argand.io.hklf_rows import read_plain_list, read_rows
from argand.io.named_columns import (
    checked_indices,
    has_named_columns,
    is_comment,
    read_named_columns,
    split_words,
)
from argand.io.reflections import Reflections
from argand.io.satellites import main_reflections
from argand.io.xds import xds_header
from argand.reflections import as_hkl

__all__ = ["check_kind_of_list", "read_columns", "write_hklf4"]

# Kinds of lists that are read, and those of SHELX that are not, by their numbers in HKLF.
_KINDS = (3, 4, 5, 6)
_OTHER_KINDS = {
    1: "the condensed data of SHELX-76",
    2: "Laue data, with a wavelength for each reflection",
}

# Kinds whose lines with a negative batch number share their intensity with the next one.
_TWIN_KINDS = (5, 6)

# The kind whose lines may have satellite indices after h, k and l.
_SATELLITE_KIND = 6

# In HKLF 5 a line with a negative batch number repeats the intensity of the next line. A list is
# taken for one where more than this share of such lines do.
_SHARE_OF_REPEATS = 0.8

# Numbers between these, in angstrom, one after each reflection, are wavelengths.
_SHORTEST_WAVELENGTH = 0.1
_LONGEST_WAVELENGTH = 20.0

# DOS ended text files with this character.
_END_OF_FILE = "\x1a"

# Largest value of F8.2 that keeps two decimals also with a sign: four digits before the point.
_LARGEST_VALUE = 9999.0

# Largest index that fits I4 with a sign.
_LARGEST_WRITTEN_INDEX = 999

# A line of HKLF 4, and how many are formatted at a time.
_LINE = "%4d%4d%4d%8.2f%8.2f\n"
_LINES_OF_BLOCK = 10_000

# Bytes of a reflection that is written: its numbers as objects of Python, its line, and the text.
_BYTES_OF_LINE = 500

# Smallest sigma that F8.2 can hold.
_SMALLEST_SIGMA = 0.01


def read_columns(
    text: str, source: str, *, hklf: int | None = None
) -> tuple[Reflections, list[str], list[str]]:
    """Read a list h, k, l, value, standard uncertainty, batch number.

    SHELX writes 3I4, 2F8.2, I4, in which numbers may touch (`1-100-100 9999.9912345.67`); others
    write the same numbers apart, by blanks, tabs or commas, or by nothing but a minus
    (`-12-10 3`). The list ends with the reflection 0 0 0, a blank line, or the file. A first line
    of names (`h k l F sigF phase`) names the columns. Where F8.2 wrote some numbers without a
    decimal point they are hundredths. Negative batch numbers mean overlap in HKLF 5, and a free set
    in others. Of h, k, l, m, value, sigma, with one to three satellite indices m,
    only main reflections, with m = 0, are read. The header
    of XDS states cell, space group and wavelength.

    Parameters
    ----------
    text
        Content of the file.
    source
        Name of the file, for complaints.
    hklf
        3 for amplitudes, 4 for intensities, 5 or 6 for intensities that overlap, 6 also for those
        with satellite indices; None for intensities without or with overlap.

    Returns
    -------
    tuple[Reflections, list[str], list[str]]
        The reflections; the lines that follow their end, where some programs keep instructions;
        and remarks about what the list holds and is not used.

    Raises
    ------
    ArgandError
        Names the line that is no reflection, or the kind of list that cannot be used.
    """
    check_kind_of_list(hklf, source)
    text = text.rstrip(_END_OF_FILE)
    above, start = _lines_above(text)
    is_named = bool(above) and has_named_columns(above[-1].lstrip("#! "))
    table = None
    if hklf != _SATELLITE_KIND and not is_named:
        table = read_plain_list(text, start, len(above))
    if table is None:
        lines = text.splitlines()
        first = _first_line(lines)
        if first is None:
            raise ArgandError(f"{source}: no reflections")
        names = _named_line(lines, first)
        if names is not None:
            reflections, notes = read_named_columns(lines, names, source)
            return reflections, [], notes
        above = lines[:first]
        table = read_rows(lines, first, source, has_satellites=hklf == _SATELLITE_KIND)
    header = xds_header(above, source)
    notes = list(table.notes)
    numbers = table.numbers
    if header is None:
        _refuse_wavelengths(numbers[:, 7], source)
    numbers = main_reflections(numbers, numbers[:, 6], source, notes)
    reflections = _reflections(numbers, source, hklf)
    if header is not None:
        reflections = replace(
            reflections,
            batch=None,
            format="XDS",
            cell=header.cell,
            spacegroup=header.spacegroup,
            wavelength=header.wavelength,
        )
    return reflections, table.rest, notes


def check_kind_of_list(hklf: int | None, source: str) -> None:
    """Refuse a list of a kind, by its number in HKLF, that cannot be read; None may be any kind.

    Raises
    ------
    ArgandError
        Names the file `source`, the kind, and those that are read.
    """
    if hklf is None or hklf in _KINDS:
        return
    words = f" ({_OTHER_KINDS[hklf]})" if hklf in _OTHER_KINDS else ""
    raise ArgandError(
        f"{source}: hklf is {hklf}{words}, needs 3 (amplitudes), 4, 5 or 6 (intensities)"
    )


def _reflections(numbers: FloatArray, source: str, hklf: int | None) -> Reflections:
    """Make reflections of a table of h, k, l, value, sigma, batch number and more."""
    value = numbers[:, 3]
    sigma = numbers[:, 4]
    batch = numbers[:, 5].astype(np.int32)
    is_twin = hklf in _TWIN_KINDS or (hklf is None and _repeats_intensities(value, batch))
    if not is_twin:
        batch = np.abs(batch)
    kind = f"SHELX HKLF {hklf or (5 if is_twin else 4)}"
    if not hklf and not is_twin:
        kind += " or plain columns"
    return Reflections(
        checked_indices(numbers[:, :3], source),
        intensity=None if hklf == 3 else value,
        amplitude=value if hklf == 3 else None,
        sigma=None if np.isnan(sigma).all() else sigma,
        batch=batch if batch.any() else None,
        format=kind,
    )


def _refuse_wavelengths(wavelengths: FloatArray, source: str) -> None:
    """Refuse a list that states another wavelength (m,) for each reflection, as Laue data do."""
    shortest = float(wavelengths.min())
    longest = float(wavelengths.max())
    # Comparisons with NaN, for a list without wavelengths, are false.
    if _SHORTEST_WAVELENGTH <= shortest < longest <= _LONGEST_WAVELENGTH:
        raise ArgandError(
            f"{source}: a wavelength for each reflection, {shortest:g} to {longest:g} Å "
            "(Laue data, HKLF 2), needs data of one wavelength"
        )


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
    demand(f"a list of {len(indices):,} reflections", _BYTES_OF_LINE * len(indices), "write fewer")
    order = int(np.abs(indices).max(initial=0))
    if order > _LARGEST_WRITTEN_INDEX:
        raise ArgandError(f"hkl holds an order of {order}, needs four characters at most")
    largest = max(np.abs(intensities).max(initial=0.0), np.abs(sigmas).max(initial=0.0))
    factor = _LARGEST_VALUE / float(largest) if largest > 0 else 1.0
    scaled_sigmas = np.maximum(factor * sigmas, _SMALLEST_SIGMA)
    table = np.column_stack([indices, factor * intensities, scaled_sigmas])
    blocks: list[str] = []
    for first in range(0, len(table), _LINES_OF_BLOCK):
        rows = table[first : first + _LINES_OF_BLOCK]
        blocks.append(_LINE * len(rows) % tuple(rows.ravel().tolist()))
    blocks.append(_LINE % (0, 0, 0, 0.0, 0.0))
    write_text(path, "".join(blocks))
    return factor


def _finite_column(name: str, values: npt.ArrayLike, m: int) -> FloatArray:
    """Make an array (m,) of an argument and check its shape and that its numbers are finite."""
    column = real_array(name, values)
    if column.shape != (m,) or not np.isfinite(column).all():
        raise ArgandError(f"{name} has shape {column.shape}, needs ({m},) finite numbers like hkl")
    return column


def _lines_above(text: str) -> tuple[list[str], int]:
    """Return the blank lines and comments that a text begins with, and where the next line begins.

    A line that other characters than a newline divide is left to be read with care.
    """
    above: list[str] = []
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        pieces = text[start:end].splitlines()
        if len(pieces) > 1 or (pieces[0].strip() and not is_comment(pieces[0])):
            break
        above += pieces
        start = end
    return above, start


def _first_line(lines: list[str]) -> int | None:
    """Return the number of the first line that is neither blank nor a comment."""
    for number, line in enumerate(lines):
        if line.strip() and not is_comment(line):
            return number
    return None


def _named_line(lines: list[str], first: int) -> int | None:
    """Return the number of the line that names the columns, which may be the last comment."""
    if has_named_columns(lines[first]):
        return first
    comment = lines[first - 1].lstrip("#! ") if first else ""
    if has_named_columns(comment) and len(split_words(comment)) == len(split_words(lines[first])):
        lines[first - 1] = comment
        return first - 1
    return None


def _repeats_intensities(value: FloatArray, batch: npt.NDArray[np.int32]) -> bool:
    """Tell whether lines of negative batch number have the intensity of the next, as in HKLF 5."""
    negative = np.flatnonzero(batch[:-1] < 0)
    if not len(negative):
        return False
    share = float((value[negative] == value[negative + 1]).mean())
    return share > _SHARE_OF_REPEATS
