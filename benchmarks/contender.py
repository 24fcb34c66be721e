"""Check and time one way to do a workload beside argand's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from goals import Goal, significant
from rounds import Run, calls_for, clock, number_of_rounds, seconds_of

# Seconds for each benchmark, argand and the contender together. The contender has half of them.
SECONDS = 1.0
# The fewest and the most rounds.
ROUNDS = (5, 40)
# Where a round takes more seconds than this, fewer rounds are made and none to warm up.
SLOW = 0.5
SLOW_ROUNDS = (3, 5)

Prepare = Callable[[Any, str], Run]


@dataclass(frozen=True)
class Contender:
    """One way to do a workload.

    Parameters
    ----------
    name, caveat
        How the tables call it, and the remark behind it.
    prepare
        Function of the workload and the precision. It does all that need not be repeated for new
        numbers of the same shape, and returns the call that is timed.
    tolerance
        Largest error of its answer for each precision that it offers, as a share of the largest
        value.
    one_in
        A slow contender is given one in so many crystals, and its time is multiplied.
    goal
        Goals by precision.
    part
        Function of the workload: how often the timed work goes into the workload. It replaces
        `one_in`.
    answers
        Whether the call does the workload. Its answer is checked only then.
    """

    name: str
    caveat: str
    prepare: Prepare
    tolerance: Mapping[str, float]
    one_in: int = 1
    goal: Mapping[str, Goal] = field(default_factory=dict)
    part: Callable[[Any], float] | None = None
    answers: bool = True

    @property
    def title(self) -> str:
        """Return the name, with the share of the crystals where that is not all."""
        if self.one_in == 1:
            return self.name
        return f"{self.name} (1 in {self.one_in}, extrapolated)"

    def share(self, work: Any) -> Any:
        """Return the part of a workload that is timed."""
        return work if self.one_in == 1 else work.each(self.one_in)

    def factor(self, work: Any) -> float:
        """Return by how much the time of the timed part is multiplied."""
        return float(self.one_in) if self.part is None else self.part(work)


def contends(name: str, caveat: str, **options: Any) -> Callable[[Prepare], Contender]:
    """Make a contender of the function that is its `prepare`."""
    return lambda prepare: Contender(name, caveat, prepare, **options)


def entries(*contenders: Contender) -> list[Any]:
    """List contenders in each precision that they offer, for `pytest.mark.parametrize`.

    The parameters of an entry are ("contender", "precision").
    """
    parameters = []
    for contender in contenders:
        for precision in contender.tolerance:
            name = f"{contender.prepare.__name__}-{precision}"
            parameters.append(pytest.param(contender, precision, id=name))
    return parameters


def race(benchmark: Any, work: Any, contender: Contender, precision: str, pace: Contender) -> None:
    """Check a contender's answer, then time it in turn with argand.

    Each timed call follows an untimed one of the same function, so that both sides have their own
    data in the caches. The ratio is the median over the rounds, so that a machine that slows down
    slows down both. Calls too short for the clock are timed many at once.

    Parameters
    ----------
    benchmark
        The fixture of pytest-benchmark.
    work, precision
        The workload and "float32" or "float64".
    contender, pace
        What is timed, and argand's way that it is compared with.
    """
    share = contender.share(work)
    run = contender.prepare(share, precision)
    error = _checked_error(contender, share, run, precision)
    benchmark.group = f"{work.name} {precision}"
    benchmark.extra_info.update(
        workload=work.workload,
        contender=contender.title,
        caveat=contender.caveat,
        precision=precision,
        error=error,
        goal=None,
    )
    if benchmark.disabled:
        # Only the answers are wanted; the plugin still asks for one call.
        benchmark(lambda: None)
        return
    pace_run = pace.prepare(work, precision)
    times, pace_times = _timed_in_turn(benchmark, run, pace_run)
    times = contender.factor(work) * times
    ratio = float(np.median(times / pace_times))
    milliseconds = 1e3 * float(np.median(times))
    benchmark.extra_info.update(
        milliseconds=significant(milliseconds),
        argand_milliseconds=significant(1e3 * float(np.median(pace_times))),
        ratio=significant(ratio),
    )
    goal = contender.goal.get(precision)
    if goal is not None:
        number = _number_of_goal(goal, milliseconds, ratio)
        benchmark.extra_info.update(goal=goal.judge(number))


def _checked_error(contender: Contender, share: Any, run: Run, precision: str) -> float | None:
    """Return the error of an answer to two digits; fail where it is above the tolerance."""
    if not contender.answers:
        return None
    error = share.error(run())
    limit = contender.tolerance[precision]
    assert error < limit, f"{contender.name} is off by {error:.1e} of the largest value"
    return float(f"{error:.1e}")


def _timed_in_turn(benchmark: Any, run: Run, pace_run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the seconds of one call of a contender and of argand in each round, (rounds,) each."""
    pace_run()
    calls = calls_for(run)
    pace_calls = calls_for(pace_run)
    of_one_round = calls * seconds_of(run) + pace_calls * seconds_of(pace_run)
    is_slow = of_one_round > SLOW
    limits = SLOW_ROUNDS if is_slow else ROUNDS
    pace_times: list[float] = []

    def before_each_round() -> None:
        if not is_slow:
            pace_run()
        pace_times.append(seconds_of(pace_run, pace_calls))
        if not is_slow:
            run()

    def timed() -> None:
        for _ in range(calls):
            run()

    rounds = number_of_rounds(SECONDS / 2, of_one_round, limits)
    benchmark.pedantic(timed, setup=before_each_round, rounds=rounds)
    times = np.array(benchmark.stats.stats.data) / calls
    return times, np.array(pace_times)


def _number_of_goal(goal: Goal, milliseconds: float, ratio: float) -> float:
    """Return the measured number that a goal is about."""
    if goal.unit == "µs":
        return 1e3 * milliseconds
    return ratio if goal.sign == "≥" else 1 / ratio


__all__ = ["Contender", "Prepare", "Run", "clock", "contends", "entries", "race"]
