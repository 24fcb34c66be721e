"""Run inputs in several processes, start anew those that end, and collect what was found."""

from __future__ import annotations

import math
import multiprocessing
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

from fuzz import corpus
from fuzz.judge import HARMLESS, Case, Judge, Outcome
from fuzz.worker import Report, Work, failure_kind, run

# Seconds without a new input after which a process hangs in compiled code: readers are
# interrupted by then, and an input is made smaller within ten seconds.
_STANDSTILL = 60.0


@dataclass
class Campaign:
    """Collect what became of the inputs of a campaign.

    Attributes
    ----------
    counts
        Number of inputs by target and kind of outcome.
    failures
        The first input of each kind of failure, made smaller.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
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
        lines = [f"{'reader':<16} {'inputs':>9} {'accepted':>9} {'refused':>9}  failures"]
        for target in targets:
            total = sum(count for (name, _), count in self.counts.items() if name == target)
            words = [f"{kind} {self.counts[target, kind]}" for kind in kinds]
            failed = ", ".join(word for word in words if not word.endswith(" 0"))
            accepted, refused = (self.counts[target, kind] for kind in HARMLESS)
            lines.append(f"{target:<16} {total:9} {accepted:9} {refused:9}  {failed or 'none'}")
        return "\n".join(lines)


class _Worker:
    """Start a process, receive its reports, and start it anew behind an input that ended it."""

    def __init__(self, context: Any, work: Work) -> None:
        self._context = context
        self._current: Synchronized[int] = context.Value("q", work.first)
        self._beats: Synchronized[float] = context.Value("d", math.inf)
        self._pipe: Connection
        self._process: BaseProcess
        self._end = time.monotonic() + work.seconds
        self.is_done = False
        self._start(work)

    def _start(self, work: Work) -> None:
        """Start a process for the inputs of a piece of work."""
        self._work = work
        # Loading takes any time before the first input.
        self._beats.value = math.inf
        self._pipe, other_end = self._context.Pipe(duplex=False)
        arguments = (work, other_end, self._current, self._beats)
        self._process = self._context.Process(target=run, args=arguments, daemon=True)
        self._process.start()
        other_end.close()

    def collect(self, campaign: Campaign, out: Path | None, judge: Judge) -> None:
        """Take what the process has sent, and look whether it lives."""
        while (report := self._report()) is not None:
            campaign.counts.update(report.counts)
            for case, outcome in report.failures:
                _keep(campaign, case, outcome, out)
            if report.is_last:
                self.is_done = True
                self._process.join()
                return
        is_hanging = time.monotonic() - self._beats.value > _STANDSTILL
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
        index = self._current.value
        case = judge.draw(self._work.seed, index, self._work.only)
        words = f"input {index}, exit code {self._process.exitcode}"
        campaign.counts[case.target, kind] += 1
        _keep(campaign, case, Outcome(kind, "", words), out)
        remaining = self._end - time.monotonic()
        first = index + self._work.step
        if remaining <= 0.0 or first >= self._work.inputs:
            self.is_done = True
            return
        work = self._work
        self._start(Work(work.seed, first, work.step, work.inputs, remaining, work.only))

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
        All inputs: those of the processes are every `jobs`-th.
    jobs
        Number of processes.
    out
        Folder into which one input of each kind of failure is written; None writes nothing.
    """
    context = multiprocessing.get_context("spawn")
    campaign = Campaign()
    # This process draws inputs and runs none.
    judge = Judge(Path())
    workers = []
    for job in range(jobs):
        part = Work(
            work.seed, work.first + job, jobs * work.step, work.inputs, work.seconds, work.only
        )
        workers.append(_Worker(context, part))
    try:
        while not all(worker.is_done for worker in workers):
            for worker in workers:
                if not worker.is_done:
                    worker.collect(campaign, out, judge)
            time.sleep(0.1)
    finally:
        for worker in workers:
            worker.stop()
    return campaign
