"""How many perturbed metals a second reach torch: ``python benchmarks/loader.py``.

Counts the batches of 256 that a `DataLoader` hands over from an endless stream of the sixteen metals, after a warm-up:
without worker processes (the core's threads), with one and with two. The samples are checked to be the same first.
"""

from __future__ import annotations

import os
import time

import torch

import argand
from argand.learn import ELEMENTS_16, PerturbedCrystals, Stream, metal, stream_loader
from goals import Goal, significant, verdict
from section import Section, main

GOAL = Goal("≥", 100_000, "crystals/s")
BATCH = 256
WARM_UP, COUNTED, ROUNDS = 8, 120, 5


def rate(dataset: PerturbedCrystals, workers: int) -> float:
    """Samples a second, the median of a few rounds of one iterator."""
    batches = iter(stream_loader(Stream(dataset, BATCH), workers))
    for _ in range(WARM_UP):
        next(batches)
    rates = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(COUNTED):
            next(batches)
        rates.append(COUNTED * BATCH / (time.perf_counter() - begun))
    return sorted(rates)[ROUNDS // 2]


def measure() -> Section:
    """Perturbed metals a second."""
    dataset = PerturbedCrystals([metal(symbol) for symbol in ELEMENTS_16], seed=0)
    first = [next(iter(stream_loader(Stream(dataset, BATCH), workers))) for workers in (0, 1, 2)]
    assert all(
        torch.equal(a, b) for other in first[1:] for a, b in zip(first[0], other, strict=True)
    )
    rates = {workers: rate(dataset, workers) for workers in (0, 1, 2)}
    best = max(rates.values())
    judged = GOAL.judge(best)
    how = {
        0: f"none: {argand.num_threads()} threads in this process",
        1: "one process",
        2: "two processes",
    }
    return Section(
        "A stream of perturbed metals into torch",
        "python benchmarks/loader.py",
        [
            f"{os.cpu_count()} cores, by the clock on the wall; batches of {BATCH}, seed 0",
            f"the median of {ROUNDS} times {COUNTED} batches",
            f"goal: {verdict(judged)} in the best way",
        ],
        [
            ("workers", "crystals/s"),
            *((how[workers], f"{found:,.0f}") for workers, found in rates.items()),
        ],
        (1,),
        [
            {
                "group": "stream of metals",
                "who": f"{os.cpu_count()} cores, the best number of workers",
                **judged,
            }
        ],
        {str(workers): significant(found) for workers, found in rates.items()},
    )


if __name__ == "__main__":
    main(measure, libraries_have_threads=True)
