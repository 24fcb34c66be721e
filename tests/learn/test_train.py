"""Training end to end, small: it learns, it can be interrupted, and what it writes can be used."""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import argand
from argand.errors import ArgandWarning
from argand.learn import PerturbedCrystals, metal
from argand.learn.checkpoint import SafetensorsIO, read_checkpoint
from argand.learn.dataset import PerturbedCrystals as Simulator
from argand.learn.evaluate import evaluate
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
# dropout: the state of torch's generator has to come back too
UNET = {**SMALL, "hyper": {"width": 4, "depth": 1, "dropout": 0.2, "norm": "batch"}}


def interrupt_in_step(monkeypatch, number):
    """Ctrl-C in the step of this number; returns the samples of every step."""
    original, seen = PhaseTask.training_step, []

    def training_step(self, batch, batch_idx):
        seen.append(batch.sample.tolist())
        if len(seen) == number:
            os.kill(os.getpid(), signal.SIGINT)
        return original(self, batch, batch_idx)

    monkeypatch.setattr(PhaseTask, "training_step", training_step)
    return seen


@pytest.mark.parametrize("number", [3, 5, 8])
def test_interrupted_and_resumed_is_uninterrupted(tmp_path, monkeypatch, number):
    whole = train("unet", "invariant", tmp_path / "whole", **UNET)
    assert whole.steps == 12
    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        first = interrupt_in_step(patch, number)
        with pytest.raises(KeyboardInterrupt, match="of 12; the same command goes on"):
            train("unet", "invariant", tmp_path / "parts", **UNET)
    assert signal.getsignal(signal.SIGINT) is before
    assert (
        0 < read_checkpoint(tmp_path / "parts" / "checkpoint.safetensors")["global_step"] <= number
    )
    with monkeypatch.context() as patch:
        rest = interrupt_in_step(patch, -1)
        parts = train("unet", "invariant", tmp_path / "parts", **UNET)
    assert len(rest) < 12
    assert [sample for batch in first + rest for sample in batch] == list(range(12 * 8))
    assert parts.history == whole.history
    a, b = (load_file(run.weights) for run in (whole, parts))
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert sorted(p.name for p in (tmp_path / "parts").iterdir()) == [
        "history.json",
        "run.json",
        "weights.json",
        "weights.safetensors",
    ]
    # finished: the same call gives the same result at once, another one is refused
    with monkeypatch.context() as patch:
        patch.setattr(Simulator, "simulate", None)
        assert train("unet", "invariant", tmp_path / "parts", **UNET) == parts
    with pytest.raises(argand.ArgandError, match="recipe"):
        train("unet", "invariant", tmp_path / "parts", **{**UNET, "lr": 0.5})


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
    a, b = (load_file(run.weights) for run in (whole, parts))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "checkpoint.safetensors").write_bytes(b"nonsense")
    with pytest.raises(argand.ArgandError, match=r"checkpoint.safetensors is no checkpoint"):
        train("mlp", "invariant", tmp_path, **SMALL)


def test_checkpoints_hold_any_nesting_without_pickle(tmp_path):
    shared = torch.arange(6.0).reshape(2, 3)
    tree = {
        "state": {0: {"m": shared, "again": shared.T}, 1: (1, 2.5, None)},
        "list": [True, "x", {"t": torch.tensor(3)}],
        "empty": {},
    }
    SafetensorsIO().save_checkpoint(tree, tmp_path / "c.safetensors")
    back = SafetensorsIO().load_checkpoint(tmp_path / "c.safetensors")
    assert torch.equal(back["state"][0]["again"], shared.T)
    assert back["state"][1] == (1, 2.5, None)
    assert back["list"][:2] == [True, "x"]
    assert back["list"][2]["t"].item() == 3
    assert back["empty"] == {}
    assert [p.name for p in tmp_path.iterdir()] == ["c.safetensors"]
    with pytest.raises(TypeError, match="Path"):
        SafetensorsIO().save_checkpoint({"path": tmp_path}, tmp_path / "d.safetensors")


def test_workers_fixed_set_and_early_stop(tmp_path):
    arguments = {**SMALL, "samples": 60, "steps": 40, "lr": 0.0, "patience": 2}
    runs = [train("linear", "published", tmp_path / str(w), **arguments, workers=w) for w in (0, 2)]
    # a learning rate of 0 never gives a better score: two scores after the first, it is over
    assert [run.steps for run in runs] == [12, 12]
    assert runs[0].history == runs[1].history
    assert json.loads((tmp_path / "0" / "weights.json").read_text())["data"]["samples"] == 60


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    out = tmp_path_factory.mktemp("learned")
    arguments = {
        **SMALL,
        "steps": 250,
        "batch_size": 32,
        "score_every": 50,
        "hyper": {"width": 64},
        "lr": 3e-3,
    }
    return train("mlp", "invariant", out, **arguments)


def test_invariant_loss_learns_what_the_published_one_cannot(learned, tmp_path):
    found = evaluate(learned.weights, 200)
    assert found["unseen samples"]["crystals"] == ["Al", "Cu", "Fe", "Pt", "Nb"]
    assert found["unseen crystals"]["crystals"] == ["Ag", "W"]
    for part in found.values():
        score, references = part["model"], part["references"]
        assert score["loss_best_hand"]["mean"] < references["floor"]["mean"] / 10
        assert score["loss"]["mean"] > references["floor"]["mean"]
        assert score["map_correlation"]["mean"] > 0.98
    assert learned.history[-1]["step"] == 250
    assert learned.history[-1]["loss_best_hand"] < 0.5 * learned.history[0]["loss_best_hand"]


def test_predict_from_a_list_of_reflections(learned):
    crystal = metal("Ag")
    frac = crystal.frac.copy()
    frac[0, 0] = 0.04
    crystal = crystal.replace(frac=frac)
    hkl = argand.hkl_cube(3)
    hkl = hkl[argand.reachable(hkl, crystal.cell, 10.0) & (hkl @ [49, 7, 1] > 0)]
    hkl = hkl[np.abs(argand.structure_factors(crystal, hkl)) > 0.1]
    f = argand.structure_factors(crystal, hkl)
    phases = predict(learned.weights, hkl, np.abs(f), crystal.cell, {"Ag": 4})
    aligned = argand.align_origin(hkl, f, phases)
    assert np.degrees(argand.phase_error(np.angle(f), aligned.phases, np.abs(f))) < 15
    # reflections outside the cube and those not measured have no phase
    more = np.vstack([hkl, [[9, 0, 0], [0, 0, 0]]])
    missing = np.abs(f).copy()
    missing[3] = np.nan
    found = predict(
        learned.weights, more, np.concatenate([missing, [1.0, 188.0]]), crystal.cell, {"Ag": 4}
    )
    assert np.flatnonzero(np.isnan(found)).tolist() == [3, len(hkl), len(hkl) + 1]
    with pytest.warns(ArgandWarning, match="electrons"):
        predict(learned.weights, hkl, 1e3 * np.abs(f), crystal.cell, {"Ag": 4})
    with pytest.raises(argand.ArgandError, match="no measured reflection"):
        predict(learned.weights, [[9, 0, 0]], [1.0], crystal.cell, {"Ag": 4})
    with pytest.raises(argand.ArgandError, match="amplitude"):
        predict(learned.weights, hkl, [1.0], crystal.cell, {"Ag": 4})


def test_predict_fills_in_symmetry(learned):
    crystal = metal("Ag")
    every = argand.hkl_cube(3)
    every = every[argand.reachable(every, crystal.cell, 10.0) & every.any(axis=1)]
    few = argand.miller_indices(crystal.cell, "F m -3 m", d_min=crystal.cell[0] / 5.2)
    few = few[np.abs(few).max(axis=1) <= 3]
    amplitudes = [np.abs(argand.structure_factors(crystal, hkl)) for hkl in (every, few)]
    few, amplitudes[1] = few[amplitudes[1] > 0.1], amplitudes[1][amplitudes[1] > 0.1]
    near = np.argmin(np.abs(every[None] - few[:, None]).sum(-1), axis=1)
    inside = argand.stol(every, crystal.cell) <= argand.stol(few, crystal.cell).max() + 1e-9
    whole = predict(learned.weights, every[inside], amplitudes[0][inside], crystal.cell, {"Ag": 4})
    unique = predict(learned.weights, few, amplitudes[1], crystal.cell, {"Ag": 4}, "F m -3 m")
    place = np.cumsum(inside)[near] - 1
    np.testing.assert_allclose(unique, whole[place], atol=1e-3)


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
    assert PerturbedCrystals is Simulator
    assert not list(tmp_path.iterdir())
