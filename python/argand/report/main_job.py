"""The report of ``argand demo``: `main_job.html` has the words, here its numbers, tables and pictures are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import NamedTuple

from argand.report import parts
from argand.report.page import page, resource
from argand.report.parts import Html
from argand.report.results import (
    ALL,
    MODEL_NAMES,
    MODEL_PHRASES,
    NEVER,
    NEW,
    PUBLISHED,
    REFERENCE_NAMES,
    Results,
)
from argand.viz.style import number

_LEAD = (
    "Diffraction measures how strong each reflection is and loses its phase. A handful of metals, one displaced atom, "
    "four networks and two loss functions show why networks that were trained to guess the phase got stuck, and the "
    "one change that lets the same networks find it."
)

_REHEARSAL = Html(
    '<aside class="note"><p><b>A rehearsal.</b> The trainings were too short to learn anything: the numbers below mean '
    "nothing, and the text does not fit them.</p></aside>"
)


class _Picture(NamedTuple):
    alt: str  # for those who cannot see it
    caption: str
    width: str


_PICTURES = {
    "hkl": _Picture(
        "Structure factors as coloured points in three-dimensional hkl space",
        "Every reflection in reach, after the displacement. Area and opacity of a point grow with |F|, its colour is "
        "the phase. Bright against dark and yellow against blue tell phases apart for every kind of colour vision.",
        width="medium",
    ),
    "tiles": _Picture(
        "Amplitudes and phases in thirteen layers of l, before and after the displacement",
        "The same crystal cut into layers l = −6 to 6: amplitudes (square-root scale) and phases, before and after "
        "the displacement. Blank: out of reach.",
        width="wide",
    ),
    "scores": _Picture(
        "Bars of the final score of four models under both losses, with the floor as a line",
        "Scores on new samples, every answer taken in the nearer hand: that is a choice the published loss does not "
        "offer, and it can bring a network a little below the floor. The scale is logarithmic.",
        width="medium",
    ),
    "curves": _Picture(
        "Loss during training for four models under both losses",
        "Solid: score on samples that take no part in the training, against the hand that was drawn (published loss) "
        "or the nearer one (invariant loss). Dotted: the loss that is minimised, the invariant one times the number of "
        "reflections.",
        width="wide",
    ),
    "slices_invariant": _Picture(
        "Density in a plane from true phases, from those of the invariant loss, and the difference",
        "The plane of the displacement, phases by the network trained with the invariant loss. The difference has a "
        "scale of its own.",
        width="wide",
    ),
    "slices_published": _Picture(
        "Density in a plane from true phases, from those of the published loss, and the difference",
        "The same plane, phases by the same kind of network trained with the published loss.",
        width="wide",
    ),
}


@dataclass(frozen=True)
class Illustrations:
    """What the demo drew.

    pictures: PNGs (light, dark) called as in `_PICTURES`; density: the interactive figure; sample:
    what is drawn, "Pb, atom 0 moved by 0.061 a"; predicted_by: the model in words; mirror: between +u and -u the
    largest difference of |F|, as part of the largest |F|, and the largest sum of phases in degrees.
    """

    pictures: Mapping[str, tuple[bytes, bytes]]
    density: Html
    sample: str
    predicted_by: str
    mirror: tuple[float, float]


def main_job_page(results: Results, drawn: Illustrations, files: Mapping[str, str]) -> str:
    """The page; `files` are names relative to it and what they hold."""
    settings = results.settings
    values: dict[str, parts.Text] = {
        "cards": _cards(results),
        "metals_count": str(len(settings["metals"])),
        "metals": _and(settings["metals"]),
        "spread": f"{settings['spread']:g}",
        "energy": f"{settings['energy_kev']:g}",
        "table_scores": _scores(results),
        "table_references": _references(results),
        "table_published": _published(results),
        "table_quality": _quality(results),
        "sample": drawn.sample,
        "mirror_amplitude": _power(drawn.mirror[0]),
        "mirror_phase": Html(f"{_power(drawn.mirror[1]).markup}°"),
        "rehearsal": _REHEARSAL if settings.get("rehearsal") else "",
        "plain_scores": _and(
            [number(results.score(m, "published", NEW).value_plain) for m in results.models]
        ),
        "floor": number(results.reference("floor", NEW).value),
        "all_zero": number(results.reference("all_zero", NEW).value),
        "committed": number(results.reference("committed", NEW).value),
        "predicted_by": drawn.predicted_by,
        "density": drawn.density,
        "facts": parts.facts(
            {**{_words(k): _words(v) for k, v in settings.items()}, **results.environment}
        ),
        "files": parts.bullets(_link(name, what) for name, what in files.items()),
    }
    for name, (light, dark) in drawn.pictures.items():
        values[f"picture_{name}"] = parts.picture(light, dark, **_PICTURES[name]._asdict())
    body = Template(resource("main_job.html")).substitute(
        {k: parts.markup(v) for k, v in values.items()}
    )
    made_by = f"Made by argand {results.environment.get('argand', '')}."
    footer = f"{made_by} This page holds all that it shows: it needs no network connection."
    return page("Can a network find the lost phases?", _LEAD, body, footer=footer)


def _cards(results: Results) -> Html:
    floor, zero = (number(results.reference(name, NEW).value) for name in ("floor", "all_zero"))
    cured = results.best("invariant", NEW)
    published = [s for s in results.scores if (s.loss, s.samples) == ("published", NEW)]
    plain = min(published, key=lambda s: s.value_plain)  # what it was trained for, no hand chosen
    never = results.most_precise(NEVER)
    held_out = _and(results.settings["held_out"])
    chosen = f"{number(plain.value)} if the better hand is chosen afterwards"
    return parts.key_figures(
        [
            (
                floor,
                f"The floor of the published loss: no network can do better on new samples. All zero: {zero}.",
                "",
            ),
            (
                number(plain.value_plain),
                f"The best network trained with the published loss, {MODEL_PHRASES[plain.model]}; {chosen}.",
                "plain",
            ),
            (
                number(cured.value),
                f"The best network trained with the invariant loss, {MODEL_PHRASES[cured.model]}.",
                "cured",
            ),
            (
                _degrees(never.phase_error),
                f"Mean phase error on elements never seen ({held_out}), {MODEL_PHRASES[never.model]}.",
                "cured",
            ),
        ]
    )


def _scores(results: Results) -> Html:
    rows: list[list[parts.Text]] = []
    for model in results.models:
        plain, cured, never = (
            results.score(model, loss, samples)
            for loss, samples in (("published", NEW), ("invariant", NEW), ("invariant", NEVER))
        )
        rows.append(
            [
                MODEL_NAMES.get(model, model),
                f"{results.parameters[model]:,}",
                number(plain.value_plain),
                f"{number(plain.value)} ± {plain.margin:.2g}",
                f"{number(cured.value)} ± {cured.margin:.2g}",
                f"{number(never.value)} ± {never.margin:.2g}",
                f"{number(plain.value / cured.value)} ×",
            ]
        )
    return parts.table(
        [
            "Model",
            "numbers learned",
            "published loss, as drawn",
            "published loss, best hand",
            "invariant loss, best hand",
            "the same, elements never seen",
            "better by",
        ],
        rows,
        caption="The loss it was trained with, and how the answer is scored: against the hand that was drawn, or "
        "against the nearer one of the two. ± is a 95 % interval of the mean.",
        strong=(4, 5),
    )


def _references(results: Results) -> Html:
    groups = [g for g in (NEW, NEVER, ALL) if any(r.samples == g for r in results.references)]
    rows: list[list[parts.Text]] = [
        [words, *(number(results.reference(name, group).value) for group in groups)]
        for name, words in REFERENCE_NAMES.items()
    ]
    heads = {
        NEW: "new samples",
        NEVER: "elements never seen",
        ALL: f"all {len(results.settings['metals'])} metals",
    }
    return parts.table(
        ["Without any training", *(heads[group] for group in groups)],
        rows,
        caption="What the scores have to be compared with, in the same units. "
        f"A sample has {results.reflections:,.0f} reflections on average.",
    )


def _published(results: Results) -> Html:
    rows: list[list[parts.Text]] = []
    for model, theirs in PUBLISHED.items():
        mine = (
            results.score(model, "published", NEW).value_plain if model in results.models else None
        )
        rows.append([MODEL_NAMES[model], *theirs, "–" if mine is None else number(mine)])
    return parts.table(
        [
            "Published loss",
            "training (theirs)",
            "test (theirs)",
            "validation (theirs)",
            "new samples (here)",
        ],
        rows,
        caption="The experiment that this one repeats, as its authors give it. Their U-net starts near 210.",
    )


def _quality(results: Results) -> Html:
    rows: list[list[parts.Text]] = []
    for loss in ("published", "invariant"):
        for model in results.models:
            new, never = (results.score(model, loss, samples) for samples in (NEW, NEVER))
            errors = (_degrees(new.phase_error), _degrees(never.phase_error))
            rows.append(
                [
                    f"{MODEL_NAMES.get(model, model)}, {loss} loss",
                    *errors,
                    f"{new.map_correlation:.4f}",
                    f"{never.map_correlation:.4f}",
                ]
            )
    return parts.table(
        [
            "",
            "phase error, new samples",
            "elements never seen",
            "map correlation, new samples",
            "elements never seen",
        ],
        rows,
        caption="Mean phase error, weighted by |F|, and correlation with the true density, both after the best hand. "
        f"Never seen: {_and(results.settings['held_out'])}.",
    )


def _degrees(value: float) -> str:
    return f"{value:.2f}°" if value < 10 else f"{value:.0f}°"


def _power(value: float) -> Html:
    if value == 0:
        return Html("0")
    mantissa, exponent = f"{value:.0e}".split("e")
    return Html(f"{mantissa} × 10<sup>{int(exponent)}</sup>".replace("-", "−"))


def _link(name: str, what: str) -> Html:
    return Html(f'<a href="{parts.markup(name)}">{parts.markup(name)}</a>: {parts.markup(what)}')


def _and(names: object) -> str:
    listed = [str(name) for name in names] if isinstance(names, (list, tuple)) else [str(names)]
    return ", ".join(listed[:-1]) + (" and " if len(listed) > 1 else "") + listed[-1]


def _words(value: object) -> str:
    return (
        ", ".join(map(str, value))
        if isinstance(value, (list, tuple))
        else str(value).replace("_", " ")
    )
