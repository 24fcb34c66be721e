"""Count what the CUDA sum costs for a batch, part by part, from its machine code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cuda_devices import WARP
from cuda_workloads import BatchShape
from machine_code import InstructionCount, MachineCode, Stretch, contains

#: A walk along a row ends after a whole number of so many reflections; a row has at most PARTS.
PART = 4
PARTS = 4

# Atoms and rows of a tile of the adjoint. Its guarded walk selects a number for each entry.
ADJOINT_ATOMS = 16
ADJOINT_ROWS = 32
ADJOINT_SELECTIONS = 12
# The guarded walk is a smaller share of the loop over rows than this.
ADJOINT_HALF = 0.7

# Atoms of a tile, and entries of Z that one thread computes at once.
TILE_ATOMS = 32
ALONG_TASKS = 8


def threads_of(shape: BatchShape, precision: str) -> int:
    """Return the threads of a block: a whole box is one block, lists are cut."""
    if shape.is_box:
        return _rounded_up(len(shape.rows), WARP) * WARP
    return 256 if precision == "float32" else 128


def parts_of_sum(
    code: MachineCode, shape: BatchShape, precision: str
) -> dict[str, InstructionCount]:
    """Count what the warps of the whole batch execute for the sum, part by part.

    Branches that depend on a thread are counted as if its warp took them; of the two directions of
    a row a warp takes one. Rows are taken once for many crystals and are not counted.

    Parameters
    ----------
    code
        Machine code of the kernel `sum_rows`.
    shape
        The batch.
    precision
        "float32" or "float64".
    """
    threads = threads_of(shape, precision)
    blocks = _rounded_up(len(shape.rows), threads)
    tiles = _rounded_up(shape.atoms, TILE_ATOMS)
    # A scatterer of a tile is summed up and multiplied by form factors once.
    runs = tiles + shape.kinds - 1
    parts_of_warps = _parts_of_warps(shape)
    warps = len(parts_of_warps)

    atom, walk, checks = _atom_loop(code)
    run = code.enclosing_loop(atom)
    # It multiplies by form factors, in one direction or the other.
    flush = (atom[1], run[1])
    loaded, sorted_, filled = code.barriers[:3]
    tile = _loop_around(code, (loaded, run[1]))
    around = code.count(*atom).minus(code.count(*walk))
    along = code.inner_loop(sorted_, filled)

    terms = InstructionCount()
    for parts in parts_of_warps:
        end = checks[parts] if parts < len(checks) else walk[1]
        terms = terms.plus(code.count(walk[0], end))
    of_run = code.count(*run).minus(code.count(*atom)).minus(code.count(*flush))
    mean_parts = sum(parts_of_warps) / warps / PARTS
    iterations = _rounded_up(min(shape.atoms, TILE_ATOMS) * ALONG_TASKS, threads)
    of_tile = code.count(tile[0], loaded).times(blocks * threads / WARP)
    of_sort = code.count(loaded, sorted_).times(blocks)
    of_along = code.count(*along).times(blocks * min(iterations * threads, 256) / WARP)
    output = code.count(tile[1], len(code.operations)).times(0.25 * mean_parts * warps)
    parts_of_all = {
        "walks along rows": terms.times(shape.atoms),
        "A and g of rows": around.times(warps * shape.atoms),
        "times form factors": of_run.plus(code.count(*flush).times(mean_parts / 2)).times(
            runs * warps
        ),
        "tables of atoms": of_tile.plus(of_sort).plus(of_along).times(tiles),
        "output": output,
    }
    if shape.is_box:
        store = code.inner_loop(code.barriers[3], code.barriers[4])
        copied = code.count(*store).times(_rounded_up(shape.written, WARP))
        parts_of_all["output"] = output.plus(copied)
    return {name: count.times(shape.crystals) for name, count in parts_of_all.items()}


def parts_of_adjoint(code: MachineCode, shape: BatchShape) -> dict[str, InstructionCount]:
    """Count what the warps of the whole batch execute at most for the adjoint, part by part.

    Rows are counted as if they were full, and every tile of atoms as if it had one scatterer.

    Parameters
    ----------
    code
        Machine code of the kernel `gather_atoms`.
    shape
        The batch.
    """
    loops = code.innermost_loops()
    row = max(loops, key=lambda loop: code.count(*loop).flops)
    # A row is gathered with guards against overflow or, normally, without them.
    guarded = []
    for skip in code.skips:
        is_half = _length(skip) < ADJOINT_HALF * _length(row)
        selections = code.number_of(skip, "FSEL")
        if contains(row, skip) and is_half and selections >= ADJOINT_SELECTIONS:
            guarded.append(skip)
    of_row = code.count(*row).minus(code.count(*max(guarded, key=_length)))
    kinds = code.enclosing_loop(row)
    of_products = code.count(*kinds).minus(code.count(*row))
    atoms = _rounded_up(shape.atoms, ADJOINT_ATOMS) * ADJOINT_ATOMS
    rows = len(shape.rows)
    row_tiles = _rounded_up(rows, ADJOINT_ROWS)
    # The rows of a tile have 16 entries each, for 64 threads; two directions are never both taken.
    rounds = ADJOINT_ROWS * PART * PARTS / WARP
    tiles = row_tiles * atoms / ADJOINT_ATOMS
    parts = {
        "rows of atoms": of_row.times(rows * atoms / WARP),
        "conj(g) f": of_products.times(rounds * tiles / 2),
    }
    return {name: count.times(shape.crystals) for name, count in parts.items()}


def total(counts: Iterable[InstructionCount]) -> InstructionCount:
    """Add counts."""
    result = InstructionCount()
    for count in counts:
        result = result.plus(count)
    return result


def _atom_loop(code: MachineCode) -> tuple[Stretch, Stretch, list[int]]:
    """Return the loop over atoms, its walk along the row, and the checks of the walk.

    The walk's n-th check ends it before its n-th part. The loop without guards is the shorter one
    of two.
    """
    loops = [loop for loop in code.innermost_loops() if code.number_of(loop, "LDS.128") > PARTS]
    atom = min(loops, key=_length)
    ends = [skip[1] for skip in code.skips if contains(atom, skip)]
    end = max(set(ends), key=ends.count)
    checks = sorted(skip[0] for skip in code.skips if skip[1] == end and contains(atom, skip))
    return atom, (checks[0], end), checks


def _loop_around(code: MachineCode, stretch: Stretch) -> Stretch:
    """Return the shortest loop around a stretch."""
    loops = [loop for loop in code.loops if contains(loop, stretch)]
    return min(loops, key=_length)


def _length(stretch: Stretch) -> int:
    return stretch[1] - stretch[0]


def _parts_of_warps(shape: BatchShape) -> Sequence[int]:
    """Return the parts that each warp walks: as many as its longest row has."""
    lengths = [row[4] for row in shape.rows]
    parts = []
    for first in range(0, len(lengths), WARP):
        parts.append(_rounded_up(max(lengths[first : first + WARP]), PART))
    return parts


def _rounded_up(n: int, size: int) -> int:
    """Return how many pieces of a size hold n."""
    return -(-n // size)
