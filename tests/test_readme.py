"""The examples of the README run as they stand there, one after the other in one folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from argand.cli import main

ROOT = Path(__file__).parents[1]

# Settings that make a command short, by the words that it begins with. They are appended, and the
# last one of an option holds.
SHORT = {
    "demo": "--quick",
    "train": "--steps 2 --batch-size 2 --score-samples 4 --no-progress",
    "evaluate": "--samples 8",
    "simulate": "--samples 4 --d-min 1.2",
    "generate": "--samples 6 --shard 4 --d-min 1.5",
    "adapt": "--samples 300 --width 0.4 --d-min 1.2 --test 1",
    "predict adapted": "--workers 1",
}

# What each command leaves behind, by the words that it begins with; longer beginnings come first.
RESULTS = {
    "demo": ("demo/report.html", "demo/example.mtz"),
    "sf": ("pyrochlore.mtz",),
    "map --difference": ("maps.mtz",),
    "map": ("pyrochlore.ccp4",),
    "solve": ("solved/pyrochlore.cif", "solved/pyrochlore.html"),
    "info": (),
    "train": ("run/weights.safetensors",),
    "evaluate": (),
    "simulate": ("series/sample_0003.hkl",),
    "generate": ("crystals/s000001/zarr.json",),
    "adapt": ("adapted/adaptation.safetensors",),
    "predict adapted": ("found/report.html", "found/table.csv", "found/phases/sample_0003.mtz"),
    "predict demo/example.mtz": ("phased.mtz", "phased.ccp4"),
}


def examples(language: str) -> list[tuple[int, str]]:
    """Return position and text of each example of the README in a language."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.finditer(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [(block.start(), block.group(1)) for block in blocks]


def commands() -> list[tuple[int, list[str]]]:
    """Return position and words of each command of argand that the README tells to type."""
    found = []
    for position, text in examples("sh"):
        for line in text.splitlines():
            words = shlex.split(line, comments=True)
            for number, word in enumerate(words):
                if Path(word).name == "argand":
                    found.append((position, words[number + 1 :]))
    return found


def short_settings(words: list[str]) -> list[str]:
    """Return the settings that make a command short."""
    for beginning, settings in SHORT.items():
        if words[: len(beginning.split())] == beginning.split():
            return settings.split()
    return []


def results_of(words: list[str]) -> tuple[str, ...]:
    """Return the files that a command leaves behind; a command without an entry is a mistake."""
    for beginning, results in RESULTS.items():
        if words[: len(beginning.split())] == beginning.split():
            return results
    raise AssertionError(f"argand {' '.join(words)}: this test does not know its results")


@pytest.mark.slow
def test_it_runs_from_top_to_bottom_in_one_folder(tmp_path, monkeypatch):
    """Commands with short settings and Python examples do not get into each other's way."""
    pytest.importorskip("lightning")
    pytest.importorskip("jsonargparse")
    (tmp_path / "tests").symlink_to(ROOT / "tests", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    steps = [*examples("python"), *commands()]
    assert len(commands()) == len(RESULTS)
    names: dict[str, object] = {}
    for _, step in sorted(steps, key=lambda step: step[0]):
        if isinstance(step, str):
            exec(compile(step, "README.md", "exec"), names)
            continue
        assert main([*step, *short_settings(step)]) == 0, step
        for result in results_of(step):
            assert (tmp_path / result).stat().st_size > 100, result


def test_the_library_example(tmp_path, monkeypatch):
    """The first example needs no extra, and its map has the height of an atom of lanthanum."""
    (tmp_path / "tests").symlink_to(ROOT / "tests", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(examples("python")[0][1], "README.md", "exec"), names)
    assert names["f"].shape == (len(names["hkl"]),)
    # F(000) is the number of electrons: 8 La2Zr2O7 in a cell.
    forward = names["argand"].structure_factors(names["crystal"], [[0, 0, 0]])
    assert forward[0].real == pytest.approx(8 * (2 * 57 + 2 * 40 + 7 * 8), rel=1e-3)
    assert (tmp_path / "pyrochlore.ccp4").stat().st_size > 10_000


def test_python_examples_run(tmp_path, monkeypatch):
    pytest.importorskip("lightning")
    assert len(examples("python")) == 5
    (tmp_path / "tests").symlink_to(ROOT / "tests", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for _, example in examples("python"):
        exec(compile(example, "README.md", "exec"), names)
    assert (tmp_path / "pyrochlore.ccp4").stat().st_size > 10_000
    assert names["frac"].grad.abs().max() > 0
    assert names["samples"].amplitude.shape == (32, 13, 13, 13)
    assert all(e.r < 0.05 < 0.4 < e.r_known for e in names["estimates"])
    assert names["solution"].verdict == "solved"
