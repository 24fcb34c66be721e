"""Compare each kernel with what the machine could do at best: ``python benchmarks/roofline.py``.

The limit is the longer of two times: the kernel's arithmetic at the rate of a large matrix product,
and what it must read and write at the rate of a large copy. Kernel, product and copy are timed in
turn on one core; figures are medians of ratios.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

import argand
import one_core
from core_calls import (
    adjoint_call,
    array_bytes,
    boxes_to_maps_call,
    empty_output,
    maps_to_boxes_call,
    packed,
    sum_call,
)
from goals import significant, verdict, within
from peers.boxes import boxes_as
from peers.limit import FLOPS, product
from precisions import COMPLEX
from rounds import Run, interleaved
from section import Section, main
from workloads import Boxes, Molecule, SmallCrystals

# Bytes of the array that is copied: more than the caches hold.
COPIED = 64 * 2**20
# Seconds for all rounds of one kernel.
SECONDS = 1.0
# The transform of maps to cubes: how often the limit it may take, by precision.
GOALS = {"float64": within(2.5), "float32": within(3.0)}

HEAD = (
    "kernel",
    "",
    "ms",
    "Mflop",
    "MB",
    "Gflop/s",
    "GB/s",
    "limit ms",
    "bound by",
    "x the limit",
    "goal",
)


class TimedKernel(NamedTuple):
    """A call of a kernel, the fewest flops of its formula, and the bytes it must move.

    `size` is what the kernel reads and writes, each byte once.
    """

    name: str
    precision: str
    run: Run
    flops: float
    size: float


def kernels() -> Iterator[TimedKernel]:
    """Prepare every kernel in both precisions."""
    for precision in ("float64", "float32"):
        yield box_sum(precision)
        for anisotropic in (False, True):
            yield row_sum(precision, anisotropic)
        yield adjoint(precision)
        for edge in (32, 64):
            yield from transforms(precision, edge)


def box_sum(precision: str) -> TimedKernel:
    """Prepare the sum over the cube of hkl of W1."""
    work = SmallCrystals.make()
    batch = packed(work.crystals, work.hkl, precision)
    out = empty_output(batch, precision)
    # Only half of the cube is summed; the other half is the complex conjugate.
    terms = len(batch.frac) * (len(work.hkl) + 1) / 2
    flops = work.flops_a_term * terms
    return TimedKernel(
        "sum over a cube, W1", precision, sum_call(batch, out), flops, array_bytes(batch, out)
    )


def row_sum(precision: str, anisotropic: bool) -> TimedKernel:
    """Prepare the sum along rows of reflections of W2."""
    work = Molecule.make(anisotropic)
    batch = packed([work.crystal], work.hkl, precision)
    out = empty_output(batch, precision)
    name = f"sum along rows, {work.name}"
    return TimedKernel(name, precision, sum_call(batch, out), work.flops, array_bytes(batch, out))


def adjoint(precision: str) -> TimedKernel:
    """Prepare the adjoint of the sum by position and displacement, W5."""
    work = Molecule.make()
    batch = packed([work.crystal], work.hkl, precision)
    cotangent = np.ones(batch.out_shape, COMPLEX[precision])
    by_frac = np.empty_like(batch.frac)
    by_beta = np.empty_like(batch.beta)
    # The term is calculated again, and multiplied by 1 and by l.
    flops = 2 * work.flops
    return TimedKernel(
        "adjoint by position and displacement, W5",
        precision,
        adjoint_call(batch, cotangent, by_frac, by_beta),
        flops,
        array_bytes(batch, cotangent, by_frac, by_beta),
    )


def transforms(precision: str, edge: int) -> Iterator[TimedKernel]:
    """Prepare the transforms of W4, from boxes to maps and back."""
    work = Boxes.make(edge)
    boxes = boxes_as(work.f, precision)
    maps = np.zeros((len(boxes), *work.shape), precision)
    flops = len(boxes) * even_odd_flops(work.reach, edge)
    # Half of a box is read: the other half is the complex conjugate.
    half = (work.reach + 1) / (2 * work.reach + 1)
    size = boxes.nbytes * half + maps.nbytes
    to_maps = boxes_to_maps_call(boxes, maps, 1.0)
    yield TimedKernel(f"cube to map, W4 {edge}^3", precision, to_maps, flops, size)
    to_boxes = maps_to_boxes_call(maps, np.empty_like(boxes))
    yield TimedKernel(f"map to cube, {edge}^3", precision, to_boxes, flops, size)


def copy_call() -> Run:
    """Return a call that copies an array larger than the caches."""
    source = np.ones(COPIED // 8)
    target = np.empty_like(source)
    return lambda: np.copyto(target, source)


def even_odd_flops(reach: int, edge: int) -> float:
    """Return the flops of three products with short matrices of cosines and sines.

    h and -h, and x and -x, are done together: a point and its mirror cost (reach + 1) + reach
    multiply-adds and two additions for each real number of a line.
    """
    # Real numbers of one h and k: half of the l.
    line = 2 * (reach + 1)
    pair = 2 * (2 * reach + 1) + 2
    along_h = edge / 2 * (2 * reach + 1) * line * pair
    along_k = edge * edge / 2 * line * pair
    along_l = edge * edge * edge / 2 * pair
    return along_h + along_k + along_l


def timed(kernel: TimedKernel, copy: Run) -> dict[str, Any]:
    """Time a kernel in turn with a matrix product and a copy; the keys are those of the file."""
    runs = {"kernel": kernel.run, "product": product(kernel.precision), "copy": copy}
    times = interleaved(runs, seconds=SECONDS)
    arithmetic = times["product"] * kernel.flops / FLOPS
    memory = times["copy"] * kernel.size / (2 * COPIED)
    limit = np.maximum(arithmetic, memory)
    medians = {name: float(np.median(values)) for name, values in times.items()}
    return {
        "kernel": kernel.name,
        "precision": kernel.precision,
        "seconds": medians["kernel"],
        "flops": kernel.flops,
        "bytes": kernel.size,
        "product_flops_a_second": FLOPS / medians["product"],
        "copy_bytes_a_second": 2 * COPIED / medians["copy"],
        "arithmetic_limit": float(np.median(arithmetic)),
        "memory_limit": float(np.median(memory)),
        "times_the_limit": float(np.median(times["kernel"] / limit)),
        "limit": float(np.median(limit)),
    }


def goal_of(row: dict[str, Any]) -> dict[str, Any] | None:
    """Judge the goal of a kernel; None where it has none."""
    if not row["kernel"].startswith("map to cube"):
        return None
    judged = GOALS[row["precision"]].judge(row["times_the_limit"])
    return {"group": f"{row['kernel']} {row['precision']}", "who": "the roofline", **judged}


def cells(row: dict[str, Any], goal: dict[str, Any] | None) -> tuple[str, ...]:
    """Format the times of a kernel as a line of the table."""
    seconds = row["seconds"]
    bound = "arithmetic" if row["arithmetic_limit"] > row["memory_limit"] else "memory"
    return (
        row["kernel"],
        row["precision"],
        f"{1e3 * seconds:.3g}",
        f"{row['flops'] / 1e6:.3g}",
        f"{row['bytes'] / 1e6:.3g}",
        f"{row['flops'] / seconds / 1e9:.3g}",
        f"{row['bytes'] / seconds / 1e9:.3g}",
        f"{1e3 * row['limit']:.3g}",
        bound,
        f"{row['times_the_limit']:.2f}",
        verdict(goal) if goal else "",
    )


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    """Round the numbers of a row for the file, without the median limit of the table."""
    numbers = {}
    for key, value in row.items():
        if key != "limit":
            numbers[key] = value if isinstance(value, str) else significant(value)
    return numbers


def median_rate(rows: Sequence[dict[str, Any]], key: str, precision: str | None = None) -> float:
    """Return the median of a rate over the kernels of one precision or of both, in 1e9 a second."""
    rates = []
    for row in rows:
        if precision in (None, row["precision"]):
            rates.append(row[key])
    return float(np.median(rates)) / 1e9


def measure() -> Section:
    """Measure every kernel and its limit."""
    one_core.pin()
    torch.set_num_threads(1)
    argand.set_num_threads(1)
    copy = copy_call()
    lines: list[tuple[str, ...]] = [HEAD]
    data = []
    goals = []
    for kernel in kernels():
        row = timed(kernel, copy)
        goal = goal_of(row)
        if goal:
            goals.append(goal)
        lines.append(cells(row, goal))
        data.append(rounded(row))
    in_double = median_rate(data, "product_flops_a_second", "float64")
    in_single = median_rate(data, "product_flops_a_second", "float32")
    copy_rate = median_rate(data, "copy_bytes_a_second")
    rates = f"{in_double:.0f} Gflop/s, in float32 {in_single:.0f}"
    limit = "the limit is the longer of flops over the first and bytes over the second"
    return Section(
        title="Roofline: each kernel over its limit",
        command="python benchmarks/roofline.py",
        notes=[
            "one core, one thread, processor time",
            f"matrix product of edge 1024: {rates}",
            f"copy of {COPIED // 2**20} MiB: {copy_rate:.1f} GB/s, read and written",
            f"{limit}, timed in turn with the kernel",
        ],
        lines=lines,
        figures=(2, 3, 4, 5, 6, 7, 9),
        goals=goals,
        data=data,
    )


if __name__ == "__main__":
    main(measure)
