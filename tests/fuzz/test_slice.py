"""A slice of a campaign: some inputs of every reader, which are those of every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("resource")
pytest.importorskip("torch")
pytest.importorskip("jsonargparse")

import argand
from fuzz.judge import HARMLESS, Case, Judge, Outcome
from fuzz.shrink import shrink
from fuzz.targets import targets
from fuzz.worker import Shares

SEED = 20260

# Inputs of a reader, which take less than a second.
INPUTS = 150

# Inputs of what takes tenths of a second for each.
SLOW_INPUTS = {"solve": 20, "predict": 40}


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Judge]:
    """Return what runs inputs, with the limit of memory that a campaign has."""
    limit = argand.memory_limit()
    argand.set_memory_limit(2**28)
    yield Judge(tmp_path)
    argand.set_memory_limit(limit)


@pytest.mark.parametrize("name", targets())
def test_no_input_of_the_slice_fails(name: str, judge: Judge) -> None:
    print(f"seed {SEED}")
    kinds: Counter[str] = Counter()
    for index in range(SLOW_INPUTS.get(name, INPUTS)):
        outcome = judge.run(judge.draw(SEED, name, index))
        assert not outcome.is_failure, (index, outcome)
        kinds[outcome.kind] += 1
    # A reader that refuses everything, or nothing, is not tested.
    assert set(kinds) == set(HARMLESS), kinds


def test_inputs_follow_from_the_seed(judge: Judge) -> None:
    for name in targets():
        first = [judge.draw(SEED, name, number) for number in range(10)]
        assert first == [judge.draw(SEED, name, number) for number in range(10)]
        assert first != [judge.draw(SEED + 1, name, number) for number in range(10)]


def test_targets_share_the_time() -> None:
    """A target of twice the share gets twice the time, whatever its inputs take."""
    seconds = {"quick": 0.001, "slow": 0.1, "other": 0.01}
    shares = Shares({"quick": 1.0, "slow": 2.0, "other": 1.0})
    spent = dict.fromkeys(seconds, 0.0)
    for _ in range(20_000):
        name = shares.next()
        shares.spend(name, seconds[name])
        spent[name] += seconds[name]
    assert spent["slow"] == pytest.approx(2.0 * spent["quick"], rel=0.02)
    assert spent["other"] == pytest.approx(spent["quick"], rel=0.02)


def test_a_failure_is_made_smaller(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that fails for one word is shortened to that word."""

    def run(case: Case) -> Outcome:
        is_failure = b"1e308" in case.files["x.hkl"]
        return Outcome("nonsense", "", "absurd") if is_failure else Outcome("accepted")

    monkeypatch.setattr(judge, "run", run)
    text = b"   1   0   0   10.00    1.00\n" * 40 + b"   1   1   0   1e308    1.00\n"
    smaller = shrink(judge, Case("columns", {"x.hkl": text}), run(Case("", {"x.hkl": text})))
    assert smaller.files == {"x.hkl": b"1e308"}
