"""Run inputs in several processes, start anew those that end, and collect what was found."""

from __future__ import annotations

import math
import multiprocessing
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from fuzz import corpus
from fuzz.judge import HARMLESS, Case, Judge, Outcome, failure_kind
from fuzz.worker import Progress, Report, Work, run

# Seconds without a new input after which a process hangs in compiled code: readers are
# interrupted by then, and an input is made smaller within ten seconds.
_STANDSTILL = 60.0

# Seconds between two tables of a long campaign.
_TABLE_EVERY = 600.0


@dataclass
class Campaign:
    """Collect what became of the inputs of a campaign.

    Attributes
    ----------
    counts
        Number of inputs by target and kind of outcome.
    seconds
        Time of the processor by target.
    failures
        The first input of each kind of failure, made smaller.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    failures: dict[tuple[str, str, str], tuple[Case, Outcome]] = field(default_factory=dict)

    def add(self, case: Case, outcome: Outcome) -> bool:
        """Add a failure, and tell whether its kind is new."""
        kind = failure_kind(case, outcome)
        is_new = kind not in self.failures
        self.failures.setdefault(kind, (case, outcome))
        return is_new

    def table(self) -> str:
        """Return a table of the inputs of each target: all, accepted, refused, failed by kind."""
        targets = sorted({target for target, _ in self.counts})
        kinds = sorted({kind for _, kind in self.counts} - set(HARMLESS))
        head = f"{'reader':<16} {'inputs':>9} {'a second':>8} {'accepted':>9} {'refused':>9}"
        lines = [f"{head}  failures"]
        for target in targets:
            total = sum(count for (name, _), count in self.counts.items() if name == target)
            rate = total / max(self.seconds[target], 1e-3)
            words = [f"{kind} {self.counts[target, kind]}" for kind in kinds]
            failed = ", ".join(word for word in words if not word.endswith(" 0")) or "none"
            accepted, refused = (self.counts[target, kind] for kind in HARMLESS)
            numbers = f"{total:9} {rate:8.0f} {accepted:9} {refused:9}"
            lines.append(f"{target:<16} {numbers}  {failed}")
        return "\n".join([*lines, f"{sum(self.counts.values())} inputs"])


class _Worker:
    """Start a process, receive its reports, and start it anew behind an input that ended it."""

    def __init__(self, context: Any, work: Work) -> None:
        self._context = context
        self._work = work
        self._progress = Progress(
            context.Array("q", [work.first] * len(work.names())),
            context.Value("i", 0),
            context.Value("d", math.inf),
        )
        self._pipe: Connection
        self._process: BaseProcess
        self._end = time.monotonic() + work.seconds
        self.is_done = False
        self._start(work)

    def _start(self, work: Work) -> None:
        """Start a process for a piece of work, which goes on at the numbers of the progress."""
        # Loading takes any time before the first input.
        self._progress.beat.value = math.inf
        self._pipe, other_end = self._context.Pipe(duplex=False)
        arguments = (work, other_end, self._progress)
        self._process = self._context.Process(target=run, args=arguments, daemon=True)
        self._process.start()
        other_end.close()

    def collect(self, campaign: Campaign, out: Path | None, judge: Judge) -> None:
        """Take what the process has sent, and look whether it lives."""
        while (report := self._report()) is not None:
            campaign.counts.update(report.counts)
            campaign.seconds.update(report.seconds)
            for case, outcome in report.failures:
                _keep(campaign, case, outcome, out)
            if report.is_last:
                self.is_done = True
                self._process.join()
                return
        is_hanging = time.monotonic() - self._progress.beat.value > _STANDSTILL
        if self._process.is_alive() and not is_hanging:
            return
        kind = "hang" if self._process.is_alive() else "crash"
        self._process.kill()
        self._process.join()
        self._skip(campaign, kind, out, judge)

    def _report(self) -> Report | None:
        """Return a report of the process, None where it has sent none or has ended."""
        try:
            return self._pipe.recv() if self._pipe.poll(0.05) else None
        except (EOFError, OSError):
            return None

    def _skip(self, campaign: Campaign, kind: str, out: Path | None, judge: Judge) -> None:
        """Note the input that ended the process, and go on behind it."""
        work = self._work
        target = self._progress.target.value
        name = work.names()[target]
        number = self._progress.numbers[target] - work.step
        done = sum(self._progress.numbers) - work.first * len(self._progress.numbers)
        if done == 0:
            raise RuntimeError(f"a process ended before its first input: {self._process.exitcode}")
        case = judge.draw(work.seed, name, number)
        words = f"input {number}, exit code {self._process.exitcode}"
        campaign.counts[name, kind] += 1
        _keep(campaign, case, Outcome(kind, "", words), out)
        seconds = self._end - time.monotonic()
        inputs = work.inputs - done // work.step
        if seconds <= 0.0 or inputs <= 0:
            self.is_done = True
            return
        self._start(replace(work, seconds=seconds, inputs=inputs))

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()


def _keep(campaign: Campaign, case: Case, outcome: Outcome, out: Path | None) -> None:
    """Write down a failure of a new kind."""
    if not campaign.add(case, outcome):
        return
    print(f"{case.target}: {outcome.kind} {outcome.place} {outcome.words[:200]}", flush=True)
    if out is not None:
        corpus.write(out, case, outcome)


def run_campaign(work: Work, jobs: int, out: Path | None) -> Campaign:
    """Run inputs in several processes.

    Parameters
    ----------
    work
        All inputs: the processes share them, each taking every `jobs`-th number.
    jobs
        Number of processes.
    out
        Folder into which one input of each kind of failure is written; None writes nothing.
    """
    context = multiprocessing.get_context("spawn")
    campaign = Campaign()
    # This process draws inputs and runs none.
    judge = Judge(Path())
    printed = time.monotonic()
    workers = []
    for job in range(jobs):
        inputs = (work.inputs + jobs - 1 - job) // jobs
        part = replace(work, first=work.first + job, step=jobs, inputs=inputs)
        workers.append(_Worker(context, part))
    try:
        while not all(worker.is_done for worker in workers):
            for worker in workers:
                if not worker.is_done:
                    worker.collect(campaign, out, judge)
            if time.monotonic() - printed > _TABLE_EVERY:
                printed = time.monotonic()
                print(campaign.table(), flush=True)
            time.sleep(0.1)
    finally:
        for worker in workers:
            worker.stop()
    return campaign
