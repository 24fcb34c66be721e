"""What happens between two steps of a training: scores, checkpoints, Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback

__all__ = ["History", "Keeper"]

Record = dict[str, float]


class History(Callback):
    """Scores a model every so often and stops when the score no longer falls.

    Parameters
    ----------
    score
        Called without arguments; returns named numbers, of which `watch` decides on stopping and is shown.
    every
        Steps between scores; the last step is scored too.
    patience
        Scores without a new best after which training stops; None: never.
    """

    def __init__(
        self,
        score: Callable[[], Record],
        every: int,
        steps: int,
        watch: str,
        patience: int | None = None,
    ) -> None:
        self.score, self.every, self.steps, self.watch, self.patience = (
            score,
            every,
            steps,
            watch,
            patience,
        )
        self.records: list[Record] = []
        self._losses: list[tuple[float, float]] = []

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        self._losses.append((float(outputs["loss"]), float(outputs["published"])))
        step = trainer.global_step
        if step % self.every and step != self.steps:
            return
        own, published = (sum(losses) / len(losses) for losses in zip(*self._losses, strict=True))
        record = {
            "step": float(step),
            "training": own,
            "training_published": published,
            **self.score(),
        }
        self._losses.clear()
        self.records.append(record)
        pl_module.log(self.watch, record[self.watch], prog_bar=True)
        if self.patience is not None and len(self.records) - 1 - self._best() >= self.patience:
            trainer.should_stop = True

    def _best(self) -> int:
        return min(range(len(self.records)), key=lambda i: self.records[i][self.watch])

    def state_dict(self) -> dict[str, Any]:
        return {"records": self.records, "losses": self._losses}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.records, self._losses = list(state_dict["records"]), list(state_dict["losses"])


class Keeper(Callback):
    """Writes checkpoints, and on Ctrl-C one more after the step at hand; a second Ctrl-C stops at once.

    To be listed after all other callbacks, so that their state is part of what is kept.
    """

    def __init__(self, path: Path, every: int) -> None:
        self.path, self.every = path, every
        self.interrupted = False
        self._generator: torch.Tensor | None = None
        self._previous: Any = None

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = True
        signal.signal(signal.SIGINT, self._previous)

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        if self._generator is not None:
            torch.set_rng_state(self._generator)
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.getsignal(signal.SIGINT)
            signal.signal(signal.SIGINT, self._on_signal)

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        if self.interrupted or trainer.global_step % self.every == 0:
            trainer.save_checkpoint(self.path, weights_only=False)
        if self.interrupted:
            trainer.should_stop = True

    def restore(self) -> None:
        """Give Ctrl-C back to whom it belonged."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def state_dict(self) -> dict[str, Any]:
        return {"generator": torch.get_rng_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._generator = state_dict["generator"]
