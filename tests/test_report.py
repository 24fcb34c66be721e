"""The report of the demo: a file without network that states its numbers and shows its figures."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from chromium import needs_chromium, opened_tab, page_file

pytest.importorskip("matplotlib")
pytest.importorskip("plotly")

from matplotlib.figure import Figure

from argand import viz
from argand.medians import Median
from argand.report import environment, page, parts
from argand.report.main_job import Illustrations, main_job_page
from argand.report.results import ALL, MODEL_NAMES, NEVER, NEW, ModelScore, Reference, Results

MODELS = tuple(MODEL_NAMES)
CELL = (4.0, 4.0, 4.0, 90.0, 90.0, 90.0)
VOID = {"meta", "img", "source", "br"}


# Scores of each model, in their order, after training with either loss.
PLAIN_SCORES = (490.0, 480.0, 600.0, 575.0)
CURED_SCORES = (0.93, 0.3, 5.0, 19.0)

REFERENCES = {
    "floor": 485.4,
    "committed": 601.0,
    "all_zero": 930.0,
    "random": 1009.0,
    "random_best_hand": 985.0,
}


def model_score(model: str, loss: str, samples: str, value: float) -> ModelScore:
    """Make a score whose other numbers follow from its value."""
    correlation = 1 - value / 1000
    # A few bad samples raise the mean, and its error, far above the median.
    median = Median(value, 0.9 * value, 1.2 * value)
    phase_error = Median(value / 100, value / 120, value / 90)
    mean, margin = 3 * value, 2 * value
    return ModelScore(model, loss, samples, mean, margin, median, 500.0, phase_error, correlation)


def results() -> Results:
    """Make results of all models on all sets of samples."""
    scores = []
    for model, plain, cured in zip(MODELS, PLAIN_SCORES, CURED_SCORES, strict=True):
        for samples in (NEW, NEVER):
            scores.append(model_score(model, "published", samples, plain))
            scores.append(model_score(model, "invariant", samples, cured))
    references = []
    for samples in (NEW, NEVER, ALL):
        for name, value in REFERENCES.items():
            references.append(Reference(name, samples, value, 9.0))
    curve = {"step": [1, 2], "training": [600.0, 450.0], "new samples": [600.0, 520.0]}
    return Results(
        tuple(scores),
        tuple(references),
        reflections=1007.4,
        parameters=dict.fromkeys(MODELS, 12_345),
        histories={model: {"published": curve, "invariant": curve} for model in MODELS},
        settings={
            "metals": ["Au", "Fe", "V"],
            "held_out": ["V"],
            "spread": 0.05,
            "energy_kev": 10.0,
            "seed": 0,
        },
        environment=environment(),
    )


def in_both_themes(draw: Callable[..., Figure], *arguments: object) -> tuple[bytes, bytes]:
    """Draw a picture for light and for dark pages."""
    light = parts.png(draw(*arguments, theme="light"), dpi=40)
    return light, parts.png(draw(*arguments, theme="dark"), dpi=40)


@pytest.fixture(scope="module")
def report() -> str:
    """Make the report of small pictures."""
    density = np.random.default_rng(0).random((6, 6, 6))
    box = np.ones((3, 3, 3), dtype=complex)
    hkl = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    curves = {"m": {"published": {"step": [1, 2], "training": [3.0, 2.0]}}}
    slices = in_both_themes(viz.plot_slices, density, density, CELL)
    scores = {"m": {"published": 2.0}}
    pictures = {
        "hkl": in_both_themes(viz.plot_hkl, hkl, box.ravel()),
        "tiles": in_both_themes(viz.plot_tiles, box, box),
        "scores": in_both_themes(viz.plot_scores, scores, {"floor": 1.0}),
        "curves": in_both_themes(viz.plot_loss_curves, curves),
        "slices_invariant": slices,
        "slices_published": slices,
    }
    surfaces = viz.isosurfaces({"true": density, "predicted": density}, CELL, level=0.5)
    drawn = Illustrations(
        pictures,
        parts.interactive(surfaces, "density"),
        "V, atom 0 moved by 0.06 a",
        "the U-net",
        (3e-16, 2e-14),
    )
    return main_job_page(results(), drawn, {"table.csv": "all scores & references"})


class Outline(HTMLParser):
    """Parse a page: open tags, anchors, what the page refers to, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href", "srcset"):
                self.targets.append(value or "")
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
    """Parse a page."""
    parsed = Outline()
    parsed.feed(html)
    parsed.close()
    return parsed


def test_is_well_formed_and_self_contained(report: str) -> None:
    parsed = outline(report)
    assert parsed.stack == []
    assert len(set(parsed.ids)) == len(parsed.ids)
    anchors = [f"#{anchor}" for anchor in parsed.ids]
    for target in parsed.targets:
        is_picture = target.startswith("data:image/png;base64,")
        assert is_picture or target in (*anchors, "table.csv")
    assert "default-src 'none'" in report
    assert report.count("* plotly.js v") == 1


def test_all_values_are_filled_in(report: str) -> None:
    text = outline(report).text
    assert not re.search(r"\$\w+", text)
    assert "rehearsal" not in text.lower()
    assert "nan" not in text.lower().split()


def test_states_its_numbers(report: str) -> None:
    text = " ".join(outline(report).text.split())
    for words in (
        "485",
        "930",
        "1,007 reflections",
        "0.3 (0.27 to 0.36)",
        "40–45",
        "7.2",
        "12,345",
        "Au, Fe and V",
        "3 × 10−16 of the",
        "601",
        "Floor of the published loss",
        "All phases zero",
        "Random phases",
        "never seen",
        "Friedel",
    ):
        assert words in text, words


def test_text_is_escaped() -> None:
    cells = ["<script>", parts.Html("<b>1</b>")]
    shown = parts.table(["a<b"], [cells], caption="x & y").markup
    assert "a&lt;b" in shown
    assert "&lt;script&gt;" in shown
    assert "<b>1</b>" in shown
    assert "x &amp; y" in shown
    assert "<title>1 &lt; 2</title>" in page("1 < 2", "", "<section id=a><h2>A</h2></section>")


def test_a_page_without_figures_has_no_script() -> None:
    assert "<script" not in page("t", "l", '<section id="a"><h2>A</h2></section>')


def test_the_same_figure_gives_the_same_bytes() -> None:
    first = parts.png(viz.plot_scores({"m": {"a": 2.0}}, {}))
    second = parts.png(viz.plot_scores({"m": {"a": 2.0}}, {}))
    assert first == second


def test_results_survive_json() -> None:
    original = results()
    copy = Results.from_json(original.to_json())
    assert copy.to_json() == original.to_json()
    assert copy.best("invariant", NEW).model == "mlp"
    assert copy.most_precise(NEVER).phase_error.value == pytest.approx(0.003)
    assert json.loads(original.to_json())["settings"]["held_out"] == ["V"]
    with pytest.raises(KeyError):
        copy.score("mlp", "other", NEW)
    with pytest.raises(KeyError):
        copy.reference("other", NEW)


def test_tables_have_the_published_numbers_beside() -> None:
    lines = results().to_csv().splitlines()
    assert len(lines) == 1 + len(results().scores) + len(results().references)
    assert lines[0].endswith("published train,test,validation")
    assert lines[1].startswith("linear,published,unseen samples,1470,9.8e+02,490,441 to 588,500,")
    assert lines[1].endswith(",n/a,40,28")
    assert results().to_markdown().count("\n| ") > 10


def test_the_environment_names_no_folder() -> None:
    facts = environment()
    assert {"argand", "Python", "numpy", "processor", "time"} <= facts.keys()
    assert str(Path.home()) not in "".join(facts.values())


# Traces that plotly.js draws by regl, which makes functions of text when it draws.
_TRACES_WITH_EVAL = ("scattergl", "scatterpolargl", "splom", "parcoords", "parcats")


def test_the_policy_of_the_page_forbids_eval(report: str) -> None:
    policy = re.findall(r'Content-Security-Policy" content="([^"]*)"', report)
    assert len(policy) == 1
    assert policy[0].startswith("default-src 'none'")
    assert "unsafe-eval" not in policy[0]


def test_no_picture_needs_eval() -> None:
    """Interactive pictures in the whole package have no trace that regl draws."""
    package = Path(viz.__file__).parents[1]
    traces: set[str] = set()
    for path in package.rglob("*.py"):
        traces.update(re.findall(r"\bgo\.([A-Z]\w+)\(", path.read_text(encoding="utf-8")))
    assert {"Isosurface", "Scatter3d", "Heatmap", "Scatter"} <= traces
    assert not {trace.lower() for trace in traces} & set(_TRACES_WITH_EVAL)


@needs_chromium
def test_a_browser_shows_it_without_complaint(report: str, tmp_path: Path) -> None:
    """The page needs nothing that its policy forbids; a page that does is complained of."""
    with opened_tab(tmp_path / "profile") as tab:
        address = page_file(report, tmp_path)
        tab.open(address)
        tab.wait_for_figures(1)
        assert tab.requests() == ([address], [])
        assert tab.complaints() == []
        # Each scene has its canvas.
        assert tab.run("document.querySelectorAll('.gl-container canvas').length") >= 2
        bare = page("t", "l", '<section id="a"><h2>A</h2></section>')
        tab.open(page_file(bare.replace("</body>", "<script>eval('1')</script></body>"), tmp_path))
        assert any("EvalError" in complaint for complaint in tab.complaints())
