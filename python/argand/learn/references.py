"""What a score has to be compared with: answers that need no learning."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from argand.learn.batch import Batch
from argand.learn.metrics import PhaseLoss, SampleMean
from argand.learn.random import Purpose, uniforms

__all__ = ["REFERENCES", "analytic_floor", "committed", "random_phases", "zero_phases"]


def analytic_floor(phase: Tensor, mask: Tensor) -> Tensor:
    """(b,) sum over measured reflections of 1 - |cos phi|: no model can have a lower published loss on unseen data.

    Phases phi and -phi have the same amplitudes and are as likely. Whatever phi_hat is answered, the two losses
    average to 1 - cos phi cos phi_hat, which is least at phi_hat = 0 or pi.
    """
    return ((1.0 - phase.cos().abs()) * mask).sum(dim=(-3, -2, -1))


def committed(phase: Tensor, mask: Tensor) -> Tensor:
    """(b,) sum of sin^2 phi: the published loss of true phases whose hand is decided by a coin."""
    return (phase.sin().square() * mask).sum(dim=(-3, -2, -1))


def zero_phases(phase: Tensor) -> Tensor:
    """The answer that all phases are 0, as a prediction (b, 2, D, D, D)."""
    return torch.stack([torch.ones_like(phase), torch.zeros_like(phase)], dim=1)


def random_phases(phase: Tensor, sample: Tensor, seed: int = 0) -> Tensor:
    """Uniform random phases that obey Friedel's law, as a prediction; a pure function of (seed, sample)."""
    voxels = phase[0].numel()
    drawn = uniforms(seed, sample.cpu().numpy(), voxels // 2, Purpose.RANDOM_PHASES)
    half = 2.0 * math.pi * torch.from_numpy(drawn).to(phase)
    angle = torch.cat([half, torch.zeros_like(half[:, :1]), -half.flip(1)], dim=1).view_as(phase)
    return torch.stack([angle.cos(), angle.sin()], dim=1)


class _Floor(SampleMean):
    def values(self, prediction: Tensor, phase: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
        return analytic_floor(phase, mask)


class _Committed(SampleMean):
    def values(self, prediction: Tensor, phase: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
        return committed(phase, mask)


class _Count(SampleMean):
    def values(self, prediction: Tensor, phase: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
        return mask.sum(dim=(-3, -2, -1))


#: Names of the references in the order they are printed, with what they say
REFERENCES = {
    "reflections": "measured reflections in a sample",
    "floor": "analytic floor of the published loss",
    "committed": "true phases, hand decided by a coin",
    "all_zero": "all phases zero",
    "random": "random phases",
    "random_best_hand": "random phases, after the best hand",
}


class References:
    """Accumulates all `REFERENCES` over batches, in the units of the published loss."""

    def __init__(self) -> None:
        self.metrics: dict[str, SampleMean] = {
            "reflections": _Count(),
            "floor": _Floor(),
            "committed": _Committed(),
            "all_zero": PhaseLoss(),
            "random": PhaseLoss(),
            "random_best_hand": PhaseLoss(hands=True),
        }

    def update(self, batch: Batch) -> None:
        zero, chance = zero_phases(batch.phase), random_phases(batch.phase, batch.sample)
        for name, metric in self.metrics.items():
            metric.update(
                chance if name.startswith("random") else zero, batch.phase, batch.mask, batch.weight
            )
