"""Read the symmetry a CIF states: its operations, else its Hall symbol, its name, its number."""

from __future__ import annotations

import gemmi

from argand.cell import Cell
from argand.errors import ArgandError
from argand.io.cif_block import Block
from argand.symmetry import find_spacegroup, group_ops, spacegroup_name, triplets

__all__ = ["origin_choices", "read_symmetry", "states_symmetry"]

_OPERATION_TAGS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
_MAGNETIC_OPERATIONS = "_space_group_symop_magn_operation_xyz"
_MAGNETIC_CENTRING = "_space_group_symop_magn_centering_xyz"
_NAME_TAGS = (
    "_space_group_name_h-m_alt",
    "_symmetry_space_group_name_h-m",
    "_space_group_name_h-m_full",
)
_HALL_TAGS = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
_NUMBER_TAGS = ("_space_group_it_number", "_symmetry_int_tables_number")

# A block states symmetry where it has a tag with one of these beginnings.
_SYMMETRY_PREFIXES = ("_space_group_symop", "_space_group_name", "_space_group_it", "_symmetry_")

# A block describes a magnetic structure where it has a tag with one of these beginnings.
_MAGNETIC_PREFIXES = ("_atom_site_moment", "_space_group_magn", "_space_group_symop_magn")

# Number of the last space group.
_LAST_NUMBER = 230


def states_symmetry(block: Block) -> bool:
    """Tell whether a data block states operations, a name or a number of a space group."""
    return any(block.has(prefix) for prefix in _SYMMETRY_PREFIXES)


def read_symmetry(block: Block, cell: Cell) -> tuple[str, ...]:
    """Read all symmetry operations of a data block as triplets such as 'x,y+1/2,-z'.

    A name of the space group that contradicts the operations, or that leaves a choice, is noted.

    Parameters
    ----------
    block
        Data block of a CIF.
    cell
        Unit cell in angstrom and degrees; it decides between hexagonal and rhombohedral axes.

    Raises
    ------
    ArgandError
        Names operations that are no group, or a space group that is not known.
    """
    listed = block.column(*_OPERATION_TAGS) or _nuclear_operations(block)
    if any(block.has(prefix) for prefix in _MAGNETIC_PREFIXES):
        block.note("a magnetic structure: its moments are ignored")
    if (block.number("_cell_modulation_dimension") or 0) > 0:
        block.note("a modulated structure: its modulation is ignored")
    by_hall = _by_hall(block)
    by_name = _by_name(block, cell)
    if listed:
        group = _by_operations(block, listed)
    elif by_hall:
        group = by_hall
    elif by_name:
        group = by_name.operations()
    else:
        group = _by_number(block) or group_ops("P 1")
    named = by_name
    if not named and by_hall:
        named = gemmi.find_spacegroup_by_ops(by_hall)
    _compare_with_name(block, group, named)
    if by_name:
        _compare_with_hall(block, group, by_hall)
    _compare_with_number(block, group)
    return triplets(group)


def origin_choices(block: Block, cell: Cell) -> list[gemmi.SpaceGroup]:
    """Return the two origin choices of a named space group of which a data block states neither.

    The list is empty where the block states operations, a Hall symbol or the origin, or where its
    space group has one origin only.
    """
    has_operations = block.column(*_OPERATION_TAGS) or block.column(_MAGNETIC_OPERATIONS)
    named = _by_name(block, cell)
    if has_operations or _by_hall(block) or named is None or named.ext != "1":
        return []
    name = (block.text(*_NAME_TAGS) or "").partition("(")[0].rstrip()
    if name.endswith(("1", "S")):
        return []
    return [named, gemmi.find_spacegroup_by_name(named.hm, prefer="2")]


def _by_operations(block: Block, listed: list[str]) -> gemmi.GroupOps:
    """Make a group of the triplets that a block lists."""
    try:
        return group_ops([triplet for triplet in listed if triplet.strip()])
    except ArgandError as error:
        raise block.error(str(error)) from None


def _nuclear_operations(block: Block) -> list[str] | None:
    """Read the operations of a magnetic group as they act on nuclei, without time reversal.

    Every operation is combined with every centring vector. None where the block has none.
    """
    operations_column = block.column(_MAGNETIC_OPERATIONS)
    if operations_column is None:
        return None
    centring_column = block.column(_MAGNETIC_CENTRING) or ["x,y,z,+1"]
    combined: list[str] = []
    try:
        for operation in operations_column:
            for centring in centring_column:
                turn = gemmi.Op(_without_time_reversal(operation))
                shift = gemmi.Op(_without_time_reversal(centring))
                combined.append((shift * turn).wrap().triplet())
    except (RuntimeError, UnicodeDecodeError) as error:
        raise block.error(f"symmetry operations not understood: {error}") from None
    return combined


def _without_time_reversal(operation: str) -> str:
    """Cut the time reversal off a magnetic operation: 'x,y,z,+1' becomes 'x,y,z'."""
    return operation.rpartition(",")[0]


def _by_hall(block: Block) -> gemmi.GroupOps | None:
    """Read the Hall symbol; None where there is none or it cannot be understood."""
    hall = block.text(*_HALL_TAGS)
    if hall is None:
        return None
    try:
        return gemmi.symops_from_hall(hall)
    except (RuntimeError, UnicodeDecodeError):
        return None


def _by_name(block: Block, cell: Cell) -> gemmi.SpaceGroup | None:
    """Look the Hermann-Mauguin name up; None where there is none or it is not known."""
    name = block.text(*_NAME_TAGS)
    if name is None:
        return None
    group = find_spacegroup(name)
    if group is None:
        return None
    states_axes = name.rstrip().endswith(("H", "R"))
    if group.ext in ("H", "R") and not states_axes:
        # The name alone does not tell hexagonal from rhombohedral axes, the angles do.
        group = gemmi.find_spacegroup_by_name(group.hm, cell[3], cell[5]) or group
    return group


def _by_number(block: Block) -> gemmi.GroupOps | None:
    """Look the number of the space group up in its standard setting; None where none is stated.

    Raises
    ------
    ArgandError
        The number is none of a space group, or a name is stated that is not known.
    """
    for tag in _NUMBER_TAGS:
        number = block.number(tag)
        if number is None:
            continue
        if not 1 <= number <= _LAST_NUMBER or int(number) != number:
            raise block.error(f"{tag} is {number:g}, needs a space group number, 1 to 230")
        group = gemmi.SpaceGroup(int(number))
        name = block.text(*_NAME_TAGS)
        settings = [entry for entry in gemmi.spacegroup_table() if entry.number == group.number]
        if name is not None and len(settings) > 1:
            raise block.error(
                f"space group {name!r} is not known, its number {group.number} leaves "
                f"{len(settings)} settings, and no operations are given"
            )
        block.note(
            f"states its space group by number alone: its standard setting {group.xhm()} is assumed"
        )
        return group.operations()
    name = block.text(*_NAME_TAGS, *_HALL_TAGS)
    if name is not None:
        raise block.error(f"space group {name!r} is not known, and no operations are given")
    block.note("states no symmetry: P 1 is assumed")
    return None


def _compare_with_name(block: Block, group: gemmi.GroupOps, named: gemmi.SpaceGroup | None) -> None:
    """Note a name that contradicts the operations; settings of one name are no contradiction."""
    if named is None:
        return
    by_operations = gemmi.find_spacegroup_by_ops(group)
    if by_operations is not None and by_operations.hm == named.hm:
        return
    if by_operations is None:
        named_ops = named.operations()
        if len(group) == len(named_ops) and group.has_same_rotations(named_ops):
            return
    name = spacegroup_name(group) or f"{len(group)} in an unnamed setting"
    stated = block.text(*_NAME_TAGS, *_HALL_TAGS)
    block.note(
        f"its operations are those of {name}, its space group is called {stated}: "
        "the operations are used"
    )


def _compare_with_hall(block: Block, group: gemmi.GroupOps, by_hall: gemmi.GroupOps | None) -> None:
    """Note a Hall symbol that stands for other operations than those that are used."""
    if by_hall is None or set(triplets(by_hall)) == set(triplets(group)):
        return
    block.note(f"its operations are not those of its Hall symbol {block.text(*_HALL_TAGS)}")


def _compare_with_number(block: Block, group: gemmi.GroupOps) -> None:
    """Note a number of the space group that is not that of the operations."""
    tabulated = gemmi.find_spacegroup_by_ops(group)
    number = block.optional_number(*_NUMBER_TAGS)
    if tabulated is None or number is None or number == tabulated.number:
        return
    # Some programs write 0 for a number that they do not know.
    if 1 <= number <= _LAST_NUMBER:
        block.note(
            f"its operations are those of {tabulated.xhm()}, number {tabulated.number}, "
            f"its number is {number:g}: the operations are used"
        )
