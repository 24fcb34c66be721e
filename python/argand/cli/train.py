"""The verb ``argand train``: train a network to find phases. It needs ``argand[learn]``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from argand.cli._outputs import check_output_folder
from argand.files import size_and_time

if TYPE_CHECKING:
    from argand.learn.recipes import LossName, ModelName

__all__ = ["train"]


def train(
    model: Literal["linear", "mlp", "conv", "unet", "recycling"] = "mlp",
    loss: Literal["invariant", "published"] = "invariant",
    out: Path = Path("argand-train"),
    *,
    metals: list[str] | None = None,
    held_out: list[str] | None = None,
    folder: Path | None = None,
    data: str | None = None,
    kind: Literal["atoms", "fragments", "inorganic"] = "fragments",
    atoms: list[int] | None = None,
    d_min: float = 1.0,
    noise: float = 0.0,
    spread: float = 0.05,
    move: Literal["first", "all"] = "first",
    hkl_max: int = 6,
    energy_kev: float = 10.0,
    samples: int | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    weight_power: float | None = None,
    hyper: dict[str, int | float | str] | None = None,
    precision: Literal["32-true", "bf16-mixed"] | None = None,
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
    dry_run: bool = False,
    progress: bool = True,
) -> None:
    """Train a model to give phases from amplitudes, and write its weights.

    Ctrl-C keeps what was reached; the same command goes on from there, to the same end as without
    the interruption. A finished training is not done again; the same command with more steps
    extends it.

    Parameters
    ----------
    model
        Train this model.
    loss
        Minimise this loss: the published one, or the one that accepts either hand.
    out : FOLDER
        Write weights.safetensors, weights.json, history.json and the checkpoint into this folder,
        and history.csv, which has the scores while the training runs.
    metals : ELEMENT...
        Train on these metals (default: the sixteen of the first experiment).
    held_out : ELEMENT...
        Keep these metals for testing (default: Rh, Pb and V as far as they are among them); with
        --folder give names of files without their ending.
    folder : FOLDER
        Train on the CIF files of this folder, instead of metals.
    data : SOURCE
        Train on artificial crystals of these space groups, made anew for each step, instead of
        metals, such as artificial:P-1,P21/c; artificial:cod draws all 230 groups as often as they
        are found.
    kind
        Fill artificial cells with single atoms, with molecules of flat fragments and chains, or
        with ions.
    atoms : N [N_MAX]
        Give artificial crystals N to N_MAX independent atoms (default: 8 24).
    d_min : A
        Measure artificial crystals to this resolution in angstrom.
    noise : X
        Give |F| of artificial crystals a relative error of this size, such as 0.04.
    spread : X
        Displace atoms by random amounts with this standard deviation, in units of the cell edge.
    move
        Displace the first atom along a, or all atoms along a, b and c.
    hkl_max : N
        Use Miller indices from -N to N.
    energy_kev : KEV
        Use reflections that photons of this energy in keV can reach.
    samples : N
        Train on a fixed set of N samples, of which nine tenths are used again and again (default:
        every sample is new).
    steps : N
        Train for N steps (default: what the recipe of the model says).
    batch_size : N
        Put N samples into each step (default: what the recipe of the model says).
    lr : X
        Use this learning rate (default: what the recipe of the model says).
    weight_power : X
        Weight each reflection by |F| to this power (default: what the recipe of the model says).
    hyper : SETTINGS
        Change settings of the model, written as '{"name": value}' (default: what the recipe of the
        model says).
    precision
        Compute the network in this arithmetic (default: what the recipe of the model says).
    averaging : X
        Score and save weights that are averaged over the steps, each counted by this factor less
        than the next (default: what the recipe of the model says; 0 takes the last step).
    clip_norm : X
        Scale gradients down to this norm (default: what the recipe of the model says; 0 sets no
        limit).
    seed : N
        Seed all random numbers with this integer.
    score_samples : N
        Score on N samples that take no part in the training.
    score_every : N
        Score after every N steps (default: twenty times in all).
    checkpoint_every : N
        Write a checkpoint after every N steps.
    patience : N
        Stop after N scores without a new best (default: never).
    workers : N
        Make samples in N processes; 0 makes them in the training process.
    threads : N
        Let torch use N threads.
    accelerator : DEVICE
        Train on this device of lightning: cpu, gpu or auto.
    processes : N
        Train in N processes of the CPU, each on its part of every batch.
    dry_run
        Print parameters, memory, samples a second and how long the training will take; train
        nothing.
    progress
        Show a progress bar on a terminal, and a line now and then in a log.
    """
    plan: dict[str, Any] = {
        "metals": metals,
        "held_out": held_out,
        "folder": folder,
        "data": data,
        "kind": kind,
        "atoms": atoms,
        "d_min": d_min,
        "noise": noise,
        "spread": spread,
        "move": move,
        "hkl_max": hkl_max,
        "energy_kev": energy_kev,
        "samples": samples,
        "steps": steps,
        "batch_size": batch_size,
        "lr": lr,
        "weight_power": weight_power,
        "hyper": hyper,
        "precision": precision,
        "averaging": averaging,
        "clip_norm": clip_norm,
        "seed": seed,
        "score_samples": score_samples,
        "score_every": score_every,
        "patience": patience,
    }
    if dry_run:
        _print_forecast(model, loss, plan, threads)
        return
    from argand.learn.train import train as train_model

    check_output_folder(out)
    finished_before = size_and_time(out / "history.json")
    result = train_model(
        model,
        loss,
        out,
        **plan,
        checkpoint_every=checkpoint_every,
        workers=workers,
        threads=threads,
        accelerator=accelerator,
        processes=processes,
        progress=progress,
    )
    if size_and_time(out / "history.json") == finished_before:
        print(f"{out}: already finished; more steps extend it")
    last_score = result.history[-1]
    print(
        f"{result.weights}: {result.steps} steps in {result.seconds:.0f} s; on unseen samples "
        f"{last_score['loss']:.4g}, {last_score['loss_best_hand']:.4g} after the best hand"
    )


def _print_forecast(
    model: ModelName, loss: LossName, plan: Mapping[str, Any], threads: int
) -> None:
    """Print the parameters, memory and time of the training that `plan_training` sets up."""
    from argand.learn.forecast import forecast_training
    from argand.learn.plan import plan_training

    settings, crystals = plan_training(model, loss, **plan)
    need = forecast_training(settings, crystals, threads)
    print(
        f"{model}: {need.parameters} parameters, {need.weight_bytes / 2**20:.1f} MiB with "
        f"gradients and moments, {need.batch_bytes / 2**20:.1f} MiB a batch"
    )
    print(
        f"measured: {need.simulated_rate:.0f} samples a second are made, "
        f"{need.training_rate:.0f} made and learned"
    )
    recipe = settings.recipe
    print(
        f"forecast: {recipe.steps} steps of {recipe.batch_size} samples take "
        f"{need.seconds:.0f} s, scores left out"
    )
