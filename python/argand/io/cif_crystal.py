"""Read the crystal structure and the unit cell of a data block of a CIF."""

from __future__ import annotations

from argand.atom_types import atomic_number
from argand.cell import Cell, cell_parameters
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io.cif_block import Block
from argand.io.cif_sites import FRACT_X, read_sites
from argand.io.cif_symmetry import read_symmetry
from argand.io.formula import parse_formula

__all__ = ["block_with_sites", "crystal_of_block", "has_sites", "read_cell"]

# A formula states numbers of atoms to two decimals, as occupancies often are.
_FORMULA_ROUNDING = 0.005

# F(000) may differ from the formula by this share of the electrons without a note.
_F000_TOLERANCE = 0.002


def has_sites(block: Block) -> bool:
    """Tell whether a data block has atom sites, fractional or Cartesian."""
    return block.has("_atom_site_fract_") or block.has("_atom_site_cartn")


def block_with_sites(blocks: list[Block], name: str | None) -> Block:
    """Choose the data block to read a structure from.

    Parameters
    ----------
    blocks
        Data blocks of a CIF.
    name
        Name of a block, None for the first with atom sites; of several, the others are noted.

    Raises
    ------
    ArgandError
        No block has this name, or none has atom sites with fractional coordinates.
    """
    if name is not None:
        for block in blocks:
            if block.name == name:
                return block
        names = ", ".join(block.name for block in blocks)
        raise blocks[0].error(f"no data block is called {name!r}, there are: {names}")
    with_sites = [block for block in blocks if block.column(FRACT_X)]
    if not with_sites:
        if any(block.has("_atom_site_cartn_x") for block in blocks):
            raise blocks[0].error(
                "atom sites have Cartesian coordinates only, needs fractional ones"
            )
        raise blocks[0].error("no atom sites")
    chosen = with_sites[0]
    if len(with_sites) > 1:
        others = ", ".join(block.name for block in with_sites[1:])
        chosen.note(f"several structures: {chosen.name} is read, not {others}")
    return chosen


def crystal_of_block(block: Block) -> Crystal:
    """Read the crystal structure of a data block; doubts about it become notes of the block.

    Raises
    ------
    ArgandError
        Names the file and what is wrong with it.
    """
    cell = read_cell(block)
    symops = read_symmetry(block, cell)
    formula = parse_formula(block.text("_chemical_formula_sum") or "")
    crystal = read_sites(block, cell, symops, formula)
    if formula:
        _compare_with_formula(block, crystal, formula)
    return crystal


def read_cell(block: Block) -> Cell:
    """Read the unit cell (a, b, c, alpha, beta, gamma) of a data block, angstrom and degrees.

    Raises
    ------
    ArgandError
        A length is missing, or the numbers are those of no cell.
    """
    lengths: list[float] = []
    for axis in "abc":
        length = block.number(f"_cell_length_{axis}")
        if length is None:
            raise block.error("the cell lengths are not given")
        lengths.append(length)
    angles: list[float] = []
    for name in ("alpha", "beta", "gamma"):
        # 90 degrees is the default of the CIF dictionary.
        angles.append(block.number(f"_cell_angle_{name}") or 90.0)
    try:
        return cell_parameters(lengths + angles)
    except ArgandError as error:
        raise block.error(str(error)) from None


def _compare_with_formula(block: Block, crystal: Crystal, formula: dict[str, float]) -> None:
    """Note an F(000) of the sites that differs from formula x Z by more than rounding explains."""
    electrons = 0.0
    rounding = 0.0
    for element, count in formula.items():
        electrons += atomic_number(element) * count
        if count % 1:
            rounding += _FORMULA_ROUNDING * atomic_number(element)
    f000 = crystal.f000()
    z = block.number("_cell_formula_units_z")
    assumed = ""
    if z is None or z <= 0:
        z = max(1.0, float(round(f000 / electrons)))
        assumed = ", assumed"
    if abs(f000 - z * electrons) <= z * (_F000_TOLERANCE * electrons + rounding):
        return
    block.note(
        f"F(000) of the sites is {f000:.6g}, of the formula x Z {z * electrons:.6g}"
        f" (Z = {z:g}{assumed}): the sites hold {crystal.formula}"
    )
