"""Write the table of a series as Apache Parquet, with the types of its columns."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from argand.cell import cell_volume
from argand.errors import ArgandError
from argand.files import replacing
from argand.series.record import Record
from argand.series.tables import CELL_COLUMNS, figure_names, unique_labels

__all__ = ["check_pyarrow", "write_parquet"]


def check_pyarrow() -> None:
    """Raise an `ArgandError` where pyarrow, which writes the files, is missing."""
    if importlib.util.find_spec("pyarrow") is None:
        raise ArgandError("table.parquet needs the package pyarrow: pip install pyarrow")


def write_parquet(path: Path, records: Sequence[Record], labels: Sequence[str]) -> None:
    """Write records as a table in Apache Parquet, whole or not at all, a row for each file.

    Parameters
    ----------
    path : Path
        File to write.
    records : sequence of Record
        Records in the order of the rows.
    labels : (n,) str
        Labels of the sites. The columns are those of table.csv, numbers with all their digits and
        null where they could not be determined, then ``displacement``, (n, 3) Cartesian angstrom,
        and ``sigma``, (n,) angstrom, which are empty for a file that could not be used.
    """
    import pyarrow
    import pyarrow.parquet

    number, text = pyarrow.float64(), pyarrow.string()
    types = {
        "str": text,
        "int": pyarrow.int64(),
        "float": number,
        "tuple[str, ...]": pyarrow.list_(text),
    }
    type_names = {field.name: str(field.type) for field in fields(Record)}
    columns: dict[str, Any] = {}

    def add(name: str, values: list[Any], type_: Any) -> None:
        """Add a column, with null for NaN."""
        columns[name] = pyarrow.array(values, type_, from_pandas=True)

    for name in figure_names():
        add(name, [getattr(record, name) for record in records], types[type_names[name]])
    cells = [_cell_figures(record) for record in records]
    for column, name in enumerate(CELL_COLUMNS):
        add(name, [cell[column] for cell in cells], number)
    for site, label in enumerate(unique_labels(labels)):
        add(f"|u| {label}", [_length(record, site) for record in records], number)
    vectors = pyarrow.list_(pyarrow.list_(number))
    add("displacement", [record.displacement for record in records], vectors)
    add("sigma", [record.sigma for record in records], pyarrow.list_(number))
    with replacing(path) as temporary:
        pyarrow.parquet.write_table(pyarrow.table(columns), temporary)


def _cell_figures(record: Record) -> list[float]:
    """Return the unit cell of a record and its volume, in the order of the columns, or NaN."""
    if not record.cell:
        return [math.nan] * len(CELL_COLUMNS)
    return [*record.cell, cell_volume(record.cell)]


def _length(record: Record, site: int) -> float:
    """Return the length of a site's displacement, angstrom, NaN where the file was not used."""
    return math.hypot(*record.displacement[site]) if record.displacement else math.nan
