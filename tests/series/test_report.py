"""The report of a series: one file that needs no network, says its numbers, and moves in a browser."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from browser import needs_chromium, shown

pytest.importorskip("matplotlib")
pytest.importorskip("plotly")

import argand
from argand.report.series import series_page
from argand.series import Record, SeriesFolder, SeriesSettings
from argand.simulate import Independent, Perturbation, Simulation
from argand.viz.series import density_frames, displacement_series, plane_through, r_series

KNOWN = argand.Crystal(
    cell=(7.0, 8.0, 9.0, 90.0, 97.0, 90.0),
    spacegroup="P 1 21/c 1",
    types=("C", "N", "O", "S"),
    labels=("C<1>", "N1", "O1", "S1"),
    frac=np.array([[0.1, 0.1, 0.2], [0.3, 0.2, 0.1], [0.2, 0.4, 0.3], [0.4, 0.35, 0.15]]),
    b_iso=2.0,
)


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> tuple[SeriesFolder, list[Record]]:
    """Eight files whose atoms swing, one that was flagged and one that could not be read."""
    folder = SeriesFolder(tmp_path_factory.mktemp("series"))
    folder.open(SeriesSettings("test"))
    simulation = Simulation(KNOWN, Perturbation([Independent(0.3)]), d_min=1.5, dtype="float64")
    swing = simulation.displacements(np.array([4]))[0]
    records = []
    for i in range(8):
        u = swing * np.sin(i)
        f = simulation.structure_factors(u[None])[0]
        argand.write_reflections(
            folder.path / "phases" / f"f{i}.mtz",
            simulation.hkl,
            f,
            cell=KNOWN.cell,
            spacegroup=KNOWN.spacegroup,
        )
        length = np.linalg.norm(u, axis=1)
        records.append(
            Record(
                f"f{i}",
                "x",
                1,
                1,
                reflections=len(f),
                completeness=1.0,
                d_min=1.5,
                r_known=0.3,
                r=0.0123,
                rms=0.2,
                uncertainty=0.01,
                largest=float(length.max()),
                atom="C<1>",
                scale=1.0,
                b_change=0.0,
                flags=("farther than <trained>",) if i == 3 else (),
                displacement=tuple(map(tuple, u.tolist())),
                sigma=(0.02,) * 4,
            )
        )
    return folder, [*records, Record("bad", "x", 1, 1, error="no reflections & none to come")]


@pytest.fixture(scope="module")
def page(series: tuple[SeriesFolder, list[Record]]) -> str:
    return series_page(*series, KNOWN, {"method": "refined"}, "Both hands are possible.")


def test_says_its_numbers(page: str) -> None:
    text = " ".join(
        re.sub(r"<script.*?</script>|<style.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL).split()
    )
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
    assert not re.search(r"\$\w+", re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))


def test_is_self_contained(page: str) -> None:
    assert page.count("* plotly.js v") == 1
    outside = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    for target in re.findall(r'(?:src|href)="([^"]+)"', outside):
        assert target.startswith(("data:", "#")) or target in ("table.csv", "table.json")
    assert "default-src 'none'" in page


def test_nothing_found_is_a_page_too(series: tuple[SeriesFolder, list[Record]]) -> None:
    folder, records = series
    only_bad = series_page(folder, records[-1:], KNOWN, {})
    assert "Nothing was found." in only_bad
    assert "<script" not in only_bad


def test_atoms_that_move_most_have_lines_of_their_own() -> None:
    length = np.full((5, 12), 0.1) + np.arange(12) * 0.01
    length[2] = np.nan
    figure = displacement_series(
        length, [f"A{i}" for i in range(12)], list("abcde"), np.full((5, 12), 0.02)
    )
    lines = [trace for trace in figure.data if trace.type == "scatter" and trace.mode != "none"]
    assert [trace.name for trace in lines] == [f"A{i}" for i in range(11, 3, -1)]
    assert lines[0].y[2] is None
    heat = next(trace for trace in figure.data if trace.type == "heatmap")
    assert np.shape(heat.z) == (12, 5)
    band = next(trace for trace in figure.data if trace.mode == "none")
    assert max(band.y) == pytest.approx(0.23)


def test_flagged_files_are_ringed() -> None:
    figure = r_series([0.3, 0.4], [0.01, 0.02], [False, True], ["a", "b"])
    assert list(figure.data[2].x) == [2]
    assert len(r_series([0.3], [0.01], [False], ["a"]).data) == 2


def test_the_plane_holds_site_motion_and_neighbour() -> None:
    direction = np.array([0.3, -0.5, 0.8])
    plane = plane_through(KNOWN.frac, KNOWN.cell, 1, direction)
    heights = plane.project(KNOWN.frac, KNOWN.cell)
    np.testing.assert_allclose(heights[1], 0.0, atol=1e-12)
    assert abs(np.cross(plane.right, plane.up) @ direction) < 1e-12
    assert np.sort(np.abs(heights[:, 2]))[1] < 1e-9  # a second site lies in it
    # the density there is that of the atoms
    simulation = Simulation(KNOWN, d_min=0.8, dtype="float64")
    shape = argand.grid_shape(KNOWN.cell, KNOWN.spacegroup, 0.8)
    rho = argand.map_from_structure_factors(
        simulation.hkl, simulation.f0, shape, cell=KNOWN.cell, spacegroup=KNOWN.spacegroup
    )
    layer = plane.density(rho, KNOWN.cell)
    assert layer[30, 30] > 0.9 * layer[25:36, 25:36].max()
    figure = density_frames(
        [layer, layer], ["a", "b"], plane, [heights[:, :2]] * 2, heights[:, :2], KNOWN.labels
    )
    assert len(figure.frames) == 2
    assert [step.label for step in figure.layout.sliders[0].steps] == ["a", "b"]


@needs_chromium
def test_a_browser_shows_it_without_complaint(page: str, tmp_path: Path) -> None:
    document, complaints = shown(page, tmp_path)
    assert complaints == []
    assert "slider-container" in document  # the density can be moved through the files
    assert document.count("heatmaplayer") >= 2
