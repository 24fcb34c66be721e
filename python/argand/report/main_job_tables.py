"""Make the tables of the report of ``argand demo``."""

from __future__ import annotations

from argand.report import parts
from argand.report.parts import Html
from argand.report.results import (
    ALL,
    MODEL_NAMES,
    NEVER,
    NEW,
    PUBLISHED,
    REFERENCE_NAMES,
    ModelScore,
    Results,
)
from argand.viz.style import number

__all__ = [
    "format_degrees",
    "join_words",
    "published_table",
    "quality_table",
    "reference_table",
    "score_table",
]


def score_table(results: Results) -> Html:
    """Make the table of scores, a row for each model."""
    rows: list[list[parts.Text]] = []
    for model in results.models:
        plain = results.score(model, "published", NEW)
        cured = results.score(model, "invariant", NEW)
        never = results.score(model, "invariant", NEVER)
        rows.append(
            [
                MODEL_NAMES.get(model, model),
                f"{results.parameters[model]:,}",
                number(plain.value_plain),
                _with_interval(plain),
                _with_interval(cured),
                _with_interval(never),
                f"{number(plain.median.value / cured.median.value)} ×",
            ]
        )
    head = [
        "Model",
        "numbers learned",
        "published loss, as drawn (mean)",
        "published loss, best hand",
        "invariant loss, best hand",
        "the same, elements never seen",
        "better by",
    ]
    caption = (
        "The loss it was trained with, and how the answer is scored: against the hand that was "
        "drawn, or against the nearer one of the two. Best hand: median over samples, with its "
        "95 % interval; better by: the ratio of the medians."
    )
    return parts.table(head, rows, caption=caption, strong=(4, 5))


def reference_table(results: Results) -> Html:
    """Make the table of answers without training, on each set of samples that was scored."""
    titles = {
        NEW: "new samples",
        NEVER: "elements never seen",
        ALL: f"all {len(results.settings['metals'])} metals",
    }
    scored = {reference.samples for reference in results.references}
    groups = [group for group in titles if group in scored]
    rows: list[list[parts.Text]] = []
    for name, words in REFERENCE_NAMES.items():
        values = [number(results.reference(name, group).value) for group in groups]
        rows.append([words, *values])
    head = ["Without any training", *(titles[group] for group in groups)]
    caption = (
        "What the scores have to be compared with, in the same units. "
        f"A sample has {results.reflections:,.0f} reflections on average."
    )
    return parts.table(head, rows, caption=caption)


def published_table(results: Results) -> Html:
    """Make the table of the published numbers, beside the scores that repeat them."""
    rows: list[list[parts.Text]] = []
    for model, published in PUBLISHED.items():
        repeated = "–"
        if model in results.models:
            repeated = number(results.score(model, "published", NEW).value_plain)
        rows.append([MODEL_NAMES[model], *published, repeated])
    head = [
        "Published loss",
        "training (theirs)",
        "test (theirs)",
        "validation (theirs)",
        "new samples (here)",
    ]
    caption = (
        "The experiment that this one repeats, as its authors give it. Their U-net starts near 210."
    )
    return parts.table(head, rows, caption=caption)


def quality_table(results: Results) -> Html:
    """Make the table of phase errors and map correlations, a row for each training."""
    rows: list[list[parts.Text]] = []
    for loss in ("published", "invariant"):
        for model in results.models:
            new = results.score(model, loss, NEW)
            never = results.score(model, loss, NEVER)
            rows.append(
                [
                    f"{MODEL_NAMES.get(model, model)}, {loss} loss",
                    format_degrees(new.phase_error.value),
                    format_degrees(never.phase_error.value),
                    f"{new.map_correlation:.4f}",
                    f"{never.map_correlation:.4f}",
                ]
            )
    head = [
        "",
        "phase error, new samples",
        "elements never seen",
        "map correlation, new samples",
        "elements never seen",
    ]
    caption = (
        "Median over samples of the phase error, weighted by |F|, and mean correlation with the "
        "true density, both after the best hand. "
        f"Never seen: {join_words(results.settings['held_out'])}."
    )
    return parts.table(head, rows, caption=caption)


def format_degrees(value: float) -> str:
    """Write an angle in degrees, with two decimals below 10."""
    return f"{value:.2f}°" if value < 10 else f"{value:.0f}°"


def join_words(names: object) -> str:
    """Join names with commas and "and"; a single name stands alone."""
    words = [str(name) for name in names] if isinstance(names, (list, tuple)) else [str(names)]
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _with_interval(score: ModelScore) -> str:
    """Write the median of a score with its 95 % interval."""
    median, low, high = score.median
    return f"{number(median)} ({number(low)} to {number(high)})"
