"""Measure how the phases of a network improve with its samples and its width, and forecast more.

Multilayer perceptrons of several widths are trained on new artificial crystals of P-1 with four
atoms at 1.5 A, each on 4,096 samples, twice as many, and so on. The command goes on where it was
ended::

    python studies/learning_scale.py OUT

The missing map correlation is taken as a power law of the number of samples N,

    1 - CC = c N^-a,

with c and a by least squares of the logarithms of all points but the last. The table has the
measured points; a second one has a, what the law says of the last point, which it has not seen,
beside what was measured, and the forecast for `--forecast` samples, which nothing has measured.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from argand.files import write_text
from argand.learn.recipes import ModelName
from argand.learn.train import train
from argand.learn.weights import load_weights
from harder_systems import dataset_of, origins_of, score_net, systems_of

SYSTEM = "P-1 4"
MODEL: ModelName = "mlp"


class Law(NamedTuple):
    """A power law 1 - CC = c N^-a."""

    c: float
    a: float

    def correlation(self, samples: float) -> float:
        """Return the map correlation after a number of samples."""
        return 1.0 - self.c * math.exp(-self.a * math.log(samples))


def fitted_law(samples: Sequence[int], correlation: Sequence[float]) -> Law:
    """Fit the power law by least squares of logarithms."""
    missing = 1.0 - np.asarray(correlation)
    slope, intercept = np.polyfit(np.log(samples), np.log(missing), 1)
    return Law(float(np.exp(intercept)), -float(slope))


def measured(out: Path, width: int, samples: int, scored: int) -> dict[str, float]:
    """Train one width on a number of samples, unless it was done before, and return its scores."""
    folder = out / f"width_{width}" / f"samples_{samples}"
    file = folder / "scores.json"
    if not file.exists():
        arguments = systems_of(None)[SYSTEM]
        settings, dataset, crystals = dataset_of(MODEL, arguments)
        steps = samples // settings.recipe.batch_size
        run = folder / "run"
        hyper = {"width": width}
        train(MODEL, out=run, steps=steps, score_every=steps, hyper=hyper, **arguments)  # type: ignore[arg-type]
        net, weights = load_weights(run)
        origins = origins_of(dataset, crystals, settings.data.hkl_max)
        scores = score_net(net, weights.inputs, dataset, origins, scored)
        scores["weights"] = float(sum(parameter.numel() for parameter in net.parameters()))
        write_text(file, json.dumps(scores))
    scores = json.loads(file.read_text())
    return dict(scores)


def main() -> None:
    """Train, score and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of trainings and scores")
    parser.add_argument("--widths", type=int, nargs="+", default=[64, 256, 1024])
    parser.add_argument(
        "--counts",
        type=int,
        default=5,
        help="numbers of samples, from 4,096 on, each twice the last",
    )
    parser.add_argument("--scored", type=int, default=512, help="new samples that are scored")
    parser.add_argument("--forecast", type=int, default=1_000_000, help="samples")
    options = parser.parse_args()
    torch.set_num_threads(1)
    counts = [4096 * 2**doubling for doubling in range(options.counts)]
    rows = []
    for width in options.widths:
        rows.append([measured(options.out, width, count, options.scored) for count in counts])

    print("| width | weights | " + " | ".join(f"{count:,}" for count in counts) + " |")
    print("|---|---|" + "---|" * len(counts))
    for width, row in zip(options.widths, rows, strict=True):
        cells = [f"{scores['mean']:.3f} ± {scores['interval']:.3f}" for scores in row]
        print(f"| {width} | {row[0]['weights']:,.0f} | " + " | ".join(cells) + " |")
    print()
    print(
        f"| width | a | forecast of {counts[-1]:,} | measured | forecast of {options.forecast:,} |"
    )
    print("|---|---|---|---|---|")
    for width, row in zip(options.widths, rows, strict=True):
        law = fitted_law(counts[:-1], [scores["mean"] for scores in row[:-1]])
        forecasts = [law.correlation(count) for count in (counts[-1], options.forecast)]
        print(
            f"| {width} | {law.a:.3f} | {forecasts[0]:.3f} | {row[-1]['mean']:.3f} ± "
            f"{row[-1]['interval']:.3f} | {forecasts[1]:.3f} |"
        )


if __name__ == "__main__":
    main()
