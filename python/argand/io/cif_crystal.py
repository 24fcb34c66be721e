"""Read the crystal structure and the unit cell of a data block of a CIF."""

from __future__ import annotations

import gemmi
import numpy as np
import numpy.typing as npt

from argand.atom_types import atomic_number
from argand.cell import Cell, cell_parameters
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io.cif_block import Block
from argand.io.cif_sites import FRACT_X, read_sites
from argand.io.cif_special_positions import with_stated_occupancies, wrong_multiplicities
from argand.io.cif_symmetry import origin_choices, read_symmetry
from argand.io.formula import parse_formula
from argand.io.site_checks import structure_notes

__all__ = ["block_with_sites", "crystal_of_block", "has_sites", "read_cell"]

# A formula states numbers of atoms to two decimals, as occupancies often are.
_FORMULA_ROUNDING = 0.005

# A stated F(000) differs by this share where it holds the real part of dispersion.
_STATED_F000_TOLERANCE = 0.01

# One dalton per cubic angstrom in g/cm^3.
_DALTON_PER_CUBIC_ANGSTROM = 1.66053906660

# A stated density may differ from that of the sites by this share: hydrogens are often left out.
_DENSITY_TOLERANCE = 0.05

# A stated volume may differ from that of the cell by this share.
_VOLUME_TOLERANCE = 0.01

# Cells of one file may differ by this share of their edges and angles.
_CELL_TOLERANCE = 0.005

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
    crystal, rows, n = read_sites(block, cell, symops, formula)
    electrons = _stated_electrons(block, formula)
    choices = origin_choices(block, cell)
    if choices:
        crystal = _with_likely_origin(block, crystal, choices, rows, n, electrons)
    crystal = with_stated_occupancies(block, crystal, rows, n, electrons)
    _compare_with_content(block, crystal, formula, electrons)
    _compare_density(block, crystal)
    _compare_cells(block, crystal)
    for note in structure_notes(crystal):
        block.note(note)
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
        angle = block.number(f"_cell_angle_{name}")
        angles.append(90.0 if angle is None else angle)
    try:
        return cell_parameters(lengths + angles)
    except ArgandError as error:
        raise block.error(str(error)) from None


def _stated_electrons(block: Block, formula: dict[str, float] | None) -> tuple[float, float] | None:
    """Return the electrons in the unit cell as stated, and their tolerance.

    They are those of formula x Z, else the stated F(000) of x-rays; None without either.
    """
    z = block.number("_cell_formula_units_z")
    if formula and z is not None and z > 0:
        electrons, tolerance = _electrons_of_formula(formula)
        return z * electrons, z * tolerance
    f000 = block.optional_number("_exptl_crystal_f_000")
    probe = block.text("_diffrn_radiation_probe", "_diffrn_radiation_type") or ""
    if formula or f000 is None or f000 <= 0 or not _is_x_ray(probe):
        return None
    return f000, _STATED_F000_TOLERANCE * f000


def _electrons_of_formula(formula: dict[str, float]) -> tuple[float, float]:
    """Return the electrons of a formula, and how many of them are uncertain."""
    electrons = 0.0
    rounding = 0.0
    for element, count in formula.items():
        electrons += atomic_number(element) * count
        if count % 1:
            rounding += _FORMULA_ROUNDING * atomic_number(element)
    return electrons, _F000_TOLERANCE * electrons + rounding


def _is_x_ray(probe: str) -> bool:
    """Tell whether words about the radiation name no neutrons and no electrons."""
    return "neutron" not in probe.lower() and "electron" not in probe.lower()


def _with_likely_origin(
    block: Block,
    crystal: Crystal,
    choices: list[gemmi.SpaceGroup],
    rows: npt.NDArray[np.intp],
    n: int,
    electrons: tuple[float, float] | None,
) -> Crystal:
    """Choose the origin whose multiplicities, or whose content, are those that are stated."""
    first, second = choices
    other = crystal.replace(spacegroup=second.xhm())
    wrong = wrong_multiplicities(block, crystal, rows, n)
    wrong_of_other = wrong_multiplicities(block, other, rows, n)
    reason = ", since its multiplicities are those stated" if wrong != wrong_of_other else ""
    is_other = wrong_of_other < wrong
    if wrong == wrong_of_other and electrons is not None:
        stated, tolerance = electrons
        gain = abs(crystal.f000() - stated) - abs(other.f000() - stated)
        reason = ", since its content is that stated" if abs(gain) > tolerance else ""
        is_other = gain > tolerance
    group = second if is_other else first
    block.note(f"names no origin choice and no operations: {group.xhm()} is assumed{reason}")
    return other if is_other else crystal


def _compare_with_content(
    block: Block,
    crystal: Crystal,
    formula: dict[str, float] | None,
    electrons: tuple[float, float] | None,
) -> None:
    """Note an F(000) of the sites that differs from the stated one by more than rounding."""
    f000 = crystal.f000()
    sites = f"F(000) of the sites is {f000:.6g}"
    content = f"the sites hold {crystal.formula}"
    if not formula:
        if electrons is not None and abs(f000 - electrons[0]) > electrons[1]:
            block.note(f"{sites}, as stated {electrons[0]:.6g}: {content}")
        return
    of_formula, tolerance = _electrons_of_formula(formula)
    z = block.number("_cell_formula_units_z")
    assumed = ""
    if z is None or z <= 0:
        z = max(1.0, float(round(f000 / of_formula)))
        assumed = ", assumed"
    if abs(f000 - z * of_formula) > z * tolerance:
        block.note(
            f"{sites}, of the formula x Z {z * of_formula:.6g} (Z = {z:g}{assumed}): {content}"
        )


def _compare_density(block: Block, crystal: Crystal) -> None:
    """Note a stated density that is far from that of the sites."""
    stated = block.optional_number("_exptl_crystal_density_diffrn")
    if stated is None or stated <= 0:
        return
    mass = 0.0
    for element, number in crystal.composition().items():
        mass += gemmi.Element(element).weight * number
    density = _DALTON_PER_CUBIC_ANGSTROM * mass / crystal.volume
    if abs(density - stated) > _DENSITY_TOLERANCE * stated:
        block.note(f"the sites have {density:.4g} g/cm^3, the stated density is {stated:g}")


def _compare_cells(block: Block, crystal: Crystal) -> None:
    """Note a unit cell that contradicts the stated volume, or the cell in SHELX instructions."""
    volume = block.optional_number("_cell_volume") or crystal.volume
    if volume > 0 and abs(crystal.volume - volume) > _VOLUME_TOLERANCE * volume:
        block.note(f"the cell has {crystal.volume:.6g} A^3, its stated volume is {volume:g}")
    try:
        instructions = block.instructions
    except ArgandError:
        # Complaints about the instructions belong to reading the experiment.
        return
    if instructions is None or instructions.cell is None:
        return
    stated = np.array(instructions.cell)
    if (np.abs(stated - crystal.cell) > _CELL_TOLERANCE * stated).any():
        block.note(
            f"the cell is {crystal.cell}, in the SHELX instructions of the file {instructions.cell}"
        )
