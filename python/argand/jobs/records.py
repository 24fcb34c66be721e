"""Records of files that are done: kept on disk as JSON, and listed in tables."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from argand.errors import ArgandError
from argand.files import size_of
from argand.jobs.sources import Source
from argand.store import from_builtins, null_for_nan, read_json, to_builtins, write_json

__all__ = ["csv_text", "csv_value", "is_current", "read_record", "write_record"]

RecordType = TypeVar("RecordType")

# Characters that make a spreadsheet run a text as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class _Stamped(Protocol):
    """Describe what tells whether a record is still that of its file."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def mtime_ns(self) -> int: ...
    @property
    def error(self) -> str: ...
    @property
    def outputs(self) -> tuple[tuple[str, int], ...]: ...


def write_record(path: Path, record: Any, *, kind: str, version: int) -> None:
    """Write a record, a dataclass, as JSON, complete or not at all; NaN becomes null."""
    write_json(path, null_for_nan(to_builtins(record)), kind=kind, version=version)


def read_record(
    type_: type[RecordType], path: Path, *, kind: str, version: int
) -> RecordType | None:
    """Read a record; None where it is missing, damaged or of another version.

    The caller makes such a record again. null becomes NaN: no field of a record can be None.
    """
    try:
        content: dict[str, Any] = read_json(dict, path, kind=kind, version=version)
        return from_builtins(type_, _nan_for_null(content), str(path))
    except ArgandError:
        return None


def is_current(record: _Stamped, source: Source, folder: Path) -> bool:
    """Tell whether a record is that of a file as it is now, with all its results in place.

    It is not where the file could not be used or has changed since, and where one of its results,
    whose paths inside `folder` the record lists, is missing or has another size.
    """
    if record.error or record.name != source.name:
        return False
    if (record.size, record.mtime_ns) != (source.size, source.mtime_ns):
        return False
    return all(size_of(folder / name) == size for name, size in record.outputs)


def csv_text(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Write a table as comma-separated values, which spreadsheets can read without harm."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for row in rows:
        writer.writerow([csv_value(value) for value in row])
    return text.getvalue()


def csv_value(value: object) -> str:
    """Return the text of a value: six significant digits, nothing for NaN, flags in one cell.

    A spreadsheet takes an apostrophe before a text as the mark that it is no formula.
    """
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else ""
    text = "; ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    if isinstance(value, (str, tuple)) and text.startswith(_FORMULA_STARTS):
        return f"'{text}"
    return text


def _nan_for_null(value: Any) -> Any:
    """Replace None by NaN, also inside lists and dictionaries."""
    if value is None:
        return math.nan
    if isinstance(value, dict):
        return {key: _nan_for_null(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_nan_for_null(entry) for entry in value]
    return value
