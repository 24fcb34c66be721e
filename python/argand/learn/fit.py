"""The training loop of every network: loss, AdamW, schedule, hooks, Ctrl-C, checkpoints.

The loop itself is lightning's, without its folders, logs and advice.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from argand.learn.callbacks import Checkpoints, StepBar, StepLines
from argand.learn.checkpoint import SafetensorsIO, read_checkpoint

__all__ = ["Training", "fit"]


class Training(lightning.LightningModule):
    """Train a network by AdamW; a subclass says what its batches are and what the loss of one is.

    Parameters
    ----------
    net
        The network whose parameters are trained.
    rate
        Highest learning rate.
    schedule
        Factor on `rate` at a step, such as `warmup_cosine`.
    betas, weight_decay
        Settings of AdamW.
    arithmetic
        Precision of lightning: "32-true" or "bf16-mixed".
    """

    def __init__(
        self,
        net: nn.Module,
        rate: float,
        schedule: Callable[[int], float],
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.0,
        arithmetic: Literal["32-true", "bf16-mixed"] = "32-true",
    ) -> None:
        super().__init__()
        self.net = net
        self.rate = rate
        self.schedule = schedule
        self.betas = betas
        self.weight_decay = weight_decay
        self.arithmetic = arithmetic

    def training_step(self, batch: Any, batch_idx: int) -> Tensor | dict[str, Tensor]:
        """Return the loss of a batch, or a dictionary that holds it as "loss"."""
        raise NotImplementedError

    def train_dataloader(self) -> Iterable[Any]:
        """Return the batches, from the step on that `self.global_step` names."""
        raise NotImplementedError

    def configure_optimizers(self) -> dict[str, Any]:  # type: ignore[override]
        """Return AdamW and its schedule, as lightning asks for them."""
        optimizer = torch.optim.AdamW(
            self.net.parameters(),
            lr=self.rate,
            betas=self.betas,
            weight_decay=self.weight_decay,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self.schedule)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def fit(
    training: Training,
    steps: int,
    *,
    hooks: Sequence[Callback] = (),
    checkpoint: Path | None = None,
    checkpoint_every: int = 200,
    clip_norm: float | None = None,
    accelerator: str = "cpu",
    processes: int = 1,
    progress: bool = False,
) -> int:
    """Train up to a number of steps, from the checkpoint if there is one; return the steps done.

    Parameters
    ----------
    training
        The network, its batches and their loss.
    steps
        Steps in all; a hook may end the training earlier.
    hooks
        Callbacks of lightning; their state is part of the checkpoint.
    checkpoint, checkpoint_every
        Where the state is written every so many steps and after Ctrl-C; None: nowhere.
    clip_norm
        Largest norm of the gradient of all parameters; None: not limited.
    accelerator
        lightning's: "cpu", "gpu", "auto".
    processes
        Processes that train together on the CPU, each on its part of every batch; more than one
        needs `checkpoint`, from which the network and the hooks get what was reached.
    progress
        Show a progress bar; print a line now and then where there is neither terminal nor notebook.

    Raises
    ------
    ValueError
        There are several processes and no checkpoint.
    KeyboardInterrupt
        After Ctrl-C, once the step at hand is done and the checkpoint is written.
    """
    if processes > 1 and checkpoint is None:
        raise ValueError("checkpoint is None, needs a path where there are several processes")
    has_bar = progress and (sys.stderr.isatty() or "ipykernel" in sys.modules)
    bar: list[Callback] = []
    if has_bar:
        bar = [StepBar(refresh_rate=10)]
    elif progress:
        bar = [StepLines()]
    checkpoints = Checkpoints(checkpoint, checkpoint_every)
    resume = checkpoint if checkpoint is not None and checkpoint.is_file() else None
    with _quiet_lightning():
        trainer = lightning.Trainer(
            accelerator=accelerator,
            devices=processes,
            strategy="auto" if processes == 1 else "ddp_fork",
            precision=training.arithmetic,
            max_steps=steps,
            max_epochs=-1,
            gradient_clip_val=clip_norm,
            # lightning's own checkpoints, logs and summaries: argand writes what is wanted itself.
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=has_bar,
            # Checkpoints come last, so that they hold the state of all other hooks.
            callbacks=[*bar, *hooks, checkpoints],
            plugins=[SafetensorsIO()],
            default_root_dir=None if checkpoint is None else checkpoint.parent,
        )
        try:
            with _left_to_children(processes > 1):
                trainer.fit(training, ckpt_path=resume)
        finally:
            checkpoints.release_ctrl_c()
    done, interrupted = trainer.global_step, checkpoints.interrupted
    if processes > 1 and checkpoint is not None:
        # The other processes have ended, and their hooks with them.
        content = read_checkpoint(checkpoint)
        done = content["global_step"]
        for hook in hooks:
            state = content["callbacks"].get(hook.state_key)
            if state is not None:
                hook.load_state_dict(state)
        interrupted = content["callbacks"][checkpoints.state_key]["interrupted"]
    if interrupted:
        resumable = "" if checkpoint is None else "; the same command goes on from there"
        raise KeyboardInterrupt(f"stopped at step {done} of {steps}{resumable}")
    return done


@contextmanager
def _left_to_children(has_children: bool) -> Iterator[None]:
    """Leave Ctrl-C to the processes that train, which finish their step and write a checkpoint."""
    if not has_children or threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Silence lightning's advice on loggers, workers and hardware: a caller cannot follow it."""
    loggers = [logging.getLogger(f"lightning.{part}") for part in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            warnings.filterwarnings("ignore", message=".*dataloader is not resumable.*")
            # lightning's own use of torch
            warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
