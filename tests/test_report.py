"""The report is one file that needs no network, says its numbers, and shows its figures in a browser."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from browser import needs_chromium, shown

pytest.importorskip("matplotlib")
pytest.importorskip("plotly")

from argand import viz
from argand.report import environment, page, parts
from argand.report.main_job import Illustrations, main_job_page
from argand.report.results import ALL, MODEL_NAMES, NEVER, NEW, ModelScore, Reference, Results

MODELS = tuple(MODEL_NAMES)
CELL = (4.0, 4.0, 4.0, 90.0, 90.0, 90.0)
VOID = {"meta", "img", "source", "br"}


def results() -> Results:
    scores = tuple(
        ModelScore(model, loss, samples, value, 0.1 * value, 500.0, value / 100, 1 - value / 1000)
        for model, plain, cured in zip(
            MODELS, (490.0, 480.0, 600.0, 575.0), (0.93, 0.3, 5.0, 19.0), strict=True
        )
        for samples in (NEW, NEVER)
        for loss, value in (("published", plain), ("invariant", cured))
    )
    answers = {
        "floor": 485.4,
        "committed": 601.0,
        "all_zero": 930.0,
        "random": 1009.0,
        "random_best_hand": 985.0,
    }
    references = tuple(
        Reference(name, samples, value, 9.0)
        for samples in (NEW, NEVER, ALL)
        for name, value in answers.items()
    )
    curve = {"step": [1, 2], "training": [600.0, 450.0], "new samples": [600.0, 520.0]}
    return Results(
        scores,
        references,
        1007.4,
        dict.fromkeys(MODELS, 12_345),
        {model: {"published": curve, "invariant": curve} for model in MODELS},
        {
            "metals": ["Au", "Fe", "V"],
            "held_out": ["V"],
            "spread": 0.05,
            "energy_kev": 10.0,
            "seed": 0,
        },
        environment(),
    )


@pytest.fixture(scope="module")
def report() -> str:
    rho = np.random.default_rng(0).random((6, 6, 6))
    f = np.ones((3, 3, 3), dtype=complex)
    hkl = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    curves = {"m": {"published": {"step": [1, 2], "training": [3.0, 2.0]}}}

    def both(draw):
        return tuple(parts.png(draw(theme), dpi=40) for theme in ("light", "dark"))

    pictures = {
        "hkl": both(lambda theme: viz.plot_hkl(hkl, f.ravel(), theme=theme)),
        "tiles": both(lambda theme: viz.plot_tiles(f, f, theme=theme)),
        "scores": both(
            lambda theme: viz.plot_scores({"m": {"published": 2.0}}, {"floor": 1.0}, theme=theme)
        ),
        "curves": both(lambda theme: viz.plot_loss_curves(curves, theme=theme)),
    }
    pictures["slices_invariant"] = pictures["slices_published"] = both(
        lambda theme: viz.plot_slices(rho, rho, CELL, theme=theme)
    )
    density = parts.interactive(
        viz.isosurfaces({"true": rho, "predicted": rho}, CELL, level=0.5), "density"
    )
    drawn = Illustrations(
        pictures, density, "V, atom 0 moved by 0.06 a", "the U-net", (3e-16, 2e-14)
    )
    return main_job_page(results(), drawn, {"table.csv": "all scores & references"})


class Outline(HTMLParser):
    """Open and closed tags, and everything the page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.ids: list[str] = []
        self.refers: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.refers += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] not in ("script", "style"):
            self.text += data


def outline(html: str) -> Outline:
    parsed = Outline()
    parsed.feed(html)
    parsed.close()
    return parsed


def test_is_well_formed_and_self_contained(report: str) -> None:
    parsed = outline(report)
    assert parsed.stack == []
    assert len(set(parsed.ids)) == len(parsed.ids)
    inside = {f"#{anchor}" for anchor in parsed.ids}
    for target in parsed.refers:
        assert (
            target.startswith("data:image/png;base64,") or target in inside or target == "table.csv"
        )
    assert "default-src 'none'" in report
    assert report.count("* plotly.js v") == 1


def test_nothing_is_left_to_fill_in(report: str) -> None:
    text = outline(report).text
    assert not re.search(r"\$\w+", text)
    assert "rehearsal" not in text.lower()
    assert "nan" not in text.lower().split()


def test_says_its_numbers(report: str) -> None:
    text = " ".join(outline(report).text.split())
    for words in (
        "485",
        "930",
        "1,007 reflections",
        "0.3 ± 0.03",
        "40–45",
        "7.2",
        "12,345",
        "Au, Fe and V",
        "3 × 10−16 of the",
        "601",
    ):
        assert words in text
    for words in (
        "Floor of the published loss",
        "All phases zero",
        "Random phases",
        "never seen",
        "Friedel",
    ):
        assert words in text


def test_text_is_escaped() -> None:
    shown = parts.table(["a<b"], [["<script>", parts.Html("<b>1</b>")]], caption="x & y").markup
    assert "a&lt;b" in shown
    assert "&lt;script&gt;" in shown
    assert "<b>1</b>" in shown
    assert "x &amp; y" in shown
    assert "<title>1 &lt; 2</title>" in page("1 < 2", "", "<section id=a><h2>A</h2></section>")


def test_a_page_without_figures_has_no_script() -> None:
    assert "<script" not in page("t", "l", '<section id="a"><h2>A</h2></section>')


def test_same_figure_same_bytes() -> None:
    first, second = (parts.png(viz.plot_scores({"m": {"a": 2.0}}, {})) for _ in range(2))
    assert first == second


def test_results_survive_json() -> None:
    once = results()
    again = Results.from_json(once.to_json())
    assert again.to_json() == once.to_json()
    assert again.best("invariant", NEW).model == "mlp"
    assert again.most_precise(NEVER).phase_error == pytest.approx(0.003)
    assert json.loads(once.to_json())["settings"]["held_out"] == ["V"]
    with pytest.raises(KeyError):
        again.score("mlp", "other", NEW)
    with pytest.raises(KeyError):
        again.reference("other", NEW)


def test_tables_put_the_published_numbers_beside() -> None:
    lines = results().to_csv().splitlines()
    assert len(lines) == 1 + len(results().scores) + len(results().references)
    assert lines[0].endswith("published train,test,validation")
    assert lines[1].startswith("linear,published,unseen samples,490,49,500,")
    assert lines[1].endswith(",n/a,40,28")
    assert results().to_markdown().count("\n| ") > 10


def test_environment_names_no_place() -> None:
    facts = environment()
    assert {"argand", "Python", "numpy", "processor", "time"} <= facts.keys()
    assert str(Path.home()) not in "".join(facts.values())


@needs_chromium
def test_a_browser_shows_it_without_complaint(report: str, tmp_path: Path) -> None:
    document, complaints = shown(report, tmp_path)
    assert complaints == []
    assert len(re.findall(r"<canvas", document)) >= 2  # one a scene
    assert "gl-container" in document
