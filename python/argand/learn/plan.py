"""Settings of a training from the arguments of `argand train`, checked before any work begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import torch

from argand._memory import demand
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.learn.limits import check_at_least, check_not_negative
from argand.learn.recipes import LOSSES, RECIPES, LossName, ModelName, Precision, Recipe
from argand.learn.settings import DataSettings, Move, TrainingSettings
from argand.learn.sources import load_crystals
from argand.learn.splits import HELD_OUT, hold_out
from argand.learn.weights import ModelSettings
from argand.simulate.artificial import ArtificialStream, Kind, atom_range

__all__ = ["BYTES_PER_WEIGHT", "plan_training"]

#: A weight, its gradient and two moments of the optimiser, in float32
BYTES_PER_WEIGHT = 16


def plan_training(
    model: ModelName,
    loss: LossName,
    *,
    metals: list[str] | None = None,
    held_out: list[str] | None = None,
    folder: Path | None = None,
    data: str | None = None,
    kind: Kind = "fragments",
    atoms: list[int] | None = None,
    d_min: float = 1.0,
    noise: float = 0.0,
    spread: float = 0.05,
    move: Move = "first",
    hkl_max: int = 6,
    energy_kev: float = 10.0,
    samples: int | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    weight_power: float | None = None,
    hyper: dict[str, int | float | str] | None = None,
    precision: Precision | None = None,
    averaging: float | None = None,
    clip_norm: float | None = None,
    seed: int = 0,
    score_samples: int = 256,
    score_every: int | None = None,
    patience: int | None = None,
) -> tuple[TrainingSettings, list[Crystal]]:
    """Return the settings of a training, and the crystals whose samples it sees.

    Arguments are those of `argand.learn.train.train`. Artificial crystals are not listed.

    Raises
    ------
    ArgandError
        An argument is wrong, or the model in training exceeds the memory.
    """
    _check_names(model, loss)
    check_at_least(1, steps=steps, batch_size=batch_size, score_samples=score_samples)
    check_at_least(1, score_every=score_every, patience=patience, hkl_max=hkl_max)
    check_not_negative(lr=lr, energy_kev=energy_kev, averaging=averaging, clip_norm=clip_norm)
    recipe = _choose_recipe(model, loss, steps, batch_size, lr, weight_power, hyper, precision)
    recipe = _with_averaging(recipe, averaging, clip_norm)
    training_crystals: list[Crystal] = []
    if data is not None:
        given = {"metals": metals, "held_out": held_out, "folder": folder}
        stream = _artificial_stream(data, given, kind, atoms, d_min, noise)
        data_settings = DataSettings(
            metals=None,
            held_out=(),
            hkl_max=hkl_max,
            energy_kev=None,
            samples=samples,
            seed=seed,
            artificial=stream,
        )
        # Mistakes in the settings are found before the folder is made.
        data_settings.dataset([])
    else:
        crystals = load_crystals(metals, folder)
        if held_out is None:
            held_out = _default_held_out(tuple(crystals))
        training_names, held_out_names = hold_out(crystals, held_out)
        training_crystals = [crystals[name] for name in training_names]
        data_settings = DataSettings(
            metals=None if folder else tuple(crystals),
            held_out=held_out_names,
            folder=str(folder) if folder else None,
            spread=spread,
            move=move,
            hkl_max=hkl_max,
            energy_kev=energy_kev,
            samples=samples,
            seed=seed,
        )
    settings = TrainingSettings(
        model=model,
        loss=loss,
        recipe=recipe,
        data=data_settings,
        score_samples=score_samples,
        score_every=score_every or max(recipe.steps // 20, 1),
        patience=patience,
    )
    _check_model(settings)
    return settings, training_crystals


def _artificial_stream(
    data: str,
    given: Mapping[str, object],
    kind: Kind,
    atoms: list[int] | None,
    d_min: float,
    noise: float,
) -> ArtificialStream:
    """Return the stream that "artificial:GROUPS" names; other sources must not be given with it."""
    source, colon, spacegroups = data.partition(":")
    if source != "artificial" or not colon:
        raise ArgandError(f"data is {data!r}, needs artificial:cod, or artificial: and groups")
    for name, value in given.items():
        if value is not None:
            raise ArgandError(f"{name} is given with data {data!r}, needs to be left out")
    return ArtificialStream(spacegroups, kind, atom_range(atoms), d_min, noise)


def _check_names(model: str, loss: str) -> None:
    """Raise an ArgandError where there is no such model or loss."""
    if model not in RECIPES:
        raise ArgandError(f"model is {model!r}, needs to be one of {', '.join(RECIPES)}")
    if loss not in LOSSES:
        raise ArgandError(f"loss is {loss!r}, needs to be one of {', '.join(LOSSES)}")


def _choose_recipe(
    model: str,
    loss: LossName,
    steps: int | None,
    batch_size: int | None,
    lr: float | None,
    weight_power: float | None,
    hyper: dict[str, int | float | str] | None,
    precision: Precision | None,
) -> Recipe:
    """Return the recipe of a model, with the settings that are not None in place of its own."""
    recipe = RECIPES[model]
    default_steps = recipe.steps if loss == "invariant" else recipe.steps_published
    return dataclasses.replace(
        recipe,
        steps=default_steps if steps is None else steps,
        batch_size=recipe.batch_size if batch_size is None else batch_size,
        lr=recipe.lr if lr is None else lr,
        weight_power=recipe.weight_power if weight_power is None else weight_power,
        hyper={**recipe.hyper, **(hyper or {})},
        precision=recipe.precision if precision is None else precision,
    )


def _with_averaging(recipe: Recipe, averaging: float | None, clip_norm: float | None) -> Recipe:
    """Return a recipe with another average of weights or limit of gradients; None keeps its own."""
    if averaging is not None:
        if averaging >= 1.0:
            raise ArgandError(f"averaging is {averaging}, needs to be from 0 to below 1")
        recipe = dataclasses.replace(recipe, averaging=averaging)
    if clip_norm is not None:
        recipe = dataclasses.replace(recipe, clip_norm=clip_norm or None)
    return recipe


def _check_model(settings: TrainingSettings) -> None:
    """Refuse a model that cannot be built, or whose training exceeds the memory.

    Tensors of torch's meta device take no memory.

    Raises
    ------
    ArgandError
        Names the setting that does not fit, or the size of the model.
    """
    recipe = settings.recipe
    model = ModelSettings(settings.model, settings.data.hkl_max, recipe.inputs, recipe.hyper)
    try:
        with torch.device("meta"):
            net = model.build()
    except ValueError as error:
        raise ArgandError(str(error)) from None
    weights = sum(parameter.numel() for parameter in net.parameters())
    demand("the model in training", BYTES_PER_WEIGHT * weights, "choose a smaller width")


def _default_held_out(names: tuple[str, ...]) -> list[str]:
    """Return the elements that are held out by default, as far as others are left for training."""
    if len(names) <= len(HELD_OUT):
        return []
    return [name for name in HELD_OUT if name in names]
