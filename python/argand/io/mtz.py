"""Read MTZ files: merged, with Friedel mates in columns of their own, or unmerged."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray, cell_parameters
from argand.errors import ArgandError
from argand.io.mates import rows_of_mates
from argand.io.mtz_columns import MtzColumns
from argand.io.named_columns import checked_indices
from argand.io.reflections import Reflections

__all__ = ["read_mtz", "reflections_of_mtz"]

# First half of the second byte of the stamp of a machine with big-endian numbers.
_BIG_ENDIAN = 1

# M of M/ISYM = 256 M + ISYM is 1 where a reflection was recorded in part.
_PARTIAL = 256

# Least size of the header of a batch, in bytes.
_BATCH_HEADER = 80


def read_mtz(
    source: str, data: bytes, *, mates: bool = False, columns: tuple[str, str] | None = None
) -> tuple[Reflections, list[str]]:
    """Read the reflections of an MTZ file.

    These are the first intensity (J), the first amplitude (F) that has a standard deviation, the
    first phase (P) and the amplitude before it, and the coefficients of a map under their usual
    names. Where there is no mean, I(+) and I(-) or F(+) and F(-) become rows of h and of -h. An
    unmerged file has the indices as they were measured. Numbers that the file calls missing are
    NaN.

    Returns the reflections, and remarks about what the file holds and is not used.

    Parameters
    ----------
    source
        Path of the file.
    data
        Bytes of the file, to check its header.
    mates
        Read Friedel mates in columns of their own where the file has their mean as well.
    columns
        Names of the amplitude and of the phase of the coefficients of a map, instead of the usual
        ones.

    Raises
    ------
    ArgandError
        Names a file that is no valid MTZ file, or that lacks a column.
    """
    try:
        _check_header(data)
        mtz = gemmi.read_mtz_file(source)
        return reflections_of_mtz(mtz, source, mates=mates, columns=columns)
    except ArgandError:
        raise
    except (RuntimeError, ValueError, IndexError, MemoryError) as error:
        raise ArgandError(f"{source}: no valid MTZ file: {error}") from None


def reflections_of_mtz(
    mtz: gemmi.Mtz,
    source: str,
    *,
    mates: bool = False,
    columns: tuple[str, str] | None = None,
) -> tuple[Reflections, list[str]]:
    """Read the reflections of a gemmi.Mtz.

    Returns the reflections, and remarks about what the file holds and is not used.

    Parameters
    ----------
    mtz
        Content of an MTZ file. The indices of an unmerged one become those that were measured.
    source
        Name for complaints.
    mates, columns
        See `read_mtz`.

    Raises
    ------
    ArgandError
        There are no reflections, or a column is missing.
    """
    notes = _partials(mtz)
    if any(column.type == "Y" for column in mtz.columns):
        # Without a batch gemmi would take the file for a merged one.
        if not mtz.batches:
            mtz.batches.append(gemmi.Mtz.Batch())
        mtz.switch_to_original_hkl()
    values = _values(mtz)
    table = MtzColumns(mtz, values)
    cell = cell_parameters(mtz.cell.parameters)
    if not len(values):
        raise ArgandError(f"{source}: no reflections")
    header = Reflections(
        checked_indices(values[:, :3], source),
        cell=cell,
        spacegroup=mtz.spacegroup.xhm() if mtz.spacegroup else None,
        wavelength=table.wavelength(None),
        format="unmerged MTZ" if mtz.batches else "MTZ",
    )
    if columns is None:
        notes += table.other_data()
    notes = [f"{source}: {note}" for note in notes]
    try:
        return _fill(header, table, mates, columns), notes
    except ArgandError as error:
        raise ArgandError(f"{source}: {error}") from None


def _values(mtz: gemmi.Mtz) -> FloatArray:
    """Return the numbers (m, columns) of an MTZ file, NaN for those that stand for missing ones."""
    values = np.array(mtz.array, dtype=np.float64)
    # VALM names the number of missing values; NaN is equal to nothing.
    data = values[:, 3:]
    data[data == np.float32(mtz.valm)] = np.nan
    return values


def _partials(mtz: gemmi.Mtz) -> list[str]:
    """Say in words how many rows are parts of reflections, which M/ISYM = 256 M + ISYM tells."""
    columns = mtz.columns_with_type("Y")
    if not len(columns):
        return []
    partials = int((np.array(columns[0].array) >= _PARTIAL).sum())
    if partials == 0:
        return []
    return [f"{partials} rows are partly recorded reflections, which are not added up"]


def _fill(
    header: Reflections,
    columns: MtzColumns,
    keep_mates: bool,
    map_names: tuple[str, str] | None,
) -> Reflections:
    """Add the columns of an MTZ file to its indices, cell and space group."""
    intensity = columns.first("J")
    amplitude = columns.measured_amplitude()
    has_mean = intensity is not None
    if amplitude is not None and columns.sigma(amplitude) is not None:
        has_mean = True
    mates = _friedel_mates(header, columns)
    if mates is not None and map_names is None and (keep_mates or not has_mean):
        return mates
    if mates is not None:
        header = replace(header, format=f"{header.format}, mean of Friedel mates")
    measured = intensity if intensity is not None else amplitude
    phase = columns.calculated_phase()
    degrees = columns.values(phase)
    calculated = columns.amplitude_before(phase, amplitude)
    map_amplitude, map_phase = columns.map_columns()
    if map_names is not None:
        map_amplitude, map_phase = columns.named(map_names)
    map_coefficients: npt.NDArray[np.complex128] | None = None
    if map_amplitude is not None and map_phase is not None:
        f_columns = columns.labelled(map_amplitude, map_phase)
        unit_vectors: npt.NDArray[np.complex128] = np.exp(1j * np.radians(columns.of(map_phase)))
        map_coefficients = columns.of(map_amplitude) * unit_vectors
    else:
        f_columns = columns.labelled(amplitude if calculated is None else calculated, phase)
    return replace(
        header,
        intensity=columns.values(intensity),
        amplitude=columns.values(amplitude),
        sigma=None if measured is None else columns.values(columns.sigma(measured)),
        amplitude_calc=columns.values(calculated),
        phase=None if degrees is None else np.radians(degrees),
        map_coefficients=map_coefficients,
        f_columns=f_columns,
        wavelength=columns.wavelength(measured),
    )


def _friedel_mates(header: Reflections, columns: MtzColumns) -> Reflections | None:
    """Return the values of (+) and (-) as rows of h and of -h; None where the file has none."""
    for kind, sigma_kind in (("K", "M"), ("G", "L")):
        pair = columns.mates(kind)
        if pair is None:
            continue
        is_intensity = kind == "K"
        phases = None if is_intensity else columns.phases_of_mates(pair)
        degrees = columns.joined(phases)
        f_columns = "" if phases is None else columns.labels(*pair, *phases)
        return rows_of_mates(
            replace(header, format=f"{header.format} with Friedel mates", f_columns=f_columns),
            columns.joined(pair),
            columns.joined(columns.sigmas_of_mates(pair, sigma_kind)),
            None if degrees is None else np.radians(degrees),
            is_intensity=is_intensity,
        )
    return None


def _check_header(data: bytes) -> None:
    """Refuse a damaged header, before gemmi allocates what it asks for, by a ValueError.

    Columns x reflections, and batches, have to fit the size of the file.
    """
    stated = re.search(rb"NCOL +(\d+) +(\d+) +(\d+)", data)
    if stated is None:
        raise ValueError("its header states no size, or one beyond that of the file")
    columns, reflections, batches = (int(number) for number in stated.groups())
    if reflections == 0:
        raise ValueError("its header states no reflections")
    if 4 * columns * reflections > len(data) or _BATCH_HEADER * batches > len(data):
        raise ValueError("its header states no size, or one beyond that of the file")
    # The stamp of the machine, in the third word, tells how gemmi reads the second one, which
    # counts words, from 1, up to the header.
    byte_order: Literal["little", "big"] = "big" if data[9] >> 4 == _BIG_ENDIAN else "little"
    position = 4 * (int.from_bytes(data[4:8], byte_order) - 1)
    if data[position : position + 4] == b"VERS":
        return
    raise ValueError("its header is not where its first bytes say")
