"""Weights on disk: who may read them, and numbers that cannot be weights."""

from __future__ import annotations

import os

import pytest
import torch

import argand
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
