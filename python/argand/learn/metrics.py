"""Figures of merit of predicted phases, as torchmetrics: a mean over samples with its 95 % confidence interval.

All are updated with (prediction, phase, mask, weight), shapes as in `argand.learn.losses`; `weight` is |F|.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from argand.learn.losses import agreements, unit_phases

__all__ = ["MapCorrelation", "MeanPhaseError", "PhaseLoss", "SampleMean", "standard_metrics"]

_VOXELS = (-3, -2, -1)


class SampleMean(Metric):
    """Mean over samples of `values`; `interval` is the half width of its normal 95 % confidence interval."""

    full_state_update = False
    total: Tensor
    squares: Tensor
    count: Tensor

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in ("total", "squares", "count"):
            self.add_state(name, torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def values(self, prediction: Tensor, phase: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
        """One number for each sample, (b,)."""
        raise NotImplementedError

    def update(self, prediction: Tensor, phase: Tensor, mask: Tensor, weight: Tensor) -> None:
        values = self.values(prediction, phase, mask, weight).double()
        self.total += values.sum()
        self.squares += values.square().sum()
        self.count += values.numel()

    def compute(self) -> Tensor:
        return self.total / self.count

    def interval(self) -> Tensor:
        """1.96 standard errors; NaN for a single sample."""
        mean = self.total / self.count
        variance = (
            (self.squares / self.count - mean.square()).clamp_min(0.0)
            * self.count
            / (self.count - 1.0)
        )
        return 1.96 * (variance / self.count).sqrt()


class PhaseLoss(SampleMean):
    """sum over measured reflections of 1 - cos(phi - phi_hat): the units of the first experiment.

    With `hands` the better of a prediction and its mirror image counts, with `origins` (see `ramps`) the best origin.
    """

    def __init__(self, hands: bool = False, origins: Tensor | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.hands, self.origins = hands, origins

    def values(self, prediction: Tensor, phase: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
        every = mask.to(phase.dtype)
        return every.sum(_VOXELS) - agreements(
            prediction, phase, every, self.origins, self.hands
        ).amax(dim=(1, 2))


class MeanPhaseError(SampleMean):
    """sum |F| |wrap(phi - phi_hat)| / sum |F| in degrees, after the hand and origin whose map correlates best."""

    def __init__(self, hands: bool = True, origins: Tensor | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.hands, self.origins = hands, origins

    def values(self, prediction: Tensor, phase: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
        best = (
            agreements(prediction, phase, weight, self.origins, self.hands).flatten(1).argmax(dim=1)
        )
        origins = 1 if self.origins is None else self.origins.shape[1]
        hand = 1.0 - 2.0 * (best // origins).to(phase.dtype)
        c, s = unit_phases(prediction)
        difference = phase - hand[:, None, None, None] * torch.atan2(s, c)
        if self.origins is not None:
            ramp = self.origins.to(phase.dtype)[:, best % origins]
            difference = difference - torch.atan2(ramp[1], ramp[0])
        error = torch.atan2(difference.sin(), difference.cos()).abs()
        return torch.rad2deg((error * weight).sum(_VOXELS) / weight.sum(_VOXELS))


class MapCorrelation(SampleMean):
    """Correlation of the maps from |F| with true and with predicted phases, after the best hand and origin.

    sum |F|^2 cos(phi - phi_hat) / sum |F|^2, by Parseval; F(000) left out.
    """

    def __init__(self, hands: bool = True, origins: Tensor | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.hands, self.origins = hands, origins

    def values(self, prediction: Tensor, phase: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
        power = weight.square()
        best = agreements(prediction, phase, power, self.origins, self.hands).amax(dim=(1, 2))
        return best / power.sum(_VOXELS)


def standard_metrics() -> dict[str, SampleMean]:
    """The metrics of every report: the loss as published, the same after the best hand, MPE, map correlation."""
    return {
        "loss": PhaseLoss(),
        "loss_best_hand": PhaseLoss(hands=True),
        "mean_phase_error_deg": MeanPhaseError(),
        "map_correlation": MapCorrelation(),
    }


def with_interval(metric: SampleMean) -> dict[str, float]:
    """{"mean": ..., "interval": ...}; an interval that cannot be known is 0."""
    interval = float(metric.interval())
    return {"mean": float(metric.compute()), "interval": 0.0 if math.isnan(interval) else interval}
