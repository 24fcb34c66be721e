"""The folder of a training: its settings, what it reached, and whether it is finished."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple

from torch import nn

from argand.errors import ArgandError
from argand.files import save_or_rescue
from argand.learn.callbacks import ScoreRecord
from argand.learn.settings import TrainingSettings
from argand.learn.weights import ModelSettings, save_weights
from argand.store import read_json, write_json

__all__ = ["TrainResult", "finish_run", "finished_run", "open_run"]

#: Version of the layout of run.json and history.json
FORMAT = 1

_RUN_KIND = "training run"
_HISTORY_KIND = "training history"


@dataclasses.dataclass(frozen=True)
class TrainingHistory:
    """Hold what history.json says of a finished training: its records, steps and seconds.

    `target` is the number of steps that were asked for, of which a training with patience may do
    fewer; None in folders of an earlier argand.
    """

    records: list[ScoreRecord]
    steps: int
    seconds: float
    target: int | None = None


class TrainResult(NamedTuple):
    """Hold the result of a finished training.

    Each record of `history` has "step"; "training", the mean since the last record of the loss
    trained on; "training_published", the same mean in the units of the published loss (after the
    best hand if invariant); "loss" and "loss_best_hand", on samples never trained on.
    """

    #: weights.safetensors, beside it weights.json
    weights: Path
    history: list[ScoreRecord]
    steps: int
    seconds: float


def open_run(out: Path, settings: TrainingSettings, chosen_score_every: bool) -> TrainingSettings:
    """Write the settings of a new run, or check that a folder holds a run that can go on with them.

    Parameters
    ----------
    out
        Folder of the run, which is locked.
    settings
        What is asked for. More steps than those of the run in the folder extend it.
    chosen_score_every
        Whether the steps between two scores were chosen, rather than following from all steps.

    Returns
    -------
    The settings to train with: an extended run scores as often as before, unless that was chosen.

    Raises
    ------
    ArgandError
        The folder holds a run with another setting, which is named with its two values.
    """
    path = out / "run.json"
    if not path.exists():
        write_json(path, settings, kind=_RUN_KIND, version=FORMAT)
        return settings
    saved = read_json(TrainingSettings, path, kind=_RUN_KIND, version=FORMAT)
    steps, saved_steps = settings.recipe.steps, saved.recipe.steps
    if not chosen_score_every:
        settings = dataclasses.replace(settings, score_every=saved.score_every)
    same_steps = dataclasses.replace(settings.recipe, steps=saved_steps)
    differences = dataclasses.replace(settings, recipe=same_steps).differences(saved)
    if steps < saved_steps:
        differences.append(f"recipe.steps: {saved_steps} there, {steps} here")
    if differences:
        raise ArgandError(
            f"{out}: holds a run with another {'; '.join(differences)}; "
            "choose another folder or remove it"
        )
    if steps > saved_steps:
        if finished_run(out, saved) and not (out / "checkpoint.safetensors").is_file():
            raise ArgandError(
                f"{out}: is finished at {saved_steps} steps and has no checkpoint to go on from; "
                "choose another folder or remove it"
            )
        write_json(path, settings, kind=_RUN_KIND, version=FORMAT)
    return settings


def finished_run(out: Path, settings: TrainingSettings) -> TrainResult | None:
    """Return the result of a run that has reached all its steps; None where it has not."""
    weights, history_path = out / "weights.safetensors", out / "history.json"
    for path in (weights, weights.with_suffix(".json"), history_path):
        if not path.is_file():
            return None
    history = read_json(TrainingHistory, history_path, kind=_HISTORY_KIND, version=FORMAT)
    if history.target not in (None, settings.recipe.steps):
        return None
    return TrainResult(weights, history.records, history.steps, history.seconds)


def finish_run(
    out: Path, net: nn.Module, description: ModelSettings, history: TrainingHistory
) -> TrainResult:
    """Write weights, and after them history.json, by which the run is finished.

    Raises
    ------
    ArgandError
        The folder cannot be written, as on a full disk; the message names another folder, in which
        the weights were kept.
    """

    def save(folder: Path) -> Path:
        """Write all results into a folder."""
        weights = save_weights(folder / "weights", net, description)
        write_json(folder / "history.json", history, kind=_HISTORY_KIND, version=FORMAT)
        return weights

    weights = save_or_rescue(save, out)
    return TrainResult(weights, history.records, history.steps, history.seconds)
