"""Training of a network on pairs of inputs and outputs, by mean squares."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn

from argand.learn.fit import Training, fit
from argand.learn.schedule import warmup_cosine

__all__ = ["fit_regression"]


class RegressionTask(Training):
    """Train a network on inputs x (n, m) and outputs y (n, k), batches drawn with replacement.

    Parameters
    ----------
    net
        A network (b, m) -> (b, k).
    x, y
        Inputs (n, m) and outputs (n, k).
    steps, batch_size
        Number of batches, and samples in each.
    rate, warmup, weight_decay
        Highest learning rate, share of the steps over which it rises, and decay of AdamW.
    seed
        Seed of the batches.
    """

    def __init__(
        self,
        net: nn.Module,
        x: Tensor,
        y: Tensor,
        *,
        steps: int,
        batch_size: int,
        rate: float,
        warmup: float,
        weight_decay: float,
        seed: int,
    ) -> None:
        schedule = partial(
            warmup_cosine,
            steps=steps,
            warmup=warmup,
            cosine_start=0.0,
            lowest=0.0,
        )
        super().__init__(net, rate, schedule, weight_decay=weight_decay)
        self.x = x
        self.y = y
        self.steps = steps
        self.batch_size = batch_size
        self.seed = seed

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Return the mean square error of the samples (b,) of a batch."""
        prediction = self.net(self.x[batch])
        return nn.functional.mse_loss(prediction, self.y[batch])

    def train_dataloader(self) -> Iterator[Tensor]:
        """Draw the samples (b,) of each batch, with replacement."""
        generator = torch.Generator().manual_seed(self.seed)
        shape = (self.batch_size,)
        for _ in range(self.steps):
            yield torch.randint(len(self.x), shape, generator=generator)


def fit_regression(
    net: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    steps: int,
    batch_size: int,
    rate: float,
    warmup: float,
    weight_decay: float,
    clip_norm: float,
    seed: int,
) -> None:
    """Train a network (b, m) -> (b, k) on inputs x (n, m) and outputs y (n, k), in place.

    Parameters
    ----------
    net
        The network.
    x, y
        Inputs (n, m) and outputs (n, k).
    steps, batch_size
        Number of batches, and samples in each, drawn with replacement.
    rate, warmup, weight_decay
        Highest learning rate, share of the steps over which it rises, and decay of AdamW.
    clip_norm
        Largest norm of the gradient of all parameters.
    seed
        Seed of the batches; torch's global generator is left alone.
    """
    task = RegressionTask(
        net,
        x,
        y,
        steps=steps,
        batch_size=batch_size,
        rate=rate,
        warmup=warmup,
        weight_decay=weight_decay,
        seed=seed,
    )
    fit(task, steps, clip_norm=clip_norm)
