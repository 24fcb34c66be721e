"""`read_reflections`: MTZ, reflection lists in CIF and FCF, HKLF 4."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import dataclass, replace
from typing import Any

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import Cell, FloatArray, cell_parameters
from argand.errors import ArgandError, ArgandWarning
from argand.io._block import Block, read_blocks
from argand.io._crystal import read_cell
from argand.io._files import PathLike, read_bytes, read_text
from argand.io._symmetry import read_symmetry
from argand.reflections import as_hkl
from argand.symmetry import group_ops, spacegroup_name

__all__ = ["Reflections", "read_reflections"]


@dataclass(frozen=True, eq=False)
class Reflections:
    """Reflections as a file lists them; None for what the file does not hold, NaN for a value it leaves open.

    hkl (m, 3) int32; intensity |F|^2 and amplitude |F|, measured; sigma of whichever of the two was given;
    amplitude_calc; phase in radians; cell in angstrom and degrees; spacegroup as in `Crystal`.
    """

    hkl: npt.NDArray[np.int32]
    intensity: FloatArray | None = None
    amplitude: FloatArray | None = None
    sigma: FloatArray | None = None
    amplitude_calc: FloatArray | None = None
    phase: FloatArray | None = None
    cell: Cell | None = None
    spacegroup: str | None = None

    @property
    def f(self) -> npt.NDArray[np.complex128]:
        """(m,) complex: the calculated amplitude, or for want of it the amplitude, with the phase."""
        modulus = self.amplitude if self.amplitude_calc is None else self.amplitude_calc
        if modulus is None or self.phase is None:
            raise ArgandError("these reflections have no amplitude with a phase")
        factors: npt.NDArray[np.complex128] = modulus * np.exp(1j * self.phase)
        return factors


def read_reflections(path: PathLike) -> Reflections:
    """Read a list of reflections: MTZ, the `_refln_` loop of a CIF or FCF, or SHELX HKLF 4 (intensities).

    Of an MTZ the first amplitude, intensity, standard deviation and phase are taken (columns F, J, Q, P). An HKLF 4
    file states neither cell nor space group. An `ArgandError` of one line names the file and what is wrong.
    """
    source = os.fspath(path)
    data = read_bytes(path)
    if data[:4] == b"MTZ ":
        return _read_mtz(source, data)
    if any(line.lower().startswith("data_") for line in read_text(path).splitlines()):
        return _read_loop(path)
    return _read_hklf4(path)


def _read_mtz(source: str, data: bytes) -> Reflections:
    try:
        _check_header(data)
        mtz = gemmi.read_mtz_file(source)
        values = np.array(mtz.array, dtype=np.float64)
        hkl = as_hkl(mtz.make_miller_array())
    except (RuntimeError, ValueError, IndexError) as error:
        raise ArgandError(f"{source}: no valid MTZ file: {error}") from None

    def first(kind: str) -> FloatArray | None:
        columns = mtz.columns_with_type(kind)
        return values[:, columns[0].idx] if len(columns) else None

    degrees = first("P")
    return Reflections(
        hkl=hkl,
        amplitude=first("F"),
        intensity=first("J"),
        sigma=first("Q"),
        phase=None if degrees is None else np.radians(degrees),
        cell=cell_parameters(mtz.cell.parameters),
        spacegroup=mtz.spacegroup.xhm() if mtz.spacegroup else None,
    )


def _check_header(data: bytes) -> None:
    """Before gemmi allocates what a damaged header asks for: columns x reflections have to fit the file."""
    stated = re.search(rb"NCOL +(\d+) +(\d+)", data)
    if stated is None or 4 * int(stated[1]) * int(stated[2]) > len(data):
        raise ValueError("its header states no size, or one beyond that of the file")


def _read_loop(path: PathLike) -> Reflections:
    with_list = [block for block in read_blocks(path) if block.column("_refln_index_h")]
    if not with_list:
        raise ArgandError(f"{os.fspath(path)}: no list of reflections (_refln_index_h)")
    block = with_list[0]
    if len(with_list) > 1:
        block.note(f"several lists of reflections: that of {block.name} is read")
    columns = [block.numbers(f"_refln_index_{axis}") for axis in "hkl"]
    indices = np.stack([column for column in columns if column is not None], axis=1)
    if indices.shape[1] != 3 or np.isnan(indices).any():
        raise block.error("the list of reflections lacks indices")
    found = Reflections(as_hkl(indices), **_measured(block), **_calculated(block))
    if block.number("_cell_length_a"):
        cell = read_cell(block)
        group = group_ops(read_symmetry(block, cell))
        found = replace(found, cell=cell, spacegroup=spacegroup_name(group))
    for note in block.notes:
        warnings.warn(note, ArgandWarning, stacklevel=3)
    return found


def _measured(block: Block) -> dict[str, Any]:
    intensity = block.numbers("_refln_f_squared_meas", "_refln_intensity_meas")
    if intensity is not None:
        sigma = block.numbers("_refln_f_squared_sigma", "_refln_intensity_sigma")
        return {"intensity": intensity, "sigma": sigma}
    amplitude = block.numbers("_refln_f_meas", "_refln_f_meas_au")
    return {"amplitude": amplitude, "sigma": block.numbers("_refln_f_sigma", "_refln_f_meas_sigma_au")}


def _calculated(block: Block) -> dict[str, Any]:
    """Amplitude and phase, from whichever of F, F^2, A + iB, phase in degrees a list holds."""
    real, imaginary = block.numbers("_refln_a_calc"), block.numbers("_refln_b_calc")
    if real is not None and imaginary is not None:
        return {"amplitude_calc": np.hypot(real, imaginary), "phase": np.arctan2(imaginary, real)}
    amplitude = block.numbers("_refln_f_calc", "_refln_f_calc_au")
    squared = block.numbers("_refln_f_squared_calc")
    if amplitude is None and squared is not None:
        amplitude = np.sqrt(np.maximum(squared, 0.0))
    degrees = block.numbers("_refln_phase_calc")
    return {"amplitude_calc": amplitude, "phase": None if degrees is None else np.radians(degrees)}


def _read_hklf4(path: PathLike) -> Reflections:
    """Fixed columns, 3I4 2F8.2, up to the reflection 0 0 0."""
    rows: list[list[float]] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        try:
            row = [int(line[i : i + 4]) for i in (0, 4, 8)] + [float(line[i : i + 8]) for i in (12, 20)]
        except ValueError:
            if not rows or line.strip():
                raise ArgandError(
                    f"{os.fspath(path)}: line {number} is {line[:40]!r}, needs h k l intensity sigma (HKLF 4)"
                ) from None
            break
        if not any(row[:3]):
            break
        rows.append(row)
    if not rows:
        raise ArgandError(f"{os.fspath(path)}: no reflections")
    table = np.array(rows)
    return Reflections(as_hkl(table[:, :3]), intensity=table[:, 3], sigma=table[:, 4])
