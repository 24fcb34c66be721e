"""What lightning trains: a network, a loss, an optimiser and a stream of samples."""

from __future__ import annotations

import math
from typing import Any, Literal

import lightning
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from argand.learn.batch import Batch
from argand.learn.features import cut_resolution, features
from argand.learn.loading import Stream, stream_loader
from argand.learn.losses import agreements, invariant_loss, published_loss
from argand.learn.recipes import Recipe

__all__ = ["LOSSES", "LossName", "PhaseTask", "learning_rate_factor"]

LossName = Literal["invariant", "published"]
LOSSES: tuple[LossName, ...] = ("invariant", "published")


def learning_rate_factor(step: int, steps: int, warm: float = 0.1) -> float:
    """One cycle: linear from 0.02 to 1 over a share `warm` of the steps, then a cosine to 0.02."""
    done = min(step / max(steps, 1), 1.0)
    shape = (
        done / warm
        if done < warm
        else 0.5 * (1.0 + math.cos(math.pi * (done - warm) / (1.0 - warm)))
    )
    return max(shape, 0.02)


class PhaseTask(lightning.LightningModule):
    """Training of one network.

    `recipe` holds the settings that were chosen; `recipe.steps` counts, whatever the loss. `dataset` and `workers`
    make the stream; a resumed run goes on in it where it stopped, since batch n depends on n alone.
    """

    def __init__(
        self, net: nn.Module, loss: LossName, recipe: Recipe, stream: Stream, workers: int = 0
    ) -> None:
        super().__init__()
        if loss not in LOSSES:
            raise ValueError(f"loss is {loss!r}, needs to be one of {', '.join(LOSSES)}")
        self.net = net
        self.loss, self.recipe, self.stream, self.workers = loss, recipe, stream, workers

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """The loss, and "published": the same prediction in the units of the first experiment, after the best hand
        where the loss does not care about it."""
        mask = batch.mask
        if self.recipe.lowest_cut < 1.0:
            seed = self.stream.dataset.seed
            mask = cut_resolution(mask, batch.stol2, batch.sample, seed, self.recipe.lowest_cut)
        prediction = self(features(batch.amplitude * mask, mask, batch.stol2, self.recipe.inputs))
        if self.loss == "published":
            loss = published_loss(prediction, batch.phase, batch.mask)
            return {"loss": loss, "published": loss.detach()}
        every = batch.mask.to(batch.phase.dtype)
        weight = batch.weight.pow(self.recipe.weight_power) * every
        with torch.no_grad():
            best = agreements(prediction, batch.phase, every).amax(dim=(1, 2))
        published = (every.sum(dim=(1, 2, 3)) - best).mean()
        return {"loss": invariant_loss(prediction, batch.phase, weight), "published": published}

    def configure_optimizers(self) -> dict[str, Any]:  # type: ignore[override]
        optimizer = torch.optim.AdamW(
            self.net.parameters(), lr=self.recipe.lr, betas=(0.9, 0.99), weight_decay=0.0
        )
        steps = self.recipe.steps
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate_factor(step, steps)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def train_dataloader(self) -> DataLoader[Batch]:
        # Called after a checkpoint was restored, so this is where the stream goes on
        self.stream.start = self.global_step
        return stream_loader(self.stream, self.workers)
