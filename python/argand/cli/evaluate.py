"""The verb ``argand evaluate``: score trained weights. It needs ``argand[learn]``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from argand.cli._json import json_text
from argand.cli._outputs import check_output_file
from argand.errors import ArgandError
from argand.store import write_json

__all__ = ["evaluate"]

# JSON files of a training, which scores must not overwrite.
_RUN_FILES = ("weights.json", "history.json", "run.json")


def evaluate(
    weights: Path, *, samples: int = 1000, output: Path | None = None, json: bool = False
) -> None:
    """Score trained weights on new samples and on unseen crystals, beside answers without learning.

    Parameters
    ----------
    weights : WEIGHTS
        Score the weights in this folder or file, which `argand train` wrote, or "general" or
        "first", which come with the package.
    samples : N
        Score on N samples of each kind.
    output : FILE
        Also write the scores to this .json file.
    json
        Print JSON.
    """
    if samples < 1:
        raise ArgandError(f"samples is {samples}, needs to be 1 or more")
    if output is not None:
        inputs = [weights, *(weights / name for name in _RUN_FILES)]
        check_output_file(output, (".json",), inputs)
    from argand.learn.evaluate import evaluate as evaluate_weights

    scores = evaluate_weights(weights, samples)
    if json:
        print(json_text(scores))
    else:
        _print_scores(scores)
    if output is not None:
        write_json(output, scores, kind="scores", version=1)


def _print_scores(scores: dict[str, Any]) -> None:
    """Print the scores of each group of crystals, of the model and of the references."""
    for group, group_scores in scores.items():
        print(f"{group}: {', '.join(group_scores['crystals'])}")
        for kind in ("model", "references"):
            for name, score in group_scores[kind].items():
                print(f"  {name:<22}{score['mean']:>10.4g} ± {score['interval']:.3g}")
        parts = group_scores.get("parts")
        if parts:
            print("  map correlation by resolution, space group and independent atoms, with chance")
        for label, part in (parts or {}).items():
            model, chance = part["model"], part["chance"]
            print(
                f"  {label:<22}{model['mean']:>10.3f} ± {model['interval']:.3f}"
                f"  chance {chance['mean']:.3f} ± {chance['interval']:.3f}"
                f"  {model['samples']} samples"
            )
