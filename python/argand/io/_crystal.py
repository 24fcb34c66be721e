"""`read_crystal`: a CIF or a SHELX file becomes a Crystal, or one line says why not."""

from __future__ import annotations

import os
import warnings

from argand.atom_types import atomic_number
from argand.cell import Cell, cell_parameters
from argand.crystal import Crystal
from argand.errors import ArgandError, ArgandWarning
from argand.files import PathLike, read_text
from argand.io._block import Block, blocks_of
from argand.io._formula import parse_formula
from argand.io._shelx import is_shelx, parse_instructions
from argand.io._shelx_crystal import crystal_of
from argand.io._sites import FRACT_X, read_sites
from argand.io._symmetry import read_symmetry

__all__ = ["read_cell", "read_crystal"]


def read_crystal(path: PathLike, block: str | None = None) -> Crystal:
    """Read a crystal structure from a CIF, or from SHELX instructions with atoms (.res, .ins).

    Operations in the file define the symmetry, whatever the space group is called. Type symbols, then labels, say what
    an atom is, in doubt the formula decides. Whatever deserves a second look, such as an F(000) that is not that of
    the formula, is said by an `ArgandWarning` that names the file.

    Parameters
    ----------
    path : may be compressed (gzip)
    block : name of the data block; otherwise the one that has atom sites, with a warning the first of several

    Returns
    -------
    Crystal of the asymmetric unit, with chemical occupancies; sites without displacement have B = 0

    Raises
    ------
    ArgandError
        One line that names the file and what is wrong with it.
    """
    source, text = os.fspath(path), read_text(path)
    if is_shelx(text):
        return crystal_of(parse_instructions(text, source))
    chosen = _choose(blocks_of(text, source), block)
    cell = read_cell(chosen)
    symops = read_symmetry(chosen, cell)
    stated = chosen.text("_chemical_formula_sum")
    formula = parse_formula(stated) if stated else None
    sites = read_sites(chosen, formula)
    try:
        crystal = Crystal(cell=cell, symops=symops, **sites._asdict())
    except ArgandError as error:
        raise chosen.error(str(error)) from None
    if formula:
        _check_content(chosen, crystal, formula)
    for note in chosen.notes:
        warnings.warn(note, ArgandWarning, stacklevel=2)
    return crystal


def _choose(blocks: list[Block], name: str | None) -> Block:
    if name is not None:
        for block in blocks:
            if block.name == name:
                return block
        names = ", ".join(block.name for block in blocks)
        raise blocks[0].error(f"no data block is called {name!r}, there are: {names}")
    with_sites = [block for block in blocks if block.column(FRACT_X)]
    if not with_sites:
        cartesian = any(block.has("_atom_site_cartn_x") for block in blocks)
        raise blocks[0].error(
            "atom sites have Cartesian coordinates only, needs fractional ones"
            if cartesian
            else "no atom sites"
        )
    chosen = with_sites[0]
    if len(with_sites) > 1:
        others = ", ".join(block.name for block in with_sites[1:])
        chosen.note(f"several structures: {chosen.name} is read, not {others}")
    return chosen


def read_cell(block: Block) -> Cell:
    lengths = [block.number(f"_cell_length_{axis}") for axis in "abc"]
    if any(length is None for length in lengths):
        raise block.error("the cell lengths are not given")
    # 90 degrees is the default of the CIF dictionary
    angles = [block.number(f"_cell_angle_{angle}") or 90.0 for angle in ("alpha", "beta", "gamma")]
    try:
        return cell_parameters([length or 0.0 for length in lengths] + angles)
    except ArgandError as error:
        raise block.error(str(error)) from None


def _check_content(block: Block, crystal: Crystal, formula: dict[str, float]) -> None:
    """Note electrons of the sites that are not those of formula x Z, within what rounding of numbers explains."""
    electrons = sum(atomic_number(element) * count for element, count in formula.items())
    found = crystal.f000()
    z = block.number("_cell_formula_units_z")
    stated = z is not None and z > 0
    z = z if z is not None and stated else max(1.0, float(round(found / electrons)))
    # a formula gives two decimals, occupancies often two
    rounding = sum(
        0.005 * atomic_number(element) for element, count in formula.items() if count % 1
    )
    if abs(found - z * electrons) > z * (0.002 * electrons + rounding):
        block.note(
            f"F(000) of the sites is {found:.6g}, of the formula x Z {z * electrons:.6g}"
            f" (Z = {z:g}{'' if stated else ', assumed'}): the sites hold {crystal.formula}"
        )
