"""Measure what a second thread gives: ``python benchmarks/threads.py``.

One thread and two are timed in turn by the clock on the wall; the ratio is the median over the
rounds. Beside it stands what the machine gave in the same rounds to two threads that have nothing
to do with each other, which only calculate, or only move memory. On a busy machine, or where two
cores share one clock, cache or memory, that is less than 2, and argand cannot do better.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

import argand
from core_calls import (
    Batch,
    adjoint_call,
    boxes_to_maps_call,
    empty_output,
    packed,
    sum_call,
    with_threads,
)
from goals import Goal, verdict
from peers.boxes import boxes_as
from rounds import Run, interleaved
from section import Section, main
from workloads import Boxes, Molecule, Protein, SmallCrystals

GOAL = Goal("≥", 1.7)
# Seconds for all rounds of one case, and the fewest and the most rounds.
SECONDS = 4.0
ROUNDS = (5, 40)
# Largest error of an answer, as a share of the largest value.
TOLERANCE = 2e-6

NOTES = [
    "all cores, time by the clock on the wall, medians of rounds in which everything runs once",
    (
        '"best": the shortest time of one thread over the shortest of two, for a machine that'
        " others use"
    ),
    (
        '"calls": the time of two whole calls of one thread each, one after the other, over their'
        " time side by side"
    ),
    (
        '"sums", "copies": the time of two sums of SHA-256, and of two copies of 8 MiB, one after'
        " the other, over their time side by side in the same rounds"
    ),
    "sums and copies tell what the machine gives to work without memory, and to moving memory only",
]

HEAD = (
    "",
    "1 thread ms",
    "2 threads ms",
    "1 over 2",
    "best",
    "calls",
    "sums",
    "copies",
    "goal",
    "error",
)

#: A pair of calls: two pieces of work one after the other, and beside each other.
Pair = tuple[Run, Run]


class Case(NamedTuple):
    """A call that may use several threads.

    `error` is that of its answer as a share of the largest value. `separate` says that two calls
    at the same time write to different memory.
    """

    name: str
    run: Run
    error: float
    goal: Goal | None
    separate: bool = False


def cases() -> Iterator[Case]:
    """Prepare every case, and check its answer."""
    yield many_molecules()
    yield many_adjoints()
    yield protein()
    for edge, precision in ((32, "float32"), (64, "float32"), (32, "float64"), (64, "float64")):
        yield boxes(edge, precision)
    yield small_crystals()


def molecules(count: int) -> tuple[list[Molecule], Batch]:
    """Make different molecules of W2 and pack them into a batch."""
    works = []
    for number in range(count):
        works.append(Molecule.make(seed=Molecule.seed + number))
    batch = packed([work.crystal for work in works], works[0].hkl)
    return works, batch


def many_molecules(count: int = 64) -> Case:
    """Prepare the sum of a batch of molecules."""
    works, batch = molecules(count)
    out = empty_output(batch)
    run = sum_call(batch, out)
    run()
    first_error = works[0].error(out[0])
    last_error = works[-1].error(out[-1])
    error = max(first_error, last_error)
    return Case(f"W2 float64, a batch of {count}", run, error, GOAL)


def many_adjoints(count: int = 64) -> Case:
    """Prepare the adjoint of a batch of molecules.

    F is linear in occ: sum occ dL/docc = Re sum conj(g) F checks the answer.
    """
    _, batch = molecules(count)
    cotangent = np.ones(batch.out_shape, np.complex128)
    by_occ = np.empty(len(batch.frac))
    by_frac = np.empty_like(batch.frac)
    by_beta = np.empty_like(batch.beta)
    run = adjoint_call(batch, cotangent, by_frac, by_beta, by_occ)
    run()
    f = sum_call(batch, empty_output(batch))()
    deviation = abs(by_occ.sum() - np.vdot(cotangent, f).real)
    error = deviation / np.abs(f).sum()
    return Case(f"adjoint of W2 float64, a batch of {count}", run, float(error), None)


def protein() -> Case:
    """Prepare the structure factors of a protein."""
    work = Protein.make(2.0)

    def run() -> Any:
        return argand.structure_factors(work.crystal, work.hkl, method="nufft", eps=1e-6)

    return Case('W3 2.0 A, method="nufft"', run, work.error(run()), GOAL, separate=True)


def boxes(edge: int, precision: str) -> Case:
    """Prepare the transform of boxes of F into maps of `edge`^3 points."""
    work = Boxes.make(edge)
    maps = np.empty((len(work.f), *work.shape), precision)
    run = boxes_to_maps_call(boxes_as(work.f, precision), maps, work.volume)
    run()
    return Case(f"W4 {edge}^3 {precision}", run, work.error(maps), GOAL)


def small_crystals() -> Case:
    """Prepare the sum of many small crystals."""
    work = SmallCrystals.make()
    batch = packed(work.crystals, work.hkl)
    run = sum_call(batch, empty_output(batch))
    return Case("W1 float64", run, work.error(run()), None)


def pair_of(work: Callable[[int], object], pool: ThreadPoolExecutor) -> Pair:
    """Return calls of work(0) and work(1): one after the other, and in two threads."""

    def one_after_the_other() -> None:
        for number in range(2):
            work(number)

    def side_by_side() -> None:
        list(pool.map(work, range(2)))

    return one_after_the_other, side_by_side


def independent_work(pool: ThreadPoolExecutor) -> dict[str, Pair]:
    """Prepare work of threads that share nothing: SHA-256 sums, and copies of 8 MiB."""
    data = bytes(2**24)
    memory = [np.zeros((2, 2**20)) for _ in range(2)]

    def sha256(_: int) -> None:
        hashlib.sha256(data).digest()

    def copy(number: int) -> None:
        for _ in range(4):
            np.copyto(*memory[number])

    return {"sums": pair_of(sha256, pool), "copies": pair_of(copy, pool)}


def timed(case: Case, machine: dict[str, Pair], pool: ThreadPoolExecutor) -> dict[str, Any]:
    """Time a case in turn with independent work; the keys are those of the file."""
    single = with_threads(1, case.run)
    pairs = {"case": (single, with_threads(2, case.run)), **machine}
    if case.separate:
        pairs["calls"] = pair_of(lambda number: single(), pool)
    runs = {}
    for name, (first, second) in pairs.items():
        runs[f"{name} 1"] = first
        runs[f"{name} 2"] = second
    times = interleaved(runs, seconds=SECONDS, rounds=ROUNDS, by=time.perf_counter)
    ratios = {}
    for name in pairs:
        ratios[name] = float(np.median(times[f"{name} 1"] / times[f"{name} 2"]))
    single_times = times["case 1"]
    double_times = times["case 2"]
    milliseconds = [1e3 * float(np.median(x)) for x in (single_times, double_times)]
    return {
        "case": case.name,
        "milliseconds": milliseconds,
        "ratio": ratios["case"],
        "best": float(single_times.min() / double_times.min()),
        "calls": ratios.get("calls"),
        "sums": ratios["sums"],
        "copies": ratios["copies"],
    }


def cells(case: Case, numbers: dict[str, Any], judged: dict[str, Any] | None) -> tuple[str, ...]:
    """Format a case as a line of the table."""
    milliseconds = [f"{time:.3g}" for time in numbers["milliseconds"]]
    ratios = []
    for key in ("ratio", "best", "calls", "sums", "copies"):
        ratios.append("" if numbers[key] is None else f"{numbers[key]:.2f}")
    goal = "" if judged is None else verdict(judged)
    return (case.name, *milliseconds, *ratios, goal, f"{case.error:.0e}")


def measure() -> Section:
    """Measure one thread over two."""
    lines: list[tuple[str, ...]] = [HEAD]
    goals = []
    data = []
    with ThreadPoolExecutor(2) as pool:
        machine = independent_work(pool)
        for case in cases():
            assert case.error < TOLERANCE, (
                f"{case.name} is off by {case.error:.1e} of the largest value"
            )
            numbers = timed(case, machine, pool)
            judged = case.goal.judge(numbers["ratio"]) if case.goal else None
            if judged:
                goals.append({"group": "2 threads", "who": f"one thread: {case.name}", **judged})
            lines.append(cells(case, numbers, judged))
            data.append(numbers)
    argand.set_num_threads(1)
    return Section(
        title="Threads: one over two",
        command="python benchmarks/threads.py",
        notes=NOTES,
        lines=lines,
        figures=(1, 2, 3, 4, 5, 6, 7, 8, 9),
        goals=goals,
        data=data,
    )


if __name__ == "__main__":
    main(measure)
