"""Count what the CUDA sum costs for a batch, part by part, from its machine code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cuda_devices import WARP
from cuda_workloads import BatchShape
from machine_code import InstructionCount, MachineCode, Stretch, contains

#: A walk along a row ends after a whole number of so many reflections; a row has at most PARTS.
PART = 4
PARTS = 4

# Atoms and rows of a tile of the adjoint, and warps of a block. Its guarded walk selects a number
# for each entry.
ADJOINT_ATOMS = 16
ADJOINT_ROWS = 32
ADJOINT_WARPS = 2
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
    """Count what the warps of the whole batch execute for the adjoint, part by part.

    Every tile of atoms is counted as if it had one scatterer. Of the two loops over products, with
    Friedel mates and without, the shorter one is taken: the batch has lists.

    Parameters
    ----------
    code
        Machine code of the kernel `gather_atoms`.
    shape
        The batch.
    """
    loops = code.innermost_loops()
    row = max(loops, key=lambda loop: code.count(*loop).flops)
    guarded, walk, checks = _walk_of_adjoint(code, row)
    atoms = _rounded_up(shape.atoms, ADJOINT_ATOMS) * ADJOINT_ATOMS
    of_rows = InstructionCount()
    for *_, length in shape.rows:
        parts = _rounded_up(length, PART)
        end = checks[parts] if parts < len(checks) else walk[1]
        unused = code.count(*guarded).plus(code.count(end, walk[1]))
        of_rows = of_rows.plus(code.count(*row).minus(unused))
    kinds = code.enclosing_loop(row)
    products = [loop for loop in code.loops if loop not in (row, kinds) and contains(kinds, loop)]
    product = min(products, key=_length)
    around = code.count(*kinds).minus(code.count(*row))
    for loop in products:
        around = around.minus(code.count(*loop))
    # The rows of a tile have 16 entries each.
    rounds = ADJOINT_ROWS * PART * PARTS / WARP
    tiles = _rounded_up(len(shape.rows), ADJOINT_ROWS) * atoms / ADJOINT_ATOMS
    of_tile = code.count(*product).times(rounds).plus(around.times(ADJOINT_WARPS))
    counts = {"rows of atoms": of_rows.times(atoms / WARP), "conj(g) f": of_tile.times(tiles)}
    return {name: count.times(shape.crystals) for name, count in counts.items()}


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


def _walk_of_adjoint(code: MachineCode, row: Stretch) -> tuple[Stretch, Stretch, list[int]]:
    """Return the guarded half of the loop over rows, the other half's walk, and its checks.

    A row is gathered with guards against overflow or, normally, without them. The walk's n-th
    check ends it before its n-th part.
    """
    skips = [skip for skip in code.skips if contains(row, skip)]
    guarded_halves = []
    for skip in skips:
        is_half = _length(skip) < ADJOINT_HALF * _length(row)
        if is_half and code.number_of(skip, "FSEL") >= ADJOINT_SELECTIONS:
            guarded_halves.append(skip)
    guarded = max(guarded_halves, key=_length)
    others = [skip for skip in skips if skip[1] <= guarded[0]]
    ends = [skip[1] for skip in others]
    end = max(set(ends), key=ends.count)
    checks = sorted(skip[0] for skip in others if skip[1] == end)[:PARTS]
    return guarded, (checks[0], end), checks


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
