"""What a benchmark times, and how: the answer is checked first, then argand and the contender run in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

Run = Callable[[], Any]

#: Processor time of this process: what other programs take of the core does not count, threads of a peer do.
clock = time.process_time

SECONDS = 1.0  # for each benchmark, both sides together
ROUNDS = (5, 40)


@dataclass(frozen=True)
class Contender:
    """One way to do a workload.

    `prepare(work, precision)` does all that need not be repeated for new numbers of the same shape, and returns the
    call that is timed. Its answer may be off by `tolerance[precision]` of the largest value; precisions that are not
    named are not offered. A slow one gets each `every`-th crystal and its time is multiplied. `goal` is how many times
    faster argand is to be.
    """

    name: str
    caveat: str
    prepare: Callable[[Any, str], Run]
    tolerance: Mapping[str, float]
    every: int = 1
    goal: Mapping[str, float] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return self.name if self.every == 1 else f"{self.name} (1 in {self.every}, extrapolated)"

    def share(self, work: Any) -> Any:
        return work if self.every == 1 else work.each(self.every)


def contends(name: str, caveat: str, **options: Any) -> Callable[[Callable[[Any, str], Run]], Contender]:
    """Make a contender of the function that is its `prepare`."""
    return lambda prepare: Contender(name, caveat, prepare, **options)


def entries(*contenders: Contender) -> list[Any]:
    """Every contender in every precision it offers, for `pytest.mark.parametrize(("contender", "precision"), ...)`."""
    return [
        pytest.param(one, precision, id=f"{one.prepare.__name__}-{precision}")
        for one in contenders
        for precision in one.tolerance
    ]


def race(benchmark: Any, work: Any, contender: Contender, precision: str, pace: Contender) -> None:
    """Check the contender's answer, then time it, with `pace` (argand) before each round.

    Each call that is timed follows an untimed one of its own, so that both find caches and pages the way they left
    them; the ratio is the median over the rounds, so that a machine that slows down slows both.
    """
    share = contender.share(work)
    run = contender.prepare(share, precision)
    error = share.error(run())
    assert error < contender.tolerance[precision], f"{contender.name} is off by {error:.1e} of the largest value"
    keep_pace = pace.prepare(work, precision)
    paces: list[float] = []

    def before_each_round() -> None:
        keep_pace()
        paces.append(_seconds(keep_pace))
        run()

    keep_pace()
    least, most = ROUNDS
    rounds = int(SECONDS / (2 * (_seconds(run) + _seconds(keep_pace))))
    benchmark.group = f"{work.name} {precision}"
    benchmark.extra_info.update(
        workload=work.workload,
        contender=contender.title,
        caveat=contender.caveat,
        precision=precision,
        error=float(f"{error:.1e}"),
        goal=contender.goal.get(precision),
    )
    benchmark.pedantic(run, setup=before_each_round, rounds=min(max(rounds, least), most))
    if benchmark.stats is None:  # --benchmark-disable: only the answers are wanted
        return
    times = contender.every * np.array(benchmark.stats.stats.data)
    benchmark.extra_info.update(
        milliseconds=_significant(1e3 * np.median(times)),
        argand_milliseconds=_significant(1e3 * np.median(paces)),
        ratio=_significant(np.median(times / np.array(paces))),
    )


def _seconds(run: Run) -> float:
    start = clock()
    run()
    return clock() - start


def _significant(x: float) -> float:
    return float(f"{x:.4g}")
