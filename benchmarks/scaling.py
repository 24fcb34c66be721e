"""How cost grows: ``python benchmarks/scaling.py`` (``picture.py`` draws what it wrote to a file).

Atoms 10 to 100,000, reflections 1,000 to 1,000,000, crystals 1 to 10,000 in a batch, and a protein that grows with its
cell, with one thread and with two. Times are the shortest of a few rounds by the clock on the wall. Exponents are
fitted to the upper two decades, where the fixed cost of a call no longer counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import argand
from argand import _seam
from argand._pack import pack
from goals import Goal, significant, verdict
from rounds import Run, interleaved
from section import Section, main
from workloads import Protein, SmallCrystals

GOAL = Goal("≤", 1.05, "")
THREADS = (1, 2)
SECONDS, ROUNDS = 0.5, (3, 7)
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Curve(NamedTuple):
    """`run(x)` is a call of size x; its cost is to grow like `law`."""

    title: str
    axis: str
    sizes: Sequence[int]
    run: Callable[[int], Run]
    law: str  # "N", "N log N" or "N²"
    limited: bool = True  # whether the goal holds for it


class Point(NamedTuple):
    size: int
    seconds: dict[int, float]  # by number of threads
    megabytes: float  # that the call needed at its peak


def curves() -> Iterator[Curve]:
    decades = [10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000]
    yield Curve(
        "direct sum: atoms", f"atoms, at {len(half_box(6)):,} reflections", decades, atoms, "N"
    )
    yield Curve(
        "direct sum: reflections",
        "reflections, of 100 atoms",
        (1000, 3000, 10**4, 10**5, 10**6),
        orders,
        "N",
    )
    yield Curve(
        "batch: crystals of 4 atoms",
        "crystals, 2197 reflections each",
        [1, *decades[:7]],
        crystals,
        "N",
        limited=False,
    )
    yield Curve(
        'protein to 2 A, method="nufft"',
        "atoms, of a protein to 2 A",
        decades[4:],
        nufft,
        "N log N",
    )
    yield Curve(
        'protein to 2 A, method="direct"',
        "atoms, of a protein to 2 A",
        decades[4:7],
        direct,
        "N²",
        limited=False,
    )


def direct_sum(n_atoms: int, hkl: Any) -> Run:
    rng = np.random.default_rng(0)
    batch = _seam.Batch(
        atom_ptr=np.array([0, n_atoms]),
        frac=rng.random((n_atoms, 3)),
        beta=argand.cell.beta_from_b_iso(
            rng.uniform(1, 5, n_atoms), (20.0, 21.0, 22.0, 80.0, 90.0, 100.0)
        ),
        occ=None,
        scatterer=np.arange(n_atoms, dtype=np.int32) * 4 // n_atoms,
        form=np.ones(4 * len(hkl)),
        form_ptr=np.arange(5) * len(hkl),
        hkl=hkl,
    )
    out = np.empty(batch.out_shape, np.complex128)
    return lambda: _seam.structure_factors(batch, out)


def half_box(reach: int) -> Any:
    cube = argand.hkl_cube(reach)
    return np.ascontiguousarray(cube[cube[:, 2] >= 0])


def atoms(n: int) -> Run:
    return direct_sum(n, half_box(6))


def orders(n: int) -> Run:
    """The first n of the smallest half box that holds so many."""
    reach = int(np.ceil((n / 4) ** (1 / 3)))
    return direct_sum(100, np.ascontiguousarray(half_box(reach)[:n]))


def crystals(n: int) -> Run:
    work = SmallCrystals.make(n)
    batch = pack([work.crystals[0]], [work.hkl], dtype="float32")
    many = batch._replace(
        atom_ptr=4 * np.arange(n + 1),
        frac=work.frac.reshape(-1, 3).astype(np.float32),
        beta=np.tile(batch.beta, (n, 1)),
        occ=np.tile(batch.occ, n),
        scatterer=np.tile(batch.scatterer, n),
    )
    out = np.empty(many.out_shape, np.complex64)
    return lambda: _seam.structure_factors(many, out)


def nufft(n: int) -> Run:
    work = Protein.make(2.0, n)
    crystal, hkl = work.crystal, work.hkl
    return lambda: argand.structure_factors(crystal, hkl, method="nufft", eps=1e-6)


def direct(n: int) -> Run:
    work = Protein.make(2.0, n)
    crystal, hkl = work.crystal, work.hkl
    return lambda: argand.structure_factors(crystal, hkl, method="direct")


def point(curve: Curve, size: int) -> Point:
    run = curve.run(size)

    def with_threads(n: int) -> Run:
        def with_n() -> None:
            argand.set_num_threads(n)
            run()

        return with_n

    argand.set_num_threads(max(THREADS))
    megabytes = peak_of(run)
    runs = {str(n): with_threads(n) for n in THREADS}
    times = interleaved(runs, seconds=SECONDS, rounds=ROUNDS, by=time.perf_counter)
    return Point(size, {n: float(times[str(n)].min()) for n in THREADS}, megabytes)


def peak_of(run: Run) -> float:
    """Megabytes that the process grew by at the worst moment of the call; NaN where the system does not say."""
    try:
        RESET.write_text("5")
        before = _status("VmRSS")
        run()
        return (_status("VmHWM") - before) / 1024
    except OSError:
        run()
        return float("nan")


def _status(name: str) -> float:
    lines = STATUS.read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))


def exponent(points: Sequence[Point], threads: int, law: str) -> float:
    """The slope of log time over the log of N, N log N or N², in the upper two decades."""
    upper = [p for p in points if p.size >= points[-1].size / 100]
    size = np.array([p.size for p in upper], dtype=float)
    x = np.log({"N": size, "N log N": size * np.log(size), "N²": size**2}[law])
    return float(np.polyfit(x, np.log([p.seconds[threads] for p in upper]), 1)[0])


def measure() -> Section:
    """Times over sizes."""
    lines = [
        ("", "threads", "sizes", "s at the largest", "MB at the largest", "exponent", "of", "goal")
    ]
    goals: list[dict[str, Any]] = []
    data = []
    for curve in curves():
        points = [point(curve, size) for size in curve.sizes]
        for n in THREADS:
            slope = exponent(points, n, curve.law)
            judged = GOAL.judge(slope) if curve.limited else None
            if judged and n == 1:
                goals.append(
                    {"group": "scaling", "who": f"exponent in {curve.law}: {curve.title}", **judged}
                )
            last = points[-1]
            lines.append(
                (
                    curve.title,
                    str(n),
                    f"{curve.sizes[0]:,} to {last.size:,}",
                    f"{last.seconds[n]:.3g}",
                    f"{last.megabytes:,.0f}",
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
                "seconds": {str(n): [significant(p.seconds[n]) for p in points] for n in THREADS},
                "megabytes": [significant(p.megabytes) for p in points],
            }
        )
    argand.set_num_threads(1)
    return Section(
        "Scaling",
        "python benchmarks/scaling.py",
        [
            "all cores, by the clock on the wall, the shortest of a few rounds; exponents of the upper two decades",
            "MB: what the process grew by during the call at its worst, with two threads and its answer",
            "float64, batches of crystals in float32; inputs and answers of the direct sums are allocated beforehand",
        ],
        lines,
        (1, 2, 3, 4, 5, 7),
        goals,
        data,
    )


if __name__ == "__main__":
    main(measure)
