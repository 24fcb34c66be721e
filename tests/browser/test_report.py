"""Reports in a browser: they open without network, the molecule turns, and buttons work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chromium import Tab, needs_chromium, opened_tab, page_file
from series_pages import KNOWN, swinging_series
from solutions import StandInFlack, solution_of
from solve_stand_in import known_crystal

pytest.importorskip("matplotlib")
pytest.importorskip("plotly")

from argand.report.series import series_page
from argand.report.solution import solution_page

pytestmark = needs_chromium

# The eye of the camera of the molecule, and the buttons that choose the surface of its density.
EYE = "JSON.stringify(document.querySelector('#plot-molecule')._fullLayout.scene.camera.eye)"
BUTTONS = "document.querySelectorAll('#plot-molecule .updatemenu-button').length"
CANVAS = "#plot-molecule .gl-container canvas"
ACTIVE = "document.querySelector('#plot-molecule')._fullLayout.updatemenus[0].active"

# The frame of the density of a series that is shown.
FRAME = "document.querySelector('#plot-density-series')._fullLayout.sliders[0].active"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """Start a browser."""
    with opened_tab(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture(scope="module")
def solution(tab: Tab, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write the report of the solution of a silicate, and return its address."""
    page = solution_page(solution_of(known_crystal("9000905"), flack=StandInFlack()))
    return page_file(page, tmp_path_factory.mktemp("solution"))


def test_a_solution(tab: Tab, solution: str) -> None:
    """The page needs nothing else, the molecule turns, and buttons choose its density."""
    tab.open(solution)
    tab.wait_for_figures(3)
    assert tab.requests() == ([solution], [])
    assert tab.run("document.querySelectorAll('.gl-container canvas').length") >= 1
    # Every picture has been decoded.
    assert tab.run("[...document.images].every((image) => image.naturalWidth > 100)")
    before, eye = tab.picture(CANVAS), tab.run(EYE)
    assert tab.picture(CANVAS) == before
    tab.drag(CANVAS, 160, 60)
    tab.wait(f"{EYE} !== {eye!r}")
    pictures = [tab.changed_picture(CANVAS, before)]
    count, first = tab.run(BUTTONS), tab.run(ACTIVE)
    assert count >= 2
    for step in range(1, count):
        number = (first + step) % count
        tab.click(f"#plot-molecule .updatemenu-button:nth-of-type({number + 1})")
        tab.wait(f"{ACTIVE} === {number}")
        pictures.append(tab.changed_picture(CANVAS, pictures[-1]))
    assert len(set(pictures)) == count
    assert tab.complaints() == []


def test_a_page_that_asks_for_more_is_noticed(tab: Tab, tmp_path: Path) -> None:
    """The policy of the page stops requests, and the console says so."""
    page = series_page(*swinging_series(tmp_path / "series"), KNOWN, {})
    picture = '<img src="http://127.0.0.1:9/picture.png"></body>'
    tab.open(page_file(page.replace("</body>", picture), tmp_path))
    assert any("picture.png" in line for line in tab.complaints())


def test_a_series(tab: Tab, tmp_path: Path) -> None:
    """The page needs nothing else, and the density moves through the files."""
    page = series_page(*swinging_series(tmp_path / "series"), KNOWN, {"method": "refined"})
    address = page_file(page, tmp_path)
    tab.open(address)
    tab.wait_for_figures(3)
    assert tab.requests() == ([address], [])
    assert tab.run("document.querySelectorAll('.heatmaplayer').length") >= 2
    before, frame = tab.picture("#plot-density-series"), tab.run(FRAME)
    left, top, width, height = tab.rectangle("#plot-density-series .slider-rail-touch-rect")
    tab.press(left + 0.8 * width, top + height / 2)
    tab.wait(f"{FRAME} !== {frame}")
    tab.changed_picture("#plot-density-series", before)
    assert tab.complaints() == []
