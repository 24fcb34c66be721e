"""Files that an earlier argand wrote are read, and say what they said."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch

from argand.learn.dataset import PerturbedCrystals
from argand.learn.evaluate import evaluate
from argand.learn.settings import DataSettings
from argand.learn.train import train
from argand.learn.weights import load_weights, save_weights

GOLDEN = Path(__file__).parents[1] / "golden" / "learn"


def test_weights():
    net, settings = load_weights(GOLDEN / "weights")
    assert settings.model == "unet"
    assert settings.hyper == {"width": 2, "depth": 1, "norm": "batch"}
    assert settings.data == DataSettings(("Al", "Fe"), ("Fe",), hkl_max=2, seed=3)
    assert settings.scores == {"loss": 12.5, "loss_best_hand": 7.25}
    x = torch.linspace(-1.0, 1.0, 375).view(1, 3, 5, 5, 5)
    y = net(x)
    # as computed when the file was made
    assert float(y.detach().square().sum()) == pytest.approx(7.125089645, rel=1e-5)


def test_weights_are_written_as_they_were(tmp_path):
    net, settings = load_weights(GOLDEN / "weights")
    written = save_weights(tmp_path / "weights", net, settings)
    arrays = (GOLDEN / "weights.safetensors").read_bytes()
    assert written.read_bytes() == arrays
    expected = json.loads((GOLDEN / "weights.json").read_text())
    # The golden folder is of an earlier argand, which wrote no digest.
    expected["arrays_digest"] = hashlib.sha256(arrays).hexdigest()
    assert json.loads((tmp_path / "weights.json").read_text()) == expected


def test_a_finished_training(tmp_path, monkeypatch):
    """The call that made the folder gives its result at once, and its weights can be scored."""
    folder = tmp_path / "training"
    shutil.copytree(GOLDEN / "training", folder)
    with monkeypatch.context() as patch:
        patch.setattr(PerturbedCrystals, "simulate", None)
        result = train(
            "mlp",
            "invariant",
            folder,
            metals=["Al", "Fe"],
            held_out=["Fe"],
            hkl_max=1,
            steps=2,
            batch_size=4,
            hyper={"width": 3},
            score_samples=4,
            score_every=1,
            progress=False,
        )
    assert result.steps == 2
    assert result.weights == folder / "weights.safetensors"
    assert [record["step"] for record in result.history] == [1.0, 2.0]
    assert set(evaluate(folder, samples=2)) == {"unseen samples", "unseen crystals"}
