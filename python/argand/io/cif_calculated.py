"""Read what a loop of reflections has of structure factors: calculated F, phases, coefficients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.io.cif_block import Block
from argand.io.reflections import Reflections

__all__ = ["calculated_columns", "f_columns", "map_coefficients", "with_named_map"]


def calculated_columns(block: Block) -> tuple[FloatArray | None, FloatArray | None]:
    """Read the calculated |F| (m,) and its phase (m,) in radians; None for what is absent.

    A list holds F, F^2, or A + iB, and the phase in degrees.
    """
    real = block.numbers("_refln_a_calc")
    imaginary = block.numbers("_refln_b_calc")
    if real is not None and imaginary is not None:
        return np.hypot(real, imaginary), np.arctan2(imaginary, real)
    amplitude = block.numbers("_refln_f_calc", "_refln_f_calc_au")
    squared = block.numbers("_refln_f_squared_calc")
    if amplitude is None and squared is not None:
        amplitude = np.sqrt(np.maximum(squared, 0.0))
    degrees = block.numbers("_refln_phase_calc")
    return amplitude, None if degrees is None else np.radians(degrees)


def f_columns(block: Block) -> str:
    """Return the tags of the loop of which `Reflections.f` is made, the amplitude first."""
    pairs = (
        ("_refln_pdbx_FWT", "_refln_pdbx_PHWT"),
        ("_refln_A_calc", "_refln_B_calc"),
        ("_refln_F_calc", "_refln_phase_calc"),
        ("_refln_F_calc_au", "_refln_phase_calc"),
        ("_refln_F_squared_calc", "_refln_phase_calc"),
        ("_refln_F_meas", "_refln_phase_calc"),
        ("_refln_F_meas_au", "_refln_phase_calc"),
    )
    for amplitude, phase in pairs:
        if block.column(amplitude.lower()) and block.column(phase.lower()):
            return f"{amplitude}, {phase}"
    return ""


def with_named_map(block: Block, reflections: Reflections, names: tuple[str, str]) -> Reflections:
    """Add the coefficients of a map in named columns to the reflections of a loop."""
    columns: list[FloatArray] = []
    for name in names:
        column = block.numbers(f"_refln_{name.lower()}")
        if column is None or len(column) != len(reflections.hkl):
            raise block.error(f"the list of reflections has no column {name}")
        columns.append(column)
    amplitude, degrees = columns
    unit_vectors: npt.NDArray[np.complex128] = np.exp(1j * np.radians(degrees))
    coefficients = amplitude * unit_vectors
    return replace(reflections, map_coefficients=coefficients, f_columns=", ".join(names))


def map_coefficients(block: Block) -> npt.NDArray[np.complex128] | None:
    """Read the coefficients (m,) of a map that mmCIF holds; None without them."""
    amplitude = block.numbers("_refln_pdbx_fwt")
    degrees = block.numbers("_refln_pdbx_phwt")
    if amplitude is None or degrees is None or len(amplitude) != len(degrees):
        return None
    unit_vectors: npt.NDArray[np.complex128] = np.exp(1j * np.radians(degrees))
    return amplitude * unit_vectors
