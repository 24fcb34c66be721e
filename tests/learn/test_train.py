"""Training end to end, small: it learns, it can be interrupted, and what it writes can be used."""

from __future__ import annotations

import json
import os
import signal
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import argand
from argand.errors import ArgandWarning
from argand.learn import PerturbedCrystals, metal
from argand.learn.checkpoint import SafetensorsIO, read_checkpoint
from argand.learn.evaluate import evaluate, score
from argand.learn.predict import predict
from argand.learn.schedule import warmup_cosine
from argand.learn.task import PhaseTask
from argand.learn.train import train

METALS = ["Al", "Cu", "Ag", "Fe", "W", "Pt", "Nb"]
SMALL = {
    "metals": METALS,
    "held_out": ["Ag", "W"],
    "hkl_max": 3,
    "steps": 12,
    "batch_size": 8,
    "score_samples": 16,
    "score_every": 4,
    "progress": False,
}
# Dropout: the state of torch's generator has to be restored too.
UNET = {**SMALL, "hyper": {"width": 4, "depth": 1, "dropout": 0.2, "norm": "batch"}}


def interrupt_in_step(monkeypatch, number):
    """Press Ctrl-C in a step; returns a list that gets the samples of every step."""
    original = PhaseTask.training_step
    samples = []

    def training_step(self, batch, batch_idx):
        samples.append(batch.sample.tolist())
        if len(samples) == number:
            os.kill(os.getpid(), signal.SIGINT)
        return original(self, batch, batch_idx)

    monkeypatch.setattr(PhaseTask, "training_step", training_step)
    return samples


def assert_equal_weights(run, other):
    """Compare the weights of two runs bit for bit."""
    a = load_file(run.weights)
    b = load_file(other.weights)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("number", [3, 5, 8])
def test_interrupted_and_resumed_is_uninterrupted(tmp_path, monkeypatch, number):
    whole = train("unet", "invariant", tmp_path / "whole", **UNET)
    assert whole.steps == 12
    folder = tmp_path / "parts"
    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        first = interrupt_in_step(patch, number)
        with pytest.raises(KeyboardInterrupt, match="of 12; the same command goes on"):
            train("unet", "invariant", folder, **UNET)
    assert signal.getsignal(signal.SIGINT) is handler
    checkpoint = read_checkpoint(folder / "checkpoint.safetensors")
    assert 0 < checkpoint["global_step"] <= number
    with monkeypatch.context() as patch:
        rest = interrupt_in_step(patch, -1)
        parts = train("unet", "invariant", folder, **UNET)
    assert len(rest) < 12
    samples = [sample for batch in first + rest for sample in batch]
    assert samples == list(range(12 * 8))
    assert parts.history == whole.history
    assert_equal_weights(parts, whole)
    # The checkpoint of the last step is what more steps go on from.
    assert sorted(file.name for file in folder.iterdir()) == [
        "checkpoint.safetensors",
        "history.csv",
        "history.json",
        "run.json",
        "weights.json",
        "weights.safetensors",
    ]
    # Finished: the same call gives the same result at once, another one is refused.
    with monkeypatch.context() as patch:
        patch.setattr(PerturbedCrystals, "simulate", None)
        assert train("unet", "invariant", folder, **UNET) == parts
    with pytest.raises(argand.ArgandError, match=r"recipe\.lr: 0\.01 there, 0\.5 here"):
        train("unet", "invariant", folder, **{**UNET, "lr": 0.5})
    with pytest.raises(argand.ArgandError, match=r"recipe\.steps: 12 there, 5 here"):
        train("unet", "invariant", folder, **{**UNET, "steps": 5})


def test_killed_run_goes_on_from_its_last_checkpoint(tmp_path, monkeypatch):
    whole = train("mlp", "published", tmp_path / "whole", **SMALL, checkpoint_every=5)

    class Killed(Exception):
        pass

    original = SafetensorsIO.save_checkpoint

    def save(self, *arguments, **options):
        original(self, *arguments, **options)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(SafetensorsIO, "save_checkpoint", save)
        with pytest.raises(Killed):
            train("mlp", "published", tmp_path / "parts", **SMALL, checkpoint_every=5)
    parts = train("mlp", "published", tmp_path / "parts", **SMALL, checkpoint_every=5)
    assert parts.history == whole.history
    assert_equal_weights(parts, whole)


def test_scores_are_in_a_table_while_the_training_runs(tmp_path, monkeypatch):
    rows_at_each_score = []
    table = tmp_path / "run" / "history.csv"

    def score_and_count(*arguments):
        lines = table.read_text().splitlines() if table.exists() else []
        rows_at_each_score.append(max(len(lines) - 1, 0))
        return score(*arguments)

    monkeypatch.setattr("argand.learn.train.score", score_and_count)
    result = train("linear", out=tmp_path / "run", **SMALL)
    assert rows_at_each_score == [0, 1, 2]
    head, *rows = table.read_text().splitlines()
    assert head == "step,training,training_published,loss,loss_best_hand"
    assert [row.split(",")[0] for row in rows] == ["4", "8", "12"]
    last = [float(cell) for cell in rows[-1].split(",")]
    assert last == pytest.approx(list(result.history[-1].values()), rel=1e-6)


def test_the_progress_bar_shows_all_steps(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    train("linear", out=tmp_path / "run", **{**SMALL, "progress": True})
    assert "12/12" in capsys.readouterr().out


def test_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "checkpoint.safetensors").write_bytes(b"nonsense")
    with pytest.raises(argand.ArgandError, match=r"checkpoint.safetensors is no checkpoint"):
        train("mlp", "invariant", tmp_path, **SMALL)


def test_a_diverged_training_is_not_saved(tmp_path):
    arguments = {**SMALL, "lr": 1e30}
    with pytest.raises(argand.ArgandError, match="diverged"):
        train("mlp", "invariant", tmp_path, **arguments)
    assert not (tmp_path / "weights.json").exists()


def test_checkpoints_hold_any_nesting_without_pickle(tmp_path):
    matrix = torch.arange(6.0).reshape(2, 3)
    tree = {
        "state": {0: {"m": matrix, "again": matrix.T}, 1: (1, 2.5, None)},
        "list": [True, "x", {"t": torch.tensor(3)}],
        "empty": {},
    }
    path = tmp_path / "c.safetensors"
    SafetensorsIO().save_checkpoint(tree, path)
    restored = SafetensorsIO().load_checkpoint(path)
    assert torch.equal(restored["state"][0]["again"], matrix.T)
    assert restored["state"][1] == (1, 2.5, None)
    assert restored["list"][:2] == [True, "x"]
    assert restored["list"][2]["t"].item() == 3
    assert restored["empty"] == {}
    assert [file.name for file in tmp_path.iterdir()] == ["c.safetensors"]
    with pytest.raises(TypeError, match="Path"):
        SafetensorsIO().save_checkpoint({"path": tmp_path}, tmp_path / "d.safetensors")


def test_workers_fixed_set_and_early_stop(tmp_path):
    # A learning rate of 0 gives no better score: two scores after the first, training ends.
    arguments = {**SMALL, "samples": 60, "steps": 40, "lr": 0.0, "patience": 2}
    runs = []
    for workers in (0, 2):
        out = tmp_path / str(workers)
        runs.append(train("linear", "published", out, **arguments, workers=workers))
    assert [run.steps for run in runs] == [12, 12]
    assert runs[0].history == runs[1].history
    description = json.loads((tmp_path / "0" / "weights.json").read_text())
    assert description["data"]["samples"] == 60


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A network that was trained long enough to predict phases."""
    arguments = {
        **SMALL,
        "steps": 250,
        "batch_size": 32,
        "score_every": 50,
        "hyper": {"width": 64},
        "lr": 3e-3,
    }
    return train("mlp", "invariant", tmp_path_factory.mktemp("learned"), **arguments)


def test_invariant_loss_learns_what_the_published_one_cannot(learned, tmp_path):
    evaluation = evaluate(learned.weights, 200)
    assert evaluation["unseen samples"]["crystals"] == ["Al", "Cu", "Fe", "Pt", "Nb"]
    assert evaluation["unseen crystals"]["crystals"] == ["Ag", "W"]
    for group in evaluation.values():
        score = group["model"]
        floor = group["references"]["floor"]["mean"]
        assert score["loss_best_hand"]["mean"] < floor / 10
        assert score["loss"]["mean"] > floor
        assert score["map_correlation"]["mean"] > 0.98
    first, last = learned.history[0], learned.history[-1]
    assert last["step"] == 250
    assert last["loss_best_hand"] < 0.5 * first["loss_best_hand"]


def test_predict_from_a_list_of_reflections(learned):
    crystal = metal("Ag")
    frac = crystal.frac.copy()
    frac[0, 0] = 0.04
    crystal = crystal.replace(frac=frac)
    contents = {"Ag": 4}
    hkl = argand.hkl_cube(3)
    hkl = hkl[argand.radiation.reachable(hkl, crystal.cell, 10.0) & (hkl @ [49, 7, 1] > 0)]
    hkl = hkl[np.abs(argand.structure_factors(crystal, hkl)) > 0.1]
    f = argand.structure_factors(crystal, hkl)
    modulus = np.abs(f)
    phases = predict(learned.weights, hkl, modulus, crystal.cell, contents)
    aligned = argand.align_origin(hkl, f, phases)
    error = argand.phase_error(np.angle(f), aligned.phases, modulus)
    assert np.degrees(error) < 15

    # Reflections outside the box and those not measured have no phase.
    more_hkl = np.vstack([hkl, [[9, 0, 0], [0, 0, 0]]])
    more_modulus = np.concatenate([modulus, [1.0, 188.0]])
    more_modulus[3] = np.nan
    phases = predict(learned.weights, more_hkl, more_modulus, crystal.cell, contents)
    assert np.flatnonzero(np.isnan(phases)).tolist() == [3, len(hkl), len(hkl) + 1]

    with pytest.warns(ArgandWarning, match="electrons"):
        predict(learned.weights, hkl, 1e3 * modulus, crystal.cell, contents)
    with pytest.raises(argand.ArgandError, match="no measured reflection"):
        predict(learned.weights, [[9, 0, 0]], [1.0], crystal.cell, contents)
    with pytest.raises(argand.ArgandError, match="amplitude"):
        predict(learned.weights, hkl, [1.0], crystal.cell, contents)


def test_predict_fills_in_symmetry(learned):
    crystal = metal("Ag")
    cell = crystal.cell
    contents = {"Ag": 4}
    unique = argand.miller_indices(cell, "F m -3 m", d_min=cell[0] / 5.2)
    unique = unique[np.abs(unique).max(axis=1) <= 3]
    modulus_unique = np.abs(argand.structure_factors(crystal, unique))
    strong = modulus_unique > 0.1
    unique, modulus_unique = unique[strong], modulus_unique[strong]
    every = argand.hkl_cube(3)
    every = every[argand.radiation.reachable(every, cell, 10.0) & every.any(axis=1)]
    every = every[argand.stol(every, cell) <= argand.stol(unique, cell).max() + 1e-9]
    modulus_every = np.abs(argand.structure_factors(crystal, every))

    from_every = predict(learned.weights, every, modulus_every, cell, contents)
    from_unique = predict(learned.weights, unique, modulus_unique, cell, contents, "F m -3 m")
    difference = np.abs(every[None] - unique[:, None]).sum(axis=-1)
    np.testing.assert_array_equal(difference.min(axis=1), 0)
    same = difference.argmin(axis=1)
    np.testing.assert_allclose(from_unique, from_every[same], atol=1e-3)


def test_learning_rate_is_one_cycle():
    factors = [warmup_cosine(step, 100) for step in range(101)]
    assert max(factors) == factors[10] == 1.0
    assert factors[0] == factors[100] == 0.02
    assert np.all(np.diff(factors[10:]) <= 0)


def test_unknown_names(tmp_path):
    with pytest.raises(argand.ArgandError, match="model is 'gpt'"):
        train("gpt", "invariant", tmp_path)
    with pytest.raises(argand.ArgandError, match="loss is 'l2'"):
        train("mlp", "l2", tmp_path)
    with pytest.raises(argand.ArgandError, match="held_out"):
        train("mlp", "invariant", tmp_path, held_out=["Xx"])
    assert not list(tmp_path.iterdir())
