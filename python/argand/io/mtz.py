"""Read and write MTZ files: merged, with Friedel mates in columns of their own, or unmerged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray, cell_parameters
from argand.errors import ArgandError
from argand.files import PathLike, replacing
from argand.io.named_columns import checked_indices
from argand.io.reflections import Reflections
from argand.reflections import as_hkl
from argand.symmetry import named_spacegroup

__all__ = ["read_mtz", "write_reflections"]

# First half of the second byte of the stamp of a machine with big-endian numbers.
_BIG_ENDIAN = 1

# Least size of the header of a batch, in bytes.
_BATCH_HEADER = 80

# Type of a written column by the beginning of its name: standard deviation, phase, weight,
# intensity, amplitude and coefficients of maps. Other columns are real numbers, R.
_TYPES_BY_PREFIX = (
    ("SIG", "Q"),
    ("PH", "P"),
    ("FOM", "W"),
    ("I", "J"),
    ("F", "F"),
    ("DELFWT", "F"),
    ("2FOFCWT", "F"),
)

# Type of a column of one Friedel mate, F(+) or F(-), by the type of the column of both.
_TYPES_OF_MATES = {"F": "G", "J": "K", "Q": "M"}

# Amplitude and phase of the coefficients of maps that refinements write: refmac, phenix and BUSTER;
# first those of the density, then those of the difference.
_MAP_COLUMNS = (
    ("FWT", "PHWT"),
    ("2FOFCWT", "PH2FOFCWT"),
    ("DELFWT", "PHDELWT"),
    ("FOFCWT", "PHFOFCWT"),
)
_MAP_AMPLITUDES = tuple(amplitude for amplitude, _ in _MAP_COLUMNS)


def read_mtz(source: str, data: bytes) -> Reflections:
    """Read the reflections of an MTZ file.

    These are the first intensity (J), the first amplitude (F) that has a standard deviation, the
    first phase (P) and the amplitude before it, and the coefficients of a map under their usual
    names. Where there is no mean, I(+) and I(-) or F(+) and F(-) become rows of h and of -h. An
    unmerged file has the indices as they were measured.

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
        if any(column.type == "Y" for column in mtz.columns):
            # Without a batch gemmi would take the file for a merged one.
            if not mtz.batches:
                mtz.batches.append(gemmi.Mtz.Batch())
            mtz.switch_to_original_hkl()
        values = np.array(mtz.array, dtype=np.float64)
        columns = _Columns(mtz, values)
        cell = cell_parameters(mtz.cell.parameters)
    except (RuntimeError, ValueError, IndexError, MemoryError) as error:
        raise ArgandError(f"{source}: no valid MTZ file: {error}") from None
    if not len(values):
        raise ArgandError(f"{source}: no reflections")
    header = Reflections(
        checked_indices(values[:, :3], source),
        cell=cell,
        spacegroup=mtz.spacegroup.xhm() if mtz.spacegroup else None,
        wavelength=columns.wavelength(None),
        format="unmerged MTZ" if mtz.batches else "MTZ",
    )
    try:
        return _fill(header, columns)
    except ArgandError as error:
        raise ArgandError(f"{source}: {error}") from None


def _fill(header: Reflections, columns: _Columns) -> Reflections:
    """Add the columns of an MTZ file to its indices, cell and space group."""
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
    phase = columns.calculated_phase()
    degrees = columns.values(phase)
    calculated = columns.amplitude_before(phase, amplitude)
    map_amplitude, map_phase = columns.map_columns()
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


def write_reflections(
    path: PathLike,
    hkl: npt.ArrayLike,
    f: npt.ArrayLike | None = None,
    *,
    cell: Sequence[float] | FloatArray,
    spacegroup: str = "P 1",
    wavelength: float | None = None,
    history: Sequence[str] = (),
    **columns: npt.ArrayLike,
) -> None:
    """Write reflections as an MTZ file (float32), phases in degrees.

    Columns have the types and names that other programs look for: FWT and PHWT, DELFWT and PHDELWT,
    2FOFCWT and PH2FOFCWT are coefficients of maps; F(+) and F(-), I(+) and I(-) with their SIG are
    Friedel mates.

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
    wavelength
        Angstrom.
    history
        Lines for people, of at most 80 characters each.
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
    mtz.history = list(history)
    mtz.spacegroup = group
    mtz.set_cell_for_all(gemmi.UnitCell(*cell_parameters(cell)))
    mtz.add_dataset("argand").wavelength = _checked_wavelength(wavelength)
    for name in real_columns:
        mtz.add_column(name, _column_type(name))
    table = np.column_stack([indices, *real_columns.values()])
    mtz.set_data(table.astype(np.float32))
    with replacing(path) as temporary:
        mtz.write_to_file(temporary)


def _checked_wavelength(wavelength: float | None) -> float:
    """Return a wavelength in angstrom as an MTZ file states it, 0 for an unknown one."""
    if wavelength is None:
        return 0.0
    if not 0.0 < wavelength < np.inf:
        raise ArgandError(f"wavelength is {wavelength}, needs a wavelength in angstrom")
    return float(wavelength)


class _Columns:
    """Find columns of an MTZ file by their type; a column is its position in the file."""

    def __init__(self, mtz: gemmi.Mtz, values: FloatArray) -> None:
        self._types = [column.type for column in mtz.columns]
        self._labels = [column.label for column in mtz.columns]
        self._values = values
        self._wavelengths = [column.dataset.wavelength for column in mtz.columns]

    def of_type(self, kind: str) -> list[int]:
        """List the columns of a type, in the order of the file."""
        return [column for column, column_type in enumerate(self._types) if column_type == kind]

    def first(self, kind: str) -> int | None:
        """Return the first column of a type, None without one."""
        columns = self.of_type(kind)
        return columns[0] if columns else None

    def amplitudes(self) -> list[int]:
        """List the amplitudes that are no coefficients of maps."""
        return [
            column for column in self.of_type("F") if self._labels[column] not in _MAP_AMPLITUDES
        ]

    def map_columns(self) -> tuple[int | None, int | None]:
        """Return amplitude and phase of the coefficients of a map, None for both without them."""
        for amplitude, phase in _MAP_COLUMNS:
            if amplitude in self._labels and phase in self._labels:
                return self._labels.index(amplitude), self._labels.index(phase)
        return None, None

    def calculated_phase(self) -> int | None:
        """Return the first phase that is no coefficient of a map, else the first one."""
        of_maps = {phase for _, phase in _MAP_COLUMNS}
        for column in self.of_type("P"):
            if self._labels[column] not in of_maps:
                return column
        return self.first("P")

    def labelled(self, amplitude: int | None, phase: int | None) -> str:
        """Return the labels of amplitude and phase, or nothing where one is missing."""
        if amplitude is None or phase is None:
            return ""
        return f"{self._labels[amplitude]}, {self._labels[phase]}"

    def wavelength(self, column: int | None) -> float | None:
        """Return the wavelength in angstrom of a column, else the last that the file states."""
        if column is not None and self._wavelengths[column] > 0:
            return float(self._wavelengths[column])
        stated = [wavelength for wavelength in self._wavelengths if wavelength > 0]
        return float(stated[-1]) if stated else None

    def measured_amplitude(self) -> int | None:
        """Return the first amplitude that has its own standard deviation, else the first one."""
        columns = self.amplitudes()
        for column in columns:
            if self.own_sigma(column) is not None:
                return column
        return columns[0] if columns else None

    def amplitude_before(self, phase: int | None, measured: int | None) -> int | None:
        """Return the last amplitude before the phase, other than the measured one."""
        if phase is None:
            return None
        for column in reversed(self.amplitudes()):
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
        return None if column is None else self.of(column)

    def of(self, column: int) -> FloatArray:
        """Return the values (m,) of a column."""
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
        both = replace(
            header,
            hkl=np.concatenate([header.hkl, -header.hkl]),
            intensity=values if is_intensity else None,
            amplitude=None if is_intensity else values,
            sigma=columns.joined(sigma_pair) if len(sigma_pair) == 2 else None,
        )
        return both[np.isfinite(values)]
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


def _column_type(name: str) -> str:
    """Return the MTZ type of a column to write, by its name."""
    column_type = "R"
    for prefix, kind in _TYPES_BY_PREFIX:
        if name.startswith(prefix):
            column_type = kind
            break
    if not name.endswith(("(+)", "(-)")):
        return column_type
    if column_type == "Q" and name.startswith("SIGF"):
        return "L"
    return _TYPES_OF_MATES.get(column_type, column_type)


def _phase_name(name: str) -> str:
    """Return the name of the phase of a complex column: PHI of F, PHIC of FC, PHWT of FWT."""
    return dict(_MAP_COLUMNS).get(name, f"PHI{name[1:]}")


def _real_columns(name: str, values: npt.NDArray[Any], m: int) -> dict[str, FloatArray]:
    """Return the columns (m,) to write for an argument: two for complex values."""
    if values.shape != (m,):
        raise ArgandError(f"{name} has shape {values.shape}, needs ({m},) like hkl")
    if np.iscomplexobj(values):
        return {name: np.abs(values), _phase_name(name): np.degrees(np.angle(values))}
    if name.startswith("PH"):
        return {name: np.degrees(values)}
    return {name: values.astype(np.float64)}
