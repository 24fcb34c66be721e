"""Count what the CUDA transforms between boxes and maps cost, part by part, from machine code."""

from __future__ import annotations

from collections.abc import Sequence

from cuda_devices import WARP
from machine_code import InstructionCount, MachineCode, Stretch, contains

# Threads of a block, pairs of lines y of a plane at once, and pairs that one thread sums at once.
THREADS = 128
WARPS = THREADS // WARP
PAIRS = 18
TOGETHER = 2

# Flops of a trip of each inner loop: along h four additions and two complex products, along k, y
# and x four products, along l two products for each of four lines, along z two additions and two
# products for each of four lines.
FLOPS_ALONG_H = 20
FLOPS_ALONG_K = 8
FLOPS_ALONG_L = 8 * TOGETHER
FLOPS_ALONG_Z = 12 * TOGETHER
# An inner loop has at least so many flops.
LEAST_FLOPS = 8


def parts_of_map(code: MachineCode, edge: int, reach: int) -> dict[str, InstructionCount]:
    """Count what the warps of a block execute at most for one plane of a map.

    Both sides of a branch are counted, and all code after an unrolled loop.

    Parameters
    ----------
    code
        Machine code of the kernel `to_map`.
    edge
        Points of a map along each axis.
    reach
        Largest h, k and l of the box.
    """
    along_h, along_k, along_l = _stages(code)
    width, half = 2 * reach + 1, reach + 1
    pairs = edge // 2 + 1
    rounds = -(-pairs // PAIRS)
    counts = {
        "sum along h": _stage(code, along_h, FLOPS_ALONG_H, width).times(_warps(half * half)),
        "sum along k": _stage(code, along_k, FLOPS_ALONG_K, reach).times(
            rounds * _warps(PAIRS * half)
        ),
        "sum along l, output": _stage(code, along_l, FLOPS_ALONG_L, half).times(
            rounds * _warps(pairs * (PAIRS // TOGETHER))
        ),
    }
    counts["cosines"] = _tables(code, along_h[0], [edge, edge, width])
    return counts


def parts_of_adjoint_map(
    planes: MachineCode, join: MachineCode, edge: int, reach: int
) -> dict[str, InstructionCount]:
    """Count what warps execute at most for one plane of the adjoint of the transform.

    Parameters
    ----------
    planes, join
        Machine code of the kernels `from_planes` and `join_planes`.
    edge
        Points of a map along each axis.
    reach
        Largest h, k and l of the box.
    """
    along_z, along_y = _stages(planes)
    (along_x,) = _stages(join)
    width, half = 2 * reach + 1, reach + 1
    pairs = edge // 2 + 1
    rounds = -(-pairs // PAIRS)
    load = _loop_with(planes, "LDG", "STS")
    trips_of_load = planes.number_of(load, "LDG")
    loaded = planes.count(*load).times(_warps(edge * edge) / trips_of_load)
    points = half * width * half
    return {
        "map to shared memory": loaded,
        "sum along z": _stage(planes, along_z, FLOPS_ALONG_Z, (edge - 1) // 2).times(
            rounds * _warps(PAIRS // TOGETHER * half)
        ),
        "sum along y": _stage(planes, along_y, FLOPS_ALONG_K, PAIRS).times(
            rounds * _warps(half * half)
        ),
        # A map has `edge` planes.
        "sum along x": _stage(join, along_x, FLOPS_ALONG_K, edge).times(_warps(points) / edge),
        "cosines": _tables(planes, load[0], [edge, edge]),
    }


def _stages(code: MachineCode) -> list[Stretch]:
    """Return the loops over elements that hold the inner loops of the sums, in their order."""
    stages: list[Stretch] = []
    for loop in code.innermost_loops():
        reads = code.number_of(loop, "LDS") + code.number_of(loop, "LDG")
        is_sum = reads and not code.number_of(loop, "STS") and not code.number_of(loop, "STG")
        if not is_sum or code.count(*loop).flops < LEAST_FLOPS:
            continue
        stage = code.enclosing_loop(loop)
        if stage not in stages:
            stages.append(stage)
    return stages


def _stage(code: MachineCode, stage: Stretch, flops: int, trips: int) -> InstructionCount:
    """Count one element of a sum of so many trips, whose inner loops take several at once."""
    inner = [loop for loop in code.innermost_loops() if contains(stage, loop)]
    count = code.count(*stage)
    for loop in inner:
        count = count.minus(code.count(*loop))
    inner.sort(key=lambda loop: code.count(*loop).flops, reverse=True)
    for loop in inner:
        at_once = int(code.count(*loop).flops // flops)
        count = count.plus(code.count(*loop).times(trips // at_once))
        trips %= at_once
    return count


def _tables(code: MachineCode, end: int, sizes: Sequence[int]) -> InstructionCount:
    """Count the tables of cosines before an instruction, and what else a block does once."""
    loops = [loop for loop in code.innermost_loops() if loop[1] <= end]
    count = code.count(0, end)
    for loop in loops:
        count = count.minus(code.count(*loop))
    count = count.times(WARPS)
    fills = [loop for loop in loops if code.count(*loop).flops >= LEAST_FLOPS]
    fill = min(fills, key=lambda loop: loop[1] - loop[0])
    for size in sizes:
        count = count.plus(code.count(*fill).times(_warps(size)))
    return count


def _loop_with(code: MachineCode, *names: str) -> Stretch:
    """Return the first loop without a loop in it that has instructions of these names."""
    for loop in code.innermost_loops():
        if all(code.number_of(loop, name) for name in names):
            return loop
    raise ValueError(f"no loop with {' and '.join(names)}")


def _warps(elements: int) -> int:
    """Return how many times a warp goes through a loop over so many elements."""
    return -(-elements // WARP)
