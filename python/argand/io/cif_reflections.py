"""Read lists of reflections in a CIF: loops of CIF, FCF and mmCIF, and SHELX files kept as text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.io.cif_block import Block, parse_blocks
from argand.io.cif_crystal import read_cell
from argand.io.cif_symmetry import read_symmetry, states_symmetry
from argand.io.experiment import read_wavelength
from argand.io.hklf import read_columns
from argand.io.reflections import Reflections
from argand.reflections import HklArray, as_hkl
from argand.symmetry import find_spacegroup, group_ops, spacegroup_name

__all__ = ["block_with_reflections", "holds_reflections", "reflections_of_block"]

# Tags under which programs keep a list of SHELX as text.
_TEXT_TAGS = (
    "_shelx_hkl_file",
    "_iucr_refine_reflections_details",
    "_iucr_refine_fcf_details",
    "_shelx_fcf_file",
)
_INDEX_TAGS = ("_refln_index_h", "_diffrn_refln_index_h")

# Flags of reflections that were not used in the refinement: x excluded by hand, h and l beyond the
# limits of resolution, - unreliable. Reflections with f, kept for R free, are used.
_LEFT_OUT_FLAGS = ("x", "h", "l", "-")


def holds_reflections(block: Block) -> bool:
    """Tell whether a data block has a list of reflections, as a loop or as text."""
    return _has_loop(block) or block.text(*_TEXT_TAGS) is not None


def block_with_reflections(blocks: list[Block], name: str | None) -> Block:
    """Choose the data block to read reflections from; a loop comes before a list kept as text.

    Parameters
    ----------
    blocks
        Data blocks of a CIF.
    name
        Name of a block, None for the first that has reflections.

    Raises
    ------
    ArgandError
        No block has this name, or none has a list of reflections.
    """
    candidates = [block for block in blocks if name in (None, block.name)]
    if not candidates:
        names = ", ".join(block.name for block in blocks)
        raise blocks[0].error(f"no data block is called {name!r}, there are: {names}")
    with_list = [block for block in candidates if _has_loop(block)]
    if not with_list:
        with_list = [block for block in candidates if block.text(*_TEXT_TAGS)]
    if not with_list:
        raise candidates[0].error("no list of reflections (_refln_index_h, _shelx_hkl_file)")
    chosen = with_list[0]
    if len(with_list) > 1:
        chosen.note(f"several lists of reflections: that of {chosen.name} is read")
    return chosen


def reflections_of_block(block: Block, hklf: int | None) -> Reflections:
    """Read the list of reflections in a data block, with cell, space group and wavelength.

    Parameters
    ----------
    block
        Data block that holds reflections.
    hklf
        Kind of a SHELX list kept as text, 3, 4 or 5; None to go by the instructions beside it.

    Raises
    ------
    ArgandError
        Names the file and what is wrong with the list.
    """
    reflections = _of_loop(block) if _has_loop(block) else _of_text(block, hklf)
    return _with_crystal_data(block, reflections)


def _has_loop(block: Block) -> bool:
    """Tell whether a data block has a loop of reflections."""
    return block.column(*_INDEX_TAGS) is not None


def _of_loop(block: Block) -> Reflections:
    """Read a loop of merged or of unmerged reflections."""
    if not block.column("_refln_index_h"):
        return _of_unmerged_loop(block)
    hkl = _indices(block, "_refln")
    intensity, amplitude, sigma = _measured(block)
    if intensity is None and amplitude is None:
        mates = _friedel_mates(block, hkl)
        if mates is not None:
            return mates
    amplitude_calc, phase = _calculated(block)
    code = block.text("_shelx_refln_list_code")
    left_out = _left_out(block)
    with _complaints_about(block):
        return Reflections(
            hkl,
            intensity=intensity,
            amplitude=amplitude,
            sigma=sigma,
            amplitude_calc=amplitude_calc,
            phase=phase,
            left_out=left_out,
            format=f"SHELXL LIST {code}" if code else "CIF loop",
        )


def _of_unmerged_loop(block: Block) -> Reflections:
    """Read a loop of measurements as they came from the diffractometer."""
    hkl = _indices(block, "_diffrn_refln")
    intensity = block.numbers("_diffrn_refln_intensity_net", "_diffrn_refln_counts_net")
    sigma = block.numbers("_diffrn_refln_intensity_sigma", "_diffrn_refln_intensity_u")
    with _complaints_about(block):
        return Reflections(hkl, intensity=intensity, sigma=sigma, format="unmerged CIF loop")


def _indices(block: Block, stem: str) -> HklArray:
    """Read Miller indices (m, 3) of the loop whose tags begin with `stem`."""
    columns: list[FloatArray] = []
    for axis in "hkl":
        column = block.numbers(f"{stem}_index_{axis}")
        if column is not None:
            columns.append(column)
    lengths = {len(column) for column in columns}
    if len(columns) != 3 or len(lengths) != 1 or np.isnan(columns).any():
        raise block.error("the list of reflections lacks indices")
    return as_hkl(np.stack(columns, axis=1))


@contextmanager
def _complaints_about(block: Block) -> Iterator[None]:
    """Name the file in complaints about columns of several loops, which differ in length."""
    try:
        yield
    except ArgandError as error:
        raise block.error(f"the list of reflections: {error}") from None


def _measured(
    block: Block,
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Read measured intensity, or else amplitude, and sigma, (m,) each; None for what is absent."""
    intensity = block.numbers("_refln_f_squared_meas", "_refln_intensity_meas")
    if intensity is not None:
        sigma = block.numbers(
            "_refln_f_squared_sigma", "_refln_intensity_sigma", "_refln_f_squared_meas_su"
        )
        return intensity, None, sigma
    amplitude = block.numbers("_refln_f_meas", "_refln_f_meas_au")
    if amplitude is None:
        return None, None, None
    sigma = block.numbers("_refln_f_sigma", "_refln_f_meas_sigma_au")
    return None, amplitude, sigma


def _left_out(block: Block) -> npt.NDArray[np.bool_] | None:
    """Tell which reflections (m,) the file flags as not used; None where it flags none."""
    flags = block.column("_refln_status", "_refln_observed_status")
    if flags is None:
        return None
    left_out = np.array([flag.lower() in _LEFT_OUT_FLAGS for flag in flags], dtype=bool)
    return left_out if left_out.any() else None


def _friedel_mates(block: Block, hkl: HklArray) -> Reflections | None:
    """Read I(+) and I(-), or F(+) and F(-), of mmCIF as rows of h and of -h; None without them."""
    for quantity, letter in (("intensity", "i"), ("amplitude", "f")):
        plus = block.numbers(f"_refln_pdbx_{letter}_plus")
        minus = block.numbers(f"_refln_pdbx_{letter}_minus")
        if plus is None or minus is None:
            continue
        sigma_plus = block.numbers(f"_refln_pdbx_{letter}_plus_sigma")
        sigma_minus = block.numbers(f"_refln_pdbx_{letter}_minus_sigma")
        sigma = None
        if sigma_plus is not None and sigma_minus is not None:
            sigma = np.concatenate([sigma_plus, sigma_minus])
        values = np.concatenate([plus, minus])
        is_intensity = quantity == "intensity"
        with _complaints_about(block):
            both = Reflections(
                np.concatenate([hkl, -hkl]),
                intensity=values if is_intensity else None,
                amplitude=None if is_intensity else values,
                sigma=sigma,
                format="mmCIF loop with Friedel mates",
            )
        return both[np.isfinite(values)]
    return None


def _calculated(block: Block) -> tuple[FloatArray | None, FloatArray | None]:
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


def _of_text(block: Block, hklf: int | None) -> Reflections:
    """Read a SHELX file kept as text: an FCF, or a list of the kind that instructions state."""
    tag = next(tag for tag in _TEXT_TAGS if block.text(tag))
    text = block.text(tag) or ""
    source = f"{block.source}: {tag}"
    if "_refln_index_h" in text.lower():
        document = text if "data_" in text.lower() else f"data_\n{text}"
        for inner in parse_blocks(document, source):
            if _has_loop(inner):
                return _with_crystal_data(inner, _of_loop(inner))
    lines = text.splitlines()
    while lines and not lines[0].strip():
        del lines[0]
    instructions = block.instructions
    stated_hklf = instructions.hklf if instructions else None
    reflections, _ = read_columns("\n".join(lines), source, hklf=hklf or stated_hklf)
    kind = reflections.format.replace(" or plain columns", "")
    reflections = replace(reflections, format=f"{kind} in {tag}")
    if instructions is None:
        return reflections
    return instructions.transform(reflections)


def _with_crystal_data(block: Block, reflections: Reflections) -> Reflections:
    """Add the unit cell, space group and wavelength that a data block states."""
    if block.number("_cell_length_a"):
        cell = read_cell(block)
        reflections = replace(reflections, cell=cell)
        if states_symmetry(block):
            symops = read_symmetry(block, cell)
            name = spacegroup_name(group_ops(symops)) or ";".join(symops)
            reflections = replace(reflections, spacegroup=name)
    else:
        stated = block.text("_symmetry_space_group_name_h-m", "_space_group_name_h-m_alt")
        named = find_spacegroup(stated or "?")
        if named:
            reflections = replace(reflections, spacegroup=named.xhm())
    wavelength = read_wavelength(block)
    if wavelength is not None:
        reflections = replace(reflections, wavelength=wavelength)
    return reflections
