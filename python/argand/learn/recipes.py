"""How each model is trained by default: what the demo runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import nn

from argand.learn.models import MODELS
from argand.learn.models.recycling import RECYCLING_INPUTS
from argand.learn.samples import CHANNELS

__all__ = [
    "LOSSES",
    "RECIPES",
    "HyperParameters",
    "LossName",
    "ModelName",
    "Precision",
    "Recipe",
    "register_model",
]

ModelName = Literal["linear", "mlp", "conv", "unet", "recycling"]
LossName = Literal["invariant", "published"]
LOSSES: tuple[LossName, ...] = ("invariant", "published")

#: Arithmetic of a training, in lightning's words: single precision, or matrix products in bfloat16
#: with weights and losses in single precision
Precision = Literal["32-true", "bf16-mixed"]

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
    precision
        Arithmetic of the network: "32-true" or "bf16-mixed".
    averaging
        Weights that are scored and saved are those of all steps, each counted by this factor less
        than the next; 0: those of the last step.
    clip_norm
        Largest norm of the gradient of all weights, to which a larger one is scaled; None: no
        limit.
    """

    hyper: HyperParameters = field(default_factory=dict)
    inputs: tuple[str, ...] = CHANNELS
    steps: int = 800
    steps_published: int = 300
    batch_size: int = 32
    lr: float = 2e-3
    weight_power: float = 0.5
    lowest_cut: float = 1.0
    precision: Precision = "32-true"
    averaging: float = 0.0
    clip_norm: float | None = None


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
    "recycling": Recipe(
        hyper={"width": 4, "hidden": 16, "cycles": 80, "depth": 2, "states": 2, "starts": 3},
        inputs=RECYCLING_INPUTS,
        steps=120,
        steps_published=60,
        batch_size=16,
        lr=5e-3,
        weight_power=1.0,
        averaging=0.95,
        clip_norm=0.1,
    ),
}

_BUILT_IN = tuple(RECIPES)


def register_model(
    name: str,
    network: Callable[..., nn.Module],
    recipe: Recipe | None = None,
) -> None:
    """Make a network of one's own known by name to `train`, `evaluate`, `predict` and the weights.

    A process that reads its weights has to register it first: files hold the name alone, never
    code.

    Parameters
    ----------
    name
        The name, not one of argand's own models.
    network
        Class or function, called with (shape, channels, **hyper). It returns a network from
        (b, channels, *shape) to (b, 2, *shape), proportional to (cos, sin) of the phases. `shape`
        is (H + 1, D, D): the half h >= 0 of the box; Friedel's law gives the other half.
    recipe
        How it is trained by default; None: `Recipe` with its defaults.

    Raises
    ------
    ValueError
        The name is empty or one of argand's own models.
    """
    if not name or name in _BUILT_IN:
        raise ValueError(f"name is {name!r}, needs to be another one than {', '.join(_BUILT_IN)}")
    MODELS[name] = network
    RECIPES[name] = recipe or Recipe()
