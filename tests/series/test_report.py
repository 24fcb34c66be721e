"""The report of a series: a file without network that states its numbers and is interactive."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("plotly")

import argand
from argand.medians import median_interval
from argand.report.series import series_page
from argand.series import Record, SeriesFolder
from argand.series.tables import table_csv
from argand.simulate import Simulation
from argand.viz.frames import density_frames
from argand.viz.plane import plane_through
from argand.viz.series import displacement_series, r_series
from series_pages import KNOWN, swinging_series


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> tuple[SeriesFolder, list[Record]]:
    """Make eight files whose atoms swing, one of them flagged, and one that could not be read."""
    return swinging_series(tmp_path_factory.mktemp("series"))


@pytest.fixture(scope="module")
def page(series: tuple[SeriesFolder, list[Record]]) -> str:
    """Make the page of the series."""
    folder, records = series
    return series_page(folder, records, KNOWN, {"method": "refined"}, "Both hands are possible.")


def without_scripts(page: str) -> str:
    """Remove scripts from a page."""
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_states_its_numbers(page: str) -> None:
    bare = re.sub(r"<style.*?</style>|<[^>]+>", " ", without_scripts(page), flags=re.DOTALL)
    text = " ".join(bare.split())
    for words in (
        "9 files",
        "0.012",
        "0.300",
        "Both hands are possible.",
        "farther than &lt;trained&gt;: f3",
        "no reflections &amp; none to come: bad",
        "P 1 21/c 1",
        "1 could not be used",
        "C&lt;1&gt;",
        "8 of 8 files",
    ):
        assert words in text, words
    assert not re.search(r"\$\w+", without_scripts(page))


def test_is_self_contained(page: str) -> None:
    assert page.count("* plotly.js v") == 1
    for target in re.findall(r'(?:src|href)="([^"]+)"', without_scripts(page)):
        assert target.startswith(("data:", "#")) or target in ("table.csv", "table.json")
    assert "default-src 'none'" in page


def test_a_series_without_results_is_a_page_too(series: tuple[SeriesFolder, list[Record]]) -> None:
    folder, records = series
    failures = series_page(folder, records[-1:], KNOWN, {})
    assert "Nothing was found." in failures
    assert "<script" not in failures


def test_the_most_mobile_atoms_have_lines() -> None:
    length = np.full((5, 12), 0.1) + np.arange(12) * 0.01
    length[2] = np.nan
    labels = [f"A{i}" for i in range(12)]
    figure = displacement_series(length, labels, list("abcde"), np.full((5, 12), 0.02))
    scatters = [trace for trace in figure.data if trace.type == "scatter"]
    lines = [trace for trace in scatters if trace.mode != "none"]
    bands = [trace for trace in scatters if trace.mode == "none"]
    assert [trace.name for trace in lines] == [f"A{i}" for i in range(11, 3, -1)]
    assert lines[0].y[2] is None
    heat = next(trace for trace in figure.data if trace.type == "heatmap")
    assert np.shape(heat.z) == (12, 5)
    assert max(bands[0].y) == pytest.approx(0.23)


def test_flagged_files_are_ringed() -> None:
    figure = r_series([0.3, 0.4], [0.01, 0.02], [False, True], ["a", "b"])
    assert list(figure.data[2].x) == [2]
    assert len(r_series([0.3], [0.01], [False], ["a"]).data) == 2


def test_the_plane_holds_site_motion_and_neighbour() -> None:
    direction = np.array([0.3, -0.5, 0.8])
    plane = plane_through(KNOWN.frac, KNOWN.cell, 1, direction)
    position = plane.project(KNOWN.frac, KNOWN.cell)
    np.testing.assert_allclose(position[1], 0.0, atol=1e-12)
    assert abs(np.cross(plane.right, plane.up) @ direction) < 1e-12
    # A second site lies in the plane.
    heights = np.sort(np.abs(position[:, 2]))
    assert heights[1] < 1e-9
    # The density in the plane has its maximum at the site.
    simulation = Simulation(KNOWN, d_min=0.8, dtype="float64")
    shape = argand.grid_shape(KNOWN.cell, KNOWN.spacegroup, 0.8)
    density = argand.map_from_structure_factors(
        simulation.hkl, simulation.f0, shape, cell=KNOWN.cell, spacegroup=KNOWN.spacegroup
    )
    layer = plane.density(density, KNOWN.cell)
    assert layer[30, 30] > 0.9 * layer[25:36, 25:36].max()
    atoms = position[:, :2]
    figure = density_frames([layer] * 2, ["a", "b"], plane, [atoms] * 2, atoms, KNOWN.labels)
    assert len(figure.frames) == 2
    assert [step.label for step in figure.layout.sliders[0].steps] == ["a", "b"]


def packed_figures(page: str) -> dict[str, dict[str, Any]]:
    """Unpack the figures of a page, by their names."""
    figures = {}
    pattern = r'<script type="application/gzip" data-plot="plot-([^"]+)">([^<]*)</script>'
    for name, letters in re.findall(pattern, page):
        text = gzip.decompress(base64.b64decode(letters))
        figures[name] = json.loads(text)
    return figures


def test_files_that_failed_keep_their_number(series: tuple[SeriesFolder, list[Record]]) -> None:
    folder, records = series
    order = [*records[:3], records[-1], *records[3:-1]]
    page = series_page(folder, order, KNOWN, {})
    figures = packed_figures(page)
    fit = figures["fit"]["data"]
    for trace in fit[:2]:
        assert len(trace["text"]) == 9
        assert trace["y"][3] is None
        assert trace["text"][3:5] == ["bad", "f3"]
    # File f3 is flagged, and the fifth one.
    assert unpacked(fit[2]["x"]) == [5]
    heat = next(t for t in figures["displacements"]["data"] if t["type"] == "heatmap")
    assert [row[3] for row in heat["z"]] == [None] * 4
    rows = re.findall(r"<th scope=row>(\d+)</th><td>(\w+)</td>", page)
    assert rows[3:5] == [("4", "bad"), ("5", "f3")]


def unpacked(values: Any) -> list[float]:
    """Return the numbers of a plotly array, which may be packed."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()
    return list(values)


def test_every_file_is_in_the_table(series: tuple[SeriesFolder, list[Record]]) -> None:
    folder, records = series
    many = [replace(records[i % 8], name=f"file{i}") for i in range(300)]
    page = series_page(folder, many, KNOWN, {})
    for record in many:
        assert f"<td>{record.name}</td>" in page
    assert 'class="wide scroll long"' in page


def test_chosen_files_have_their_density(series: tuple[SeriesFolder, list[Record]]) -> None:
    folder, records = series
    page = series_page(folder, records, KNOWN, {}, shown=("f6", "f2"))
    figure = packed_figures(page)["density-series"]
    assert [step["label"] for step in figure["layout"]["sliders"][0]["steps"]] == ["f2", "f6"]
    assert len(figure["frames"]) == 2
    assert "2 of 8 files; the same command with --show NAME... shows others" in page


def test_a_long_series_stays_below_six_megabytes(
    series: tuple[SeriesFolder, list[Record]],
) -> None:
    folder, records = series
    size_of_one = len(series_page(folder, records[:1], KNOWN, {}))
    size_of_eight = len(series_page(folder, records, KNOWN, {}))
    # 200 files show their density, and every file has a row.
    per_file = (size_of_eight - size_of_one) / 7
    assert size_of_one + 200 * per_file < 6e6


def test_sites_with_one_label_are_told_apart(series: tuple[SeriesFolder, list[Record]]) -> None:
    folder, records = series
    known = replace_labels(KNOWN, ("C", "O", "O", "S"))
    page = series_page(folder, records, known, {})
    figure = packed_figures(page)["displacements"]
    heat = next(trace for trace in figure["data"] if trace["type"] == "heatmap")
    assert [row[0] for row in heat["customdata"]] == ["C", "O (2)", "O (3)", "S"]
    table = table_csv(records, known.labels).splitlines()
    assert table[0].endswith("|u| C,|u| O (2),|u| O (3),|u| S")


def replace_labels(crystal: argand.Crystal, labels: tuple[str, ...]) -> argand.Crystal:
    """Return a crystal with other labels of its sites."""
    return argand.Crystal(
        cell=crystal.cell,
        spacegroup=crystal.spacegroup,
        types=crystal.types,
        labels=labels,
        frac=crystal.frac,
        b_iso=crystal.b_iso,
    )


def test_headline_numbers_have_intervals(series: tuple[SeriesFolder, list[Record]]) -> None:
    folder, records = series
    r_values = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07)
    chosen = [replace(records[i], r=r) for i, r in enumerate(r_values)]
    page = series_page(folder, chosen, KNOWN, {})
    assert "<strong>0.040</strong>" in page
    assert "95 % interval 0.020 to 0.060" in page
    assert "that of one file is known to 0.010 Å (median)" in page


def test_intervals_of_medians() -> None:
    """For large n the median of a normal distribution has sigma = 1.2533 / sqrt(n)."""
    numbers = np.random.default_rng(3).normal(5.0, 1.0, 2000)
    median, low, high = median_interval(numbers)
    assert median == np.median(numbers)
    assert high - low == pytest.approx(2 * 1.96 * 1.2533 / np.sqrt(2000), rel=0.25)
    assert low < median < high
    assert median_interval([3.0, 3.0, np.nan]) == (3.0, 3.0, 3.0)
    assert np.isnan(median_interval([np.nan])).all()


def test_plotly_is_packed_and_complete(page: str) -> None:
    from plotly.offline import get_plotlyjs

    (letters,) = re.findall(r'<script type="application/gzip" id="plotly">([^<]*)<', page)
    assert gzip.decompress(base64.b64decode(letters)).decode() == get_plotlyjs()


def test_the_density_has_the_unit_of_the_radiation(
    series: tuple[SeriesFolder, list[Record]],
) -> None:
    folder, records = series
    for unit in ("e/Å³", "fm/Å³"):
        page = series_page(folder, records, KNOWN, {}, density_unit=unit)
        figure = packed_figures(page)["density-series"]
        assert figure["data"][0]["colorbar"]["title"]["text"] == unit
