"""Folders of trainings: finished, extended, locked, damaged, on a full disk."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import argand
from argand.cli import main
from argand.errors import ArgandWarning
from argand.files import locked_folder
from argand.learn.checkpoint import SafetensorsIO, read_checkpoint
from argand.learn.train import TrainResult, train
from argand.learn.weights import load_weights
from argand.store import read_arrays, write_arrays

GOLDEN = Path(__file__).parents[1] / "golden" / "learn"

SETTINGS: dict[str, Any] = {
    "metals": ["Al", "Fe"],
    "held_out": ["Fe"],
    "hkl_max": 1,
    "batch_size": 4,
    "hyper": {"width": 3},
    "score_samples": 4,
    "progress": False,
}


def run(out: Path, steps: int, **options: Any) -> TrainResult:
    """Train a network of a few weights."""
    return train("mlp", "invariant", out, steps=steps, **{**SETTINGS, **options})


def arrays_of(out: Path) -> dict[str, list[float]]:
    """Return the weights in a folder."""
    return {name: array.tolist() for name, array in read_arrays(weights_of(out)).items()}


def weights_of(out: Path) -> Path:
    return out / "weights.safetensors"


def test_more_steps_extend_a_finished_training(tmp_path: Path) -> None:
    short = run(tmp_path / "a", 8, score_every=2)
    assert run(tmp_path / "a", 8, score_every=2) == short
    before = arrays_of(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    long = run(tmp_path / "a", 20)
    assert (short.steps, long.steps) == (8, 20)
    assert long.history[: len(short.history)] == short.history
    assert [record["step"] for record in long.history] == [float(n) for n in range(2, 21, 2)]
    assert arrays_of(tmp_path / "a") != before
    again = run(tmp_path / "b", 20)
    assert again.history == long.history
    assert arrays_of(tmp_path / "a") == arrays_of(tmp_path / "b")
    assert load_weights(tmp_path / "a").settings.steps == 20
    assert run(tmp_path / "a", 20).history == long.history


def test_a_finished_training_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    small = "--hkl-max 1 --batch-size 4 --score-samples 4 --metals Al Fe"
    command = ["train", "--out", str(out), *small.split(), "--steps"]
    words = f"{out}: already finished; more steps extend it"
    for steps, is_finished in (("3", False), ("3", True), ("5", False), ("5", True)):
        assert main([*command, steps]) == 0
        assert (words in capsys.readouterr().out) == is_finished
    assert main([*command, "5", "--lr", "0.5"]) == 2
    assert "recipe.lr: 0.002 there, 0.5 here" in capsys.readouterr().err


def test_an_extension_that_is_killed_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights of the shorter training stay until the longer one is finished."""
    run(tmp_path / "a", 8)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    before = arrays_of(tmp_path / "a")
    run(tmp_path / "b", 20, checkpoint_every=5)
    original = SafetensorsIO.save_checkpoint

    def save(self: SafetensorsIO, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        raise KeyError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(SafetensorsIO, "save_checkpoint", save)
        with pytest.raises(KeyError, match="killed"):
            run(tmp_path / "a", 20, checkpoint_every=5)
    assert arrays_of(tmp_path / "a") == before
    run(tmp_path / "a", 20, checkpoint_every=5)
    assert arrays_of(tmp_path / "a") == arrays_of(tmp_path / "b")


def test_a_finished_training_without_checkpoint_is_not_extended(tmp_path: Path) -> None:
    """Folders of an earlier argand have none."""
    shutil.copytree(GOLDEN / "training", tmp_path / "a")
    with pytest.raises(argand.ArgandError, match="is finished at 2 steps and has no checkpoint"):
        run(tmp_path / "a", 9, score_every=1)
    run(tmp_path / "a", 2, score_every=1)


def test_one_training_at_a_time_works_in_a_folder(tmp_path: Path) -> None:
    with locked_folder(tmp_path), pytest.raises(argand.ArgandError, match="another process"):
        run(tmp_path, 2)
    assert list(tmp_path.iterdir()) == []


def test_settings_follow_no_link(tmp_path: Path) -> None:
    """A link called run.json that points to nothing is replaced, and nothing is made behind it."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").symlink_to(tmp_path / "elsewhere")
    run(tmp_path / "out", 2)
    assert not (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "out" / "run.json").is_symlink()


def test_a_full_disk_keeps_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints are warned of once, and the weights are kept in another folder."""
    resource = pytest.importorskip("resource")
    expected = run(tmp_path / "expected", 6)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    folder = tmp_path / "out"
    original = SafetensorsIO.save_checkpoint

    def save(self: SafetensorsIO, *arguments: Any, **options: Any) -> None:
        """Write as little as a full disk takes."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, limits[1]))
        try:
            original(self, *arguments, **options)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    def refuse(path: Path, *arguments: Any) -> Path:
        """Refuse to write weights into the folder of the run."""
        if Path(path).parent == folder:
            raise argand.ArgandError(f"{path}: cannot be written: No space left on device")
        return save_weights(path, *arguments)

    import argand.learn.run_folder as module

    save_weights = module.save_weights
    monkeypatch.setattr(module, "save_weights", refuse)
    monkeypatch.setattr(SafetensorsIO, "save_checkpoint", save)
    warned = pytest.warns(ArgandWarning, match=r"no checkpoint: .*checkpoint\.safetensors: cannot")
    refused = pytest.raises(argand.ArgandError, match="No space left on device; the result is in")
    with refused as error, warned as warnings:
        run(folder, 6, checkpoint_every=2)
    assert len(warnings) == 1
    rescue = Path(str(error.value).rpartition(" is in ")[2])
    assert arrays_of(rescue) == arrays_of(expected.weights.parent)


def test_every_changed_byte_of_a_checkpoint_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    tree = {"state": {0: torch.arange(6.0), "b": (1, None)}, "step": 3}
    SafetensorsIO().save_checkpoint(tree, path)
    data = path.read_bytes()
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << random.Random(place).randrange(8)
        path.write_bytes(changed)
        try:
            content = read_checkpoint(path)
        except argand.ArgandError as error:
            noticed = str(error).startswith(f"{path} is no checkpoint")
        else:
            # A byte that pads the header, or the name of a key that is not read.
            noticed = content["step"] == 3 and content["state"]["b"] == (1, None)
            noticed = noticed and torch.equal(content["state"][0], torch.arange(6.0))
        assert noticed, place


DESCRIPTIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "negative width": lambda c: c["hyper"].update(width=-3),
    "huge width": lambda c: c["hyper"].update(width=10**12),
    "infinite width": lambda c: c["hyper"].update(width=1e308),
    "width of zero": lambda c: c["hyper"].update(width=0),
    "huge box": lambda c: c.update(hkl_max=10**6),
    "negative box": lambda c: c.update(hkl_max=-4),
    "a box beyond integers": lambda c: c.update(hkl_max=10**400),
    "no such model": lambda c: c.update(model="gpt"),
    "no channels": lambda c: c.update(inputs=[]),
    "an argument too many": lambda c: c["hyper"].update(depth=3),
    "a text for a number": lambda c: c["hyper"].update(width="3"),
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_changed_description_of_weights_is_refused(tmp_path: Path, name: str) -> None:
    for file in ("weights.json", "weights.safetensors"):
        shutil.copy(GOLDEN / file, tmp_path)
    load_weights(tmp_path)
    path = tmp_path / "weights.json"
    content = json.loads(path.read_text())
    DESCRIPTIONS[name](content)
    path.write_text(json.dumps(content))
    with pytest.raises(argand.ArgandError, match=re.escape(str(tmp_path / "weights."))) as error:
        load_weights(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e30])
def test_impossible_weights_are_refused(tmp_path: Path, number: float) -> None:
    for file in ("weights.json", "weights.safetensors"):
        shutil.copy(GOLDEN / file, tmp_path)
    arrays = {name: array.copy() for name, array in read_arrays(weights_of(tmp_path)).items()}
    next(array for name, array in arrays.items() if name.endswith("bias"))[0] = number
    write_arrays(weights_of(tmp_path), arrays)
    with pytest.raises(argand.ArgandError, match=r"weights\.safetensors: .* holds"):
        load_weights(tmp_path)
