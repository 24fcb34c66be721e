"""Tables of all records of a series, as CSV for spreadsheets and as JSON for programs."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields

from argand.cell import cell_volume
from argand.jobs.records import csv_text
from argand.series.record import Record, record_to_builtins

__all__ = ["CELL_COLUMNS", "figure_names", "table_csv", "table_json", "unique_labels"]

# The stamp of a file helps no reader, and sites have columns or fields of their own.
_NOT_IN_CSV = ("size", "mtime_ns", "cell", "displacement", "sigma", "outputs")

#: Columns of the unit cell.
CELL_COLUMNS = ("a", "b", "c", "alpha", "beta", "gamma", "volume")


def figure_names() -> list[str]:
    """Return the names of the fields of a record that are columns of a table."""
    return [field.name for field in fields(Record) if field.name not in _NOT_IN_CSV]


def table_csv(records: Sequence[Record], labels: Sequence[str]) -> str:
    """Write records as comma-separated values, one line for each file.

    Parameters
    ----------
    records : sequence of Record
        Records in the order of the lines.
    labels : (n,) str
        Labels of the sites. After the unit cell, in angstrom, degrees and A^3, the length of each
        site's displacement, in angstrom, stands in a column named ``|u| LABEL``.
    """
    columns = figure_names()
    head = [*columns, *CELL_COLUMNS, *(f"|u| {label}" for label in unique_labels(labels))]
    rows: list[list[object]] = []
    for record in records:
        values: list[object] = [getattr(record, column) for column in columns]
        if record.cell:
            values += [*record.cell, cell_volume(record.cell)]
        else:
            values += [""] * len(CELL_COLUMNS)
        lengths = [f"{math.hypot(*vector):.4f}" for vector in record.displacement]
        rows.append(values + (lengths or [""] * len(labels)))
    return csv_text(head, rows)


def table_json(records: Sequence[Record], labels: Sequence[str]) -> str:
    """Write records as JSON: ``{"sites": [labels], "files": [records]}``, with null for NaN."""
    files = [record_to_builtins(record) for record in records]
    return json.dumps({"sites": unique_labels(labels), "files": files}, allow_nan=False)


def unique_labels(labels: Sequence[str]) -> list[str]:
    """Return labels of sites as they are, those that repeat with the number of the site, from 1."""
    counts = Counter(labels)
    unique = []
    for number, label in enumerate(labels, start=1):
        unique.append(label if counts[label] == 1 else f"{label} ({number})")
    return unique
