"""Run a task under lightning, from its checkpoint if there is one, without lightning's folders and advice."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback, TQDMProgressBar

from argand.learn.callbacks import History, Keeper
from argand.learn.checkpoint import SafetensorsIO
from argand.learn.task import PhaseTask

__all__ = ["fit"]


def fit(
    task: PhaseTask, history: History, keeper: Keeper, out: Path, accelerator: str, progress: bool
) -> int:
    """Train from the checkpoint, if there is one, to the last step; returns how many steps were done in all."""
    bar: list[Callback] = [TQDMProgressBar(refresh_rate=10)] if progress else []
    with _quiet():
        trainer = lightning.Trainer(
            accelerator=accelerator,
            devices=1,
            max_steps=task.recipe.steps,
            max_epochs=-1,
            # lightning's own checkpoints, logs and summaries: we write what is wanted ourselves
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=progress,
            callbacks=[*bar, history, keeper],
            plugins=[SafetensorsIO()],
            default_root_dir=out,
        )
        try:
            trainer.fit(task, ckpt_path=keeper.path if keeper.path.is_file() else None)
        finally:
            keeper.restore()
    return trainer.global_step


@contextmanager
def _quiet() -> Iterator[None]:
    """lightning's advice about loggers, workers and hardware is not for the users of this function."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            warnings.filterwarnings("ignore", message=".*dataloader is not resumable.*")
            # lightning's own use of torch
            warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
            yield
    finally:
        logger.setLevel(level)
