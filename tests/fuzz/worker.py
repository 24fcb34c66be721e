"""Run inputs one after the other in a process of its own, whose memory has a limit."""

from __future__ import annotations

import math
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized, SynchronizedArray
from pathlib import Path
from typing import NamedTuple

import argand
from fuzz.judge import Case, Judge, Outcome, failure_kind
from fuzz.shrink import shrink
from fuzz.targets import targets

# Bytes that a call of argand may take in a campaign.
_MEMORY_LIMIT = 2**28

# Bytes of addresses beyond those of the process when it starts: an allocation of more is an error.
_ADDRESSES = 2**31

# Seconds between two reports.
_REPORT_EVERY = 1.0

# Inputs of every target that are run first, so that all modules are loaded.
_WARM_INPUTS = 8


@dataclass(frozen=True)
class Work:
    """Say which inputs a process runs.

    Parameters
    ----------
    seed, first, step
        The seed of the campaign, and the numbers of the inputs of every target: first,
        first + step, ...
    inputs, seconds
        How many inputs it runs, and for how long, at most.
    only
        The one target that is run; None: all of them.
    """

    seed: int
    first: int
    step: int
    inputs: int
    seconds: float
    only: str | None = None

    def names(self) -> list[str]:
        """Return the names of the targets that are run."""
        return list(targets()) if self.only is None else [self.only]


class Progress(NamedTuple):
    """Share with the parent which input a process runs, so that it is known where it crashes."""

    #: The next number of each target of the work
    numbers: SynchronizedArray[int]
    #: The place, in the list of the names, of the target that runs
    target: Synchronized[int]
    #: When the input was begun, seconds of the monotonic clock
    beat: Synchronized[float]


class Report(NamedTuple):
    """Hold what happened since the last report: outcomes, seconds by target, kinds of failure."""

    counts: Counter[tuple[str, str]]
    seconds: Counter[str]
    failures: list[tuple[Case, Outcome]]
    is_last: bool


class Shares:
    """Choose the target that lacks most of its share of time, so that quick ones run often.

    Parameters
    ----------
    share_of_target
        Share of the time of each target, in units of no meaning.
    """

    def __init__(self, share_of_target: Mapping[str, float]) -> None:
        self._share_of_target = share_of_target
        self._spent = dict.fromkeys(share_of_target, 0.0)

    def next(self) -> str:
        """Return the name of the target that is run next."""
        return min(self._spent, key=self._spent.__getitem__)

    def spend(self, name: str, seconds: float) -> None:
        """Count the time that an input of a target has taken."""
        self._spent[name] += seconds / self._share_of_target[name]


def run(work: Work, pipe: Connection, progress: Progress) -> None:
    """Run inputs and send reports."""
    argand.set_num_threads(1)
    argand.set_memory_limit(_MEMORY_LIMIT)
    with tempfile.TemporaryDirectory(prefix="fuzz", dir=fast_folder()) as scratch:
        judge = Judge(Path(scratch))
        _warm(judge, work)
        _limit_addresses()
        _run_inputs(work, judge, pipe, progress)


def fast_folder() -> str | None:
    """Return a folder in memory, where the system has one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _run_inputs(work: Work, judge: Judge, pipe: Connection, progress: Progress) -> None:
    """Run the inputs of a piece of work."""
    end = time.monotonic() + work.seconds
    names = work.names()
    shares = Shares({name: targets()[name].share for name in names})
    counts: Counter[tuple[str, str]] = Counter()
    seconds: Counter[str] = Counter()
    failures: list[tuple[Case, Outcome]] = []
    known: set[tuple[str, str, str]] = set()
    reported = time.monotonic()
    for _ in range(work.inputs):
        name = shares.next()
        target = names.index(name)
        number = progress.numbers[target]
        progress.numbers[target] = number + work.step
        progress.target.value = target
        now = time.monotonic()
        progress.beat.value = now
        if now > end:
            break
        start = time.process_time()
        case = judge.draw(work.seed, name, number)
        outcome = judge.run(case)
        spent = time.process_time() - start
        shares.spend(name, spent)
        seconds[name] += spent
        counts[name, outcome.kind] += 1
        kind = failure_kind(case, outcome)
        if outcome.is_failure and kind not in known:
            known.add(kind)
            failures.append((shrink(judge, case, outcome), outcome))
        if now - reported > _REPORT_EVERY:
            pipe.send(Report(counts, seconds, failures, False))
            counts, seconds, failures, reported = Counter(), Counter(), [], now
    progress.beat.value = math.inf
    pipe.send(Report(counts, seconds, failures, True))


def _warm(judge: Judge, work: Work) -> None:
    """Load what readers load, so that it counts neither as their memory nor as their time."""
    import lightning
    import torch

    torch.set_num_threads(1)
    assert lightning.__version__
    for name in work.names():
        for number in range(_WARM_INPUTS):
            judge.run(judge.draw(-1, name, number))


def _limit_addresses() -> None:
    """Let this process allocate some memory more than it has, and no more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + _ADDRESSES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
