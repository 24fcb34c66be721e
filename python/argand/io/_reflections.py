"""`Reflections`: a list of reflections as a file holds it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from argand.cell import Cell, FloatArray
from argand.errors import ArgandError

__all__ = ["Reflections"]

_COLUMNS = ("intensity", "amplitude", "sigma", "amplitude_calc", "phase", "batch", "left_out")


@dataclass(frozen=True, eq=False)
class Reflections:
    """Reflections as a file lists them; None for what the file does not hold, NaN for a value it leaves open.

    Parameters
    ----------
    hkl : (m, 3) int32, in the order of the file, equivalents and repeated measurements as they come
    intensity, amplitude : (m,) |F|^2 and |F|, measured, on a scale of the file's own
    sigma : (m,) standard uncertainty of the intensity where there is one, else of the amplitude
    amplitude_calc : (m,) |F| of the structure the file was written with
    phase : (m,) radians
    cell : (a, b, c, alpha, beta, gamma), angstrom and degrees
    spacegroup : name or operations, as in `Crystal`
    wavelength : angstrom
    batch : (m,) int32, batch numbers of SHELX; in HKLF 5 the twin domain, negative where the next line overlaps
    left_out : (m,) bool, reflections that the file flags as not used
    format : what the file is, in words

    Raises
    ------
    ArgandError
        A column that has not the length of hkl.
    """

    hkl: npt.NDArray[np.int32]
    intensity: FloatArray | None = None
    amplitude: FloatArray | None = None
    sigma: FloatArray | None = None
    amplitude_calc: FloatArray | None = None
    phase: FloatArray | None = None
    cell: Cell | None = None
    spacegroup: str | None = None
    wavelength: float | None = None
    batch: npt.NDArray[np.int32] | None = None
    left_out: npt.NDArray[np.bool_] | None = None
    format: str = ""

    def __post_init__(self) -> None:
        for name in _COLUMNS:
            column = getattr(self, name)
            if column is not None and np.shape(column) != (len(self.hkl),):
                raise ArgandError(
                    f"{name} has shape {np.shape(column)}, needs ({len(self.hkl)},) like hkl"
                )

    def __getitem__(
        self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.integer] | slice
    ) -> Reflections:
        """Some of the reflections, with all that is known of them."""
        rows = {name: getattr(self, name) for name in ("hkl", *_COLUMNS)}
        kept = {name: None if column is None else column[chosen] for name, column in rows.items()}
        return Reflections(
            **{**{field.name: getattr(self, field.name) for field in fields(self)}, **kept}
        )

    @property
    def f(self) -> npt.NDArray[np.complex128]:
        """(m,) complex: the calculated amplitude, or for want of it the amplitude, with the phase."""
        modulus = self.amplitude if self.amplitude_calc is None else self.amplitude_calc
        if modulus is None or self.phase is None:
            raise ArgandError("these reflections have no amplitude with a phase")
        factors: npt.NDArray[np.complex128] = modulus * np.exp(1j * self.phase)
        return factors

    def intensities(self) -> tuple[FloatArray, FloatArray | None]:
        """Measured |F|^2 and its standard uncertainty, from amplitudes where there are no intensities.

        sigma(F^2) = sqrt(4 F^2 sigma^2 + 2 sigma^4), the exact value for a Gaussian F: it does not vanish with F.
        """
        if self.intensity is not None:
            return self.intensity, self.sigma
        if self.amplitude is None:
            raise ArgandError("these reflections have neither measured intensities nor amplitudes")
        squared = self.amplitude**2
        if self.sigma is None:
            return squared, None
        return squared, self.sigma * np.sqrt(4.0 * squared + 2.0 * self.sigma**2)
