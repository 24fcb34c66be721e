"""Train five models on harder systems for equal times, beside answers without learning.

The systems are the 16 metals with all atoms displaced, the structures of a folder of CIF files with
all atoms displaced, and artificial crystals of P-1 and P2_1/c with 4, 8 and 12 atoms at 1.5 A. The
command goes on where it was ended; a model that has its scores is not trained again::

    python studies/harder_systems.py OUT --minutes 20 --cifs FOLDER

It prints one table: the mean map correlation of new samples with its 95 % interval, after the best
permissible origin and hand. "density cycles" is the recycling network before any training, and
"charge flipping" that of ``argand.solve`` in the same time. Minutes are those of the processor.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import torch
from torch import nn

from argand.crystal import Crystal
from argand.files import write_text
from argand.learn.evaluate import batches_of, score
from argand.learn.forecast import forecast_training
from argand.learn.losses import OriginChoices
from argand.learn.metrics import MapCorrelation, SampleMean, with_interval
from argand.learn.plan import plan_training
from argand.learn.recipes import ModelName
from argand.learn.references import random_symmetric_phases
from argand.learn.samples import SampleDataset, batch_features
from argand.learn.settings import TrainingSettings
from argand.learn.train import train
from argand.learn.weights import ModelSettings, load_weights
from classical_phases import charge_flipping

MODELS: tuple[ModelName, ...] = ("linear", "mlp", "conv", "unet", "recycling")

# Answers without learning, in the order of the table.
REFERENCES = ("chance", "charge flipping", "density cycles")

# Samples over which the time of an answer is measured.
_TIMED_SAMPLES = 16

# Resolution of artificial crystals, angstrom.
D_MIN = 1.5


def systems_of(folder: Path | None) -> dict[str, dict[str, object]]:
    """Return the arguments of a training that name the crystals of each system."""
    systems: dict[str, dict[str, object]] = {"metals": {"move": "all", "held_out": []}}
    if folder is not None:
        systems["structures"] = {"folder": folder, "move": "all", "spread": 0.02, "held_out": []}
    for group in ("P-1", "P21/c"):
        for atoms in (4, 8, 12):
            systems[f"{group.replace('/', '')} {atoms}"] = {
                "data": f"artificial:{group}",
                "kind": "atoms",
                "atoms": [atoms],
                "d_min": D_MIN,
            }
    return systems


def dataset_of(
    model: ModelName, arguments: dict[str, object]
) -> tuple[TrainingSettings, SampleDataset, list[Crystal]]:
    """Return the settings of a model on a system, the data set, and its crystals."""
    settings, crystals = plan_training(model, "invariant", **arguments)  # type: ignore[arg-type]
    return settings, settings.data.dataset(crystals), crystals


def origins_of(dataset: SampleDataset, crystals: list[Crystal], hkl_max: int) -> OriginChoices:
    """Return the origins that any answer may choose: around known crystals those of P 1."""
    return dataset.origins() or OriginChoices(["P 1"] * len(crystals), hkl_max)


def score_reference(name: str, arguments: dict[str, object], samples: int) -> dict[str, float]:
    """Return the map correlation of answers without training, with their seconds a sample."""
    settings, dataset, crystals = dataset_of("recycling", arguments)
    recipe = settings.recipe
    torch.manual_seed(0)
    model = ModelSettings("recycling", settings.data.hkl_max, recipe.inputs, recipe.hyper)
    net = model.build()
    origins = origins_of(dataset, crystals, settings.data.hkl_max)
    if name == "density cycles":
        return score_net(net, recipe.inputs, dataset, origins, samples)
    seconds = 0.0
    if name == "charge flipping":
        first = next(batches_of(dataset, _TIMED_SAMPLES))
        begun = time.process_time()
        with torch.no_grad():
            net.eval()(batch_features(first, first.mask, recipe.inputs, dataset.orbits()))
        seconds = (time.process_time() - begun) / _TIMED_SAMPLES
    metric = MapCorrelation(origins=origins)
    for batch in batches_of(dataset, samples):
        if name == "chance":
            answer = random_symmetric_phases(dataset.orbits(), batch, batch.mask)
        else:
            answer = charge_flipping(dataset, crystals, batch, seconds)
        metric.update(answer, batch.phase, batch.mask, batch.weight, batch.crystal)
    return with_interval(metric) | {"seconds": seconds}


def score_net(
    net: nn.Module,
    inputs: tuple[str, ...],
    dataset: SampleDataset,
    origins: OriginChoices,
    samples: int,
) -> dict[str, float]:
    """Return the map correlation of a network on new samples."""
    metrics: dict[str, SampleMean] = {"map": MapCorrelation(origins=origins)}
    return score(net, inputs, dataset, samples, metrics)["map"]


def processor_rate(settings: TrainingSettings, crystals: list[Crystal]) -> float:
    """Return the samples of a training in a second of the processor, whatever else runs there."""
    clock, processor = time.perf_counter(), time.process_time()
    rate = forecast_training(settings, crystals).training_rate
    share = (time.process_time() - processor) / (time.perf_counter() - clock)
    return rate / share


def train_model(
    name: ModelName, arguments: dict[str, object], folder: Path, minutes: float, samples: int
) -> dict[str, float]:
    """Train a model for about some minutes, as its first steps forecast them, and score it."""
    settings, dataset, crystals = dataset_of(name, arguments)
    marker = folder / "steps.json"
    if not marker.exists():
        rate = processor_rate(settings, crystals)
        steps = max(math.ceil(60.0 * minutes * rate / settings.recipe.batch_size), 2)
        folder.mkdir(parents=True, exist_ok=True)
        write_text(marker, json.dumps(steps))
    steps = int(json.loads(marker.read_text()))
    run = folder / "run"
    train(name, out=run, steps=steps, score_every=steps, score_samples=8, **arguments)  # type: ignore[arg-type]
    net, weights = load_weights(run)
    origins = origins_of(dataset, crystals, settings.data.hkl_max)
    scores = score_net(net, weights.inputs, dataset, origins, samples)
    return scores | {"samples": float(steps * settings.recipe.batch_size)}


def print_table(results: dict[str, dict[str, dict[str, float]]]) -> None:
    """Print the map correlations of all systems that have scores."""
    columns = (*REFERENCES, *MODELS)
    print("| system | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * len(columns))
    for system, scores in results.items():
        cells = []
        for name in columns:
            entry = scores.get(name)
            cells.append(f"{entry['mean']:.3f} ± {entry['interval']:.3f}" if entry else "")
        print(f"| {system} | " + " | ".join(cells) + " |")


def main() -> None:
    """Train, score and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of trainings and scores")
    parser.add_argument("--minutes", type=float, default=20.0, help="of the processor, for each")
    parser.add_argument("--samples", type=int, default=256, help="new samples that are scored")
    parser.add_argument("--cifs", type=Path, help="folder of CIF files of inorganic structures")
    parser.add_argument("--systems", nargs="+", help="some of the systems")
    parser.add_argument("--models", nargs="+", default=list(MODELS), help="some of the models")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, dict[str, dict[str, float]]] = {}
    for system, arguments in systems_of(options.cifs).items():
        if options.systems and system not in options.systems:
            continue
        results[system] = {}
        for name in (*REFERENCES, *options.models):
            folder = options.out / system.replace(" ", "_") / name.replace(" ", "_")
            file = folder / "scores.json"
            if not file.exists():
                if name in REFERENCES:
                    scores = score_reference(name, arguments, options.samples)
                else:
                    scores = train_model(name, arguments, folder, options.minutes, options.samples)
                folder.mkdir(parents=True, exist_ok=True)
                write_text(file, json.dumps(scores))
            results[system][name] = json.loads(file.read_text())
    print_table(results)


if __name__ == "__main__":
    main()
