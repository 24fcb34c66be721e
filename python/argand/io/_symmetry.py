"""The symmetry a CIF states: its operations first, else its Hall symbol, its name, its number."""

from __future__ import annotations

import gemmi
import numpy as np

from argand.cell import Cell, metric
from argand.errors import ArgandError
from argand.io._block import Block
from argand.symmetry import find_spacegroup, group_ops, operations, spacegroup_name, triplets

__all__ = ["read_symmetry", "states_symmetry"]

_OPERATIONS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
_MAGNETIC = ("_space_group_symop_magn_operation_xyz", "_space_group_symop_magn_centering_xyz")
_NAME = (
    "_space_group_name_h-m_alt",
    "_symmetry_space_group_name_h-m",
    "_space_group_name_h-m_full",
)
_HALL = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
_NUMBER = ("_space_group_it_number", "_symmetry_int_tables_number")
_ANY = ("_space_group_symop", "_space_group_name", "_space_group_it", "_symmetry_")


def states_symmetry(block: Block) -> bool:
    """Whether a block says anything of symmetry."""
    return any(block.has(prefix) for prefix in _ANY)


def read_symmetry(block: Block, cell: Cell) -> tuple[str, ...]:
    """All operations as triplets. A name that contradicts them, or that leaves a choice, is noted."""
    listed = block.column(*_OPERATIONS) or _magnetic_operations(block)
    if any(
        block.has(prefix)
        for prefix in ("_atom_site_moment", "_space_group_magn", "_space_group_symop_magn")
    ):
        block.note("a magnetic structure: its moments are ignored")
    if (block.number("_cell_modulation_dimension") or 0) > 0:
        block.note("a modulated structure: its modulation is ignored")
    hall, named = _by_hall(block), _by_name(block, cell)
    if listed:
        group = _group(block, [triplet for triplet in listed if triplet.strip()])
    elif hall:
        group = hall
    elif named:
        group = named.operations()
        if named.ext == "1" and not (block.text(*_NAME) or "").endswith("1"):
            block.note(f"names no origin choice and no operations: {named.xhm()} is assumed")
    else:
        group = _by_number(block) or group_ops("P 1")
    _compare(block, group, named or (gemmi.find_spacegroup_by_ops(hall) if hall else None))
    symops = triplets(group)
    _check_cell(block, symops, cell)
    return symops


def _group(block: Block, listed: list[str]) -> gemmi.GroupOps:
    try:
        return group_ops(listed)
    except ArgandError as error:
        raise block.error(str(error)) from None


def _magnetic_operations(block: Block) -> list[str] | None:
    """Operations of a magnetic group without their time reversal, each with each centring: those of the nuclei."""
    stated, centring = block.column(_MAGNETIC[0]), block.column(_MAGNETIC[1])
    if stated is None:
        return None
    plain = [
        [triplet.rpartition(",")[0] for triplet in column]
        for column in (stated, centring or ["x,y,z,+1"])
    ]
    try:
        return [
            (gemmi.Op(shift) * gemmi.Op(op)).wrap().triplet()
            for op in plain[0]
            for shift in plain[1]
        ]
    except (RuntimeError, UnicodeDecodeError) as error:
        raise block.error(f"symmetry operations not understood: {error}") from None


def _by_hall(block: Block) -> gemmi.GroupOps | None:
    hall = block.text(*_HALL)
    try:
        return None if hall is None else gemmi.symops_from_hall(hall)
    except (RuntimeError, UnicodeDecodeError):
        return None


def _by_name(block: Block, cell: Cell) -> gemmi.SpaceGroup | None:
    name = block.text(*_NAME)
    if name is None:
        return None
    found = find_spacegroup(name)
    if found is not None and found.ext in ("H", "R") and not name.rstrip().endswith(("H", "R")):
        # the name alone does not say hexagonal or rhombohedral axes, the cell does
        found = gemmi.find_spacegroup_by_name(found.hm, cell[3], cell[5]) or found
    return found


def _by_number(block: Block) -> gemmi.GroupOps | None:
    for tag in _NUMBER:
        number = block.number(tag)
        if number is not None:
            try:
                found = gemmi.SpaceGroup(int(number))
            except ValueError:
                raise block.error(
                    f"{tag} is {number:g}, needs a space group number, 1 to 230"
                ) from None
            block.note(
                f"states its space group by number alone: its standard setting {found.xhm()} is assumed"
            )
            return found.operations()
    name = block.text(*_NAME, *_HALL)
    if name is not None:
        raise block.error(f"space group {name!r} is not known, and no operations are given")
    block.note("states no symmetry: P 1 is assumed")
    return None


def _compare(block: Block, group: gemmi.GroupOps, named: gemmi.SpaceGroup | None) -> None:
    """Note a name that is not that of the operations; settings of one name ('F d -3 m') do not contradict."""
    by_ops = gemmi.find_spacegroup_by_ops(group)
    if named is None or (by_ops is not None and by_ops.hm == named.hm):
        return
    if (
        by_ops is None
        and len(group) == len(named.operations())
        and group.has_same_rotations(named.operations())
    ):
        return
    name = spacegroup_name(group) or f"{len(group)} in an unnamed setting"
    called = block.text(*_NAME, *_HALL)
    block.note(
        f"its operations are those of {name}, its space group is called {called}: the operations are used"
    )


def _check_cell(block: Block, symops: tuple[str, ...], cell: Cell) -> None:
    """Note a cell that the operations do not map onto itself within 1 %."""
    lengths = metric(cell)
    for rotation, _ in operations(symops):
        turned = rotation.T @ lengths @ rotation
        edges = np.sqrt(np.diag(lengths))
        if (np.abs(turned - lengths) > 0.02 * np.outer(edges, edges)).any():
            block.note(
                f"cell {cell} does not have the symmetry of {spacegroup_name(group_ops(symops)) or symops}"
            )
            return
