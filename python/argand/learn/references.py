"""References for the scores of a network: answers that need no learning."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from argand.learn.metrics import PhaseLoss, SampleMean
from argand.learn.models.orbit_average import OrbitAverage
from argand.learn.orbits import Orbits
from argand.learn.origin_choices import OriginChoices
from argand.learn.samples import SampleBatch
from argand.simulate.random import Purpose, uniforms

__all__ = [
    "REFERENCES",
    "analytic_floor",
    "committed",
    "random_phases",
    "random_symmetric_phases",
    "zero_phases",
]

_VOXELS = (-3, -2, -1)


def analytic_floor(phase: Tensor, mask: Tensor) -> Tensor:
    """Compute sum over measured reflections of 1 - |cos phi|, (b,), from (b, D, D, D) tensors.

    No model can have a lower published loss on unseen data: phases phi and -phi have equal
    amplitudes and are as likely. Whatever phi_hat is answered, the two losses average to 1 - cos
    phi cos phi_hat, which is least at phi_hat = 0 or pi.
    """
    loss = 1.0 - phase.cos().abs()
    return (loss * mask).sum(dim=_VOXELS)


def committed(phase: Tensor, mask: Tensor) -> Tensor:
    """Compute sum of sin^2 phi, (b,): the published loss where a coin decides the hand."""
    loss = phase.sin().square()
    return (loss * mask).sum(dim=_VOXELS)


def zero_phases(phase: Tensor) -> Tensor:
    """Predict that all phases (b, D, D, D) are 0: (b, 2, D, D, D)."""
    return torch.stack([torch.ones_like(phase), torch.zeros_like(phase)], dim=1)


def random_phases(phase: Tensor, sample: Tensor, seed: int = 0) -> Tensor:
    """Predict uniform random phases that obey Friedel's law; a pure function of (seed, sample).

    Parameters
    ----------
    phase : (b, D, D, D)
        Gives shape, dtype and device.
    sample : (b,)
        Indices of the samples.
    seed
        Seed of the random numbers.

    Returns
    -------
    (b, 2, D, D, D) cos and sin.
    """
    voxels = phase[0].numel()
    indices = sample.cpu().numpy()
    uniform = uniforms(seed, indices, voxels // 2, Purpose.RANDOM_PHASES)
    half = 2.0 * math.pi * torch.from_numpy(uniform).to(phase)
    centre = torch.zeros_like(half[:, :1])
    mates = -half.flip(1)
    angle = torch.cat([half, centre, mates], dim=1).view_as(phase)
    return torch.stack([angle.cos(), angle.sin()], dim=1)


def random_symmetric_phases(orbits: Orbits | None, batch: SampleBatch, mask: Tensor) -> Tensor:
    """Predict random phases that obey the space groups: signs where these restrict a phase.

    Parameters
    ----------
    orbits
        Which reflections are equivalent, by `batch.crystal`; None: Friedel mates alone.
    batch
        The samples.
    mask : (b, D, D, D)
        Which reflections are measured.

    Returns
    -------
    (b, 2, D, D, D) cos and sin.
    """
    free = random_phases(batch.phase, batch.sample)
    if orbits is None:
        return free
    channels = orbits.channels(batch.crystal).flatten(2)
    orbit, turn, mate, restricted = channels.unbind(dim=1)
    average = OrbitAverage(orbit, turn, mate, restricted, mask.flatten(1).to(turn.dtype))
    cosine, sine = free.flatten(2).unbind(dim=1)
    values = average.spread(average.collapse(torch.complex(cosine, sine)[:, None]))[:, 0]
    return torch.stack([values.real, values.imag], dim=1).view_as(free)


class _FloorMean(SampleMean):
    """Average `analytic_floor`."""

    def values(
        self,
        prediction: Tensor,
        phase: Tensor,
        mask: Tensor,
        weight: Tensor,
        crystal: Tensor | None = None,
    ) -> Tensor:
        """Compute the floor of each sample, (b,)."""
        return analytic_floor(phase, mask)


class _CommittedMean(SampleMean):
    """Average `committed`."""

    def values(
        self,
        prediction: Tensor,
        phase: Tensor,
        mask: Tensor,
        weight: Tensor,
        crystal: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss of each sample (b,) in a hand that a coin chooses."""
        return committed(phase, mask)


class _MeasuredMean(SampleMean):
    """Average the number of measured reflections."""

    def values(
        self,
        prediction: Tensor,
        phase: Tensor,
        mask: Tensor,
        weight: Tensor,
        crystal: Tensor | None = None,
    ) -> Tensor:
        """Count the measured reflections of each sample, (b,)."""
        return mask.sum(dim=_VOXELS)


#: Names of the references in the order they are printed, and what each is
REFERENCES = {
    "reflections": "measured reflections in a sample",
    "floor": "analytic floor of the published loss",
    "committed": "true phases, hand decided by a coin",
    "all_zero": "all phases zero",
    "random": "random phases",
    "random_best_hand": "random phases, after the best hand",
}


class References:
    """Accumulate all `REFERENCES` over batches, in the units of the published loss.

    Parameters
    ----------
    origins
        Origins among which random phases choose with their hand; None: the given one alone.
    orbits
        Equivalents whose random phases agree, by `SampleBatch.crystal`; None: Friedel mates alone.
    """

    def __init__(self, origins: OriginChoices | None = None, orbits: Orbits | None = None) -> None:
        self.orbits = orbits
        self.metrics: dict[str, SampleMean] = {
            "reflections": _MeasuredMean(),
            "floor": _FloorMean(),
            "committed": _CommittedMean(),
            "all_zero": PhaseLoss(),
            "random": PhaseLoss(),
            "random_best_hand": PhaseLoss(hands=True, origins=origins),
        }

    def update(self, batch: SampleBatch) -> None:
        """Add the samples of a batch."""
        zero = zero_phases(batch.phase)
        random = random_symmetric_phases(self.orbits, batch, batch.mask)
        for name, metric in self.metrics.items():
            prediction = random if name.startswith("random") else zero
            metric.update(prediction, batch.phase, batch.mask, batch.weight, batch.crystal)
