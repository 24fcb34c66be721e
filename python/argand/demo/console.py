"""The results in a terminal."""

from __future__ import annotations

from argand.report.results import ALL, MODEL_NAMES, NEVER, NEW, REFERENCE_NAMES, Results
from argand.viz.style import number

# Width of the first column, which names models and references.
_NAMES = 25

_UNITS = (
    "Sum over reflections of 1 - cos(phase difference) after the best hand: models by the median "
    "over samples, references by the mean."
)
_HEADINGS = ["published", "invariant", "better by"]


def summary(results: Results) -> str:
    """Write scores and references as aligned text."""
    lines = [
        "",
        _UNITS,
        "",
        *_score_lines(results),
        "",
        *_reference_lines(results),
    ]
    if results.settings.get("rehearsal"):
        lines += ["", "A rehearsal: the trainings were too short to learn anything."]
    return "\n".join(lines)


def _score_lines(results: Results) -> list[str]:
    """Write the scores of all models, a line each, below two lines of headings."""
    rows = [["", *_HEADINGS, *_HEADINGS, "phase error"]]
    for model in results.models:
        cells = [MODEL_NAMES.get(model, model)]
        for samples in (NEW, NEVER):
            published = results.score(model, "published", samples).median.value
            invariant = results.score(model, "invariant", samples).median.value
            cells += [number(published), number(invariant), f"{number(published / invariant)} x"]
        phase_error = results.score(model, "invariant", NEVER).phase_error.value
        rows.append([*cells, f"{phase_error:.2f} deg"])
    never_seen = "elements never seen: " + ", ".join(results.settings["held_out"])
    lines = [f"{'':{_NAMES}}{'new samples':^36}{never_seen:^48}"]
    for name, *cells in rows:
        lines.append(f"{name:{_NAMES}}" + "".join(f"{cell:>12}" for cell in cells))
    return lines


def _reference_lines(results: Results) -> list[str]:
    """Write the answers that need no learning, a line each, below a line of headings."""
    all_metals = f"all {len(results.settings['metals'])} metals"
    heading = "without any training"
    lines = [f"{heading:{_NAMES}}{'new samples':>14}{'never seen':>14}{all_metals:>16}"]
    for name, words in REFERENCE_NAMES.items():
        cells = []
        for samples in (NEW, NEVER, ALL):
            reference = results.reference(name, samples)
            cells.append(f"{reference.value:.0f} ± {reference.margin:.0f}")
        lines.append(f"{words.lower():{_NAMES}}{cells[0]:>14}{cells[1]:>14}{cells[2]:>16}")
    return lines
