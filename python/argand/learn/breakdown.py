"""Map correlations of a network by resolution, space group and number of atoms, beside chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from argand.learn.artificial_boxes import ArtificialBoxes
from argand.learn.metrics import MapCorrelation
from argand.learn.references import random_symmetric_phases
from argand.learn.samples import SampleBatch, batch_features

__all__ = ["RESOLUTIONS", "Parts", "score_parts"]

#: Resolutions, angstrom, at which a network is scored where its data reach them
RESOLUTIONS = (0.9, 1.2, 1.5, 2.0)

#: A part of the samples, such as "P -1", to the scores "model" and "chance": mean, half its 95 %
#: interval, and number of samples
Parts = dict[str, dict[str, dict[str, float]]]

# Fewer samples have no interval worth the name.
_FEWEST = 8


@torch.no_grad()
def score_parts(
    net: nn.Module,
    inputs: Sequence[str],
    dataset: ArtificialBoxes,
    batches: Iterator[SampleBatch],
) -> Parts:
    """Score parts of artificial samples by the correlation of their maps.

    Chance is random phases that obey the space group, with the same choice of origins. Both see,
    and are scored on, the reflections down to a resolution: all of `RESOLUTIONS` that the data
    reach, then for space groups and numbers of independent atoms that of the data.

    Parameters
    ----------
    net, inputs
        A network in the state for answers, and its channels.
    dataset, batches
        The data set, and its samples.
    """
    finest = dataset.data.d_min
    resolutions = [finest, *(d_min for d_min in RESOLUTIONS if d_min > finest)]
    values: dict[str, list[tuple[float, float]]] = {f"{d_min:g} Å": [] for d_min in resolutions}
    for batch in batches:
        labels = _labels(dataset, batch)
        for d_min in resolutions:
            correlations = _correlations(net, inputs, dataset, batch, d_min)
            values[f"{d_min:g} Å"].extend(correlations)
            if d_min > finest:
                continue
            for sample_labels, pair in zip(labels, correlations, strict=True):
                for label in sample_labels:
                    values.setdefault(label, []).append(pair)
    parts: Parts = {}
    for label, pairs in values.items():
        if len(pairs) < _FEWEST:
            continue
        columns = np.array(pairs).T
        parts[label] = {
            "model": _with_interval(columns[0]),
            "chance": _with_interval(columns[1]),
        }
    return parts


def _labels(dataset: ArtificialBoxes, batch: SampleBatch) -> list[tuple[str, str]]:
    """Return the space group and the number of independent atoms of each sample."""
    atoms: dict[int, int] = {}
    for crystals in dataset.data.crystals.draw(batch.sample.numpy()):
        counts = (crystals.share > 0.0).sum(axis=1)
        atoms.update(zip(crystals.sample.tolist(), counts.tolist(), strict=True))
    labels = []
    for sample, group in zip(batch.sample.tolist(), batch.crystal.tolist(), strict=True):
        labels.append((dataset.data.spacegroups[group], f"{atoms[sample]} atoms"))
    return labels


def _correlations(
    net: nn.Module,
    inputs: Sequence[str],
    dataset: ArtificialBoxes,
    batch: SampleBatch,
    d_min: float,
) -> list[tuple[float, float]]:
    """Return the map correlations of the network and of chance for each sample, to a resolution."""
    # stol^2 is a quarter of 1/d^2; reflections on the limit belong to it.
    mask = batch.mask & (batch.stol2 <= (1.0 + 1e-6) * 0.25 / d_min**2)
    weight = batch.weight * mask
    metric = MapCorrelation(origins=dataset.origins())
    answers = (
        net(batch_features(batch, mask, inputs, dataset.orbits())),
        random_symmetric_phases(dataset.orbits(), batch, mask),
    )
    columns = []
    for answer in answers:
        correlation = metric.values(answer.float(), batch.phase, mask, weight, batch.crystal)
        columns.append(correlation.tolist())
    return list(zip(*columns, strict=True))


def _with_interval(values: NDArray[np.float64]) -> dict[str, float]:
    """Return the mean of values (n,), half its 95 % interval, and n."""
    interval = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    return {"mean": values.mean().item(), "interval": interval.item(), "samples": len(values)}
