"""A campaign runs every input once, whatever ends its processes, and counts what became of them."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("resource")
pytest.importorskip("torch")
pytest.importorskip("jsonargparse")

import argand
from fuzz.campaign import Campaign
from fuzz.judge import Case, Judge, Outcome
from fuzz.worker import Progress, Report, Work, _run_inputs

SEED = 20261


class Pipe:
    """Keep the reports that are sent."""

    def __init__(self) -> None:
        self.reports: list[Report] = []

    def send(self, report: Report) -> None:
        self.reports.append(report)


class Crash(BaseException):
    """End a process."""


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Judge]:
    limit = argand.memory_limit()
    argand.set_memory_limit(2**28)
    yield Judge(tmp_path)
    argand.set_memory_limit(limit)


def progress_of(work: Work) -> Progress:
    numbers = multiprocessing.Array("q", [work.first] * len(work.names()))
    return Progress(numbers, multiprocessing.Value("i", 0), multiprocessing.Value("d", 0.0))


def test_a_crash_loses_one_input(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever goes on behind a crash knows its target and number, and runs no input twice."""
    work = Work(SEED, 3, 2, 120, 60.0)
    progress, pipe = progress_of(work), Pipe()
    drawn: list[tuple[str, int]] = []
    draw = judge.draw

    def draw_and_crash(seed: int, name: str, number: int) -> Case:
        drawn.append((name, number))
        if len(drawn) == 50:
            raise Crash
        return draw(seed, name, number)

    monkeypatch.setattr(judge, "draw", draw_and_crash)
    monkeypatch.setattr(judge, "run", lambda case: Outcome("accepted"))
    with pytest.raises(Crash):
        _run_inputs(work, judge, pipe, progress)
    target = progress.target.value
    assert (work.names()[target], progress.numbers[target] - work.step) == drawn[-1]
    _run_inputs(replace(work, inputs=work.inputs - 50), judge, pipe, progress)
    assert len(set(drawn)) == len(drawn) == work.inputs
    numbers_by_target: dict[str, list[int]] = {}
    for name, number in drawn:
        numbers_by_target.setdefault(name, []).append(number)
    for numbers in numbers_by_target.values():
        assert numbers == list(range(3, 3 + 2 * len(numbers), 2))


def test_reports_add_up(judge: Judge) -> None:
    work = Work(SEED, 0, 1, 25, 60.0, "map")
    pipe = Pipe()
    _run_inputs(work, judge, pipe, progress_of(work))
    assert pipe.reports[-1].is_last
    campaign = Campaign()
    for report in pipe.reports:
        campaign.counts.update(report.counts)
        campaign.seconds.update(report.seconds)
    expected = Counter(("map", judge.run(judge.draw(SEED, "map", n)).kind) for n in range(25))
    assert campaign.counts == expected
    assert campaign.seconds["map"] > 0.0
    assert campaign.table().splitlines()[-1] == "25 inputs"
