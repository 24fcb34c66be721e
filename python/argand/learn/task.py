"""The training of a network of phases: its batches, its inputs and its loss."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from argand.learn.fit import Training
from argand.learn.loading import Stream, stream_loader
from argand.learn.losses import best_agreement, invariant_loss, published_loss
from argand.learn.recipes import LOSSES, LossName, Recipe
from argand.learn.samples import SampleBatch, batch_features, cut_resolution
from argand.learn.schedule import warmup_cosine

__all__ = ["PhaseTask"]


class PhaseTask(Training):
    """Train a network to give phases from the channels of `SampleBatch`.

    A resumed training goes on in the stream where it stopped, since batch n depends on n alone.

    Parameters
    ----------
    net
        A network (b, channels, D, D, D) -> (b, 2, D, D, D).
    loss
        "invariant" or "published".
    recipe
        Settings of the training; `recipe.steps` is the number of steps, whatever the loss.
    stream, workers
        Where batches come from, and how many processes make them (0: this one).
    """

    def __init__(
        self,
        net: nn.Module,
        loss: LossName,
        recipe: Recipe,
        stream: Stream,
        workers: int = 0,
    ) -> None:
        if loss not in LOSSES:
            raise ValueError(f"loss is {loss!r}, needs to be one of {', '.join(LOSSES)}")
        schedule = partial(warmup_cosine, steps=recipe.steps)
        super().__init__(net, recipe.lr, schedule, betas=(0.9, 0.99), arithmetic=recipe.precision)
        self.loss = loss
        self.recipe = recipe
        self.stream = stream
        self.workers = workers
        self.origins = stream.dataset.origins()
        self.orbits = stream.dataset.orbits()

    def forward(self, x: Tensor) -> Tensor:
        """Predict (cos, sin) of the phases (b, 2, D, D, D) from channels (b, channels, D, D, D)."""
        prediction: Tensor = self.net(x)
        # A loss is a difference of large sums: it needs single precision whatever the network has.
        return prediction.float()

    def training_step(self, batch: SampleBatch, batch_idx: int) -> dict[str, Tensor]:
        """Return the loss of a batch, and "published", in the units of the first experiment.

        With the invariant loss, "published" is that of the best hand and origin.
        """
        mask = batch.mask
        lowest_cut = self.recipe.lowest_cut
        if lowest_cut < 1.0:
            seed = self.stream.dataset.seed
            mask = cut_resolution(mask, batch.stol2, batch.sample, seed, lowest_cut)
        channels = batch_features(batch, mask, self.recipe.inputs, self.orbits)
        prediction = self(channels)
        if self.loss == "published":
            loss = published_loss(prediction, batch.phase, batch.mask)
            return {"loss": loss, "published": loss.detach()}
        measured = batch.mask.to(batch.phase.dtype)
        weight = batch.weight.pow(self.recipe.weight_power) * measured
        with torch.no_grad():
            best = best_agreement(
                prediction, batch.phase, measured, self.origins, crystal=batch.crystal
            )
        reflections = measured.sum(dim=(1, 2, 3))
        published = (reflections - best).mean()
        hands = True
        loss = invariant_loss(prediction, batch.phase, weight, self.origins, hands, batch.crystal)
        return {"loss": loss, "published": published}

    def train_dataloader(self) -> DataLoader[SampleBatch]:
        """Return a loader of the stream that begins at the step which training has reached."""
        # Called after a checkpoint was restored, so `global_step` is where the stream goes on.
        self.stream.start = self.global_step
        self.stream.part = (self.trainer.global_rank, self.trainer.world_size)
        return stream_loader(self.stream, self.workers)
