"""How many perturbed metals a second reach torch: ``python benchmarks/loader.py`` (goal: 20,000 on two cores).

Counts the batches of 256 that a `DataLoader` hands over from an endless stream of the sixteen metals, after a warm-up:
without worker processes (the core's threads), with one and with two. The samples are checked to be the same first.
"""

from __future__ import annotations

import os
import time

import argand
import torch
from argand.learn import ELEMENTS_16, PerturbedCrystals, Stream, metal, stream_loader

GOAL = 20_000
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


def main() -> None:
    dataset = PerturbedCrystals([metal(symbol) for symbol in ELEMENTS_16], seed=0)
    first = [next(iter(stream_loader(Stream(dataset, BATCH), workers))) for workers in (0, 1, 2)]
    assert all(torch.equal(a, b) for other in first[1:] for a, b in zip(first[0], other, strict=True))
    print(f"{argand.build_config()}, {os.cpu_count()} cores, torch {torch.__version__}, batches of {BATCH}")
    for workers in (0, 1, 2):
        found = rate(dataset, workers)
        print(f"{workers} workers: {found:9,.0f} perturbed metals a second, {found / GOAL:.1f} x the goal of {GOAL:,}")


if __name__ == "__main__":
    main()
