"""Scores of a model on samples it has not seen, beside the answers that need no learning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from argand.errors import ArgandError
from argand.learn.batch import Batch
from argand.learn.dataset import PerturbedCrystals
from argand.learn.features import features
from argand.learn.metrics import SampleMean, standard_metrics, with_interval
from argand.learn.perturb import ALL_AXES
from argand.learn.references import References
from argand.learn.sources import load_crystals
from argand.learn.splits import UNSEEN, hold_out
from argand.learn.threads import torch_threads
from argand.learn.weights import load_weights

__all__ = ["Scores", "batches_of", "evaluate", "reference_scores", "score"]

#: Name of a score to its mean and the half width of its 95 % confidence interval
Scores = dict[str, dict[str, float]]


def batches_of(
    dataset: PerturbedCrystals, samples: int, first: int = UNSEEN, size: int = 64
) -> Iterator[Batch]:
    """Batches of consecutive samples; by default such as no stream is trained on."""
    for start in range(0, samples, size):
        yield dataset.simulate(first + np.arange(start, min(start + size, samples), dtype=np.int64))


@torch.no_grad()
def score(
    net: nn.Module,
    inputs: Sequence[str],
    dataset: PerturbedCrystals,
    samples: int = 512,
    metrics: Mapping[str, SampleMean] | None = None,
) -> Scores:
    """`metrics` (default `standard_metrics`) of a network on unseen samples of a data set."""
    chosen = standard_metrics() if metrics is None else metrics
    training, device = net.training, next(net.parameters()).device
    net.eval()
    for metric in chosen.values():
        metric.to(device)
    for made in batches_of(dataset, samples):
        batch = Batch(*(field.to(device) for field in made))
        prediction = net(features(batch.amplitude, batch.mask, batch.stol2, inputs))
        for metric in chosen.values():
            metric.update(prediction, batch.phase, batch.mask, batch.weight)
    net.train(training)
    return {name: with_interval(metric) for name, metric in chosen.items()}


def reference_scores(dataset: PerturbedCrystals, samples: int = 512) -> Scores:
    """The floor, all-zero, random (see `REFERENCES`) on the samples that `score` takes."""
    references = References()
    for batch in batches_of(dataset, samples):
        references.update(batch)
    return {name: with_interval(metric) for name, metric in references.metrics.items()}


def evaluate(weights: str | Path, samples: int = 1000, threads: int = 1) -> dict[str, Any]:
    """Score trained weights on unseen samples of the crystals they were trained on, and of those held out.

    Parameters
    ----------
    weights
        The folder or file that `train` wrote.
    samples
        How many of each kind.
    threads
        Of torch, see `torch_threads`.

    Returns
    -------
    {"unseen samples": {...}, "unseen crystals": {...}}, each with the crystals, `Scores` of the model and of the
    references; the second is missing where nothing was held out.
    """
    model = load_weights(weights)
    if "data" not in model.about:
        raise ArgandError(
            f"{weights} does not say what it was trained on, needs weights that `train` wrote"
        )
    about = model.about["data"]
    crystals = load_crystals(None if about["folder"] else about["metals"], about["folder"])
    kept, held = hold_out(crystals, about["held_out"])
    out: dict[str, Any] = {}
    for name, group in (("unseen samples", kept), ("unseen crystals", held)):
        if group:
            dataset = make_dataset([crystals[key] for key in group], about)
            with torch_threads(threads):
                scores = score(model.net, model.inputs, dataset, samples)
                references = reference_scores(dataset, samples)
            out[name] = {"crystals": list(group), "model": scores, "references": references}
    return out


def make_dataset(crystals: Sequence[Any], about: dict[str, Any]) -> PerturbedCrystals:
    """The data set of a run, from what the JSON beside its weights says of it."""
    moved: dict[str, Any] = (
        {"atoms": None, "directions": ALL_AXES} if about["move"] == "all" else {}
    )
    return PerturbedCrystals(
        crystals,
        about["spread"],
        hkl_max=about["hkl_max"],
        energy_kev=about["energy_kev"],
        seed=about["seed"],
        **moved,
    )
