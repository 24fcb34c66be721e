"""Weights on disk: who may read them, and numbers that cannot be weights."""

from __future__ import annotations

import os

import pytest
import torch

import argand
from argand.errors import MemoryLimitError
from argand.learn.train import train
from argand.learn.weights import ModelSettings, load_weights, save_weights

SETTINGS = ModelSettings("linear", 1, ("amplitude",))


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_both_files_have_the_mode_of_any_new_file(tmp_path):
    save_weights(tmp_path / "weights", SETTINGS.build(), SETTINGS)
    neighbour = tmp_path / "neighbour"
    neighbour.touch()
    for name in ("weights.safetensors", "weights.json"):
        assert (tmp_path / name).stat().st_mode == neighbour.stat().st_mode


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path, value):
    net = SETTINGS.build()
    with torch.no_grad():
        next(net.parameters())[0] = value
    save_weights(tmp_path / "weights", net, SETTINGS)
    with pytest.raises(argand.ArgandError, match=r"weights\.safetensors: .* not finite"):
        load_weights(tmp_path)


def test_weights_of_another_training_are_refused(tmp_path):
    """The digest in the JSON file notices weights that fit the model and are not its own."""
    save_weights(tmp_path / "weights", SETTINGS.build(), SETTINGS)
    save_weights(tmp_path / "other", SETTINGS.build(), SETTINGS)
    assert load_weights(tmp_path).settings.model == "linear"
    (tmp_path / "other.safetensors").replace(tmp_path / "weights.safetensors")
    with pytest.raises(argand.ArgandError, match="damaged, or of another training than weights"):
        load_weights(tmp_path)


@pytest.mark.parametrize(
    ("model", "hyper", "message"),
    [
        ("mlp", {"width": 0}, "width is 0, needs a whole number from 1"),
        ("unet", {"width": -3}, "width is -3, needs"),
        ("unet", {"depth": 2.5}, "depth is 2.5, needs"),
        ("unet", {"depth": 10**30}, "depth is 1000000000000000000000000000000, needs"),
        ("unet", {"convolutions": 10**6}, "convolutions is 1000000, needs .* 1 to 100"),
        ("conv", {"kernel": True}, "kernel is True, needs"),
        ("mlp", {"width": "a"}, "width is 'a', needs"),
        ("mlp", {"dropout": 1.5}, "dropout is 1.5, needs"),
        ("mlp", {"wide": 3}, "hyper does not fit the model 'mlp'"),
    ],
)
def test_arguments_that_no_model_has(model, hyper, message, tmp_path):
    """They are refused before the folder of the run holds anything."""
    out = tmp_path / "run"
    with pytest.raises(argand.ArgandError, match=message):
        train(model, out=out, metals=["Al"], hyper=hyper, steps=1, hkl_max=2)
    assert not out.exists()


def test_a_model_beyond_the_memory_says_its_size(tmp_path):
    with pytest.raises(MemoryLimitError, match="the model in training"):
        train("mlp", out=tmp_path / "run", metals=["Al"], hyper={"width": 10**7}, hkl_max=2)
