"""Count how many artificial crystals a second reach torch: ``python benchmarks/artificial.py``.

Batches of 256 new crystals go the whole way to tensors: cells, atoms, structure factors, |E|, and
what symmetry says of each of about 1,000 unique reflections. They are counted in one process, in
seconds of the processor, and in two processes that make every other batch, by the clock.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

import torch

import argand
from argand.learn.unique import ArtificialUnique
from argand.simulate.artificial import ArtificialStream
from goals import Goal, significant, verdict
from section import Section, main

BATCH = 256
BATCHES = 8
SEED = 1

# Resolutions, angstrom, at which crystals of each kind have about 1,000 unique reflections.
CASES = {
    "10 atoms, P -1": (
        ArtificialStream("P-1", "atoms", (10, 10), 0.9),
        Goal("≥", 5000, "a second"),
    ),
    "fragments of 20 atoms, P 21/c": (
        ArtificialStream("P21/c", "fragments", (20, 20), 1.17),
        Goal("≥", 2000, "a second"),
    ),
}


def seconds_of_batches(name: str, batches: list[int]) -> tuple[float, float]:
    """Make batches by their numbers, and return the seconds of this processor and by the clock."""
    argand.set_num_threads(1)
    torch.set_num_threads(1)
    dataset = ArtificialUnique(CASES[name][0].data(SEED))
    # Tables of the group are made once.
    dataset.simulate(range(BATCH))
    processor, clock = time.process_time(), time.perf_counter()
    for batch in batches:
        dataset.simulate(range(batch * BATCH, (batch + 1) * BATCH))
    return time.process_time() - processor, time.perf_counter() - clock


def measure() -> Section:
    """Measure both kinds of crystals."""
    lines = [("crystals", "reflections", "1 process", "2 processes", "goal")]
    goals, numbers = [], {}
    every = list(range(1, 1 + BATCHES))
    for name, (stream, goal) in CASES.items():
        mask = ArtificialUnique(stream.data(SEED)).simulate(range(BATCH)).mask
        reflections = float(mask.sum() / BATCH)
        one = BATCHES * BATCH / seconds_of_batches(name, every)[0]
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            seconds = pool.map(seconds_of_batches, [name] * 2, [every[::2], every[1::2]])
            longest = max(clock for _, clock in seconds)
        two = BATCHES * BATCH / longest
        judged = goal.judge(two)
        goals.append({"group": "artificial crystals", "who": name, **judged})
        lines.append((name, f"{reflections:,.0f}", f"{one:,.0f}", f"{two:,.0f}", verdict(judged)))
        numbers[name] = [significant(one), significant(two)]
    return Section(
        title="Artificial crystals into torch",
        command="python benchmarks/artificial.py",
        notes=[
            f"{BATCHES} batches of {BATCH} new crystals, seed {SEED}; crystals a second",
            "one process in seconds of the processor, two by the clock",
        ],
        lines=lines,
        figures=(1, 2, 3),
        goals=goals,
        data=numbers,
    )


if __name__ == "__main__":
    main(measure)
