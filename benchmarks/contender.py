"""What a benchmark times, and how: the answer is checked first, then argand and the contender run in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from goals import Goal, significant
from rounds import Run, calls_for, clock, seconds_of

SECONDS = 1.0  # for each benchmark, both sides together
ROUNDS = (5, 40)
SLOW = 0.5  # seconds of both sides: from here on fewer rounds, and none to warm up
SLOW_ROUNDS = (3, 5)


@dataclass(frozen=True)
class Contender:
    """One way to do a workload.

    `prepare(work, precision)` does all that need not be repeated for new numbers of the same shape, and returns the
    call that is timed. Its answer may be off by `tolerance[precision]` of the largest value; precisions that are not
    named are not offered. A slow one gets each `every`-th crystal and its time is multiplied. One without `answers` is
    no way to do the workload, only something to compare with; `part(work)` is how often its work goes into that.
    """

    name: str
    caveat: str
    prepare: Callable[[Any, str], Run]
    tolerance: Mapping[str, float]
    every: int = 1
    goal: Mapping[str, Goal] = field(default_factory=dict)
    part: Callable[[Any], float] | None = None
    answers: bool = True

    @property
    def title(self) -> str:
        return self.name if self.every == 1 else f"{self.name} (1 in {self.every}, extrapolated)"

    def share(self, work: Any) -> Any:
        return work if self.every == 1 else work.each(self.every)

    def factor(self, work: Any) -> float:
        return float(self.every) if self.part is None else self.part(work)


def contends(
    name: str, caveat: str, **options: Any
) -> Callable[[Callable[[Any, str], Run]], Contender]:
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
    them; the ratio is the median over the rounds, so that a machine that slows down slows both. Calls too short for
    the clock are timed many at once.
    """
    share = contender.share(work)
    run = contender.prepare(share, precision)
    error = None
    if contender.answers:
        error = share.error(run())
        limit = contender.tolerance[precision]
        assert error < limit, f"{contender.name} is off by {error:.1e} of the largest value"
    benchmark.group = f"{work.name} {precision}"
    benchmark.extra_info.update(
        workload=work.workload,
        contender=contender.title,
        caveat=contender.caveat,
        precision=precision,
        error=None if error is None else float(f"{error:.1e}"),
        goal=None,
    )
    if benchmark.disabled:  # only the answers are wanted
        benchmark(lambda: None)
        return
    keep_pace = pace.prepare(work, precision)
    keep_pace()
    calls, pace_calls = calls_for(run), calls_for(keep_pace)
    both = calls * seconds_of(run) + pace_calls * seconds_of(keep_pace)
    slow = both > SLOW
    least, most = SLOW_ROUNDS if slow else ROUNDS
    paces: list[float] = []

    def before_each_round() -> None:
        if not slow:
            keep_pace()
        paces.append(seconds_of(keep_pace, pace_calls))
        if not slow:
            run()

    def timed() -> None:
        for _ in range(calls):
            run()

    rounds = min(max(int(SECONDS / (2 * both)), least), most)
    benchmark.pedantic(timed, setup=before_each_round, rounds=rounds)
    times = contender.factor(work) * np.array(benchmark.stats.stats.data) / calls
    ratio = float(np.median(times / np.array(paces)))
    milliseconds = 1e3 * float(np.median(times))
    benchmark.extra_info.update(
        milliseconds=significant(milliseconds),
        argand_milliseconds=significant(1e3 * float(np.median(paces))),
        ratio=significant(ratio),
    )
    goal = contender.goal.get(precision)
    if goal is not None:
        found = {"µs": 1e3 * milliseconds, "x": ratio if goal.sign == "≥" else 1 / ratio}[goal.unit]
        benchmark.extra_info.update(goal=goal.judge(found))


__all__ = ["Contender", "Run", "clock", "contends", "entries", "race"]
