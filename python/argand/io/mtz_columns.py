"""Find the columns of an MTZ file by their types and labels."""

from __future__ import annotations

import gemmi
import numpy as np

from argand.cell import FloatArray
from argand.errors import ArgandError

__all__ = ["ANOMALOUS_COLUMNS", "MAP_COLUMNS", "MINUS", "PLUS", "MtzColumns"]

#: End of the label of a column that belongs to h.
PLUS = "(+)"

#: End of the label of a column that belongs to the Friedel mate -h.
MINUS = "(-)"

#: Amplitude and phase of the coefficients of maps that refinements write: refmac, phenix and
#: BUSTER; first those of the density, then those of the difference.
MAP_COLUMNS = (
    ("FWT", "PHWT"),
    ("2FOFCWT", "PH2FOFCWT"),
    ("DELFWT", "PHDELWT"),
    ("FOFCWT", "PHFOFCWT"),
)

#: Amplitude and phase of the coefficients of anomalous difference maps, of refmac and of phenix.
#: They are no density, and are read on request alone.
ANOMALOUS_COLUMNS = (("FAN", "PHAN"), ("ANOM", "PANOM"))

_PAIRS = (*MAP_COLUMNS, *ANOMALOUS_COLUMNS)
_MAP_AMPLITUDES = tuple(amplitude for amplitude, _ in _PAIRS)
_MAP_PHASES = tuple(phase for _, phase in _PAIRS)

# Types of columns that hold an amplitude, and of those that hold a phase: D is a difference.
_TYPES_OF_PAIR = ("FGDR", "P")
_QUANTITIES = ("an amplitude (F)", "a phase (P)")


class MtzColumns:
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
        for amplitude, phase in MAP_COLUMNS:
            if amplitude in self._labels and phase in self._labels:
                return self._labels.index(amplitude), self._labels.index(phase)
        return None, None

    def named(self, names: tuple[str, str]) -> tuple[int, int]:
        """Return the columns of an amplitude and a phase by their names.

        Raises
        ------
        ArgandError
            The file lacks a column, or it is no amplitude or no phase.
        """
        columns: list[int] = []
        for name, types, quantity in zip(names, _TYPES_OF_PAIR, _QUANTITIES, strict=True):
            if name not in self._labels:
                raise ArgandError(f"has no column {name}, there are {', '.join(self._labels)}")
            column = self._labels.index(name)
            if self._types[column] not in types:
                raise ArgandError(
                    f"its column {name} has type {self._types[column]}, needs {quantity}"
                )
            columns.append(column)
        return columns[0], columns[1]

    def calculated_phase(self) -> int | None:
        """Return the first phase of no map and no Friedel mate, else the first of no mate."""
        phases: list[int] = []
        for column in self.of_type("P"):
            if not self._labels[column].endswith((PLUS, MINUS)):
                phases.append(column)
        for column in phases:
            if self._labels[column] not in _MAP_PHASES:
                return column
        return phases[0] if phases else None

    def mates(self, kind: str) -> tuple[int, int] | None:
        """Return the columns of h and of -h of a type, "G" or "K"; None where there are no two.

        Labels tell which is which: I(+) and I(-); without such labels h comes first.
        """
        columns = self.of_type(kind)
        for column in columns:
            label = self._labels[column]
            partner = label.removesuffix(PLUS) + MINUS
            if label.endswith(PLUS) and partner in self._labels:
                return column, self._labels.index(partner)
        return (columns[0], columns[1]) if len(columns) > 1 else None

    def sigmas_of_mates(self, mates: tuple[int, int], kind: str) -> tuple[int, int] | None:
        """Return the standard deviations of two mates: SIGI(+) of I(+), else the first of a type.

        Parameters
        ----------
        mates
            Columns of h and of -h.
        kind
            Type of their standard deviations, "L" or "M".
        """
        plus, minus = (f"SIG{self._labels[column]}" for column in mates)
        if plus in self._labels and minus in self._labels:
            return self._labels.index(plus), self._labels.index(minus)
        columns = self.of_type(kind)
        return (columns[0], columns[1]) if len(columns) > 1 else None

    def phases_of_mates(self, mates: tuple[int, int]) -> tuple[int, int] | None:
        """Return the phases of two mates: PHI(+) or PHIF(+) of F(+); None without them."""
        plus, minus = (self._labels[column] for column in mates)
        for names in ((f"PHI{plus[1:]}", f"PHI{minus[1:]}"), (f"PHI{plus}", f"PHI{minus}")):
            if all(name in self._labels for name in names):
                return self._labels.index(names[0]), self._labels.index(names[1])
        return None

    def labels(self, *columns: int) -> str:
        """Return the labels of columns, as a list in words."""
        return ", ".join(self._labels[column] for column in columns)

    def labelled(self, amplitude: int | None, phase: int | None) -> str:
        """Return the labels of amplitude and phase, or nothing where one is missing."""
        if amplitude is None or phase is None:
            return ""
        return self.labels(amplitude, phase)

    def wavelength(self, column: int | None) -> float | None:
        """Return the wavelength in angstrom of a column, else the last that the file states."""
        if column is not None and self._wavelengths[column] > 0:
            return float(self._wavelengths[column])
        stated = [wavelength for wavelength in self._wavelengths if wavelength > 0]
        return float(stated[-1]) if stated else None

    def measured_amplitude(self) -> int | None:
        """Return the first amplitude that has its own standard deviation, else the first one.

        Without one, FC beside an intensity is calculated.
        """
        columns = self.amplitudes()
        for column in columns:
            if self.own_sigma(column) is not None:
                return column
        if self.first("J") is not None:
            columns = [column for column in columns if not self._labels[column].startswith("FC")]
        return columns[0] if columns else None

    def other_data(self) -> list[str]:
        """Say in words which measured columns are not read: of several the first of a type is."""
        notes: list[str] = []
        for columns in (self.of_type("J"), self.amplitudes()):
            measured = [column for column in columns if self.own_sigma(column) is not None]
            if len(measured) > 1:
                others = self.labels(*measured[1:])
                notes.append(
                    f"several measured columns: {self._labels[measured[0]]} is read, not {others}"
                )
        return notes

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

    def joined(self, columns: tuple[int, int] | None) -> FloatArray | None:
        """Return the values (2 m,) of two columns, the second below the first; None without."""
        if columns is None:
            return None
        return np.concatenate([self._values[:, column] for column in columns])
