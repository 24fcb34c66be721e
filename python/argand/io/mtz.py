"""Read and write MTZ files: merged, with Friedel mates in columns of their own, or unmerged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray, cell_parameters
from argand.errors import ArgandError
from argand.files import PathLike, replacing
from argand.io.reflections import Reflections
from argand.reflections import HklArray, as_hkl
from argand.symmetry import named_spacegroup

__all__ = ["read_mtz", "write_reflections"]

# Least size of the header of a batch, in bytes.
_BATCH_HEADER = 80

# Type of a written column by the beginning of its name: standard deviation, phase, weight,
# intensity, amplitude. Other columns are real numbers, R.
_TYPES_BY_PREFIX = (("SIG", "Q"), ("PH", "P"), ("FOM", "W"), ("I", "J"), ("F", "F"))


def read_mtz(source: str, data: bytes) -> Reflections:
    """Read the reflections of an MTZ file.

    These are the first intensity (J), the first amplitude (F) that has a standard deviation, the
    first phase (P) and the amplitude before it. Where there is no mean, I(+) and I(-) or F(+) and
    F(-) become rows of h and of -h. An unmerged file has the indices as they were measured.

    Parameters
    ----------
    source
        Path of the file.
    data
        Bytes of the file, to check its header.

    Raises
    ------
    ArgandError
        Names a file that is no valid MTZ file.
    """
    try:
        _check_header(data)
        mtz = gemmi.read_mtz_file(source)
        if mtz.batches:
            mtz.switch_to_original_hkl()
        values = np.array(mtz.array, dtype=np.float64)
        hkl = as_hkl(mtz.make_miller_array())
    except (RuntimeError, ValueError, IndexError) as error:
        raise ArgandError(f"{source}: no valid MTZ file: {error}") from None
    columns = _Columns(mtz, values)
    wavelengths = [dataset.wavelength for dataset in mtz.datasets if dataset.wavelength > 0]
    header = Reflections(
        hkl,
        cell=cell_parameters(mtz.cell.parameters),
        spacegroup=mtz.spacegroup.xhm() if mtz.spacegroup else None,
        wavelength=float(wavelengths[-1]) if wavelengths else None,
        format="unmerged MTZ" if mtz.batches else "MTZ",
    )
    intensity = columns.first("J")
    amplitude = columns.measured_amplitude()
    has_mean = intensity is not None
    if amplitude is not None and columns.sigma(amplitude) is not None:
        has_mean = True
    if not has_mean:
        mates = _friedel_mates(header, columns)
        if mates is not None:
            return mates
    measured = intensity if intensity is not None else amplitude
    phase = columns.first("P")
    degrees = columns.values(phase)
    return _with_columns(
        header,
        hkl,
        intensity=columns.values(intensity),
        amplitude=columns.values(amplitude),
        sigma=None if measured is None else columns.values(columns.sigma(measured)),
        amplitude_calc=columns.values(columns.amplitude_before(phase, amplitude)),
        phase=None if degrees is None else np.radians(degrees),
    )


def write_reflections(
    path: PathLike,
    hkl: npt.ArrayLike,
    f: npt.ArrayLike | None = None,
    *,
    cell: Sequence[float] | FloatArray,
    spacegroup: str = "P 1",
    **columns: npt.ArrayLike,
) -> None:
    """Write reflections as an MTZ file (float32), phases in degrees.

    Parameters
    ----------
    path
        File to write, complete or not at all.
    hkl : (m, 3)
        Miller indices.
    f : (m,)
        Complex values become the columns F and PHI, real ones the column F.
    cell, spacegroup
        Unit cell in angstrom and degrees; Hermann-Mauguin name.
    columns : (m,)
        Further columns by name. A complex FC becomes FC and PHIC; a name PH... holds radians.

    Raises
    ------
    ArgandError
        Names the argument that does not fit, or the file that cannot be written.
    """
    indices = as_hkl(hkl)
    group = named_spacegroup(spacegroup)
    columns_by_name = dict(columns) if f is None else {"F": f, **columns}
    real_columns: dict[str, FloatArray] = {}
    for name, values in columns_by_name.items():
        real_columns.update(_real_columns(name, np.asarray(values), len(indices)))
    mtz = gemmi.Mtz(with_base=True)
    mtz.title = "written by argand"
    mtz.spacegroup = group
    mtz.set_cell_for_all(gemmi.UnitCell(*cell_parameters(cell)))
    mtz.add_dataset("argand")
    for name in real_columns:
        mtz.add_column(name, _column_type(name))
    table = np.column_stack([indices, *real_columns.values()])
    mtz.set_data(table.astype(np.float32))
    with replacing(path) as temporary:
        mtz.write_to_file(temporary)


class _Columns:
    """Find columns of an MTZ file by their type; a column is its position in the file."""

    def __init__(self, mtz: gemmi.Mtz, values: FloatArray) -> None:
        self._types = [column.type for column in mtz.columns]
        self._labels = [column.label for column in mtz.columns]
        self._values = values

    def of_type(self, kind: str) -> list[int]:
        """List the columns of a type, in the order of the file."""
        return [column for column, column_type in enumerate(self._types) if column_type == kind]

    def first(self, kind: str) -> int | None:
        """Return the first column of a type, None without one."""
        columns = self.of_type(kind)
        return columns[0] if columns else None

    def measured_amplitude(self) -> int | None:
        """Return the first amplitude that has its own standard deviation, else the first one."""
        for column in self.of_type("F"):
            if self.own_sigma(column) is not None:
                return column
        return self.first("F")

    def amplitude_before(self, phase: int | None, measured: int | None) -> int | None:
        """Return the last amplitude before the phase, other than the measured one."""
        if phase is None:
            return None
        for column in reversed(self.of_type("F")):
            if column < phase and column != measured:
                return column
        return None

    def own_sigma(self, column: int) -> int | None:
        """Return the standard deviation of a column: SIGF of F, else the one that follows it."""
        deviations = self.of_type("Q")
        for deviation in deviations:
            if self._labels[deviation] == f"SIG{self._labels[column]}":
                return deviation
        return column + 1 if column + 1 in deviations else None

    def sigma(self, column: int) -> int | None:
        """Return the standard deviation of a column, or the only one that the file has."""
        own_sigma = self.own_sigma(column)
        deviations = self.of_type("Q")
        if own_sigma is None and len(deviations) == 1:
            return deviations[0]
        return own_sigma

    def values(self, column: int | None) -> FloatArray | None:
        """Return the values (m,) of a column that may be absent."""
        if column is None:
            return None
        values: FloatArray = self._values[:, column]
        return values

    def joined(self, columns: list[int]) -> FloatArray:
        """Return the values (2 m,) of two columns, the second below the first."""
        return np.concatenate([self._values[:, column] for column in columns])


def _friedel_mates(header: Reflections, columns: _Columns) -> Reflections | None:
    """Return the values of (+) and (-) as rows of h and of -h; None where the file has none."""
    for kind, sigma_kind in (("K", "M"), ("G", "L")):
        pair = columns.of_type(kind)[:2]
        if len(pair) < 2:
            continue
        values = columns.joined(pair)
        sigma_pair = columns.of_type(sigma_kind)[:2]
        is_intensity = kind == "K"
        both = _with_columns(
            header,
            np.concatenate([header.hkl, -header.hkl]),
            intensity=values if is_intensity else None,
            amplitude=None if is_intensity else values,
            sigma=columns.joined(sigma_pair) if len(sigma_pair) == 2 else None,
        )
        return both[np.isfinite(values)]
    return None


def _with_columns(
    header: Reflections,
    hkl: HklArray,
    *,
    intensity: FloatArray | None,
    amplitude: FloatArray | None,
    sigma: FloatArray | None,
    amplitude_calc: FloatArray | None = None,
    phase: FloatArray | None = None,
) -> Reflections:
    """Return reflections with the given columns, and cell and wavelength of the header."""
    return Reflections(
        hkl,
        intensity=intensity,
        amplitude=amplitude,
        sigma=sigma,
        amplitude_calc=amplitude_calc,
        phase=phase,
        cell=header.cell,
        spacegroup=header.spacegroup,
        wavelength=header.wavelength,
        format=header.format,
    )


def _check_header(data: bytes) -> None:
    """Refuse a damaged header, before gemmi allocates what it asks for, by a ValueError.

    Columns x reflections, and batches, have to fit the size of the file.
    """
    stated = re.search(rb"NCOL +(\d+) +(\d+) +(\d+)", data)
    if stated is None:
        raise ValueError("its header states no size, or one beyond that of the file")
    columns, reflections, batches = (int(number) for number in stated.groups())
    if 4 * columns * reflections > len(data) or _BATCH_HEADER * batches > len(data):
        raise ValueError("its header states no size, or one beyond that of the file")
    for byte_order in ("little", "big"):
        # The second word of the file counts words, from 1, up to the header.
        position = 4 * (int.from_bytes(data[4:8], byte_order) - 1)
        if data[position : position + 4] == b"VERS":
            return
    raise ValueError("its header is not where its first bytes say")


def _column_type(name: str) -> str:
    """Return the MTZ type of a column to write, by its name."""
    for prefix, kind in _TYPES_BY_PREFIX:
        if name.startswith(prefix):
            return kind
    return "R"


def _real_columns(name: str, values: npt.NDArray[Any], m: int) -> dict[str, FloatArray]:
    """Return the columns (m,) to write for an argument: two for complex values."""
    if values.shape != (m,):
        raise ArgandError(f"{name} has shape {values.shape}, needs ({m},) like hkl")
    if np.iscomplexobj(values):
        return {name: np.abs(values), f"PHI{name[1:]}": np.degrees(np.angle(values))}
    if name.startswith("PH"):
        return {name: np.degrees(values)}
    return {name: values.astype(np.float64)}
