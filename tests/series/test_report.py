"""The report of a series: a file without network that states its numbers and is interactive."""

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
from argand.viz.frames import density_frames
from argand.viz.plane import plane_through
from argand.viz.series import displacement_series, r_series

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
    """Make eight files whose atoms swing, one of them flagged, and one that could not be read."""
    folder = SeriesFolder(tmp_path_factory.mktemp("series"))
    folder.open(SeriesSettings("test"))
    simulation = Simulation(KNOWN, Perturbation([Independent(0.3)]), d_min=1.5, dtype="float64")
    amplitude = simulation.displacements(np.array([4]))[0]
    records = []
    for i in range(8):
        displacement = amplitude * np.sin(i)
        f = simulation.structure_factors(displacement[None])[0]
        argand.write_reflections(
            folder.path / "phases" / f"f{i}.mtz",
            simulation.hkl,
            f,
            cell=KNOWN.cell,
            spacegroup=KNOWN.spacegroup,
        )
        record = Record(
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
            largest=float(np.linalg.norm(displacement, axis=1).max()),
            atom="C<1>",
            scale=1.0,
            b_change=0.0,
            flags=("farther than <trained>",) if i == 3 else (),
            displacement=tuple(map(tuple, displacement.tolist())),
            sigma=(0.02,) * 4,
        )
        records.append(record)
    records.append(Record("bad", "x", 1, 1, error="no reflections & none to come"))
    return folder, records


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


@needs_chromium
def test_a_browser_shows_it_without_complaint(page: str, tmp_path: Path) -> None:
    document, complaints = shown(page, tmp_path)
    assert complaints == []
    # The density can be moved through the files.
    assert "slider-container" in document
    assert document.count("heatmaplayer") >= 2
