"""Measure how cost grows: ``python benchmarks/scaling.py``; picture.py draws the numbers.

Atoms 10 to 100,000, reflections 1,000 to 1,000,000, crystals 1 to 10,000 in a batch, and a protein
that grows with its cell, with one thread and with two. Times are the shortest of a few rounds by
the clock on the wall. Exponents are fitted to the upper two decades, where the fixed cost of a
call no longer counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

import argand
from argand.cell import beta_from_b_iso
from core_calls import Batch, empty_output, packed, sum_call, with_threads
from goals import Goal, significant, verdict
from rounds import Run, interleaved
from section import Section, main
from workloads import Protein, SmallCrystals

Law = Literal["N", "N log N", "N²"]

GOAL = Goal("≤", 1.05, "")
THREADS = (1, 2)
# Seconds for all rounds of one size, and the fewest and the most rounds.
SECONDS = 0.5
ROUNDS = (3, 7)

SIZES = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)

# Linux tells here how much memory the process uses and has used at most; "5" resets the latter.
STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")
RESET_PEAK = "5"

NOTES = [
    (
        "all cores, by the clock on the wall, the shortest of a few rounds; exponents of the upper"
        " two decades"
    ),
    "MB: what the process grew by during the call at its worst, with two threads and its answer",
    (
        "float64, batches of crystals in float32; inputs and answers of the direct sums are"
        " allocated beforehand"
    ),
]

HEAD = ("", "threads", "sizes", "s at the largest", "MB at the largest", "exponent", "of", "goal")


class Curve(NamedTuple):
    """Calls of growing size, run(size), whose cost is to grow like `law`.

    `limited` says whether the goal for the exponent holds for the curve.
    """

    title: str
    axis: str
    sizes: Sequence[int]
    run: Callable[[int], Run]
    law: Law
    limited: bool = True


def curves() -> Iterator[Curve]:
    """List the curves."""
    yield Curve(
        "direct sum: atoms", f"atoms, at {len(half_box(6)):,} reflections", SIZES, atoms, "N"
    )
    yield Curve(
        "direct sum: reflections",
        "reflections, of 100 atoms",
        (1000, 3000, 10_000, 100_000, 1_000_000),
        reflections,
        "N",
    )
    yield Curve(
        "batch: crystals of 4 atoms",
        "crystals, 2197 reflections each",
        (1, *SIZES[:7]),
        crystals,
        "N",
        limited=False,
    )
    yield Curve(
        'protein to 2 A, method="nufft"', "atoms, of a protein to 2 A", SIZES[4:], nufft, "N log N"
    )
    yield Curve(
        'protein to 2 A, method="direct"',
        "atoms, of a protein to 2 A",
        SIZES[4:7],
        direct,
        "N²",
        limited=False,
    )


def direct_sum(n_atoms: int, hkl: NDArray[np.int32]) -> Run:
    """Prepare the sum of random atoms of four types at reflections hkl (m, 3)."""
    rng = np.random.default_rng(0)
    frac = rng.random((n_atoms, 3))
    b_iso = rng.uniform(1, 5, n_atoms)
    batch = Batch(
        atom_ptr=np.array([0, n_atoms]),
        frac=frac,
        beta=beta_from_b_iso(b_iso, (20.0, 21.0, 22.0, 80.0, 90.0, 100.0)),
        occ=None,
        scatterer=np.arange(n_atoms, dtype=np.int32) * 4 // n_atoms,
        form=np.ones(4 * len(hkl)),
        form_ptr=np.arange(5) * len(hkl),
        hkl=hkl,
    )
    return sum_call(batch, empty_output(batch))


def half_box(reach: int) -> NDArray[np.int32]:
    """List the reflections of the cube -reach..reach that have l >= 0."""
    cube = argand.hkl_cube(reach)
    return np.ascontiguousarray(cube[cube[:, 2] >= 0])


def atoms(n: int) -> Run:
    """Prepare the sum of n atoms."""
    return direct_sum(n, half_box(6))


def reflections(n: int) -> Run:
    """Prepare the sum at the first n reflections of the smallest half box that has as many."""
    reach = int(np.ceil((n / 4) ** (1 / 3)))
    return direct_sum(100, np.ascontiguousarray(half_box(reach)[:n]))


def crystals(n: int) -> Run:
    """Prepare the sum of a batch of n small crystals in float32."""
    work = SmallCrystals.make(n)
    single = packed([work.crystals[0]], work.hkl, "float32")
    assert single.beta is not None
    assert single.occ is not None
    batch = single._replace(
        atom_ptr=4 * np.arange(n + 1),
        frac=work.frac.reshape(-1, 3).astype(np.float32),
        beta=np.tile(single.beta, (n, 1)),
        occ=np.tile(single.occ, n),
        scatterer=np.tile(single.scatterer, n),
    )
    return sum_call(batch, empty_output(batch, "float32"))


def nufft(n: int) -> Run:
    """Prepare the structure factors of a protein of n atoms by non-uniform FFT."""
    work = Protein.make(2.0, n)
    crystal, hkl = work.crystal, work.hkl
    return lambda: argand.structure_factors(crystal, hkl, method="nufft", eps=1e-6)


def direct(n: int) -> Run:
    """Prepare the structure factors of a protein of n atoms by direct summation."""
    work = Protein.make(2.0, n)
    crystal, hkl = work.crystal, work.hkl
    return lambda: argand.structure_factors(crystal, hkl, method="direct")


def timed(run: Run) -> dict[int, float]:
    """Return the shortest time of a call by number of threads, in seconds."""
    runs = {str(n): with_threads(n, run) for n in THREADS}
    times = interleaved(runs, seconds=SECONDS, rounds=ROUNDS, by=time.perf_counter)
    return {n: float(times[str(n)].min()) for n in THREADS}


def peak_megabytes(run: Run) -> float:
    """Return by how much the process grew at most during a call; NaN where Linux does not say."""
    argand.set_num_threads(max(THREADS))
    try:
        CLEAR_REFS.write_text(RESET_PEAK)
        before = _status_kilobytes("VmRSS")
        run()
        return (_status_kilobytes("VmHWM") - before) / 1024
    except OSError:
        run()
        return float("nan")


def _status_kilobytes(name: str) -> float:
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return float(line.split()[1])
    raise OSError(f"{STATUS} has no line {name}")


def exponent(sizes: Sequence[int], seconds: Sequence[float], law: Law) -> float:
    """Return the slope of log time over the log of N, N log N or N², in the upper two decades."""
    size = np.array(sizes, dtype=float)
    growth_of_laws = {
        "N": size,
        "N log N": size * np.log(size),
        "N²": size**2,
    }
    upper = size >= size[-1] / 100
    growth = growth_of_laws[law][upper]
    times = np.array(seconds)[upper]
    slope, _ = np.polyfit(np.log(growth), np.log(times), 1)
    return float(slope)


def measure() -> Section:
    """Measure times over sizes."""
    lines: list[tuple[str, ...]] = [HEAD]
    goals: list[dict[str, Any]] = []
    data = []
    for curve in curves():
        seconds: dict[int, list[float]] = {n: [] for n in THREADS}
        megabytes = []
        for size in curve.sizes:
            run = curve.run(size)
            megabytes.append(peak_megabytes(run))
            for n, shortest in timed(run).items():
                seconds[n].append(shortest)
        for n in THREADS:
            slope = exponent(curve.sizes, seconds[n], curve.law)
            judged = GOAL.judge(slope) if curve.limited else None
            if judged and n == 1:
                who = f"exponent in {curve.law}: {curve.title}"
                goals.append({"group": "scaling", "who": who, **judged})
            lines.append(
                (
                    curve.title,
                    str(n),
                    f"{curve.sizes[0]:,} to {curve.sizes[-1]:,}",
                    f"{seconds[n][-1]:.3g}",
                    f"{megabytes[-1]:,.0f}",
                    f"{slope:.2f}",
                    curve.law,
                    verdict(judged) if judged else "",
                )
            )
        data.append(
            {
                "title": curve.title,
                "axis": curve.axis,
                "law": curve.law,
                "sizes": list(curve.sizes),
                "seconds": {str(n): [significant(x) for x in seconds[n]] for n in THREADS},
                "megabytes": [significant(x) for x in megabytes],
            }
        )
    argand.set_num_threads(1)
    return Section(
        title="Scaling",
        command="python benchmarks/scaling.py",
        notes=NOTES,
        lines=lines,
        figures=(1, 2, 3, 4, 5, 7),
        goals=goals,
        data=data,
    )


if __name__ == "__main__":
    main(measure)
