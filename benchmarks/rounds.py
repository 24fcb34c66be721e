"""Time functions in rounds.

Each round runs every function once, so that a machine that slows down slows down all of them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Run = Callable[[], Any]
Clock = Callable[[], float]

#: Processor time of this process: it leaves out what other programs take of the core, and
#: counts the threads of a peer.
clock: Clock = time.process_time

# Seconds. A shorter call is repeated and timed together, with caches as such calls leave them.
SHORTEST = 1e-2

# No call is repeated more often than about this.
MOST_CALLS = 10_000


def seconds_of(run: Run, calls: int = 1, by: Clock = clock) -> float:
    """Return the seconds of one call, averaged over `calls` calls."""
    start = by()
    for _ in range(calls):
        run()
    return (by() - start) / calls


def calls_for(run: Run, by: Clock = clock) -> int:
    """Return how many calls together take at least about the shortest time that is timed."""
    calls = 1
    while calls < MOST_CALLS:
        total = calls * seconds_of(run, calls, by)
        if total >= SHORTEST:
            return calls
        if total >= SHORTEST / 2:
            needed = math.ceil(calls * SHORTEST / total)
            return max(calls, needed)
        calls *= 2
    return calls


def number_of_rounds(seconds: float, of_one_round: float, limits: tuple[int, int]) -> int:
    """Return how many rounds fit into some seconds, within limits (fewest, most)."""
    fewest, most = limits
    fitting = int(seconds / max(of_one_round, 1e-9))
    return min(max(fitting, fewest), most)


def interleaved(
    runs: Mapping[str, Run],
    *,
    seconds: float = 1.0,
    rounds: tuple[int, int] = (5, 40),
    by: Clock = clock,
) -> dict[str, NDArray[np.float64]]:
    """Time several functions in rounds.

    Parameters
    ----------
    runs
        Functions by name.
    seconds
        What all rounds together may take.
    rounds
        The fewest and the most rounds.
    by
        The clock.

    Returns
    -------
    dict
        Seconds of one call in each round, (rounds,), by the names of `runs`.
    """
    calls = {}
    for name, run in runs.items():
        # The first call loads and plans; it is not timed.
        run()
        calls[name] = calls_for(run, by)
    of_one_round = 0.0
    for name, run in runs.items():
        of_one_round += calls[name] * seconds_of(run, 1, by)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(number_of_rounds(seconds, of_one_round, rounds)):
        for name, run in runs.items():
            times[name].append(seconds_of(run, calls[name], by))
    return {name: np.array(values) for name, values in times.items()}
