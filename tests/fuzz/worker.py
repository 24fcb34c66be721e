"""Run inputs one after the other in a process of its own, whose memory has a limit."""

from __future__ import annotations

import resource
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import NamedTuple

import argand
from fuzz.judge import Case, Judge, Outcome
from fuzz.shrink import shrink

# Bytes that a call of argand may take in a campaign.
_MEMORY_LIMIT = 2**28

# Bytes of addresses beyond those of the process when it starts: an allocation of more is an error.
_ADDRESSES = 2**31

# Seconds between two reports.
_REPORT_EVERY = 1.0


@dataclass(frozen=True)
class Work:
    """Say which inputs a process runs.

    Parameters
    ----------
    seed, first, step
        The seed of the campaign, and the numbers of the inputs: first, first + step, ...
    inputs, seconds
        The number at which it stops, and for how long it runs at most.
    only
        The one target that is run; None: all of them.
    """

    seed: int
    first: int
    step: int
    inputs: int
    seconds: float
    only: str | None = None


class Report(NamedTuple):
    """Hold the counts of outcomes since the last report, and new kinds of failure."""

    counts: Counter[tuple[str, str]]
    failures: list[tuple[Case, Outcome]]
    is_last: bool


def run(
    work: Work, pipe: Connection, current: Synchronized[int], beats: Synchronized[float]
) -> None:
    """Run inputs and send reports; `current` is the number of the input that runs."""
    argand.set_num_threads(1)
    argand.set_memory_limit(_MEMORY_LIMIT)
    with tempfile.TemporaryDirectory(prefix="fuzz", dir=fast_folder()) as scratch:
        judge = Judge(Path(scratch))
        _warm(judge, work.only)
        _limit_addresses()
        _run_inputs(work, judge, pipe, current, beats)


def fast_folder() -> str | None:
    """Return a folder in memory, where the system has one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _run_inputs(
    work: Work,
    judge: Judge,
    pipe: Connection,
    current: Synchronized[int],
    beats: Synchronized[float],
) -> None:
    """Run the inputs of a piece of work."""
    end = time.monotonic() + work.seconds
    counts: Counter[tuple[str, str]] = Counter()
    failures: list[tuple[Case, Outcome]] = []
    known: set[tuple[str, str, str]] = set()
    reported = time.monotonic()
    for index in range(work.first, work.inputs, work.step):
        current.value = index
        beats.value = time.monotonic()
        case = judge.draw(work.seed, index, work.only)
        outcome = judge.run(case)
        counts[case.target, outcome.kind] += 1
        kind = failure_kind(case, outcome)
        if outcome.is_failure and kind not in known:
            known.add(kind)
            smaller = shrink(judge, case, outcome)
            failures.append((smaller, outcome))
        now = time.monotonic()
        if now - reported > _REPORT_EVERY:
            pipe.send(Report(counts, failures, False))
            counts, failures, reported = Counter(), [], now
        if now > end:
            break
    pipe.send(Report(counts, failures, True))


def failure_kind(case: Case, outcome: Outcome) -> tuple[str, str, str]:
    """Return what two inputs have in common that found one fault."""
    place = outcome.place or outcome.words
    return case.target, outcome.kind, place


def _warm(judge: Judge, only: str | None) -> None:
    """Load what readers load, so that it does not count as their memory."""
    import lightning
    import torch

    torch.set_num_threads(1)
    assert lightning.__version__
    for index in range(100):
        judge.run(judge.draw(-1, index, only))


def _limit_addresses() -> None:
    """Let this process allocate some memory more than it has, and no more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + _ADDRESSES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
