"""Train one model, from the command line or from Python: the arguments are the configuration."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.files import locked_folder
from argand.learn.callbacks import Averaging, History, ScoreRecord
from argand.learn.evaluate import score, torch_threads
from argand.learn.fit import fit
from argand.learn.limits import check_accelerator, check_at_least
from argand.learn.loading import Stream
from argand.learn.metrics import PhaseLoss
from argand.learn.plan import plan_training
from argand.learn.recipes import LossName, ModelName, Precision
from argand.learn.run_folder import (
    TrainingHistory,
    TrainResult,
    finish_run,
    finished_run,
    open_run,
)
from argand.learn.settings import Move, TrainingSettings
from argand.learn.splits import random_split, shuffled
from argand.learn.task import PhaseTask
from argand.learn.weights import ModelSettings
from argand.simulate.artificial import Kind

__all__ = ["TrainResult", "train"]


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
    averaging: float | None = None,
    clip_norm: float | None = None,
    seed: int = 0,
    score_samples: int = 256,
    score_every: int | None = None,
    checkpoint_every: int = 200,
    patience: int | None = None,
    workers: int = 0,
    threads: int = 1,
    accelerator: str = "cpu",
    processes: int = 1,
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
    steps, batch_size, lr, weight_power, hyper, precision, averaging, clip_norm
        Settings of the training (default: what the recipe of the model says), see `Recipe`; a
        `clip_norm` of 0 sets no limit.
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
    processes
        Processes of the CPU that train together, each on its part of every batch: the losses are
        those of one process.
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
    check_at_least(1, checkpoint_every=checkpoint_every, threads=threads)
    check_at_least(0, workers=workers)
    check_accelerator(accelerator)
    check_at_least(1, processes=processes)
    settings, training_crystals = plan_training(
        model,
        loss,
        metals=metals,
        held_out=held_out,
        folder=folder,
        data=data,
        kind=kind,
        atoms=atoms,
        d_min=d_min,
        noise=noise,
        spread=spread,
        move=move,
        hkl_max=hkl_max,
        energy_kev=energy_kev,
        samples=samples,
        steps=steps,
        batch_size=batch_size,
        lr=lr,
        weight_power=weight_power,
        hyper=hyper,
        precision=precision,
        averaging=averaging,
        clip_norm=clip_norm,
        seed=seed,
        score_samples=score_samples,
        score_every=score_every,
        patience=patience,
    )
    if processes > 1 and (accelerator != "cpu" or settings.recipe.batch_size % processes):
        raise ArgandError(
            f"processes is {processes}, needs accelerator 'cpu' and a number that divides the "
            f"batch_size of {settings.recipe.batch_size}"
        )
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
            processes=processes,
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
    processes: int,
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
    averaging = Averaging(net, recipe.averaging)

    def scores() -> ScoreRecord:
        """Score the network on unseen samples."""
        best_hand = PhaseLoss(hands=True, origins=dataset.origins())
        metrics = {"loss": PhaseLoss(), "loss_best_hand": best_hand}
        with averaging.applied():
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
            hooks=[averaging, history],
            checkpoint=out / "checkpoint.safetensors",
            checkpoint_every=checkpoint_every,
            clip_norm=recipe.clip_norm,
            accelerator=accelerator,
            processes=processes,
            progress=progress,
        )
    seconds = time.perf_counter() - begun
    records = history.records
    _check_converged(records, out)
    description = dataclasses.replace(description, steps=steps_done, scores=records[-1])
    finished = TrainingHistory(records, steps_done, seconds, target=recipe.steps)
    with averaging.applied():
        return finish_run(out, net, description, finished)


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
