"""What is known of one file of a series once it is done: the row of a table, and where every atom has gone."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argand.errors import ArgandError
from argand.files import replacing

__all__ = ["Record", "read_record", "table_csv", "table_json", "write_text"]


@dataclass(frozen=True)
class Record:
    """One reflection file and what was found in it.

    Parameters
    ----------
    name, file, size, mtime_ns : as in `Source`
    error : why nothing was found; all that follows then means nothing
    reflections : unique ones that were used
    completeness : of these, to `d_min` (angstrom)
    r_known, r : sum ||F| - |F_calc|| / sum |F| with the known structure as it is, and with its atoms displaced
    r1 : the same of reflections with I > 2 sigma alone, as crystallographers state it
    rms, uncertainty : root mean square displacement of all sites and its standard uncertainty, angstrom
    largest, atom : the largest displacement, angstrom, and whose
    scale, b_change : of the measured |F|, and of the overall B (A^2)
    flags : in which way the file lies outside what the estimator was made for
    seconds : of this file's share of the work
    displacement : (n, 3) of every site, Cartesian angstrom; sigma : (n,) its standard uncertainty in three dimensions
    """

    name: str
    file: str
    size: int
    mtime_ns: int
    error: str = ""
    reflections: int = 0
    completeness: float = math.nan
    d_min: float = math.nan
    r_known: float = math.nan
    r: float = math.nan
    r1: float = math.nan
    rms: float = math.nan
    uncertainty: float = math.nan
    largest: float = math.nan
    atom: str = ""
    scale: float = math.nan
    b_change: float = math.nan
    flags: tuple[str, ...] = ()
    seconds: float = 0.0
    displacement: tuple[tuple[float, float, float], ...] = ()
    sigma: tuple[float, ...] = ()

    @property
    def row(self) -> dict[str, Any]:
        """What a table shows: all but the displacements."""
        shown = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("size", "mtime_ns", "displacement", "sigma")
        }
        shown["flags"] = "; ".join(self.flags)
        return shown

    def to_json(self) -> str:
        return json.dumps(
            {field.name: _number(getattr(self, field.name)) for field in dataclasses.fields(self)}
        )


def read_record(path: Path) -> Record | None:
    """What `Record.to_json` wrote to a file; None for what is no record: it is made anew."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        floats = {field.name for field in dataclasses.fields(Record) if field.type == "float"}
        values: dict[str, Any] = {
            key: math.nan if value is None and key in floats else value
            for key, value in content.items()
        }
        values["flags"] = tuple(values["flags"])
        values["displacement"] = tuple(map(tuple, values["displacement"]))
        values["sigma"] = tuple(values["sigma"])
        return Record(**values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def table_csv(records: Sequence[Record], labels: Sequence[str]) -> str:
    """A line for each file, with the length of the displacement of every site, angstrom, in columns named |u| LABEL."""
    text = io.StringIO()
    names = list(Record("", "", 0, 0).row)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, *(f"|u| {label}" for label in labels)])
    for record in records:
        lengths = [f"{math.hypot(*u):.4f}" for u in record.displacement] or [""] * len(labels)
        writer.writerow([*(_cell(value) for value in record.row.values()), *lengths])
    return text.getvalue()


def table_json(records: Sequence[Record], labels: Sequence[str]) -> str:
    """All records, and the labels of the sites: {"sites": [...], "files": [...]}."""
    return json.dumps(
        {"sites": list(labels), "files": [json.loads(record.to_json()) for record in records]}
    )


def write_text(path: Path, text: str) -> None:
    """The file appears when it is complete."""
    with replacing(path) as name:
        Path(name).write_text(text, encoding="utf-8")


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArgandError(f"{path}: cannot be read: {error}") from None


def _number(value: Any) -> Any:
    """JSON has no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else ""
    return str(value)
