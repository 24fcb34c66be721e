"""Read and write .tsc tables of aspherical form factors, as NoSpherA2 and DiSCaMB write them.

Source: L. Midgley et al., arXiv:1911.08847.
"""

from __future__ import annotations

import re
from array import array

import numpy as np

from argand._memory import demand
from argand.cell import FloatArray
from argand.errors import ArgandError, reading
from argand.files import PathLike, read_text, replacing
from argand.io.named_columns import checked_indices
from argand.tabulated import FormFactorTable

__all__ = ["read_tsc", "write_tsc"]

# A line of the header: a keyword, and what it says.
_HEADER_LINE = re.compile(r"\s*([A-Za-z]+)\s*:(.*)")

# Rotation matrices of SYMM are nine whole numbers each.
_MATRIX_NUMBERS = 9

# Bytes that a form factor takes: two numbers, as they are read, in an array, complex, and sorted.
_BYTES_OF_FORM = 80

# Copies of a text that are held at the same time: its bytes, itself and its lines.
_COPIES_OF_TEXT = 3


def read_tsc(path: PathLike) -> FormFactorTable:
    """Read a table of form factors (.tsc).

    SYMM says whether all equivalent reflections are listed, in any order (expanded) or in blocks
    for the rotations; a table with the identity alone and real values is one of spherical atoms.
    AD says whether dispersion is included.

    Raises
    ------
    ArgandError
        One line that names the file and what is wrong with it.
    MemoryLimitError
        Reading takes more than `argand.memory_limit()`.
    """
    source = str(path)
    if source.lower().endswith(".tscb"):
        raise ArgandError(f"{source}: is a binary table, needs the text form (.tsc)")
    lines = read_text(path).splitlines()
    header, first_row = _read_header(lines, source)
    labels = header.get("SCATTERERS", "").split()
    if not labels:
        raise ArgandError(f"{source}: names no scatterers (SCATTERERS: ...)")
    rows = len(lines) - first_row
    demand(
        f"{source}: form factors of {len(labels)} scatterers at {rows:,} reflections",
        _COPIES_OF_TEXT * sum(map(len, lines)) + _BYTES_OF_FORM * rows * (len(labels) + 2),
        "give a table of fewer reflections",
    )
    numbers = _read_rows(lines, first_row, len(labels), source)
    hkl = checked_indices(numbers[:, :3], source)
    f = numbers[:, 3::2] + 1j * numbers[:, 4::2]
    symmetry = header.get("SYMM", "").strip()
    is_expanded = symmetry.lower() == "expanded"
    matrices = [] if is_expanded else [words for words in symmetry.split(";") if words.strip()]
    for words in matrices:
        if len(words.split()) != _MATRIX_NUMBERS:
            raise ArgandError(
                f"{source}: SYMM has {words.strip()!r}, needs expanded, or matrices of nine numbers"
            )
    is_spherical = not is_expanded and len(matrices) < 2 and not f.imag.any()
    with reading(source):
        try:
            return FormFactorTable(
                labels=tuple(labels),
                hkl=hkl,
                f=f,
                has_dispersion=header.get("AD", "").strip().lower() == "true",
                is_spherical=is_spherical,
            )
        except ArgandError as error:
            raise ArgandError(f"{source}: {error}") from None


def write_tsc(path: PathLike, table: FormFactorTable, title: str = "argand") -> None:
    """Write a table of form factors as .tsc, complete or not at all."""
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8") as stream:
        stream.write(f"TITLE: {title}\n")
        stream.write(f"SYMM: {'1 0 0 0 1 0 0 0 1' if table.is_spherical else 'expanded'}\n")
        stream.write(f"AD: {'TRUE' if table.has_dispersion else 'FALSE'}\n")
        stream.write(f"SCATTERERS: {' '.join(table.labels)}\nDATA:\n")
        for (h, k, l), row in zip(table.hkl.tolist(), table.f, strict=True):
            values = " ".join(f"{value.real:.9g},{value.imag:.9g}" for value in row)
            stream.write(f"{h} {k} {l} {values}\n")


def _read_header(lines: list[str], source: str) -> tuple[dict[str, str], int]:
    """Read the keywords before the data, and return them with the number of the first row."""
    header: dict[str, str] = {}
    for number, line in enumerate(lines):
        match = _HEADER_LINE.match(line)
        if match is None:
            # Programs add lines of their own about the calculation.
            continue
        keyword = match[1].upper()
        if keyword == "DATA":
            return header, number + 1
        header[keyword] = match[2].strip()
    raise ArgandError(f"{source}: has no DATA, needs a table of form factors")


def _read_rows(lines: list[str], first: int, scatterers: int, source: str) -> FloatArray:
    """Return rows (k, 3 + 2 n): h k l, then real and imaginary part of n form factors."""
    rows = array("d")
    for number, line in enumerate(lines[first:], start=first + 1):
        words = line.split()
        if not words:
            break
        values = words[:3]
        for word in words[3:]:
            real, _, imaginary = word.partition(",")
            values += [real, imaginary or "0"]
        try:
            if len(words) != 3 + scatterers:
                raise ValueError
            rows.extend([float(value) for value in values])
        except ValueError:
            raise ArgandError(
                f"{source}: line {number} is {line[:40]!r}, "
                f"needs h k l and {scatterers} form factors"
            ) from None
    if not rows:
        raise ArgandError(f"{source}: has no reflections")
    return np.array(rows).reshape(-1, 3 + 2 * scatterers)
