"""The main job in rehearsal: it writes all that it promises, and does nothing twice."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightning")
pytest.importorskip("jsonargparse")
pytest.importorskip("matplotlib")
pytest.importorskip("plotly")

import argand
from argand.cli import main
from argand.demo import comparison
from argand.demo.console import summary
from argand.demo.example import find_example
from argand.report.results import ALL, MODEL_NAMES, NEVER, NEW, REFERENCE_NAMES, Results

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished rehearsal."""
    out = tmp_path_factory.mktemp("demo") / "new"
    assert main(["demo", "--quick", "--seed", "3", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    """The results of the rehearsal, read back."""
    return Results.from_json((folder / "results.json").read_text())


def test_writes_all_that_the_report_lists(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    for name in (
        "table.md",
        "table.csv",
        "results.json",
        "figures",
        "maps",
        "example.mtz",
        "weights",
    ):
        assert (folder / name).exists()
        assert f'href="{name}"' in page
    maps = {path.name for path in (folder / "maps").iterdir()}
    assert maps == {"true.ccp4", "invariant.ccp4", "published.ccp4"}
    assert len(list((folder / "figures").glob("*.png"))) == 6
    assert len(list((folder / "weights").glob("*-*/weights.safetensors"))) == 8
    assert "A rehearsal." in page
    assert (folder / "report.html").stat().st_size < 6_000_000
    temporary = [path for path in folder.rglob("*") if path.name.startswith(".")]
    assert temporary == []
    assert list(folder.rglob("*.part")) == []


def test_scores_everything(results: Results) -> None:
    assert results.models == list(MODEL_NAMES)
    for model in results.models:
        for loss in ("published", "invariant"):
            for samples in (NEW, NEVER):
                score = results.score(model, loss, samples)
                assert 0 < score.value <= score.value_plain < 3000
                assert 0 < score.phase_error.value < 90
                assert score.median.low <= score.median.value <= score.median.high
            assert len(results.histories[model][loss]["step"]) == 2
    for name in REFERENCE_NAMES:
        for samples in (NEW, NEVER, ALL):
            assert results.reference(name, samples).value > 0
    floor = results.reference("floor", ALL).value
    coin = results.reference("committed", ALL).value
    assert floor < coin < results.reference("all_zero", ALL).value


def test_tables_agree(folder: Path, results: Results) -> None:
    with open(folder / "table.csv", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == len(results.scores) + len(results.references)
    assert float(rows[0]["score"]) == pytest.approx(results.scores[0].value, rel=1e-3)
    assert (folder / "table.md").read_text().count("\n") == len(rows) + 2


def test_example_is_an_element_never_seen(folder: Path, results: Results) -> None:
    example = find_example(results, folder)
    assert set(example.crystal.types) == {"Pb"}
    assert example.title.startswith("Pb, atom 0 moved by ")
    amplitude, phase = example.mirror
    assert amplitude < 1e-12
    assert phase < 1e-6
    for f in example.predicted.values():
        assert np.abs(f) == pytest.approx(np.abs(example.true))
    rho, cell, _ = argand.read_map(folder / "maps" / "true.ccp4")
    assert cell == pytest.approx(example.crystal.cell)
    assert rho == pytest.approx(example.density(example.true), abs=1e-3)
    reflections = argand.read_reflections(folder / "example.mtz")
    assert len(reflections.hkl) == len(example.hkl) // 2


def test_summary_prints_models_and_references(results: Results) -> None:
    text = summary(results)
    for words in (
        *MODEL_NAMES.values(),
        "floor of the published loss",
        "all phases zero",
        "never seen: Pb, V",
    ):
        assert words in text


def test_finished_trainings_are_not_repeated(
    folder: Path,
    results: Results,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("lightning.Trainer.fit", fail)
    again = comparison.compare(folder, seed=3, quick=True, progress=False)
    assert again.scores == results.scores


def test_ctrl_c_keeps_what_is_finished(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    original = comparison.train
    calls = []

    def stop_at_the_third(model: str, loss: str, *rest: object, **options: object) -> object:
        calls.append((model, loss))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(model, loss, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(comparison, "train", stop_at_the_third)
    assert main(["demo", "--quick", "--out", str(tmp_path)]) == 130
    assert capsys.readouterr().err.endswith("argand demo: interrupted\n")
    assert len(list((tmp_path / "weights").glob("*/weights.json"))) == 2
    assert not (tmp_path / "report.html").exists()


def test_another_seed_needs_another_folder(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["demo", "--quick", "--seed", "4", "--out", str(folder)]) == 2
    assert "choose another folder" in capsys.readouterr().err


def test_same_seed_same_numbers(folder: Path, results: Results) -> None:
    path = folder / "weights" / "linear-invariant" / "history.json"
    records = json.loads(path.read_text())["records"]
    curve = results.histories["linear"]["invariant"]["new samples"]
    assert [record["loss_best_hand"] for record in records] == curve
