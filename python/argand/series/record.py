"""The record of one file of a series: its quality figures and the displacement of every site."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argand.jobs import records
from argand.store import null_for_nan, to_builtins

__all__ = ["Record", "read_record", "record_to_builtins", "write_record"]

_KIND = "series record"

# Raise this when the layout of a record changes: older records are then made again.
_VERSION = 1

# Figures that are sums of squares, lengths or factors.
_AT_LEAST_ZERO = (
    "completeness",
    "d_min",
    "r_known",
    "r",
    "r1",
    "rms",
    "uncertainty",
    "largest",
    "scale",
)

# Figures beyond this are of no measurement; tables and pictures compute their squares.
_LARGEST = 1e15

# No atom of a crystal like the known one is so many angstrom away.
_LARGEST_DISPLACEMENT = 1e4


@dataclass(frozen=True)
class Record:
    """Hold the figures of merit and the displacements of one reflection file.

    Numbers are NaN where they could not be determined.

    Parameters
    ----------
    name : str
        Name of the results, unique within the series.
    file : str
        Path of the reflection file.
    size, mtime_ns : int
        Size in bytes and time of the last change in nanoseconds of the file that was read.
    error : str
        Why the file could not be used; empty where it could.
    axes : str
        Indices of the results in terms of those of the file, such as 'k, l, h', where it was
        reindexed to the axes of the known structure; empty where they are the same.
    reflections : int
        Number of unique measured reflections that were used.
    completeness : float
        Share of the unique reflections to `d_min` that were measured.
    d_min : float
        Resolution, angstrom.
    r_known, r : float
        sum ||F| - |F_calc|| / sum |F| of the known structure and of the displaced structure.
    r1 : float
        R of the displaced structure over reflections with I > 2 sigma.
    rms, uncertainty : float
        Root mean square displacement of all sites and its standard uncertainty, angstrom.
    largest, atom : float, str
        The largest displacement, angstrom, and the label of its site.
    scale : float
        Factor between measured and calculated |F|.
    b_change : float
        Change of the overall B, A^2.
    flags : tuple of str
        Remarks on data that lie outside what the estimator was made for.
    seconds : float
        Time spent on this file; files that are estimated together share their time evenly.
    temperature : float
        Temperature of the measurement in kelvin, where the file states it.
    cell : (a, b, c, alpha, beta, gamma)
        Unit cell in angstrom and degrees on the axes of the known structure, as the file states it;
        empty where it states none.
    displacement : (n, 3)
        Displacement of every site, Cartesian angstrom.
    sigma : (n,)
        Standard uncertainty of the displacement of every site in three dimensions, angstrom.
    outputs : tuple of (str, int)
        Path inside the folder of the series, and size in bytes, of every result that was written.
    """

    name: str
    file: str
    size: int
    mtime_ns: int
    error: str = ""
    axes: str = ""
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
    temperature: float = math.nan
    cell: tuple[float, ...] = ()
    displacement: tuple[tuple[float, float, float], ...] = ()
    sigma: tuple[float, ...] = ()
    outputs: tuple[tuple[str, int], ...] = ()


def record_to_builtins(record: Record) -> dict[str, Any]:
    """Turn a record into what JSON can hold: NaN becomes None."""
    content: dict[str, Any] = null_for_nan(to_builtins(record))
    return content


def write_record(path: Path, record: Record) -> None:
    """Write a record as JSON, whole or not at all."""
    records.write_record(path, record, kind=_KIND, version=_VERSION)


def read_record(path: Path) -> Record | None:
    """Read the record of a file; None where it is missing, impossible or of another version.

    The caller makes such a record again.
    """
    record = records.read_record(Record, path, kind=_KIND, version=_VERSION)
    return record if record is not None and _is_possible(record) else None


def _is_possible(record: Record) -> bool:
    """Return whether the numbers of a record can be those of a crystal and its data."""
    counts = (record.size, record.mtime_ns, record.reflections)
    if min(counts) < 0 or record.seconds < 0.0:
        return False
    for name in _AT_LEAST_ZERO:
        # NaN stands for a number that could not be determined.
        if not (math.isnan(getattr(record, name)) or 0.0 <= getattr(record, name) <= _LARGEST):
            return False
    if not (math.isnan(record.b_change) or abs(record.b_change) <= _LARGEST):
        return False
    if any(sigma < 0.0 or sigma > _LARGEST for sigma in record.sigma):
        return False
    if len(record.cell) not in (0, 6) or not all(0.0 < x <= _LARGEST for x in record.cell):
        return False
    if not (math.isnan(record.temperature) or 0.0 < record.temperature <= _LARGEST):
        return False
    return all(math.hypot(*vector) <= _LARGEST_DISPLACEMENT for vector in record.displacement)
