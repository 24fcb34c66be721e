"""Train one model, from the command line or from Python: the arguments are the configuration."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from argand._memory import demand
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.files import locked_folder
from argand.learn.callbacks import History, ScoreRecord
from argand.learn.evaluate import score, torch_threads
from argand.learn.fit import fit
from argand.learn.limits import check_accelerator, check_at_least, check_not_negative
from argand.learn.loading import Stream
from argand.learn.metrics import PhaseLoss
from argand.learn.recipes import LOSSES, RECIPES, LossName, ModelName, Precision, Recipe
from argand.learn.run_folder import (
    TrainingHistory,
    TrainResult,
    finish_run,
    finished_run,
    open_run,
)
from argand.learn.settings import DataSettings, Move, TrainingSettings
from argand.learn.sources import load_crystals
from argand.learn.splits import HELD_OUT, hold_out, random_split, shuffled
from argand.learn.task import PhaseTask
from argand.learn.weights import ModelSettings
from argand.simulate.artificial import ArtificialStream, Kind, atom_range

__all__ = ["TrainResult", "train"]

# A weight, its gradient and two moments of the optimiser, in float32.
_BYTES_PER_WEIGHT = 16


def train(
    model: ModelName = "mlp",
    loss: LossName = "invariant",
    out: Path = Path("argand-train"),
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
    seed: int = 0,
    score_samples: int = 256,
    score_every: int | None = None,
    checkpoint_every: int = 200,
    patience: int | None = None,
    workers: int = 0,
    threads: int = 1,
    accelerator: str = "cpu",
    progress: bool = True,
) -> TrainResult:
    """Train a model to give phases from amplitudes, and write its weights.

    Ctrl-C keeps what was reached; the same call goes on from there, to the same end as if nothing
    had happened. A finished training is not done again. The same call with more steps extends it,
    from its last step on, with the learning rate that the new number of steps gives.

    Parameters
    ----------
    model, loss
        What is trained, one of argand's models or a network of `register_model`, and on which
        loss: "invariant" or "published".
    out
        Folder for weights.safetensors, weights.json, history.json and the checkpoint, and for
        history.csv, which has the scores while the training runs.
    metals
        Elements of the table of metals (default: the sixteen of the first experiment).
    held_out
        Elements that are kept for testing (default: Rh, Pb, V as far as they are among the metals).
    folder
        A folder of CIF files instead of metals; `held_out` then names files without their ending.
    data
        "artificial:" and space groups ("artificial:P-1,P21/c", "artificial:cod"): crystals that
        are made for each step, instead of metals or a folder. Losses then allow the origins and
        hands that each space group permits.
    kind, atoms, d_min, noise
        Of artificial crystals: "atoms", "fragments" or "inorganic", the least and largest number
        of independent atoms (default: 8 and 24), the resolution in angstrom, and the error of |F|
        over |F|.
    spread
        Standard deviation of the displacements, in units of the cell edges.
    move
        "first" moves atom 0 along a, "all" every atom along a, b and c.
    hkl_max
        H of the box of Miller indices -H..H.
    energy_kev
        Photon energy, which limits the reach.
    samples
        Size of a fixed set, of which nine tenths are gone through again and again; None: every
        sample is new.
    steps, batch_size, lr, weight_power, hyper, precision
        Settings of the training (default: what the recipe of the model says).
    seed
        Seed of all random numbers.
    score_samples
        Number of unseen samples that are scored.
    score_every
        Steps between two scores (default: a twentieth of the steps).
    checkpoint_every
        Steps between two checkpoints.
    patience
        Scores without a new best after which training stops; None: never.
    workers
        Processes that make samples; 0: the training process itself.
    threads
        Threads of torch; small networks gain little from a second one.
    accelerator
        lightning's: "cpu", "gpu", "auto".
    progress
        Show a progress bar.

    Raises
    ------
    ArgandError
        Unknown names; `out` holds a run with another setting, or another process is at work in it;
        or the training diverged.
    KeyboardInterrupt
        After Ctrl-C, once the checkpoint is written.
    """
    _check_names(model, loss)
    check_at_least(1, steps=steps, batch_size=batch_size, score_samples=score_samples)
    check_at_least(1, score_every=score_every, checkpoint_every=checkpoint_every)
    check_at_least(1, patience=patience, threads=threads, hkl_max=hkl_max)
    check_at_least(0, workers=workers)
    check_not_negative(lr=lr, energy_kev=energy_kev)
    check_accelerator(accelerator)
    recipe = _choose_recipe(model, loss, steps, batch_size, lr, weight_power, hyper, precision)
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
    with locked_folder(out):
        settings = open_run(out, settings, score_every is not None)
        finished = finished_run(out, settings)
        if finished is not None:
            return finished
        return _train(
            out,
            settings,
            training_crystals,
            checkpoint_every=checkpoint_every,
            workers=workers,
            threads=threads,
            accelerator=accelerator,
            progress=progress,
        )


def _train(
    out: Path,
    settings: TrainingSettings,
    crystals: list[Crystal],
    *,
    checkpoint_every: int,
    workers: int,
    threads: int,
    accelerator: str,
    progress: bool,
) -> TrainResult:
    """Train from the checkpoint in a locked folder, or from the start, and write the weights."""
    recipe, data = settings.recipe, settings.data
    dataset = data.dataset(crystals)
    description = ModelSettings(
        settings.model, data.hkl_max, recipe.inputs, recipe.hyper, settings.loss, data
    )
    torch.manual_seed(data.seed)
    net = description.build()

    def scores() -> ScoreRecord:
        """Score the network on unseen samples."""
        best_hand = PhaseLoss(hands=True, origins=dataset.origins())
        metrics = {"loss": PhaseLoss(), "loss_best_hand": best_hand}
        values = score(net, recipe.inputs, dataset, settings.score_samples, metrics)
        return {name: value["mean"] for name, value in values.items()}

    order = _order(data.samples, data.seed)
    stream = Stream(dataset, recipe.batch_size, batches=recipe.steps, order=order)
    watch = "loss" if settings.loss == "published" else "loss_best_hand"
    history = History(
        scores,
        settings.score_every,
        recipe.steps,
        watch,
        settings.patience,
        out / "history.csv",
    )
    begun = time.perf_counter()
    with torch_threads(threads):
        steps_done = fit(
            PhaseTask(net, settings.loss, recipe, stream, workers),
            recipe.steps,
            hooks=[history],
            checkpoint=out / "checkpoint.safetensors",
            checkpoint_every=checkpoint_every,
            accelerator=accelerator,
            progress=progress,
        )
    seconds = time.perf_counter() - begun
    records = history.records
    _check_converged(records, out)
    description = dataclasses.replace(description, steps=steps_done, scores=records[-1])
    finished = TrainingHistory(records, steps_done, seconds, target=recipe.steps)
    return finish_run(out, net, description, finished)


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
    demand("the model in training", _BYTES_PER_WEIGHT * weights, "choose a smaller width")


def _default_held_out(names: tuple[str, ...]) -> list[str]:
    """Return the elements that are held out by default, as far as others are left for training."""
    if len(names) <= len(HELD_OUT):
        return []
    return [name for name in HELD_OUT if name in names]


def _order(
    samples: int | None,
    seed: int,
) -> Callable[[NDArray[np.int64]], NDArray[np.int64]] | None:
    """Return the order of a fixed set of samples in the stream; None where every sample is new."""
    if samples is None:
        return None
    training, _ = random_split(samples, seed=seed)
    return lambda position: shuffled(training, np.asarray(position), seed)


def _check_converged(records: list[ScoreRecord], out: Path) -> None:
    """Refuse to save a network whose loss is not finite."""
    if not all(math.isfinite(value) for value in records[-1].values()):
        raise ArgandError(
            f"{out}: the training diverged, its loss is not finite: choose a smaller lr"
        )
