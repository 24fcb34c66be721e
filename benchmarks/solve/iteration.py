"""Time W8, a dual-space cycle: ``python benchmarks/solve/iteration.py``.

A cycle is timed in turn with its own two transforms, those of scipy, what the machine could do at
best, and a batch on one and two threads. The answer is checked first against the definition by
numpy's transforms in double precision.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

# The parts that all benchmarks share lie in the folder above.
sys.path.insert(0, str(Path(__file__).parents[1]))

from argand.solve.dual_space import DualSpace
from core_calls import dual_space_transforms_call, with_threads
from goals import Goal, verdict
from roofline import TimedKernel, copy_call
from roofline import timed as timed_with_limit
from rounds import Run, interleaved
from section import Section, main

# Points along each axis, and the milliseconds of a cycle of the prototype with FFTW on one thread
# of an Intel Xeon with AVX-512 (2.6 GHz).
PROTOTYPE = {24: 0.106, 32: 0.145, 48: 0.751, 64: 1.25}
# The most that a cycle may take, over its own two transforms and over the prototype's.
OVER_TRANSFORMS = Goal("≤", 1.2)
OVER_PROTOTYPE = Goal("≤", 0.5)
TWO_THREADS = Goal("≥", 1.8)
# Starts of a batch, and cycles of a call: so many that preparing the call does not count.
BATCH = 8
CYCLES = 400
# Seconds for all rounds of one size, and the fewest and the most rounds.
SECONDS = 4.0
ROUNDS = (5, 60)
# Largest error of G, as a share of the largest |G|.
TOLERANCE = 1e-5
THRESHOLD = 1.1
SEED = 8

NOTES = [
    "reflections of a whole sphere, a fifth of them shifted, random starts (seed 8), float32",
    "milliseconds of a cycle of one start on one thread: the shortest of the rounds",
    '"own FFTs": the two transforms of the cycle alone; "scipy": its two real transforms',
    '"batch": a cycle of one of 8 starts; "2 threads": its time by the clock on the wall, 1 over 2',
    '"prototype": with FFTW, timed once on an Intel Xeon with AVX-512',
    '"limit": 5 N log2 N flops, two real transforms of N points, as fast as a matrix product, or',
    "structure factors and amplitudes as fast as a large copy, whichever takes longer",
]
HEAD = (
    "grid",
    "cycle",
    "own FFTs",
    "scipy",
    "batch",
    "limit",
    "over FFTs",
    "x the limit",
    "2 threads",
    "goal: over FFTs",
    "goal: over prototype",
    "goal: 2 threads",
    "error",
)


class CycleWork(NamedTuple):
    """Hold a grid, its reflections, and random starts."""

    space: DualSpace
    # (starts, n)
    starts: NDArray[np.complex64]
    # (n,)
    amplitudes: NDArray[np.float32]
    # (n,) bool
    shifted: NDArray[np.bool_]

    def call(self, starts: int, cycles: int = CYCLES) -> Run:
        """Return a call that runs cycles of the first starts."""

        def run() -> Any:
            return self.space.run(
                self.starts[:starts],
                0.0,
                self.amplitudes,
                cycles=cycles,
                threshold=THRESHOLD,
                shifted=self.shifted,
            )

        return run


def sphere(edge: int) -> CycleWork:
    """Draw starts of all reflections within a sphere that fills a grid of `edge`^3 points."""
    rng = np.random.default_rng(SEED)
    reach = (edge - 1) // 2
    axis = np.arange(-reach, reach + 1)
    box = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    half = box[len(box) // 2 + 1 :]
    hkl = half[(half**2).sum(axis=1) <= (reach + 0.5) ** 2]
    space = DualSpace(hkl, len(hkl), shape=(edge, edge, edge))
    parts = rng.normal(size=(2, BATCH, len(hkl)))
    amplitudes = rng.rayleigh(size=len(hkl)).astype(np.float32)
    shifted = amplitudes < np.quantile(amplitudes, 0.2)
    return CycleWork(space, (parts[0] + 1j * parts[1]).astype(np.complex64), amplitudes, shifted)


def error_of(work: CycleWork) -> float:
    """Return the largest error of G of one cycle, as a share of the largest |G|."""
    plus, minus = tuple(work.space.hkl.T), tuple(-work.space.hkl.T)
    box = np.zeros(work.space.shape, complex)
    box[plus], box[minus] = work.starts[0], work.starts[0].conj()
    density = np.fft.fftn(box).real
    flipped = np.where(density < THRESHOLD * density.std(), -density, density)
    expected = np.fft.ifftn(flipped)[plus]
    calculated = work.call(1, cycles=1)().calculated[0]
    return float(np.abs(calculated - expected).max() / np.abs(expected).max())


def over_limit(work: CycleWork) -> dict[str, float]:
    """Return the milliseconds that a cycle takes at best on this machine, and how far it is off."""
    points = float(np.prod(work.space.shape))
    # Two real transforms; a point is compared with the threshold.
    flops = 5.0 * points * np.log2(points) + points
    # Structure factors are read and written, amplitudes read.
    size = 2.0 * work.starts[0].nbytes + work.amplitudes.nbytes
    run = with_threads(1, work.call(1))
    kernel = TimedKernel("dual-space cycle", "float32", run, CYCLES * flops, CYCLES * size)
    row = timed_with_limit(kernel, copy_call())
    return {"limit": 1e3 * row["limit"] / CYCLES, "x the limit": row["times_the_limit"]}


def timed(work: CycleWork) -> dict[str, float]:
    """Return milliseconds of a cycle, by name, and the ratios that the goals are for."""
    edge = work.space.shape[0]
    density = np.random.default_rng(SEED).random((edge, edge, edge), np.float32)
    single = work.call(1)
    runs: Mapping[str, Run] = {
        "cycle": with_threads(1, single),
        "own FFTs": dual_space_transforms_call(
            work.space, work.starts[:1], work.amplitudes, cycles=CYCLES
        ),
        "scipy": lambda: scipy.fft.irfftn(scipy.fft.rfftn(density), density.shape),
        "batch": with_threads(1, work.call(BATCH)),
    }
    parts = {"cycle": CYCLES, "own FFTs": CYCLES, "scipy": 1, "batch": CYCLES * BATCH}
    times = interleaved(runs, seconds=SECONDS, rounds=ROUNDS)
    numbers = {name: 1e3 * float(times[name].min()) / parts[name] for name in runs}
    pair = {"1": runs["batch"], "2": with_threads(2, work.call(BATCH))}
    walls = interleaved(pair, seconds=SECONDS, rounds=ROUNDS, by=time.perf_counter)
    numbers["over FFTs"] = numbers["cycle"] / numbers["own FFTs"]
    numbers["over prototype"] = numbers["cycle"] / PROTOTYPE[edge]
    numbers["2 threads"] = float(walls["1"].min() / walls["2"].min())
    return numbers | over_limit(work)


def measure() -> Section:
    """Measure a dual-space cycle."""
    lines: list[tuple[str, ...]] = [HEAD]
    goals = []
    data = []
    for edge in PROTOTYPE:
        work = sphere(edge)
        error = error_of(work)
        assert error < TOLERANCE, f"{edge}^3 is off by {error:.1e} of the largest |G|"
        numbers = timed(work)
        judged = [
            OVER_TRANSFORMS.judge(numbers["over FFTs"]),
            OVER_PROTOTYPE.judge(numbers["over prototype"]),
            TWO_THREADS.judge(numbers["2 threads"]),
        ]
        for who, goal in zip(("own FFTs", "prototype", "one thread"), judged, strict=True):
            goals.append({"group": f"W8 {edge}^3", "who": who, **goal})
        milliseconds = [f"{numbers[name]:.3g}" for name in HEAD[1:6]]
        ratios = [f"{numbers[name]:.2f}" for name in HEAD[6:9]]
        verdicts = [verdict(goal) for goal in judged]
        lines.append((f"{edge}^3", *milliseconds, *ratios, *verdicts, f"{error:.0e}"))
        data.append({"grid": edge, "error": error, **numbers})
    return Section(
        title="W8: a dual-space cycle",
        command="python benchmarks/solve/iteration.py",
        notes=NOTES,
        lines=lines,
        figures=(1, 2, 3, 4, 5, 6, 7, 8, 12),
        goals=goals,
        data=data,
    )


if __name__ == "__main__":
    main(measure)
