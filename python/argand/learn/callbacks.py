"""Hooks between two steps of a training: scores, checkpoints, Ctrl-C."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from torch import Tensor, nn

from argand.errors import ArgandError, ArgandWarning
from argand.jobs import ProgressLine
from argand.store import write_text

__all__ = ["Averaging", "Checkpoints", "History", "ScoreRecord", "StepBar", "StepLines"]

#: Named numbers of one scoring: "step", losses in training, and scores on unseen samples
ScoreRecord = dict[str, float]


class Averaging(Callback):
    """Average the weights of a network over the steps of its training.

    average <- factor average + (1 - factor) weights after each step, with the factor (1 + n) /
    (10 + n) in the first steps n as far as that is smaller. Numbers that are not trained, as those
    of a batch normalisation, are taken from the last step.

    Parameters
    ----------
    net
        The network, which goes on to be trained as without an average.
    factor
        From 0 to below 1; 0 is no average.
    """

    def __init__(self, net: nn.Module, factor: float) -> None:
        self.net = net
        self.factor = factor
        self._average: dict[str, Tensor] = {}

    @torch.no_grad()
    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Add the weights after a step to their average."""
        if not self.factor:
            return
        if not self._average:
            self._average = self._weights()
        step = trainer.global_step
        factor = min(self.factor, (1.0 + step) / (10.0 + step))
        for name, parameter in self.net.named_parameters():
            mean = self._average[name].to(parameter.device)
            self._average[name] = mean.lerp(parameter.detach(), 1.0 - factor)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the network its average weights inside the block, to be scored or saved."""
        last = self._weights()
        self._take(self._average)
        try:
            yield
        finally:
            self._take(last)

    def _weights(self) -> dict[str, Tensor]:
        """Return a copy of the weights of the network, by name."""
        return {name: parameter.detach().clone() for name, parameter in self.net.named_parameters()}

    @torch.no_grad()
    def _take(self, weights: dict[str, Tensor]) -> None:
        """Give the network weights by name; it keeps those that are not named."""
        parameters = dict(self.net.named_parameters())
        for name, values in weights.items():
            parameters[name].copy_(values)

    def state_dict(self) -> dict[str, Any]:
        """Return the average, for a checkpoint."""
        return {"average": self._average}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the average from a checkpoint."""
        self._average = dict(state_dict["average"])


class History(Callback):
    """Score a model every so many steps and stop the training when the score no longer falls.

    Parameters
    ----------
    score
        Called without arguments; returns named numbers.
    every
        Steps between scores; the last step is scored too.
    steps
        Steps in all.
    watch
        Name of the score that decides on stopping and that the progress bar shows.
    patience
        Scores without a new best after which training stops; None: never.
    table
        CSV file that holds all records after each score; None: no file.
    """

    def __init__(
        self,
        score: Callable[[], ScoreRecord],
        every: int,
        steps: int,
        watch: str,
        patience: int | None = None,
        table: Path | None = None,
    ) -> None:
        self.score = score
        self.every = every
        self.steps = steps
        self.watch = watch
        self.patience = patience
        self.table = table
        self.records: list[ScoreRecord] = []
        # (loss, published loss) of each step since the last record.
        self._losses: list[tuple[float, float]] = []

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Note the losses of a step, and score the model where its turn has come."""
        losses_of_step = torch.stack([outputs["loss"].detach(), outputs["published"]])
        if trainer.world_size > 1:
            losses_of_step = trainer.strategy.reduce(losses_of_step, reduce_op="mean")
        loss, published_loss = losses_of_step.tolist()
        self._losses.append((loss, published_loss))
        step = trainer.global_step
        if step % self.every and step != self.steps:
            return
        losses, published = zip(*self._losses, strict=True)
        record = {
            "step": float(step),
            "training": sum(losses) / len(losses),
            "training_published": sum(published) / len(published),
            **self.score(),
        }
        self._losses.clear()
        self.records.append(record)
        if self.table is not None and trainer.is_global_zero:
            write_text(self.table, _csv_text(self.records))
        pl_module.log(self.watch, record[self.watch], prog_bar=True)
        scores_since_best = len(self.records) - 1 - self._best()
        if self.patience is not None and scores_since_best >= self.patience:
            trainer.should_stop = True

    def _best(self) -> int:
        """Return the number of the record with the lowest watched score."""
        scores = [record[self.watch] for record in self.records]
        return scores.index(min(scores))

    def state_dict(self) -> dict[str, Any]:
        """Return the records and the losses since the last one, for a checkpoint."""
        return {"records": self.records, "losses": self._losses}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the records and losses from a checkpoint."""
        self.records = list(state_dict["records"])
        self._losses = list(state_dict["losses"])


def _csv_text(records: list[ScoreRecord]) -> str:
    """Write records as comma-separated values, a line for each, below their names."""
    lines = [",".join(records[0])]
    for record in records:
        lines.append(",".join(f"{value:.9g}" for value in record.values()))
    return "\n".join(lines) + "\n"


class StepBar(TQDMProgressBar):
    """Show the step of a training and the number of all its steps."""

    @property
    def total_train_batches(self) -> int:
        """Return the number of all steps; lightning takes an endless stream to have no end."""
        return self.trainer.max_steps


class StepLines(Callback):
    """Print the step of a training now and then, where there is no terminal for a bar."""

    def __init__(self) -> None:
        self._line = ProgressLine()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Show the step."""
        if trainer.is_global_zero:
            self._line.show(f"step {trainer.global_step} of {trainer.max_steps}")


class Checkpoints(Callback):
    """Write checkpoints, one of the last step; on Ctrl-C finish the step, write one more and stop.

    A second Ctrl-C stops at once. To be listed after all other callbacks, so that a checkpoint
    holds their state.

    Parameters
    ----------
    path
        File to write; None: no checkpoints, only the orderly stop on Ctrl-C.
    every
        Steps between checkpoints.
    """

    def __init__(self, path: Path | None, every: int) -> None:
        self.path = path
        self.every = every
        self.interrupted = False
        self._torch_generator: torch.Tensor | None = None
        self._previous_handler: Any = None
        self._has_warned = False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Note the first Ctrl-C, and leave a second one to the handler that had it before."""
        self.interrupted = True
        signal.signal(signal.SIGINT, self._previous_handler)

    def on_train_start(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
    ) -> None:
        """Restore torch's generator from the checkpoint and take over Ctrl-C."""
        if self._torch_generator is not None:
            torch.set_rng_state(self._torch_generator)
        if threading.current_thread() is threading.main_thread():
            self._previous_handler = signal.getsignal(signal.SIGINT)
            signal.signal(signal.SIGINT, self._on_signal)

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Write a checkpoint where one is due or Ctrl-C was pressed, and stop after Ctrl-C."""
        if trainer.world_size > 1:
            # Ctrl-C reaches the processes in different steps, and all have to stop at one.
            strategy = trainer.strategy
            self.interrupted = strategy.reduce_boolean_decision(self.interrupted, all=False)
        is_last = trainer.should_stop or trainer.global_step == trainer.max_steps
        due = self.interrupted or is_last or trainer.global_step % self.every == 0
        if due and self.path is not None:
            self._save(trainer, self.path)
        if self.interrupted:
            trainer.should_stop = True

    def _save(self, trainer: lightning.Trainer, path: Path) -> None:
        """Write a checkpoint; where there is no room for it, warn and train on."""
        try:
            trainer.save_checkpoint(path, weights_only=False)
        except ArgandError as error:
            if not self._has_warned:
                warnings.warn(f"no checkpoint: {error}", ArgandWarning, stacklevel=2)
            self._has_warned = True

    def release_ctrl_c(self) -> None:
        """Give Ctrl-C back to the handler that had it before the training."""
        if self._previous_handler is not None:
            signal.signal(signal.SIGINT, self._previous_handler)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of torch's generator and whether Ctrl-C was pressed."""
        return {"generator": torch.get_rng_state(), "interrupted": self.interrupted}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the state of torch's generator from a checkpoint."""
        self._torch_generator = state_dict["generator"]
