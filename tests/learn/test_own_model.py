"""A network of the user's own, and the arithmetic of a training."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import argand
from argand.learn import RECIPES, Recipe, register_model, task
from argand.learn.evaluate import evaluate
from argand.learn.models import MODELS
from argand.learn.train import train
from argand.learn.weights import load_weights

SMALL = {
    "metals": ["Al", "Fe"],
    "held_out": [],
    "hkl_max": 2,
    "steps": 4,
    "batch_size": 4,
    "score_samples": 4,
    "progress": False,
}


class TwoLayers(nn.Module):
    """Two convolutions, of a width of the user's choice."""

    def __init__(self, shape: tuple[int, int, int], channels: int, width: int = 3) -> None:
        super().__init__()
        self.shape = shape
        self.layers = nn.Sequential(
            nn.Conv3d(channels, width, 3, padding=1), nn.GELU(), nn.Conv3d(width, 2, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[2:] == self.shape == (3, 5, 5)
        return self.layers(x)


@pytest.fixture
def own_model():
    """Register the network under a name, and forget it afterwards."""
    register_model("two layers", TwoLayers, Recipe(lr=1e-3, inputs=("amplitude",)))
    yield "two layers"
    del MODELS["two layers"], RECIPES["two layers"]


def test_a_network_of_ones_own_is_trained_scored_and_read(own_model, tmp_path):
    result = train(own_model, "invariant", tmp_path, hyper={"width": 5}, **SMALL)
    assert result.steps == 4
    net, settings = load_weights(tmp_path)
    assert settings.model == own_model
    assert settings.inputs == ("amplitude",)
    assert net(torch.rand(2, 1, 5, 5, 5)).shape == (2, 2, 5, 5, 5)
    assert set(evaluate(tmp_path, samples=2)) == {"unseen samples"}
    del MODELS[own_model]
    with pytest.raises(argand.ArgandError, match="register_model"):
        load_weights(tmp_path)
    MODELS[own_model] = TwoLayers


@pytest.mark.parametrize("name", ["unet", "linear", ""])
def test_names_of_argand_are_not_replaced(name):
    with pytest.raises(ValueError, match="name is"):
        register_model(name, TwoLayers)


def test_precision_decides_how_the_network_computes(tmp_path, monkeypatch):
    """The network computes in bfloat16, losses in single precision; weights stay single."""
    types = []
    original = nn.Linear.forward

    def forward(self, x):
        product = original(self, x)
        if self.training:
            types.append(product.dtype)
        return product

    monkeypatch.setattr(nn.Linear, "forward", forward)
    original_loss = task.invariant_loss

    def loss(prediction, *arguments):
        assert prediction.dtype == torch.float32
        return original_loss(prediction, *arguments)

    monkeypatch.setattr(task, "invariant_loss", loss)
    runs = {}
    for precision in ("32-true", "bf16-mixed"):
        types.clear()
        folder = tmp_path / precision
        runs[precision] = train("mlp", "invariant", folder, precision=precision, **SMALL)
        expected = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
        assert set(types) == {expected}
    weights = [load_file(run.weights) for run in runs.values()]
    for name, single in weights[0].items():
        assert single.dtype == weights[1][name].dtype == torch.float32
        torch.testing.assert_close(single, weights[1][name], atol=0.02, rtol=0.02)
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    # The arithmetic is part of the recipe: a folder holds one of them.
    with pytest.raises(argand.ArgandError, match="recipe"):
        train("mlp", "invariant", tmp_path / "32-true", precision="bf16-mixed", **SMALL)
