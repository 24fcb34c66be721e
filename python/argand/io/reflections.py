"""Hold a list of reflections as a file states it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from argand._numbers import check_size
from argand.cell import Cell, FloatArray
from argand.errors import ArgandError
from argand.reflections import as_hkl

__all__ = ["LONGEST_WAVELENGTH", "Reflections"]

#: Wavelengths beyond this, in angstrom, are a mistake of units
LONGEST_WAVELENGTH = 100.0

# Single rows of a damaged file hold any number of single precision, and merging leaves them out.
_LARGEST_VALUE = 3.5e38

# Phases beyond this, in radians, are something else, and have lost their digits as float32.
_LARGEST_PHASE = 1e6

# Kinds of numpy's dtypes that a column may have.
_KINDS = {
    "intensity": "biuf",
    "amplitude": "biuf",
    "sigma": "biuf",
    "amplitude_calc": "biuf",
    "phase": "biuf",
    "map_coefficients": "biufc",
    "batch": "biu",
    "left_out": "b",
}

RowChoice = npt.NDArray[np.bool_] | npt.NDArray[np.integer] | slice
ColumnType = TypeVar("ColumnType", bound=npt.NDArray[Any])


@dataclass(frozen=True, eq=False)
class Reflections:
    """Hold reflections as a file lists them.

    A column that the file does not have is None, a value that it leaves open is NaN.

    Parameters
    ----------
    hkl : (m, 3) int32
        Miller indices in the order of the file, with equivalents and repeated measurements.
    intensity, amplitude : (m,)
        Measured |F|^2 and |F|, on an arbitrary scale.
    sigma : (m,)
        Standard uncertainty of the intensity, or of the amplitude where there is no intensity.
    amplitude_calc : (m,)
        |F| calculated from the structure that the file was written with.
    phase : (m,)
        Phase of F in radians.
    map_coefficients : (m,)
        Complex coefficients of a density map that a refinement wrote, such as 2 m Fo - D Fc.
    f_columns
        Names of the columns that `f` is made of, where the file names them.
    cell
        (a, b, c, alpha, beta, gamma), angstrom and degrees.
    spacegroup
        Name or operations of the space group, as `Crystal` takes them.
    wavelength
        Angstrom.
    batch : (m,) int32
        Batch numbers of SHELX; in HKLF 5 the twin domain, negative where the next line overlaps.
    left_out : (m,) bool
        Reflections that the file flags as not used.
    format
        Kind of the file, in words.

    Raises
    ------
    ArgandError
        A column has not the length of hkl, or holds infinity.
    """

    hkl: npt.NDArray[np.int32]
    intensity: FloatArray | None = None
    amplitude: FloatArray | None = None
    sigma: FloatArray | None = None
    amplitude_calc: FloatArray | None = None
    phase: FloatArray | None = None
    map_coefficients: npt.NDArray[np.complex128] | None = None
    f_columns: str = ""
    cell: Cell | None = None
    spacegroup: str | None = None
    wavelength: float | None = None
    batch: npt.NDArray[np.int32] | None = None
    left_out: npt.NDArray[np.bool_] | None = None
    format: str = ""

    def __post_init__(self) -> None:
        if not _is_hkl(self.hkl):
            object.__setattr__(self, "hkl", as_hkl(self.hkl))
        m = len(self.hkl)
        for name, values in self.columns().items():
            column = np.asarray(values)
            object.__setattr__(self, name, column)
            if column.shape != (m,):
                raise ArgandError(f"{name} has shape {column.shape}, needs ({m},) like hkl")
            if column.dtype.kind not in _KINDS[name]:
                raise ArgandError(f"{name} has dtype {column.dtype}, needs numbers")
            if np.isinf(column).any():
                raise ArgandError(
                    f"{name} holds infinity, needs finite numbers, or NaN without one"
                )
            check_size(name, column, _LARGEST_VALUE)
        if self.phase is not None and (np.abs(self.phase) > _LARGEST_PHASE).any():
            raise ArgandError(f"phase holds {np.nanmax(np.abs(self.phase)):g}, needs radians")
        wavelength = self.wavelength
        if wavelength is not None and not 0.0 < wavelength < LONGEST_WAVELENGTH:
            raise ArgandError(f"wavelength is {wavelength}, needs a wavelength in angstrom")

    def __getitem__(self, rows: RowChoice) -> Reflections:
        """Return the reflections of the chosen rows, with the cell and all else that is known."""
        return replace(
            self,
            hkl=self.hkl[rows],
            intensity=_rows(self.intensity, rows),
            amplitude=_rows(self.amplitude, rows),
            sigma=_rows(self.sigma, rows),
            amplitude_calc=_rows(self.amplitude_calc, rows),
            phase=_rows(self.phase, rows),
            map_coefficients=_rows(self.map_coefficients, rows),
            batch=_rows(self.batch, rows),
            left_out=_rows(self.left_out, rows),
        )

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns (m,) that the list has beside hkl, by name."""
        columns = {
            "intensity": self.intensity,
            "amplitude": self.amplitude,
            "sigma": self.sigma,
            "amplitude_calc": self.amplitude_calc,
            "phase": self.phase,
            "map_coefficients": self.map_coefficients,
            "batch": self.batch,
            "left_out": self.left_out,
        }
        return {name: column for name, column in columns.items() if column is not None}

    @property
    def f(self) -> npt.NDArray[np.complex128]:
        """Return F (m,): the map coefficients, else of the calculated or the measured amplitude.

        Raises
        ------
        ArgandError
            The list has no amplitude, or no phase.
        """
        if self.map_coefficients is not None:
            return self.map_coefficients
        modulus = self.amplitude if self.amplitude_calc is None else self.amplitude_calc
        if modulus is None or self.phase is None:
            raise ArgandError("these reflections have no amplitude with a phase")
        f: npt.NDArray[np.complex128] = modulus * np.exp(1j * self.phase)
        return f

    def intensities(self) -> tuple[FloatArray, FloatArray | None]:
        """Return measured |F|^2 (m,) and its standard uncertainty (m,), squaring amplitudes.

        sigma(F^2) = sqrt(4 F^2 sigma^2 + 2 sigma^4) is exact for a Gaussian F: unlike 2 F sigma it
        does not vanish with F.

        Raises
        ------
        ArgandError
            The list has neither measured intensities nor amplitudes.
        """
        # Squares and weights of single precision overflow.
        sigma = None if self.sigma is None else np.asarray(self.sigma, np.float64)
        if self.intensity is not None:
            return np.asarray(self.intensity, np.float64), sigma
        if self.amplitude is None:
            raise ArgandError("these reflections have neither measured intensities nor amplitudes")
        squared = np.asarray(self.amplitude, np.float64) ** 2
        if sigma is not None:
            sigma = sigma * np.sqrt(4.0 * squared + 2.0 * sigma**2)
        return squared, sigma


def _is_hkl(hkl: Any) -> bool:
    """Tell whether an argument is an array (m, 3) int32, which needs no copy."""
    is_array = isinstance(hkl, np.ndarray) and hkl.dtype == np.int32
    return is_array and hkl.ndim == 2 and hkl.shape[1] == 3


def _rows(column: ColumnType | None, rows: RowChoice) -> ColumnType | None:
    """Return the chosen rows of a column that may be absent."""
    if column is None:
        return None
    return column[rows]  # type: ignore[return-value]
