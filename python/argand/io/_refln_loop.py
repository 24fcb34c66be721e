"""Reflections in a CIF: `_refln_` and `_diffrn_refln_` loops (CIF, FCF, mmCIF), and SHELX lists kept as text."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from argand.cell import FloatArray
from argand.errors import ArgandError, ArgandWarning
from argand.files import PathLike
from argand.io._block import Block, blocks_of, read_blocks
from argand.io._crystal import read_cell
from argand.io._hklf import read_columns
from argand.io._reflections import Reflections
from argand.io._shelx import Instructions, embedded_instructions
from argand.io._symmetry import read_symmetry, states_symmetry
from argand.reflections import as_hkl
from argand.symmetry import find_spacegroup, group_ops, spacegroup_name

__all__ = ["holds_reflections", "read_loop"]

# where programs keep SHELX's files as text
_TEXTS = (
    "_shelx_hkl_file",
    "_iucr_refine_reflections_details",
    "_iucr_refine_fcf_details",
    "_shelx_fcf_file",
)
_LOOPS = ("_refln_index_h", "_diffrn_refln_index_h")
# not used in refinement: x by hand, h and l beyond the limits of resolution, - unreliable, f kept for R free is used
_LEFT_OUT = ("x", "h", "l", "-")


def holds_reflections(block: Block) -> bool:
    return block.column(*_LOOPS) is not None or block.text(*_TEXTS) is not None


def read_loop(path: PathLike, hklf: int | None = None, block: str | None = None) -> Reflections:
    """The first list of reflections in a CIF: a loop, else a SHELX file that it carries as text."""
    blocks = read_blocks(path)
    chosen = [b for b in blocks if block in (None, b.name)]
    if not chosen:
        raise blocks[0].error(
            f"no data block is called {block!r}, there are: {', '.join(b.name for b in blocks)}"
        )
    with_list = [b for b in chosen if b.column(*_LOOPS)] or [b for b in chosen if b.text(*_TEXTS)]
    if not with_list:
        raise chosen[0].error("no list of reflections (_refln_index_h, _shelx_hkl_file)")
    holder = with_list[0]
    if len(with_list) > 1:
        holder.note(f"several lists of reflections: that of {holder.name} is read")
    found = _loop(holder) if holder.column(*_LOOPS) else _text(holder, hklf)
    found = _stated(holder, found)
    for note in holder.notes:
        warnings.warn(note, ArgandWarning, stacklevel=4)
    return found


def _loop(block: Block) -> Reflections:
    stem = "_refln" if block.column(_LOOPS[0]) else "_diffrn_refln"
    columns = [block.numbers(f"{stem}_index_{axis}") for axis in "hkl"]
    given = [column for column in columns if column is not None]
    if len({len(column) for column in given}) != 1 or len(given) != 3 or np.isnan(given).any():
        raise block.error("the list of reflections lacks indices")
    indices = as_hkl(np.stack(given, axis=1))
    if stem == "_diffrn_refln":
        intensity = block.numbers("_diffrn_refln_intensity_net", "_diffrn_refln_counts_net")
        sigma = block.numbers("_diffrn_refln_intensity_sigma", "_diffrn_refln_intensity_u")
        return _made(block, indices, {"intensity": intensity, "sigma": sigma}, "unmerged CIF loop")
    values = {**_measured(block), **_calculated(block)}
    status = block.column("_refln_status", "_refln_observed_status")
    if status is not None:
        left_out = np.array([flag.lower() in _LEFT_OUT for flag in status], dtype=bool)
        values["left_out"] = left_out if left_out.any() else None
    anomalous = (
        None
        if values.get("intensity") is not None or values.get("amplitude") is not None
        else _anomalous(block)
    )
    if anomalous is not None:
        name, plus, minus, sigma_plus, sigma_minus = anomalous
        both = {name: np.concatenate([plus, minus])}
        if sigma_plus is not None and sigma_minus is not None:
            both["sigma"] = np.concatenate([sigma_plus, sigma_minus])
        found = _made(
            block, np.concatenate([indices, -indices]), both, "mmCIF loop with Friedel mates"
        )
        return found[np.isfinite(both[name])]
    code = block.text("_shelx_refln_list_code")
    return _made(block, indices, values, f"SHELXL LIST {code}" if code else "CIF loop")


def _made(block: Block, hkl: Any, values: dict[str, Any], kind: str) -> Reflections:
    try:
        return Reflections(hkl, format=kind, **values)
    except ArgandError as error:  # columns of several loops, of different lengths
        raise block.error(f"the list of reflections: {error}") from None


def _measured(block: Block) -> dict[str, Any]:
    intensity = block.numbers("_refln_f_squared_meas", "_refln_intensity_meas")
    if intensity is not None:
        return {
            "intensity": intensity,
            "sigma": block.numbers(
                "_refln_f_squared_sigma", "_refln_intensity_sigma", "_refln_f_squared_meas_su"
            ),
        }
    amplitude = block.numbers("_refln_f_meas", "_refln_f_meas_au")
    if amplitude is None:
        return {}
    return {
        "amplitude": amplitude,
        "sigma": block.numbers("_refln_f_sigma", "_refln_f_meas_sigma_au"),
    }


def _anomalous(
    block: Block,
) -> tuple[str, FloatArray, FloatArray, FloatArray | None, FloatArray | None] | None:
    """I(+) and I(-), or F(+) and F(-), of mmCIF."""
    for name, letter in (("intensity", "i"), ("amplitude", "f")):
        plus, minus = (block.numbers(f"_refln_pdbx_{letter}_{sign}") for sign in ("plus", "minus"))
        if plus is not None and minus is not None:
            sigmas = [
                block.numbers(f"_refln_pdbx_{letter}_{sign}_sigma") for sign in ("plus", "minus")
            ]
            return name, plus, minus, *sigmas  # type: ignore[return-value]
    return None


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


def _text(block: Block, hklf: int | None) -> Reflections:
    """A SHELX file kept in a text field: HKLF by its instructions, or an FCF."""
    tag = next(tag for tag in _TEXTS if block.text(tag))
    text = block.text(tag) or ""
    where = f"{block.source}: {tag}"
    if "_refln_index_h" in text.lower():
        inside = [
            b
            for b in blocks_of(text if "data_" in text.lower() else f"data_\n{text}", where)
            if b.column(*_LOOPS)
        ]
        if inside:
            return _stated(inside[0], _loop(inside[0]))
    lines = text.splitlines()
    while lines and not lines[0].strip():
        del lines[0]
    instructions = embedded_instructions(block)
    stated = instructions.hklf if instructions else None
    found = read_columns("\n".join(lines), where, hklf=hklf or stated).reflections
    found = replace(found, format=f"{found.format.replace(' or plain columns', '')} in {tag}")
    return _turned(found, instructions)


def _turned(found: Reflections, instructions: Instructions | None) -> Reflections:
    return found if instructions is None else instructions.turn(found)


def _stated(block: Block, found: Reflections) -> Reflections:
    """What the block says of cell, symmetry and wavelength."""
    if block.number("_cell_length_a"):
        cell = read_cell(block)
        found = replace(found, cell=cell)
        if states_symmetry(block):
            symops = read_symmetry(block, cell)
            found = replace(
                found, spacegroup=spacegroup_name(group_ops(symops)) or ";".join(symops)
            )
    elif named := find_spacegroup(
        block.text("_symmetry_space_group_name_h-m", "_space_group_name_h-m_alt") or "?"
    ):
        found = replace(found, spacegroup=named.xhm())
    wavelength = block.loose_number(
        "_diffrn_radiation_wavelength", "_diffrn_radiation_wavelength_wavelength"
    )
    if wavelength is not None and wavelength > 0:
        found = replace(found, wavelength=wavelength)
    return found
