"""Count how many perturbed metals a second reach torch: ``python benchmarks/loader.py``.

A `DataLoader` hands over batches of 256 from an endless stream of the sixteen metals. They are
counted after a warm-up: without worker processes (the threads of the core make them), with one and
with two. All three ways are checked to give the same samples first.
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
WARM_UP = 8
COUNTED = 120
ROUNDS = 5
WORKERS = (0, 1, 2)


def samples_a_second(dataset: PerturbedCrystals, workers: int) -> float:
    """Return the samples a second of one iterator, the median of a few rounds."""
    batches = iter(stream_loader(Stream(dataset, BATCH), workers))
    for _ in range(WARM_UP):
        next(batches)
    rates = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(COUNTED):
            next(batches)
        rates.append(COUNTED * BATCH / (time.perf_counter() - start))
    return sorted(rates)[ROUNDS // 2]


def check_equal_samples(dataset: PerturbedCrystals) -> None:
    """Fail where the first batch depends on the number of worker processes."""
    first_batches = []
    for workers in WORKERS:
        loader = stream_loader(Stream(dataset, BATCH), workers)
        first_batches.append(next(iter(loader)))
    for other in first_batches[1:]:
        for expected, tensor in zip(first_batches[0], other, strict=True):
            assert torch.equal(expected, tensor), "worker processes change the samples"


def measure() -> Section:
    """Measure perturbed metals a second."""
    dataset = PerturbedCrystals([metal(symbol) for symbol in ELEMENTS_16], seed=0)
    check_equal_samples(dataset)
    rates = {workers: samples_a_second(dataset, workers) for workers in WORKERS}
    judged = GOAL.judge(max(rates.values()))
    names = {
        0: f"none: {argand.num_threads()} threads in this process",
        1: "one process",
        2: "two processes",
    }
    lines = [("workers", "crystals/s")]
    numbers = {}
    for workers, rate in rates.items():
        lines.append((names[workers], f"{rate:,.0f}"))
        numbers[str(workers)] = significant(rate)
    who = f"{os.cpu_count()} cores, the best number of workers"
    return Section(
        title="A stream of perturbed metals into torch",
        command="python benchmarks/loader.py",
        notes=[
            f"{os.cpu_count()} cores, by the clock on the wall; batches of {BATCH}, seed 0",
            f"the median of {ROUNDS} times {COUNTED} batches",
            f"goal: {verdict(judged)} in the best way",
        ],
        lines=lines,
        figures=(1,),
        goals=[{"group": "stream of metals", "who": who, **judged}],
        data=numbers,
    )


if __name__ == "__main__":
    main(measure, libraries_have_threads=True)
