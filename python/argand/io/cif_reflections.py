"""Read lists of reflections in a CIF: loops of CIF, FCF and mmCIF, and SHELX files kept as text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.io.cif_block import NULL_VALUES, Block, parse_blocks
from argand.io.cif_calculated import (
    calculated_columns,
    f_columns,
    map_coefficients,
    with_named_map,
)
from argand.io.cif_crystal import read_cell
from argand.io.cif_radiation import read_wavelength
from argand.io.cif_symmetry import read_symmetry, states_symmetry
from argand.io.hklf import read_columns
from argand.io.mates import rows_of_mates
from argand.io.named_columns import checked_indices
from argand.io.reflections import Reflections
from argand.reflections import HklArray
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

# Tags of flags that tell whether a reflection was used.
_STATUS_TAGS = (
    "_refln_status",
    "_refln_observed_status",
    "_refln_include_status",
    "_refln_refinement_status",
)

# Tags, without their stem, that tell of which phase, wavelength or crystal a reflection is. Groups
# of scales are usual, and scaled already.
_KEYS_OF_OTHER_DATA = ("phase_id", "wavelength")
_KEYS_OF_ONE_SAMPLE = ("wavelength_id", "crystal_id", "diffrn_id")

# Satellite indices of a modulated structure are numbered up to this.
_MOST_SATELLITE_INDICES = 8

# Flags of reflections that were not used in the refinement: x excluded by hand, h and l beyond the
# limits of resolution, - unreliable; excl excluded, extn for extinction. Reflections with f, kept
# for R free, are used.
_LEFT_OUT_FLAGS = ("x", "h", "l", "-", "excl", "extn")


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


def reflections_of_block(
    block: Block,
    hklf: int | None,
    *,
    mates: bool = False,
    columns: tuple[str, str] | None = None,
) -> Reflections:
    """Read the list of reflections in a data block, with cell, space group and wavelength.

    Parameters
    ----------
    block
        Data block that holds reflections.
    hklf
        Kind of a SHELX list kept as text, 3 to 6; None to go by the instructions beside it.
    mates
        Read Friedel mates in columns of their own where the list has their mean as well.
    columns
        Tags, without `_refln_`, of the amplitude and of the phase in degrees of the coefficients of
        a map, instead of the usual ones.

    Raises
    ------
    ArgandError
        Names the file and what is wrong with the list.
    """
    reflections = _of_loop(block, mates) if _has_loop(block) else _of_text(block, hklf)
    if columns is not None:
        reflections = with_named_map(block, reflections, columns)
    return _with_crystal_data(block, reflections)


def _has_loop(block: Block) -> bool:
    """Tell whether a data block has a loop of reflections."""
    return block.has_values(*_INDEX_TAGS)


def _of_loop(block: Block, keep_mates: bool = False) -> Reflections:
    """Read a loop of merged or of unmerged reflections."""
    is_merged = block.has_values("_refln_index_h")
    stem = "_refln" if is_merged else "_diffrn_refln"
    _check_keys(block, stem)
    with _complaints_about(block):
        reflections = _of_merged_loop(block, keep_mates) if is_merged else _of_unmerged_loop(block)
        return _main_reflections(block, stem, reflections)


def _of_merged_loop(block: Block, keep_mates: bool) -> Reflections:
    """Read a loop of merged reflections, measured, calculated or both."""
    hkl = _indices(block, "_refln")
    intensity, amplitude, sigma = _measured(block)
    mates = _friedel_mates(block, hkl)
    has_mean = intensity is not None or amplitude is not None
    if mates is not None and (keep_mates or not has_mean):
        return mates
    amplitude_calc, phase = calculated_columns(block)
    code = block.text("_shelx_refln_list_code")
    format = f"SHELXL LIST {code}" if code else "CIF loop"
    if mates is not None:
        format += ", mean of Friedel mates"
    return Reflections(
        hkl,
        intensity=intensity,
        amplitude=amplitude,
        sigma=sigma,
        amplitude_calc=amplitude_calc,
        phase=phase,
        map_coefficients=map_coefficients(block),
        f_columns=f_columns(block),
        left_out=_left_out(block, len(hkl)),
        format=format,
    )


def _of_unmerged_loop(block: Block) -> Reflections:
    """Read a loop of measurements as they came from the diffractometer."""
    hkl = _indices(block, "_diffrn_refln")
    intensity_tags = ("_diffrn_refln_intensity_net", "_diffrn_refln_counts_net")
    intensity = block.numbers(*intensity_tags)
    sigma = block.numbers(
        "_diffrn_refln_intensity_sigma",
        "_diffrn_refln_intensity_u",
        "_diffrn_refln_intensity_net_su",
    )
    if sigma is None:
        sigma = block.uncertainties(*intensity_tags)
    return Reflections(hkl, intensity=intensity, sigma=sigma, format="unmerged CIF loop")


def _check_keys(block: Block, stem: str) -> None:
    """Refuse a loop of several phases or wavelengths, and note several crystals."""
    for key in _KEYS_OF_OTHER_DATA:
        for tag in (f"{stem}_{key}", f"_pd{stem}_{key}"):
            values = sorted(set(block.column(tag) or ()) - set(NULL_VALUES))
            if len(values) > 1:
                raise block.error(f"{tag} is {_listed(values)}, needs a list of one of them")
    for key in _KEYS_OF_ONE_SAMPLE:
        values = sorted(set(block.column(f"{stem}_{key}") or ()) - set(NULL_VALUES))
        if len(values) > 1:
            block.note(f"{stem}_{key} is {_listed(values)}: all are read as one data set")


def _listed(values: list[str]) -> str:
    """List values in words, the first three of many."""
    words = ", ".join(values[:3])
    return words if len(values) <= 3 else f"{words} and {len(values) - 3} more"


def _main_reflections(block: Block, stem: str, reflections: Reflections) -> Reflections:
    """Leave out satellites, whose further indices are not all 0, with a note."""
    tags = [f"{stem}_index_m", *(f"{stem}_index_m_{i}" for i in range(1, _MOST_SATELLITE_INDICES))]
    is_main = np.ones(len(reflections.hkl), bool)
    for tag in tags:
        order = block.numbers(tag)
        if order is None:
            continue
        # Friedel mates in columns of their own become further rows.
        if len(order) != len(is_main):
            raise block.error(f"{tag} has {len(order)} values for {len(is_main)} reflections")
        is_main &= order == 0
    satellites = int((~is_main).sum())
    if satellites == 0:
        return reflections
    if not is_main.any():
        raise block.error(f"{satellites} satellites of a modulated structure ({tags[1]}) alone")
    block.note(f"{satellites} satellites of a modulated structure ({tags[1]}) are left out")
    return reflections[is_main]


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
    return checked_indices(np.stack(columns, axis=1), block.source)


@contextmanager
def _complaints_about(block: Block) -> Iterator[None]:
    """Name the file in complaints about columns of several loops, which differ in length."""
    try:
        yield
    except ArgandError as error:
        if str(error).startswith(block.source):
            raise
        raise block.error(f"the list of reflections: {error}") from None


def _measured(
    block: Block,
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Read measured intensity, or else amplitude, and sigma, (m,) each; None for what is absent."""
    intensity_tags = ("_refln_f_squared_meas", "_refln_intensity_meas")
    amplitude_tags = ("_refln_f_meas", "_refln_f_meas_au")
    intensity = block.numbers(*intensity_tags)
    amplitude = block.numbers(*amplitude_tags)
    if intensity is not None and amplitude is not None:
        intensities = int(np.isfinite(intensity).sum())
        amplitudes = int(np.isfinite(amplitude).sum())
        if intensities < amplitudes:
            block.note(f"{amplitudes} amplitudes are read, not {intensities} intensities")
            intensity = None
    if intensity is not None:
        sigma = block.numbers(
            "_refln_f_squared_sigma",
            "_refln_intensity_sigma",
            "_refln_f_squared_meas_su",
            "_refln_intensity_meas_su",
        )
        if sigma is None:
            sigma = block.uncertainties(*intensity_tags)
        return intensity, None, sigma
    if amplitude is None:
        return None, None, None
    sigma = block.numbers(
        "_refln_f_sigma", "_refln_f_meas_sigma_au", "_refln_f_meas_sigma", "_refln_f_meas_su"
    )
    if sigma is None:
        sigma = block.uncertainties(*amplitude_tags)
    return None, amplitude, sigma


def _left_out(block: Block, m: int) -> npt.NDArray[np.bool_] | None:
    """Tell which of m reflections the file flags as not used; None where it flags none."""
    left_out = np.zeros(m, bool)
    for tag in _STATUS_TAGS:
        flags = block.column(tag)
        if flags is None:
            continue
        if len(flags) != m:
            raise block.error(f"{tag} has {len(flags)} values for {m} reflections")
        # A million flags have a few different values.
        excluding = {flag for flag in set(flags) if flag.lower() in _LEFT_OUT_FLAGS}
        if excluding:
            left_out |= [flag in excluding for flag in flags]
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
        header = Reflections(
            hkl, left_out=_left_out(block, len(hkl)), format="mmCIF loop with Friedel mates"
        )
        return rows_of_mates(
            _with_crystal_data(block, header),
            np.concatenate([plus, minus]),
            sigma,
            is_intensity=quantity == "intensity",
        )
    return None


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
    reflections, _, notes = read_columns("\n".join(lines), source, hklf=hklf or stated_hklf)
    for note in notes:
        block.note(f"{tag}: {note}")
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
