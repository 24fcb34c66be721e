"""How each model is trained by default: what the demo runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from argand.learn.samples import CHANNELS

__all__ = ["LOSSES", "RECIPES", "HyperParameters", "LossName", "ModelName", "Recipe"]

ModelName = Literal["linear", "mlp", "conv", "unet"]
LossName = Literal["invariant", "published"]
LOSSES: tuple[LossName, ...] = ("invariant", "published")

#: Arguments of a model besides its shape and channels, such as {"width": 256}
HyperParameters = Mapping[str, int | float | str]


@dataclass(frozen=True)
class Recipe:
    """Hold the hyper-parameters of a model and of its training.

    Parameters
    ----------
    hyper
        Arguments of the model itself.
    inputs
        Channels that the model is shown, see `argand.learn.features`.
    steps
        Batches of fresh samples with the invariant loss.
    steps_published
        Batches of fresh samples with the published loss, which reaches its floor sooner.
    batch_size
        Samples in a batch.
    lr
        Highest learning rate of AdamW; it warms up over a tenth of the steps and falls by a cosine.
    weight_power
        The invariant loss weighs reflections by |F| to this power.
    lowest_cut
        Inputs end at a random resolution, from this share of the largest stol on; 1: no cut.
    """

    hyper: HyperParameters = field(default_factory=dict)
    inputs: tuple[str, ...] = CHANNELS
    steps: int = 800
    steps_published: int = 300
    batch_size: int = 32
    lr: float = 2e-3
    weight_power: float = 0.5
    lowest_cut: float = 1.0


# Linear layers see every voxel and take the reach of the few training elements for granted unless
# it is varied; convolutions do not need it.
RECIPES: dict[str, Recipe] = {
    "linear": Recipe(
        inputs=("amplitude",),
        steps=500,
        steps_published=200,
        batch_size=64,
        lr=3e-3,
        weight_power=0.0,
        lowest_cut=0.7,
    ),
    "mlp": Recipe(
        hyper={"width": 256},
        inputs=("amplitude",),
        steps=800,
        steps_published=250,
        batch_size=64,
        lr=2e-3,
        lowest_cut=0.7,
    ),
    "conv": Recipe(
        hyper={"width": 16},
        steps=1200,
        steps_published=300,
        batch_size=16,
        lr=1e-2,
    ),
    "unet": Recipe(
        hyper={"width": 8, "depth": 2},
        steps=1000,
        steps_published=300,
        batch_size=16,
        lr=1e-2,
    ),
}
