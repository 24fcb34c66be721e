"""What a second thread gives: ``python benchmarks/threads.py``.

One thread and two are timed in turn by the clock on the wall; the ratio is the median over the rounds. Beside it stands
what the machine gave in the same rounds to two threads that have nothing to do with each other, one of which counts
only, the other only moves memory: on a busy machine, or where two cores share one clock, cache or memory, that is less
than 2, and argand cannot do better.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import argand
from argand import _seam
from argand._pack import pack
from goals import Goal, verdict
from peers.boxes import boxes_as
from peers.common import COMPLEX
from rounds import interleaved
from section import Section, main
from workloads import Boxes, Molecule, Protein, SmallCrystals

GOAL = Goal("≥", 1.7)
SECONDS = 4.0
ROUNDS = (5, 40)


class Case(NamedTuple):
    name: str
    run: Callable[[], Any]
    error: float  # of its answer, over the largest value
    goal: Goal | None
    separate: bool = False  # calls share no memory that they write to


def cases() -> Iterator[Case]:
    yield many_molecules()
    yield many_adjoints()
    yield protein()
    for edge, precision in ((32, "float32"), (64, "float32"), (32, "float64"), (64, "float64")):
        yield boxes(edge, precision)
    yield small_crystals()


def many_molecules(count: int = 64) -> Case:
    works = [Molecule.make(seed=Molecule.seed + i) for i in range(count)]
    batch = pack([work.crystal for work in works], [works[0].hkl])
    out = np.empty(batch.out_shape, np.complex128)
    _seam.structure_factors(batch, out)
    error = max(works[i].error(out[i]) for i in (0, count - 1))
    return Case(
        f"W2 float64, a batch of {count}", lambda: _seam.structure_factors(batch, out), error, GOAL
    )


def many_adjoints(count: int = 64) -> Case:
    works = [Molecule.make(seed=Molecule.seed + i) for i in range(count)]
    batch = pack([work.crystal for work in works], [works[0].hkl])
    g = np.ones(batch.out_shape, np.complex128)
    by_occ, f = np.empty(len(batch.frac)), np.empty(batch.out_shape, np.complex128)
    by_frac, by_beta = np.empty_like(batch.frac), np.empty_like(batch.beta)

    def run() -> None:
        _seam.structure_factors_vjp(batch, g, by_frac, by_beta, by_occ)

    run()
    _seam.structure_factors(batch, f)
    # F is linear in occ: sum occ dL/docc = Re sum conj(g) F
    error = abs(by_occ.sum() - np.vdot(g, f).real) / np.abs(f).sum()
    return Case(f"adjoint of W2 float64, a batch of {count}", run, float(error), None)


def protein() -> Case:
    work = Protein.make(2.0)

    def run() -> Any:
        return argand.structure_factors(work.crystal, work.hkl, method="nufft", eps=1e-6)

    return Case('W3 2.0 A, method="nufft"', run, work.error(run()), GOAL, separate=True)


def boxes(edge: int, precision: str) -> Case:
    work = Boxes.make(edge)
    f, rho = boxes_as(work.f, precision), np.empty((len(work.f), *work.shape), precision)

    def run() -> None:
        _seam.map_from_structure_factors(f, rho, 1 / work.volume)

    run()
    return Case(f"W4 {edge}^3 {precision}", run, work.error(rho), GOAL)


def small_crystals() -> Case:
    work = SmallCrystals.make()
    batch = pack(work.crystals, [work.hkl])
    out = np.empty(batch.out_shape, COMPLEX["float64"])
    _seam.structure_factors(batch, out)
    return Case("W1 float64", lambda: _seam.structure_factors(batch, out), work.error(out), None)


def with_threads(n: int, run: Callable[[], Any]) -> Callable[[], None]:
    def with_n() -> None:
        argand.set_num_threads(n)
        run()

    return with_n


def _ignoring(run: Callable[[], None], _: int) -> None:
    run()


def measure() -> Section:
    """One thread over two."""
    pool = ThreadPoolExecutor(2)
    data, memory = bytes(2**24), [np.zeros((2, 2**20)) for _ in range(2)]

    def count(_: int) -> None:
        hashlib.sha256(data).digest()

    def copy(i: int) -> None:
        for _ in range(4):
            np.copyto(*memory[i])

    def alone(work: Callable[[int], None]) -> Callable[[], None]:
        return lambda: [work(i) for i in range(2)] and None

    def side_by_side(work: Callable[[int], None]) -> Callable[[], None]:
        return lambda: [*pool.map(work, range(2))] and None

    machine = {
        "count": (alone(count), side_by_side(count)),
        "copy": (alone(copy), side_by_side(copy)),
    }
    lines = [
        (
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
    ]
    goals, numbers = [], []
    for case in cases():
        assert case.error < 2e-6, f"{case.name} is off by {case.error:.1e} of the largest value"
        runs = {"one": with_threads(1, case.run), "two": with_threads(2, case.run)}
        runs |= {
            f"{kind} {n}": run
            for kind, both in machine.items()
            for n, run in zip((1, 2), both, strict=True)
        }
        if case.separate:
            one_call = partial(_ignoring, with_threads(1, case.run))
            runs |= {"call 1": alone(one_call), "call 2": side_by_side(one_call)}
        times = interleaved(runs, seconds=SECONDS, rounds=ROUNDS, by=time.perf_counter)
        pairs = (("one", "two"), ("count 1", "count 2"), ("copy 1", "copy 2"))
        ratio, counting, copying = (float(np.median(times[a] / times[b])) for a, b in pairs)
        calling = float(np.median(times["call 1"] / times["call 2"])) if case.separate else None
        one, two = (1e3 * float(np.median(times[n])) for n in ("one", "two"))
        best = float(times["one"].min() / times["two"].min())
        judged = case.goal.judge(ratio) if case.goal else None
        if judged:
            goals.append({"group": "2 threads", "who": f"one thread: {case.name}", **judged})
        shares = (ratio, best, calling, counting, copying)
        figures = (f"{one:.3g}", f"{two:.3g}", *("" if x is None else f"{x:.2f}" for x in shares))
        lines.append((case.name, *figures, verdict(judged) if judged else "", f"{case.error:.0e}"))
        found = {"milliseconds": [one, two], "ratio": ratio, "best": best, "calls": calling}
        found |= {"sums": counting, "copies": copying}
        numbers.append({"case": case.name, **found})
    argand.set_num_threads(1)
    return Section(
        "Threads: one over two",
        "python benchmarks/threads.py",
        [
            "all cores, time by the clock on the wall, medians of rounds in which everything runs once",
            '"best": the shortest time of one thread over the shortest of two, for a machine that others use',
            '"calls": the same ratio for two whole calls of one thread each, beside and after each other',
            '"sums", "copies": the same ratio in the same rounds for two sums of SHA-256, and for two copies of 8 MiB',
            "what the machine gives to work that needs no memory, and to work that needs nothing else, are these two",
        ],
        lines,
        (1, 2, 3, 4, 5, 6, 7, 8, 9),
        goals,
        numbers,
    )


if __name__ == "__main__":
    main(measure)
