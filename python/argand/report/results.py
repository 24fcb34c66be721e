"""The numbers of the main job: models x losses on samples and elements never seen, beside the references."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

#: Training, test and validation loss of the experiment that this one repeats, as its authors give them.
PUBLISHED: dict[str, tuple[str, str, str]] = {
    "linear": ("n/a", "40", "28"),
    "mlp": ("40–45", "30–32", "41"),
    "conv": ("8–12", "35–40", "42"),
    "unet": ("8–12", "31–35", "40"),
}

#: What the models of `argand.learn.models` are called in words.
MODEL_NAMES = {
    "linear": "Linear regression",
    "mlp": "Three-layer linear",
    "conv": "Three-layer convolution",
    "unet": "3-D U-net",
}

#: The same inside a sentence.
MODEL_PHRASES = {
    "linear": "linear regression",
    "mlp": "the three-layer linear network",
    "conv": "the three-layer convolutional network",
    "unet": "the 3-D U-net",
}

#: What the references of `argand.learn.references` are called in words.
REFERENCE_NAMES = {
    "floor": "Floor of the published loss",
    "committed": "True phases, hand by a coin",
    "all_zero": "All phases zero",
    "random": "Random phases",
    "random_best_hand": "Random phases, best hand",
}

#: Sets of samples: new displacements of elements trained on; elements held out of the training; all elements.
NEW, NEVER, ALL = "unseen samples", "unseen crystals", "all metals"


@dataclass(frozen=True)
class Score:
    """One trained model on one set of samples that it has not seen, means over samples.

    value, margin: sum over reflections of 1 - cos (the published units) after the best hand, half its 95 % interval;
    value_plain: the same without a choice of hand; phase_error (degrees, |F| weighted) and map_correlation after it.
    """

    model: str
    loss: str
    samples: str
    value: float
    margin: float
    value_plain: float
    phase_error: float
    map_correlation: float


@dataclass(frozen=True)
class Reference:
    """An answer that takes no training, on one set of samples, in the units of `Score.value`."""

    name: str
    samples: str
    value: float
    margin: float


@dataclass(frozen=True)
class Results:
    """All that the main job found; written as JSON, read back by `from_json`.

    parameters: trainable numbers of each model; reflections: measured ones in a sample, mean; histories: model ->
    loss -> {"step": [...], curve: [...]}.
    """

    scores: tuple[Score, ...]
    references: tuple[Reference, ...]
    reflections: float
    parameters: Mapping[str, int]
    histories: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]
    settings: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)

    def score(self, model: str, loss: str, samples: str) -> Score:
        """That score; KeyError when it was not made."""
        for s in self.scores:
            if (s.model, s.loss, s.samples) == (model, loss, samples):
                return s
        raise KeyError(f"no score of {model} with the {loss} loss on {samples}")

    def reference(self, name: str, samples: str) -> Reference:
        """That reference; KeyError when it was not made."""
        for r in self.references:
            if (r.name, r.samples) == (name, samples):
                return r
        raise KeyError(f"no reference {name} on {samples}")

    @property
    def models(self) -> list[str]:
        return list(dict.fromkeys(s.model for s in self.scores))

    def best(self, loss: str, samples: str) -> Score:
        """The lowest score with that loss."""
        return min(
            (s for s in self.scores if (s.loss, s.samples) == (loss, samples)),
            key=lambda s: s.value,
        )

    def most_precise(self, samples: str) -> Score:
        """The lowest phase error on those samples."""
        return min((s for s in self.scores if s.samples == samples), key=lambda s: s.phase_error)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Results:
        raw = json.loads(text)
        scores = tuple(Score(**s) for s in raw.pop("scores"))
        references = tuple(Reference(**r) for r in raw.pop("references"))
        return cls(scores=scores, references=references, **raw)

    def rows(self) -> list[dict[str, str]]:
        """One row a score, then one a reference; the published numbers beside what repeats them."""
        found = []
        for s in self.scores:
            beside = PUBLISHED.get(s.model, ("",) * 3) if s.loss == "published" else ("",) * 3
            found.append(
                {
                    "model": s.model,
                    "loss": s.loss,
                    "samples": s.samples,
                    "score": f"{s.value:.4g}",
                    "95 %": f"{s.margin:.2g}",
                    "without choice of hand": f"{s.value_plain:.4g}",
                    "phase error (deg)": f"{s.phase_error:.3g}",
                    "map correlation": f"{s.map_correlation:.5f}",
                    **dict(zip(("published train", "test", "validation"), beside, strict=True)),
                }
            )
        for r in self.references:
            values = {
                "model": r.name,
                "samples": r.samples,
                "score": f"{r.value:.4g}",
                "95 %": f"{r.margin:.2g}",
            }
            found.append({name: values.get(name, "") for name in found[0]} if found else values)
        return found

    def to_csv(self) -> str:
        text = io.StringIO()
        table = csv.DictWriter(text, self.rows()[0], lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows())
        return text.getvalue()

    def to_markdown(self) -> str:
        """A table that can also be read as it is."""
        rows = self.rows()
        lines = [list(rows[0]), *(list(row.values()) for row in rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        lines.insert(1, ["-" * width for width in widths])
        return "".join(
            f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |\n"
            for line in lines
        )
