"""Scores of a model on samples it has not seen, beside the answers that need no learning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from argand.errors import ArgandError
from argand.learn.artificial_boxes import ArtificialBoxes
from argand.learn.breakdown import score_parts
from argand.learn.metrics import SampleMean, standard_metrics, with_interval
from argand.learn.references import References
from argand.learn.samples import SampleBatch, SampleDataset, batch_features
from argand.learn.splits import UNSEEN, hold_out
from argand.learn.weights import load_weights

__all__ = ["Scores", "batches_of", "evaluate", "reference_scores", "score", "torch_threads"]

#: Name of a score to its mean and median with their 95 % intervals, see `with_interval`
Scores = dict[str, dict[str, float]]


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch work with `count` threads inside the block.

    Networks as small as ours gain little from a second thread, and lose tenfold when another
    process wants its core: threads that wait for each other spin.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def batches_of(
    dataset: SampleDataset,
    samples: int,
    first: int = UNSEEN,
    size: int = 64,
) -> Iterator[SampleBatch]:
    """Simulate batches of consecutive samples; by default samples that no stream is trained on."""
    for start in range(0, samples, size):
        stop = min(start + size, samples)
        yield dataset.simulate(first + np.arange(start, stop, dtype=np.int64))


@torch.no_grad()
def score(
    net: nn.Module,
    inputs: Sequence[str],
    dataset: SampleDataset,
    samples: int = 512,
    metrics: Mapping[str, SampleMean] | None = None,
) -> Scores:
    """Compute metrics of a network on unseen samples of a data set.

    Parameters
    ----------
    net
        A network (b, channels, D, D, D) -> (b, 2, D, D, D).
    inputs
        Its channels, see `argand.learn.features`.
    dataset, samples
        Where the samples come from, and how many.
    metrics
        Metrics by name; None: `standard_metrics`.
    """
    if metrics is None:
        metrics = standard_metrics(dataset.origins())
    orbits = dataset.orbits()
    was_training = net.training
    device = next(net.parameters()).device
    net.eval()
    for metric in metrics.values():
        metric.to(device)
    for host_batch in batches_of(dataset, samples):
        batch = SampleBatch(*(field.to(device) for field in host_batch))
        prediction = net(batch_features(batch, batch.mask, inputs, orbits))
        for metric in metrics.values():
            metric.update(prediction, batch.phase, batch.mask, batch.weight, batch.crystal)
    net.train(was_training)
    return {name: with_interval(metric) for name, metric in metrics.items()}


def reference_scores(dataset: SampleDataset, samples: int = 512) -> Scores:
    """Compute the scores of `REFERENCES`, which need no learning, on unseen samples."""
    references = References(dataset.origins(), dataset.orbits())
    for batch in batches_of(dataset, samples):
        references.update(batch)
    return {name: with_interval(metric) for name, metric in references.metrics.items()}


def evaluate(weights: str | Path, samples: int = 1000, threads: int = 1) -> dict[str, Any]:
    """Score trained weights on unseen samples of their crystals, and of those held out.

    Parameters
    ----------
    weights
        The folder or file that `train` wrote.
    samples
        How many samples of each kind.
    threads
        Threads of torch, see `torch_threads`.

    Returns
    -------
    {"unseen samples": {...}, "unseen crystals": {...}}, each with "crystals" (their names), "model"
    and "references" (`Scores`); "unseen crystals" is missing where nothing was held out. Artificial
    crystals have "parts" too, see `argand.learn.breakdown.score_parts`.

    Raises
    ------
    ArgandError
        The weights cannot be read, or do not say what they were trained on.
    """
    net, settings = load_weights(weights)
    data = settings.data
    if data is None:
        raise ArgandError(
            f"{weights} does not say what it was trained on, needs weights that `train` wrote"
        )
    if data.artificial is not None:
        dataset = data.dataset([])
        with torch_threads(threads):
            scores = score(net, settings.inputs, dataset, samples)
            references = reference_scores(dataset, samples)
            parts = {}
            if isinstance(dataset, ArtificialBoxes):
                net.eval()
                parts = score_parts(net, settings.inputs, dataset, batches_of(dataset, samples))
        result = {
            "crystals": [f"artificial:{data.artificial.spacegroups}"],
            "model": scores,
            "references": references,
            "parts": parts,
        }
        return {"unseen samples": result}
    crystals = data.crystals()
    training_names, held_out_names = hold_out(crystals, data.held_out)
    groups = {"unseen samples": training_names, "unseen crystals": held_out_names}
    results: dict[str, Any] = {}
    for group, names in groups.items():
        if not names:
            continue
        dataset = data.dataset([crystals[name] for name in names])
        with torch_threads(threads):
            scores = score(net, settings.inputs, dataset, samples)
            references = reference_scores(dataset, samples)
        results[group] = {"crystals": list(names), "model": scores, "references": references}
    return results
