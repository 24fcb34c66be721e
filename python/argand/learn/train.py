"""Train one model, from the command line or from Python: the arguments are the configuration."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

from argand.errors import ArgandError
from argand.learn.callbacks import History, Keeper, Record
from argand.learn.evaluate import make_dataset, score
from argand.learn.fit import fit
from argand.learn.loading import Stream
from argand.learn.metrics import PhaseLoss
from argand.learn.models import build_model
from argand.learn.recipes import RECIPES, Recipe
from argand.learn.sources import load_crystals
from argand.learn.splits import HELD_OUT, hold_out, random_split, shuffled
from argand.learn.task import LOSSES, LossName, PhaseTask
from argand.learn.threads import torch_threads
from argand.learn.weights import save_weights, write_json

__all__ = ["ModelName", "TrainResult", "train"]

ModelName = Literal["linear", "mlp", "conv", "unet"]


class TrainResult(NamedTuple):
    """A finished training."""

    weights: Path  # .safetensors, beside it .json
    #: Every so many steps: step; training, the loss trained on, and training_published, the same in the units of the
    #: published loss (after the best hand if invariant), means since the last record; loss and loss_best_hand, on
    #: samples never trained on
    history: list[Record]
    steps: int
    seconds: float


def train(
    model: ModelName = "mlp",
    loss: LossName = "invariant",
    out: Path = Path("argand-train"),
    *,
    metals: list[str] | None = None,
    held_out: list[str] | None = None,
    folder: Path | None = None,
    spread: float = 0.05,
    move: Literal["first", "all"] = "first",
    hkl_max: int = 6,
    energy_kev: float = 10.0,
    samples: int | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    weight_power: float | None = None,
    hyper: dict[str, Any] | None = None,
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

    Ctrl-C keeps what was reached; the same call goes on from there, to the same end as if nothing had happened.

    Parameters
    ----------
    model, loss
        What is trained, and on which loss: "invariant" or "published".
    out
        Folder for weights.safetensors, weights.json, history.json and the checkpoint.
    metals, held_out
        Elements of the table (None: the sixteen of the first experiment), and those that are kept for testing (None:
        Rh, Pb, V as far as they are among them).
    folder
        Instead of metals: a folder of CIF files; `held_out` then names files without their ending.
    spread, move, hkl_max, energy_kev
        Of the data, see `PerturbedCrystals`: "first" moves atom 0 along a, "all" every atom along a, b and c.
    samples
        Size of a fixed set, of which nine tenths are gone through again and again; None: every sample is new.
    steps, batch_size, lr, weight_power, hyper
        None: what the recipe of the model says.
    score_samples, score_every
        Unseen samples, scored every so many steps (None: twenty times in all).
    patience
        Scores without a new best after which training stops; None: never.
    workers, threads
        Processes that make samples (0: the training process itself), and threads of torch, see `torch_threads`.
    accelerator
        lightning's: "cpu", "gpu", "auto".

    Raises
    ------
    ArgandError
        Unknown names; or `out` holds a run with other settings.
    KeyboardInterrupt
        After Ctrl-C, once the checkpoint is written.
    """
    recipe = _choose(model, loss, steps, batch_size, lr, weight_power, hyper)
    crystals = load_crystals(metals, folder)
    default = [name for name in HELD_OUT if name in crystals and len(crystals) > len(HELD_OUT)]
    kept, held = hold_out(crystals, default if held_out is None else held_out)
    data = {
        "metals": None if folder else list(crystals),
        "held_out": list(held),
        "folder": str(folder) if folder else None,
        "spread": spread,
        "move": move,
        "hkl_max": hkl_max,
        "energy_kev": energy_kev,
        "samples": samples,
        "seed": seed,
    }
    every = score_every or max(recipe.steps // 20, 1)
    run = {
        "model": model,
        "loss": loss,
        "recipe": {**dataclasses.asdict(recipe), "inputs": list(recipe.inputs)},
        "data": data,
        "score_samples": score_samples,
        "score_every": every,
        "patience": patience,
    }
    done = _open(out, run)
    if done is not None:
        return done
    dataset = make_dataset([crystals[name] for name in kept], data)
    torch.manual_seed(seed)
    net = build_model(model, hkl_max, len(recipe.inputs), dict(recipe.hyper))
    stream = Stream(dataset, recipe.batch_size, batches=recipe.steps, order=_order(samples, seed))
    task = PhaseTask(net, loss, recipe, stream, workers)

    def scores() -> Record:
        metrics = {"loss": PhaseLoss(), "loss_best_hand": PhaseLoss(hands=True)}
        found = score(net, recipe.inputs, dataset, score_samples, metrics)
        return {name: value["mean"] for name, value in found.items()}

    watch = "loss" if loss == "published" else "loss_best_hand"
    history = History(scores, every, recipe.steps, watch, patience)
    keeper = Keeper(out / "checkpoint.safetensors", checkpoint_every)
    begun = time.perf_counter()
    with torch_threads(threads):
        reached = fit(task, history, keeper, out, accelerator, progress)
    seconds = time.perf_counter() - begun
    if keeper.interrupted:
        raise KeyboardInterrupt(
            f"stopped at step {reached} of {recipe.steps}; the same command goes on from there"
        )
    write_json(
        out / "history.json", {"records": history.records, "steps": reached, "seconds": seconds}
    )
    weights = save_weights(
        out / "weights",
        net,
        model=model,
        hkl_max=hkl_max,
        inputs=recipe.inputs,
        hyper=dict(recipe.hyper),
        loss=loss,
        data=data,
        steps=reached,
        scores=history.records[-1],
    )
    keeper.path.unlink(missing_ok=True)
    return TrainResult(weights, history.records, reached, seconds)


def _choose(model: str, loss: str, steps: int | None, *chosen: Any) -> Recipe:
    """The recipe of a model with what was asked for otherwise."""
    if model not in RECIPES:
        raise ArgandError(f"model is {model!r}, needs to be one of {', '.join(RECIPES)}")
    if loss not in LOSSES:
        raise ArgandError(f"loss is {loss!r}, needs to be one of {', '.join(LOSSES)}")
    recipe = RECIPES[model]
    names = ("batch_size", "lr", "weight_power", "hyper")
    asked = {name: value for name, value in zip(names, chosen, strict=True) if value is not None}
    if "hyper" in asked:
        asked["hyper"] = {**recipe.hyper, **asked["hyper"]}
    default = recipe.steps if loss == "invariant" else recipe.steps_published
    return dataclasses.replace(recipe, steps=default if steps is None else steps, **asked)


def _order(samples: int | None, seed: int) -> Any:
    if samples is None:
        return None
    training, _ = random_split(samples, seed=seed)
    return lambda position: shuffled(training, np.asarray(position), seed)


def _open(out: Path, run: dict[str, Any]) -> TrainResult | None:
    """Make the folder of a run, or check that it holds this run; its result if it is finished."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "run.json"
    wanted = json.loads(json.dumps(run))
    if not file.is_file():
        write_json(file, wanted)
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    other = [key for key in wanted if found.get(key) != wanted[key]]
    if other:
        raise ArgandError(
            f"{out} holds a run with another {', '.join(other)}; choose another folder or remove it"
        )
    if not (out / "weights.json").is_file():
        return None
    history = json.loads((out / "history.json").read_text(encoding="utf-8"))
    return TrainResult(
        out / "weights.safetensors", history["records"], history["steps"], history["seconds"]
    )
