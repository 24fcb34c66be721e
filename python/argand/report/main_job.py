"""Make the report of ``argand demo``: numbers, tables, pictures for the text of main_job.html."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

from argand.medians import Median
from argand.report import parts
from argand.report.main_job_tables import (
    format_degrees,
    join_words,
    published_table,
    quality_table,
    reference_table,
    score_table,
)
from argand.report.page import page, resource
from argand.report.parts import Html
from argand.report.results import MODEL_PHRASES, NEVER, NEW, Results
from argand.viz.style import number

__all__ = ["Illustrations", "main_job_page"]

_LEAD = (
    "Diffraction measures how strong each reflection is and loses its phase. A handful of metals, "
    "one displaced atom, four networks and two loss functions show why networks that were trained "
    "to guess the phase got stuck, and the one change that lets the same networks find it."
)

_REHEARSAL = Html(
    '<aside class="note"><p><b>A rehearsal.</b> The trainings were too short to learn anything: '
    "the numbers below mean nothing, and the text does not fit them.</p></aside>"
)

# Of each picture: the description for readers who cannot see it, the caption, and the width.
_PICTURES = {
    "hkl": (
        "Structure factors as coloured points in three-dimensional hkl space",
        (
            "Every reflection in reach, after the displacement. Area and opacity of a point "
            "grow with |F|, its colour is the phase. Bright against dark and yellow against "
            "blue tell phases apart for every kind of colour vision."
        ),
        "medium",
    ),
    "tiles": (
        "Amplitudes and phases in thirteen layers of l, before and after the displacement",
        (
            "The same crystal cut into layers l = −6 to 6: amplitudes (square-root scale) and "
            "phases, before and after the displacement. Blank: out of reach."
        ),
        "wide",
    ),
    "scores": (
        "Points: the final score of four models under both losses, with the floor as a line",
        (
            "Scores on new samples, every answer taken in the nearer hand: that is a choice "
            "the published loss does not offer, and it can bring a network a little below the "
            "floor. The scale is logarithmic; points are medians, bars their 95 % intervals."
        ),
        "medium",
    ),
    "curves": (
        "Loss during training for four models under both losses",
        (
            "Solid: score on samples that take no part in the training, against the hand that "
            "was drawn (published loss) or the nearer one (invariant loss). Dotted: the loss "
            "that is minimised, the invariant one times the number of reflections."
        ),
        "wide",
    ),
    "slices_invariant": (
        "Density in a plane from true phases, from those of the invariant loss, and the difference",
        (
            "The plane of the displacement, phases by the network trained with the invariant "
            "loss. The difference has a scale of its own."
        ),
        "wide",
    ),
    "slices_published": (
        "Density in a plane from true phases, from those of the published loss, and the difference",
        "The same plane, phases by the same kind of network trained with the published loss.",
        "wide",
    ),
}


@dataclass(frozen=True)
class Illustrations:
    """Hold what the demo has drawn, and the crystal that it shows.

    Parameters
    ----------
    pictures : name -> (bytes, bytes)
        PNG files for light and dark pages: "hkl", "tiles", "scores", "curves", "slices_invariant"
        and "slices_published".
    density : Html
        The interactive figure of the densities.
    sample : str
        The crystal in words, such as "Pb, atom 0 moved by 0.061 a".
    predicted_by : str
        The model whose phases are shown, in words.
    mirror : (float, float)
        Largest difference of |F| between displacements +u and -u, as a share of the largest |F|,
        and largest sum of their phases in degrees.
    """

    pictures: Mapping[str, tuple[bytes, bytes]]
    density: Html
    sample: str
    predicted_by: str
    mirror: tuple[float, float]


def main_job_page(results: Results, drawn: Illustrations, files: Mapping[str, str]) -> str:
    """Make the report of the main job as one HTML text.

    Parameters
    ----------
    results : Results
        All numbers.
    drawn : Illustrations
        All pictures.
    files : name -> str
        What the files beside the page hold, by their names.
    """
    settings = results.settings
    plain_scores = []
    for model in results.models:
        plain_scores.append(number(results.score(model, "published", NEW).value_plain))
    facts = {_words(name): _words(value) for name, value in settings.items()}
    values: dict[str, parts.Text] = {
        "cards": _cards(results),
        "metals_count": str(len(settings["metals"])),
        "metals": join_words(settings["metals"]),
        "spread": f"{settings['spread']:g}",
        "energy": f"{settings['energy_kev']:g}",
        "table_scores": score_table(results),
        "table_references": reference_table(results),
        "table_published": published_table(results),
        "table_quality": quality_table(results),
        "sample": drawn.sample,
        "mirror_amplitude": _power_of_ten(drawn.mirror[0]),
        "mirror_phase": Html(f"{_power_of_ten(drawn.mirror[1]).markup}°"),
        "rehearsal": _REHEARSAL if settings.get("rehearsal") else "",
        "plain_scores": join_words(plain_scores),
        "floor": _reference(results, "floor"),
        "all_zero": _reference(results, "all_zero"),
        "committed": _reference(results, "committed"),
        "predicted_by": drawn.predicted_by,
        "density": drawn.density,
        "facts": parts.facts({**facts, **results.environment}),
        "files": parts.bullets(_link(name, content) for name, content in files.items()),
    }
    for name, (light, dark) in drawn.pictures.items():
        alt, caption, width = _PICTURES[name]
        picture = parts.picture(light, dark, alt=alt, caption=caption, width=width)
        values[f"picture_{name}"] = picture
    html = {name: parts.markup(value) for name, value in values.items()}
    body = Template(resource("main_job.html")).substitute(html)
    made_by = f"Made by argand {results.environment.get('argand', '')}."
    footer = f"{made_by} This page holds all that it shows: it needs no network connection."
    return page("Can a network find the lost phases?", _LEAD, body, footer=footer)


def _cards(results: Results) -> Html:
    """Make the cards with the four most important numbers."""
    # A network trained with the published loss is judged by it: without a choice of hand.
    plain = min(results.trained_with("published", NEW), key=lambda score: score.value_plain)
    cured = results.best("invariant", NEW)
    never = results.most_precise(NEVER)
    held_out = join_words(results.settings["held_out"])
    floor = (
        "The floor of the published loss: no network can do better on new samples. "
        f"All zero: {_reference(results, 'all_zero')}."
    )
    best_plain = (
        f"The best network trained with the published loss, {MODEL_PHRASES[plain.model]}; "
        f"median {number(plain.median.value)} if the better hand is chosen afterwards."
    )
    best_cured = (
        f"The best network trained with the invariant loss, {MODEL_PHRASES[cured.model]}: median "
        f"over samples, 95 % interval {_interval(cured.median)}."
    )
    best_never = (
        f"Median phase error on elements never seen ({held_out}), {MODEL_PHRASES[never.model]}: "
        f"95 % interval {_interval(never.phase_error)}°."
    )
    return parts.key_figures(
        [
            (_reference(results, "floor"), floor, ""),
            (number(plain.value_plain), best_plain, "plain"),
            (number(cured.median.value), best_cured, "cured"),
            (format_degrees(never.phase_error.value), best_never, "cured"),
        ]
    )


def _interval(median: Median) -> str:
    """Write the 95 % interval of a median."""
    return f"{number(median.low)} to {number(median.high)}"


def _reference(results: Results, name: str) -> str:
    """Return the value of a reference on new samples as text."""
    return number(results.reference(name, NEW).value)


def _power_of_ten(value: float) -> Html:
    """Write a number as one digit times a power of ten."""
    if value == 0:
        return Html("0")
    mantissa, exponent = f"{value:.0e}".split("e")
    return Html(f"{mantissa} × 10<sup>{int(exponent)}</sup>".replace("-", "−"))


def _link(name: str, content: str) -> Html:
    """Link a file beside the page, and say what it holds."""
    target = parts.markup(name)
    return Html(f'<a href="{target}">{target}</a>: {parts.markup(content)}')


def _words(value: object) -> str:
    """Write the name or the value of a setting as words."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value).replace("_", " ")
