"""Four models x two losses: trained, or read back where that was done before, and scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from argand.learn.evaluate import Scores, evaluate, reference_scores
from argand.learn.recipes import LOSSES, LossName
from argand.learn.settings import DataSettings
from argand.learn.train import TrainResult, train
from argand.learn.weights import load_weights
from argand.medians import Median
from argand.report.environment import environment
from argand.report.results import ALL, MODEL_NAMES, NEW, ModelScore, Reference, Results

# Samples of each kind that are scored, and in a rehearsal.
_SAMPLES = 1000
_SAMPLES_QUICK = 16

# Arguments of `train` in a rehearsal.
_QUICK_TRAINING = {
    "metals": ["Au", "Fe", "Pb", "V"],
    "steps": 4,
    "batch_size": 4,
    "score_samples": 8,
    "score_every": 2,
}

# Settings of the data that the report shows.
_REPORTED = ("spread", "hkl_max", "energy_kev", "seed")


def weights_of(out: Path, model: str, loss: str) -> Path:
    """Return the folder of the training of a model on a loss, below the folder of the demo."""
    return out / "weights" / f"{model}-{loss}"


def compare(out: Path, seed: int = 0, quick: bool = False, progress: bool = True) -> Results:
    """Train and score all models on both losses below the folder `out`.

    Trainings that are finished there already are not repeated.
    """
    runs = [(model, loss) for model in MODEL_NAMES for loss in reversed(LOSSES)]
    samples = _SAMPLES_QUICK if quick else _SAMPLES
    trained: dict[tuple[str, LossName], TrainResult] = {}
    scores: list[ModelScore] = []
    references: list[Reference] = []
    reflections = 0.0
    for number, (model, loss) in enumerate(runs, start=1):
        print(f"[{number}/{len(runs)}] {model}, {loss} loss", flush=True)
        folder = weights_of(out, model, loss)
        trained[model, loss] = _train(model, loss, folder, seed, quick, progress)
        evaluation = evaluate(folder, samples)
        for group, values in evaluation.items():
            scores.append(_score(model, loss, group, values["model"]))
        if number == 1:  # the answers that need no learning do not depend on the model
            reflections = evaluation[NEW]["references"]["reflections"]["mean"]
            for group, values in evaluation.items():
                references += _references(group, values["references"])
        new, never_seen = scores[-2].median.value, scores[-1].median.value
        print(
            f"      median {new:.4g} on new samples, {never_seen:.4g} on elements never seen",
            flush=True,
        )
    data = _data_settings(folder)
    all_crystals = data.dataset(list(data.crystals().values()))
    references += _references(ALL, reference_scores(all_crystals, samples))
    parameters = {}
    for model in MODEL_NAMES:
        parameters[model] = _parameters(weights_of(out, model, "invariant"))
    return Results(
        scores=tuple(scores),
        references=tuple(references),
        reflections=reflections,
        parameters=parameters,
        histories=_histories(trained, reflections),
        settings=_report_settings(data, trained, samples, quick),
        environment=environment(),
    )


def _train(
    model: str,
    loss: LossName,
    folder: Path,
    seed: int,
    quick: bool,
    progress: bool,
) -> TrainResult:
    """Train one model on one loss; a rehearsal has its own short settings."""
    options: dict[str, Any] = _QUICK_TRAINING if quick else {}
    return train(model, loss, folder, seed=seed, progress=progress, **options)  # type: ignore[arg-type]


def _data_settings(folder: Path) -> DataSettings:
    """Return the settings of the data that the weights in a folder were trained on."""
    data = load_weights(folder).settings.data
    assert data is not None  # `train` always writes them
    return data


def _parameters(folder: Path) -> int:
    """Count the trainable numbers of a network."""
    net = load_weights(folder).net
    return sum(parameter.numel() for parameter in net.parameters())


def _report_settings(
    data: DataSettings,
    trained: dict[tuple[str, LossName], TrainResult],
    samples: int,
    quick: bool,
) -> dict[str, Any]:
    """Return the settings that the report shows, by name."""
    settings: dict[str, Any] = {
        "metals": list(data.metals or ()),
        "held_out": list(data.held_out),
    }
    for name in _REPORTED:
        settings[name] = vars(data)[name]
    if quick:
        settings["rehearsal"] = True
    minutes = sum(run.seconds for run in trained.values()) / 60
    settings["samples_scored"] = samples
    settings["training_time"] = f"{minutes:.1f} minutes"
    return settings


def _score(model: str, loss: str, group: str, scores: Scores) -> ModelScore:
    """Return the scores of a model on one group of samples as the report takes them."""
    return ModelScore(
        model,
        loss,
        group,
        value=scores["loss_best_hand"]["mean"],
        margin=scores["loss_best_hand"]["interval"],
        median=_median(scores["loss_best_hand"]),
        value_plain=scores["loss"]["mean"],
        phase_error=_median(scores["mean_phase_error_deg"]),
        map_correlation=scores["map_correlation"]["mean"],
    )


def _median(score: dict[str, float]) -> Median:
    """Return the median of a score over samples, with its interval."""
    return Median(score["median"], score["low"], score["high"])


def _references(group: str, scores: Scores) -> list[Reference]:
    """Return the scores that need no learning on one group of samples as the report takes them."""
    references = []
    for name, value in scores.items():
        if name != "reflections":
            reference = Reference(name, group, value["mean"], value["interval"])
            references.append(reference)
    return references


def _histories(
    trained: dict[tuple[str, LossName], TrainResult],
    reflections: float,
) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Return the curves of each training, model -> loss -> curve -> values, in the published units.

    The invariant loss is a mean over reflections, so it is multiplied by their number.
    """
    histories: dict[str, dict[str, dict[str, list[float]]]] = {}
    for (model, loss), run in trained.items():
        factor = 1.0 if loss == "published" else reflections
        score_name = "loss" if loss == "published" else "loss_best_hand"
        curves = {
            "step": [record["step"] for record in run.history],
            "training": [factor * record["training"] for record in run.history],
            "new samples": [record[score_name] for record in run.history],
        }
        histories.setdefault(model, {})[loss] = curves
    return histories
