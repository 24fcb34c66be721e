"""Make the golden files of this folder: untrained weights, and a finished training.

Run from the root of the repository: python tests/golden/learn/make.py
"""

from __future__ import annotations

from pathlib import Path

import torch

from argand.learn.models import build_model
from argand.learn.settings import DataSettings
from argand.learn.train import train
from argand.learn.weights import ModelSettings, save_weights

FOLDER = Path(__file__).parent

HYPER = {"width": 2, "depth": 1, "norm": "batch"}


def write_weights() -> None:
    """Write weights.safetensors and weights.json."""
    torch.manual_seed(1)
    net = build_model("unet", 2, 3, HYPER)
    settings = ModelSettings(
        model="unet",
        hkl_max=2,
        inputs=("amplitude", "mask", "stol2"),
        hyper=HYPER,
        loss="invariant",
        data=DataSettings(metals=("Al", "Fe"), held_out=("Fe",), hkl_max=2, seed=3),
        steps=0,
        scores={"loss": 12.5, "loss_best_hand": 7.25},
    )
    save_weights(FOLDER / "weights", net, settings)


def write_training() -> None:
    """Write the folder training: run.json, history.json and weights."""
    train(
        "mlp",
        "invariant",
        FOLDER / "training",
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


if __name__ == "__main__":
    write_weights()
    write_training()
