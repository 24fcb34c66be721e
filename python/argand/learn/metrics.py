"""Figures of merit of predicted phases, as torchmetrics: mean and median with 95 % intervals.

All are updated with (prediction, phase, mask, weight, crystal), shapes as in
`argand.learn.losses`; `weight` is |F|, `crystal` (b,) the number of each sample's crystal, which
origins that differ between crystals need.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from argand.learn.losses import OriginChoices, aligned_phases, best_agreement
from argand.medians import Median, median_interval

__all__ = [
    "MapCorrelation",
    "MeanPhaseError",
    "PhaseLoss",
    "SampleMean",
    "standard_metrics",
    "with_interval",
]

_VOXELS = (-3, -2, -1)


class SampleMean(Metric):
    """Average a number over samples, with its normal 95 % confidence interval, and keep it."""

    full_state_update = False
    total: Tensor
    squares: Tensor
    count: Tensor
    samples: list[Tensor]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in ("total", "squares", "count"):
            self.add_state(name, torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("samples", [], dist_reduce_fx="cat")

    def values(
        self,
        prediction: Tensor,
        phase: Tensor,
        mask: Tensor,
        weight: Tensor,
        crystal: Tensor | None = None,
    ) -> Tensor:
        """Compute the number of each sample, (b,)."""
        raise NotImplementedError

    def update(
        self,
        prediction: Tensor,
        phase: Tensor,
        mask: Tensor,
        weight: Tensor,
        crystal: Tensor | None = None,
    ) -> None:
        """Add the samples of a batch."""
        values = self.values(prediction, phase, mask, weight, crystal).double()
        self.total += values.sum()
        self.squares += values.square().sum()
        self.count += values.numel()
        self.samples.append(values.detach())

    def compute(self) -> Tensor:
        """Return the mean over all samples, a scalar."""
        return self.total / self.count

    def interval(self) -> Tensor:
        """Return 1.96 standard errors of the mean; NaN for a single sample."""
        mean = self.total / self.count
        mean_square = self.squares / self.count
        spread = (mean_square - mean.square()).clamp_min(0.0)
        variance = spread * self.count / (self.count - 1.0)
        standard_error = (variance / self.count).sqrt()
        return 1.96 * standard_error

    def median(self) -> Median:
        """Return the median over all samples, and its 95 % interval by the bootstrap."""
        samples = dim_zero_cat(self.samples)
        return median_interval(samples.detach().cpu().numpy())


class _InvariantMean(SampleMean):
    """Average a number that is computed after the best choice of hand and origin.

    Parameters
    ----------
    hands
        Whether the mirror image of a prediction counts too.
    origins
        `OriginChoices`, or `ramps` of one list for all samples and both hands; None allows the
        given origin alone.
    """

    def __init__(
        self,
        hands: bool = True,
        origins: Tensor | OriginChoices | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.hands = hands
        self.origins = origins


class PhaseLoss(_InvariantMean):
    """Average the sum over measured reflections of 1 - cos(phi - phi_hat).

    These are the units of the first experiment.

    With `hands` the better of a prediction and its mirror image counts, with `origins`
    (`OriginChoices`, or `ramps` of one list) the best origin.
    """

    def __init__(
        self,
        hands: bool = False,
        origins: Tensor | OriginChoices | None = None,
        **options: Any,
    ) -> None:
        super().__init__(hands, origins, **options)

    def values(
        self,
        prediction: Tensor,
        phase: Tensor,
        mask: Tensor,
        weight: Tensor,
        crystal: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss of each sample, (b,)."""
        measured = mask.to(phase.dtype)
        best = best_agreement(prediction, phase, measured, self.origins, self.hands, crystal)
        return measured.sum(_VOXELS) - best


class MeanPhaseError(_InvariantMean):
    """Average sum |F| |wrap(phi - phi_hat)| / sum |F|, in degrees.

    The hand and the origin are those whose map agrees best."""

    def values(
        self,
        prediction: Tensor,
        phase: Tensor,
        mask: Tensor,
        weight: Tensor,
        crystal: Tensor | None = None,
    ) -> Tensor:
        """Compute the weighted mean phase error of each sample, (b,) in degrees."""
        predicted = aligned_phases(prediction, phase, weight, self.origins, self.hands, crystal)
        difference = phase - predicted
        error = torch.atan2(difference.sin(), difference.cos()).abs()
        weighted_sum = (error * weight).sum(_VOXELS)
        return torch.rad2deg(weighted_sum / weight.sum(_VOXELS))


class MapCorrelation(_InvariantMean):
    """Average the correlation of the maps with true and with predicted phases.

    sum |F|^2 cos(phi - phi_hat) / sum |F|^2, by Parseval; F(000) is left out.
    """

    def values(
        self,
        prediction: Tensor,
        phase: Tensor,
        mask: Tensor,
        weight: Tensor,
        crystal: Tensor | None = None,
    ) -> Tensor:
        """Compute the map correlation of each sample, (b,)."""
        power = weight.square()
        best = best_agreement(prediction, phase, power, self.origins, self.hands, crystal)
        return best / power.sum(_VOXELS)


def standard_metrics(origins: OriginChoices | None = None) -> dict[str, SampleMean]:
    """Make the metrics of every report: loss, with the best hand too, phase error, map.

    `origins` are those among which all but the first choose; None allows the given one alone.
    """
    return {
        "loss": PhaseLoss(),
        "loss_best_hand": PhaseLoss(hands=True, origins=origins),
        "mean_phase_error_deg": MeanPhaseError(origins=origins),
        "map_correlation": MapCorrelation(origins=origins),
    }


def with_interval(metric: SampleMean) -> dict[str, float]:
    """Return what a metric has averaged: "mean" and "interval", half the 95 % interval of the mean.

    "median", "low" and "high" are the median over samples and the ends of its 95 % interval. An
    interval that cannot be known is 0.
    """
    mean = float(metric.compute())
    interval = float(metric.interval())
    if math.isnan(interval):
        interval = 0.0
    median, low, high = metric.median()
    return {"mean": mean, "interval": interval, "median": median, "low": low, "high": high}
