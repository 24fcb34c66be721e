"""Test the weights that come with the package: their cards say what they are and reach."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import argand
from argand.cli import main
from argand.errors import ArgandError
from argand.learn.evaluate import evaluate
from argand.learn.weights import PACKAGED, TRAINED, load_weights
from argand.reflections import miller_indices
from argand.simulate.artificial import ArtificialStream

# Bytes that all weights together may have.
LARGEST = 4 << 20


def card_of(name: str) -> dict[str, Any]:
    """Read the card of packaged weights."""
    return json.loads((TRAINED / f"{name}.card.json").read_text())  # type: ignore[no-any-return]


def test_weights_are_small_and_have_cards() -> None:
    sizes = [path.stat().st_size for path in TRAINED.iterdir()]
    assert len(sizes) == 3 * len(PACKAGED)
    assert sum(sizes) <= LARGEST
    for name in PACKAGED:
        settings = load_weights(name).settings
        card = card_of(name)
        assert settings.data is not None
        assert settings.data.seed == card["seed"]
        assert card["command"].startswith(f"argand train --model {settings.model} ")
        assert card["limits"]


@pytest.mark.parametrize("name", PACKAGED)
def test_evaluate_reproduces_the_scores_of_the_card(name: str) -> None:
    """A few samples are scored again. Cycles of phases amplify rounding, and nothing else does."""
    card = card_of(name)
    model = load_weights(name).settings.model
    scores = evaluate(name, card["few_samples"])
    assert list(scores) == list(card["few_scores"])
    for group, expected in card["few_scores"].items():
        for kind in ("model", "references"):
            for metric, value in expected[kind].items():
                again = scores[group][kind][metric]["mean"]
                tolerance = 1e-3 * abs(value["mean"])
                if kind == "model" and model == "recycling":
                    tolerance += 0.5 * value["interval"]
                assert abs(again - value["mean"]) <= tolerance, (group, kind, metric)


def test_a_file_of_this_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_weights("general").settings.model == "recycling"
    Path("general.safetensors").write_bytes(b"")
    with pytest.raises(ArgandError, match=r"general\.json is missing"):
        load_weights("general")


def test_predict_with_the_general_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Phases of a file agree with those of its crystal, and the words say how sure they are."""
    crystals = ArtificialStream("P-1", "atoms", (5, 5), 1.5).data(17).crystals
    crystal = crystals.crystal(2)
    hkl = miller_indices(crystal.cell, "P-1", 1.5)
    f = argand.structure_factors(crystal, hkl)
    file, output = tmp_path / "data.mtz", tmp_path / "phased.mtz"
    argand.write_reflections(file, hkl, f, cell=crystal.cell, spacegroup="P-1")
    formula: dict[str, int] = {}
    for symbol in crystal.to_p1().types:
        formula[symbol] = formula.get(symbol, 0) + 1
    contents = " ".join(f"{symbol}{count}" for symbol, count in formula.items())
    command = ["predict", str(file), "--weights", "general", "--contents", contents]
    assert main([*command, "-o", str(output)]) == 0
    text = capsys.readouterr().out
    assert "without knowing the truth: skewness of the density" in text
    error = float(text.split("mean error ")[1].split("°")[0])
    assert error < 30.0, text
    assert np.isfinite(error)
