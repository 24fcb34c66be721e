"""The numbers of the main job: scores of models and losses, beside answers without training."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from argand.medians import Median
from argand.store import from_builtins, to_builtins

__all__ = [
    "ALL",
    "MODEL_NAMES",
    "MODEL_PHRASES",
    "NEVER",
    "NEW",
    "PUBLISHED",
    "REFERENCE_NAMES",
    "ModelScore",
    "Reference",
    "Results",
]

#: Training, test and validation loss of the experiment that this one repeats, by its authors.
PUBLISHED: dict[str, tuple[str, str, str]] = {
    "linear": ("n/a", "40", "28"),
    "mlp": ("40–45", "30–32", "41"),
    "conv": ("8–12", "35–40", "42"),
    "unet": ("8–12", "31–35", "40"),
}

#: Titles of the models of `argand.learn.models`.
MODEL_NAMES = {
    "linear": "Linear regression",
    "mlp": "Three-layer linear",
    "conv": "Three-layer convolution",
    "unet": "3-D U-net",
}

#: Names of the models of `argand.learn.models` inside a sentence.
MODEL_PHRASES = {
    "linear": "linear regression",
    "mlp": "the three-layer linear network",
    "conv": "the three-layer convolutional network",
    "unet": "the 3-D U-net",
}

#: Titles of the references of `argand.learn.references`.
REFERENCE_NAMES = {
    "floor": "Floor of the published loss",
    "committed": "True phases, hand by a coin",
    "all_zero": "All phases zero",
    "random": "Random phases",
    "random_best_hand": "Random phases, best hand",
}

#: Set of samples: new displacements of elements that were trained on.
NEW = "unseen samples"

#: Set of samples: elements that were held out of the training.
NEVER = "unseen crystals"

#: Set of samples: all elements.
ALL = "all metals"

_PUBLISHED_COLUMNS = ("published train", "test", "validation")


@dataclass(frozen=True)
class ModelScore:
    """Hold the score of one trained model on one set of samples that it has not seen.

    Parameters
    ----------
    model, loss, samples : str
        The model, the loss it was trained with, and the set of samples.
    value, margin : float
        Sum over reflections of 1 - cos(phase difference) after the best hand, mean over samples,
        and half its 95 % interval.
    median : Median
        The median over samples of the same sum, and its 95 % interval.
    value_plain : float
        Sum over reflections of 1 - cos(phase difference) without a choice of hand, mean over
        samples.
    phase_error : Median
        Phase error of a sample after the best hand, weighted by |F|, degrees: its median over
        samples, and the 95 % interval of that.
    map_correlation : float
        Correlation with the true density after the best hand.
    """

    model: str
    loss: str
    samples: str
    value: float
    margin: float
    median: Median
    value_plain: float
    phase_error: Median
    map_correlation: float


@dataclass(frozen=True)
class Reference:
    """Hold the score of an answer that takes no training, in the units of `ModelScore.value`."""

    name: str
    samples: str
    value: float
    margin: float


@dataclass(frozen=True)
class Results:
    """Hold all that the main job has found, and write it as JSON, CSV and Markdown.

    Parameters
    ----------
    scores, references : tuples
        Scores of the models, and of answers without training.
    reflections : float
        Measured reflections in a sample, mean.
    parameters : model -> int
        Number of trainable parameters of each model.
    histories : model -> loss -> "step" and curves -> values
        Course of each training.
    settings : name -> value
        Settings of the main job, which the report prints.
    environment : name -> value
        Versions and machine, which the report prints.
    """

    scores: tuple[ModelScore, ...]
    references: tuple[Reference, ...]
    reflections: float
    parameters: Mapping[str, int]
    histories: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]
    settings: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)

    def score(self, model: str, loss: str, samples: str) -> ModelScore:
        """Return the score of a model on a set of samples; raise a KeyError if there is none."""
        for score in self.scores:
            if (score.model, score.loss, score.samples) == (model, loss, samples):
                return score
        raise KeyError(f"no score of {model} with the {loss} loss on {samples}")

    def reference(self, name: str, samples: str) -> Reference:
        """Return a reference on a set of samples; raise a KeyError if there is none."""
        for reference in self.references:
            if (reference.name, reference.samples) == (name, samples):
                return reference
        raise KeyError(f"no reference {name} on {samples}")

    @property
    def models(self) -> list[str]:
        """Return the names of the models that were scored, in the order of their scores."""
        return list(dict.fromkeys(score.model for score in self.scores))

    def trained_with(self, loss: str, samples: str) -> list[ModelScore]:
        """Return the scores, on a set of samples, of all models trained with a loss."""
        return [score for score in self.scores if (score.loss, score.samples) == (loss, samples)]

    def best(self, loss: str, samples: str) -> ModelScore:
        """Return the lowest median score, on a set of samples, of models trained with a loss."""
        return min(self.trained_with(loss, samples), key=lambda score: score.median.value)

    def most_precise(self, samples: str) -> ModelScore:
        """Return the score with the lowest median phase error on a set of samples."""
        scores = [score for score in self.scores if score.samples == samples]
        return min(scores, key=lambda score: score.phase_error.value)

    def to_json(self) -> str:
        """Write all results as JSON."""
        return json.dumps(to_builtins(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Results:
        """Read results from the JSON that `Results.to_json` writes."""
        content = json.loads(text)
        scores = from_builtins(tuple[ModelScore, ...], content.pop("scores"), "scores")
        references = from_builtins(tuple[Reference, ...], content.pop("references"), "references")
        return cls(scores=scores, references=references, **content)

    def rows(self) -> list[dict[str, str]]:
        """Return the rows of a table: each score beside the published numbers, then references."""
        rows = [_score_row(score) for score in self.scores]
        columns = list(rows[0]) if rows else None
        for reference in self.references:
            rows.append(_reference_row(reference, columns))
        return rows

    def to_csv(self) -> str:
        """Write the table of scores and references as comma-separated values."""
        text = io.StringIO()
        table = csv.DictWriter(text, self.rows()[0], lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows())
        return text.getvalue()

    def to_markdown(self) -> str:
        """Write the table of scores and references as Markdown with aligned columns."""
        rows = self.rows()
        lines = [list(rows[0]), *(list(row.values()) for row in rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        lines.insert(1, ["-" * width for width in widths])
        text = []
        for line in lines:
            cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
            text.append(f"| {' | '.join(cells)} |\n")
        return "".join(text)


def _score_row(score: ModelScore) -> dict[str, str]:
    """Return a score as a row of the table, with the published numbers of the same training."""
    published = ("", "", "")
    if score.loss == "published":
        published = PUBLISHED.get(score.model, published)
    return {
        "model": score.model,
        "loss": score.loss,
        "samples": score.samples,
        "score": f"{score.value:.4g}",
        "95 %": f"{score.margin:.2g}",
        "median": f"{score.median.value:.4g}",
        "median 95 %": f"{score.median.low:.3g} to {score.median.high:.3g}",
        "without choice of hand": f"{score.value_plain:.4g}",
        "median phase error (deg)": f"{score.phase_error.value:.3g}",
        "map correlation": f"{score.map_correlation:.5f}",
        **dict(zip(_PUBLISHED_COLUMNS, published, strict=True)),
    }


def _reference_row(reference: Reference, columns: Sequence[str] | None) -> dict[str, str]:
    """Return a reference as a row of a table with these columns; None takes its own columns."""
    cells = {
        "model": reference.name,
        "samples": reference.samples,
        "score": f"{reference.value:.4g}",
        "95 %": f"{reference.margin:.2g}",
    }
    return {name: cells.get(name, "") for name in columns or cells}
