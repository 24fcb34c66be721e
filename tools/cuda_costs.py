"""Count what the CUDA sum costs for a batch, part by part, from its machine code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cuda_devices import WARP
from cuda_workloads import ROW, BatchShape, Row
from machine_code import InstructionCount, MachineCode

#: A walk along a row ends after a whole number of so many reflections.
PART = 4

# Rows of reflections that a block takes; its threads are two warps.
ROWS_OF_BLOCK = 64
WARPS_OF_BLOCK = ROWS_OF_BLOCK // WARP


def most_atoms(precision: str) -> int:
    """Return how many atoms a block takes at once at most, 64 bytes of numbers."""
    return 16 if precision == "float32" else 8


def parts_of_sum(
    code: MachineCode, shape: BatchShape, atoms_of_tile: int
) -> dict[str, InstructionCount]:
    """Count what the warps of the whole batch execute for the sum, part by part.

    A row that follows from the row next to it leaves out the costliest branch of the loop over
    rows; all other branches are counted as if every thread took them.

    Parameters
    ----------
    code
        Machine code of the kernel `sum_rows`.
    shape
        The batch.
    atoms_of_tile
        How many atoms a block takes at once at most.
    """
    tile_atoms = _tile_atoms(shape.atoms, atoms_of_tile)
    atom_tiles = _rounded_up(shape.atoms, tile_atoms)
    lengths = [row[4] for row in shape.rows]
    row_tiles = _rounded_up(len(lengths), ROWS_OF_BLOCK)
    warps = _rounded_up(len(lengths), WARP)
    # How often a sum in registers is multiplied by form factors.
    joins = atom_tiles + shape.kinds - 1

    first, sorted_, tables, starts, fourth, fifth = code.barriers[:6]
    end_of_walk = code.inner_loop(starts, len(code.operations))[1]
    tile = _tile_loop(code, first, end_of_walk, fourth)
    walk = code.inner_loop(starts, tile[1])
    join = code.enclosing_loop(walk)
    row = code.inner_loop(tables, starts)
    rank = code.count(*code.inner_loop(first, sorted_))

    of_walk = code.count(*walk)
    # The rare branch of the loop over rows is that of a row which does not follow from another.
    following = 1 - fresh_share(shape.rows, tile_atoms)
    spared = code.rare_branch(*row).times(following)
    of_row = code.count(*row).minus(spared)
    # The first warp of a block sorts the atoms; then each warp makes one of the two tables.
    loading = code.count(tile[0], first).times(WARPS_OF_BLOCK)
    ranking = rank.times(min(tile_atoms, shape.atoms))
    sorting = code.count(first, tables).minus(rank).plus(ranking)
    joining = code.count(*join).minus(of_walk)
    storing = code.count(fourth, fifth).times(ROW / 4)
    around_tiles = code.count(0, tile[0]).plus(storing)

    walks = shape.atoms * _walked_reflections(lengths) / ROW
    atoms_and_rows = row_tiles * ROWS_OF_BLOCK * atom_tiles * tile_atoms
    parts = {
        "walks along rows": of_walk.times(walks),
        "A and g of rows": of_row.times(atoms_and_rows / WARP),
        "times form factors": joining.times(joins * warps),
        "tables of atoms": loading.plus(sorting).times(atom_tiles * row_tiles),
        "rows, output": around_tiles.times(row_tiles * WARPS_OF_BLOCK),
    }
    return {name: count.times(shape.crystals) for name, count in parts.items()}


def total(counts: Iterable[InstructionCount]) -> InstructionCount:
    """Add counts."""
    result = InstructionCount()
    for count in counts:
        result = result.plus(count)
    return result


def fresh_share(rows: Sequence[Row], strip: int) -> float:
    """Return the share of rows whose A does not follow from the row before them in their strip."""
    fresh = 0
    for number, row in enumerate(rows):
        h, k, l, step, _ = row
        before = rows[number - 1]
        follows = before[:4] == (h, k - 1, l, step)
        if number % strip == 0 or not follows:
            fresh += 1
    return fresh / len(rows)


def _tile_atoms(atoms: int, most: int) -> int:
    """Return how many atoms a block takes at once."""
    if atoms <= 4:
        return 4
    return 8 if atoms <= 8 else most


def _walked_reflections(lengths: Sequence[int]) -> int:
    """Return the reflections that warps walk along: each takes as long as its longest row."""
    reflections = 0
    for first in range(0, len(lengths), WARP):
        longest = max(lengths[first : first + WARP])
        reflections += min(_rounded_up(longest, PART) * PART, ROW)
    return reflections


def _tile_loop(code: MachineCode, first: int, end_of_walk: int, after: int) -> tuple[int, int]:
    """Return the loop over tiles of atoms: around the first barrier and the walk along rows."""
    for loop in code.loops:
        if loop[0] <= first and end_of_walk < loop[1] < after:
            return loop
    raise ValueError("the kernel has no loop over tiles of atoms")


def _rounded_up(n: int, size: int) -> int:
    """Return how many pieces of a size hold n."""
    return -(-n // size)
