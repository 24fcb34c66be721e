"""Inputs that failed once are refused in one line, or read to values that can be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("resource")
pytest.importorskip("torch")
pytest.importorskip("jsonargparse")

import argand
from fuzz import corpus
from fuzz.judge import Judge, Outcome

ENTRIES = sorted(path for path in corpus.CORPUS.iterdir() if path.is_dir())


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Judge]:
    """Return what runs inputs, with the limit of memory that a campaign has."""
    limit = argand.memory_limit()
    argand.set_memory_limit(2**28)
    yield Judge(tmp_path)
    argand.set_memory_limit(limit)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_input_that_failed_once(entry: Path, judge: Judge) -> None:
    outcome = judge.run(corpus.read(entry))
    assert not outcome.is_failure, outcome


def test_the_corpus_is_small() -> None:
    sizes = [path.stat().st_size for path in corpus.CORPUS.rglob("*") if path.is_file()]
    assert len(ENTRIES) > 50
    assert sum(sizes) < 600_000


def test_a_failure_is_recognised(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """An input of the corpus fails where a reader raises what no reader should."""
    case = judge.draw(0, "columns", 0)
    assert not judge.run(case).is_failure

    def fail(*arguments: object, **keywords: object) -> None:
        raise IndexError("out of range")

    monkeypatch.setattr("argand.io.source_file.read_columns", fail)
    outcome = judge.run(case)
    assert outcome[:2] == ("exception", "IndexError in io/source_file.py:_read_reflections")
    assert outcome == Outcome(*outcome[:2], "IndexError: out of range")
