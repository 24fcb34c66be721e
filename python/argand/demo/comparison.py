"""Four models x two losses: trained, or read back where that was done before, and scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from argand.learn.evaluate import evaluate, make_dataset, reference_scores
from argand.learn.recipes import RECIPES
from argand.learn.sources import load_crystals
from argand.learn.task import LOSSES
from argand.learn.train import TrainResult, train
from argand.learn.weights import load_weights
from argand.report.environment import environment
from argand.report.results import ALL, NEW, ModelScore, Reference, Results

_QUICK = {
    "metals": ["Au", "Fe", "Pb", "V"],
    "steps": 4,
    "batch_size": 4,
    "score_samples": 8,
    "score_every": 2,
}


def weights_of(out: Path, model: str, loss: str) -> Path:
    """Folder of a training."""
    return out / "weights" / f"{model}-{loss}"


def compare(out: Path, seed: int = 0, quick: bool = False, progress: bool = True) -> Results:
    """Train and score everything below the folder `out`; what is there already is not trained again."""
    runs = [(model, loss) for model in RECIPES for loss in reversed(LOSSES)]
    samples = 16 if quick else 1000
    options: dict[str, Any] = _QUICK if quick else {}
    trained: dict[tuple[str, str], TrainResult] = {}
    scores: list[ModelScore] = []
    references: list[Reference] = []
    reflections = 0.0
    for number, (model, loss) in enumerate(runs, start=1):
        print(f"[{number}/{len(runs)}] {model}, {loss} loss", flush=True)
        folder = weights_of(out, model, loss)
        trained[model, loss] = train(model, loss, folder, seed=seed, progress=progress, **options)  # type: ignore[arg-type]
        found = evaluate(folder, samples)
        scores += [_score(model, loss, group, value["model"]) for group, value in found.items()]
        if number == 1:  # the answers that need no learning do not depend on the model
            reflections = found[NEW]["references"]["reflections"]["mean"]
            references = [
                r for group, value in found.items() for r in _references(group, value["references"])
            ]
        print(
            f"      {scores[-2].value:.4g} on new samples, {scores[-1].value:.4g} on elements never seen",
            flush=True,
        )
    data = load_weights(folder).about["data"]
    everything = make_dataset(list(load_crystals(data["metals"]).values()), data)
    references += _references(ALL, reference_scores(everything, samples))
    names = {model: weights_of(out, model, "invariant") for model in RECIPES}
    return Results(
        scores=tuple(scores),
        references=tuple(references),
        reflections=reflections,
        parameters={
            model: sum(p.numel() for p in load_weights(path).net.parameters())
            for model, path in names.items()
        },
        histories=_histories(trained, reflections),
        settings={
            **{
                name: data[name]
                for name in ("metals", "held_out", "spread", "hkl_max", "energy_kev", "seed")
            },
            **({"rehearsal": True} if quick else {}),
            "samples_scored": samples,
            "training_time": f"{sum(run.seconds for run in trained.values()) / 60:.1f} minutes",
        },
        environment=environment(),
    )


def _score(model: str, loss: str, samples: str, found: dict[str, dict[str, float]]) -> ModelScore:
    return ModelScore(
        model,
        loss,
        samples,
        value=found["loss_best_hand"]["mean"],
        margin=found["loss_best_hand"]["interval"],
        value_plain=found["loss"]["mean"],
        phase_error=found["mean_phase_error_deg"]["mean"],
        map_correlation=found["map_correlation"]["mean"],
    )


def _references(samples: str, found: dict[str, dict[str, float]]) -> list[Reference]:
    return [
        Reference(name, samples, value["mean"], value["interval"])
        for name, value in found.items()
        if name != "reflections"
    ]


def _histories(
    trained: dict[tuple[str, str], TrainResult], reflections: float
) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Curves in the published units; the invariant loss is a mean over reflections, so it is multiplied by them."""
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for (model, loss), run in trained.items():
        scale, score = (1.0, "loss") if loss == "published" else (reflections, "loss_best_hand")
        found.setdefault(model, {})[loss] = {
            "step": [record["step"] for record in run.history],
            "training": [scale * record["training"] for record in run.history],
            "new samples": [record[score] for record in run.history],
        }
    return found
