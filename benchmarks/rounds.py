"""Time in rounds: in each one everything runs once, so that a machine that slows down slows all of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Run = Callable[[], Any]
Clock = Callable[[], float]

#: Processor time of this process: what other programs take of the core does not count, threads of a peer do.
clock: Clock = time.process_time

SHORTEST = 1e-2  # seconds: what is quicker is timed many calls at once, with caches as such calls leave them


def seconds_of(run: Run, calls: int = 1, by: Clock = clock) -> float:
    """Seconds of one call."""
    start = by()
    for _ in range(calls):
        run()
    return (by() - start) / calls


def calls_for(run: Run, by: Clock = clock) -> int:
    """How many calls take at least about the shortest time that is timed."""
    calls = 1
    while calls < 10_000:
        total = calls * seconds_of(run, calls, by)
        if total >= SHORTEST / 2:
            return (
                max(calls, int(np.ceil(calls * SHORTEST / max(total, 1e-9))))
                if total < SHORTEST
                else calls
            )
        calls *= 2
    return calls


def interleaved(
    runs: Mapping[str, Run],
    *,
    seconds: float = 1.0,
    rounds: tuple[int, int] = (5, 40),
    by: Clock = clock,
) -> dict[str, NDArray[np.float64]]:
    """Seconds of one call of each run in each round, (rounds,) by name; `seconds` is what all together may take."""
    calls = {}
    for name, run in runs.items():
        run()
        calls[name] = calls_for(run, by)
    once = sum(calls[name] * seconds_of(run, 1, by) for name, run in runs.items())
    least, most = rounds
    count = min(max(int(seconds / max(once, 1e-9)), least), most)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(count):
        for name, run in runs.items():
            times[name].append(seconds_of(run, calls[name], by))
    return {name: np.array(values) for name, values in times.items()}
