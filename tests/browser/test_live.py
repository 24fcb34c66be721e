"""The page of a series that is watched: it grows in an open browser, and nobody else gets it."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chromium import Tab, needs_chromium, opened_tab
from series_pages import KNOWN
from stand_in import KNOWN as MEASURED

pytest.importorskip("plotly", reason="needs plotly")
pytest.importorskip("starlette", reason="needs starlette")
pytest.importorskip("uvicorn", reason="needs uvicorn")

import argand
from argand.estimate.least_squares import LeastSquares
from argand.report.live import LiveSeries
from argand.report.live_server import served
from argand.series import Record, SeriesFolder, Watch, predict_series
from argand.simulate import Independent, Measurement, Perturbation, Simulation, write_folder

FILES = 8

# Files that the page says are done, points that the chart of R has, and the line of the first atom.
DONE = "Number(document.body.dataset.files)"
POINTS = "document.querySelectorAll('#plot-fit .trace:first-child .points path').length"
LINE = "document.querySelector('#plot-displacements').data.find((trace) => trace.mode !== 'none')"
IMAGE = "document.querySelectorAll('#plot-density .heatmaplayer image').length"


@pytest.fixture
def live(tmp_path: Path) -> LiveSeries:
    """Return a series without files."""
    return LiveSeries(SeriesFolder(tmp_path / "out"), MEASURED)


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    """Start a browser."""
    with opened_tab(tmp_path / "profile") as tab:
        yield tab


@needs_chromium
def test_the_page_grows_while_files_arrive(tab: Tab, live: LiveSeries, tmp_path: Path) -> None:
    folder, waiting = tmp_path / "in", tmp_path / "waiting"
    folder.mkdir()
    simulation = Simulation(
        MEASURED, Perturbation([Independent(0.2)], strain=0.01), Measurement(noise=0.02), d_min=1.4
    )
    write_folder(waiting, simulation, range(FILES), format="mtz", truth=False)
    ended = threading.Event()
    results: list[Record] = []

    def on_change(records: Sequence[Record], new: Sequence[Record]) -> None:
        """Show new records, and end the watch as Ctrl-C does."""
        if new:
            live.show(records)
        if ended.is_set():
            raise KeyboardInterrupt

    def watch() -> None:
        """Predict files until the test is over."""
        watching = Watch(None, on_change, period=0.05, settling=0.1)
        estimator = LeastSquares(MEASURED)
        results.extend(
            predict_series(estimator, [folder], tmp_path / "out", workers=1, watch=watching)
        )

    watcher = threading.Thread(target=watch)
    with served(live, 0) as address:
        tab.open(address)
        tab.wait(f"{DONE} === 0")
        watcher.start()
        try:
            points = []
            for number in range(FILES):
                if number == FILES - 1:
                    (folder / "broken.mtz").write_bytes(b"nothing")
                    tab.wait(f"{DONE} === {FILES}")
                name = f"sample_{number:04d}.mtz"
                (waiting / name).rename(folder / name)
                tab.wait(f"{DONE} === {number + 1 + (number == FILES - 1)}")
                points.append((tab.run(POINTS), tab.run(f"{LINE}.y.length")))
        finally:
            ended.set()
            watcher.join()
        # A file that could not be used has a number and no point.
        assert [drawn for drawn, _ in points] == list(range(1, FILES + 1))
        assert [files for _, files in points] == [*range(1, FILES), FILES + 1]
        assert tab.wait(IMAGE) == 1
        # Rows of the table, the broken file among them.
        assert tab.run("document.querySelectorAll('#table tbody tr').length") == FILES + 1
        assert "broken" in tab.run("document.querySelector('#remarks').textContent")
        assert f"{FILES + 1}files" in tab.run("document.querySelector('#cards').textContent")
        # The reader chooses the volume of the cell as the axis, and keeps it when files come.
        tab.run("Plotly.relayout('plot-fit', {'updatemenus[0].active': 1})")
        live.show(results)
        title = "document.querySelector('#plot-fit')._fullLayout.xaxis.title.text"
        tab.wait(f"{title} === 'volume (Å³)'")
        addresses, failures = tab.requests()
        assert failures == []
        assert {urlsplit(other).netloc for other in addresses} == {urlsplit(address).netloc}
        assert tab.complaints() == []
    tab.wait("document.querySelector('#state').textContent.startsWith('The watch has ended')")


def test_only_this_machine_is_answered(live: LiveSeries) -> None:
    with served(live, 0) as address:
        port = urlsplit(address).port
        assert urlsplit(address).hostname == "127.0.0.1"
        for host, status in ((f"127.0.0.1:{port}", 200), ("localhost", 200), ("evil.org", 400)):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/state.json", headers={"Host": host})
            response = connection.getresponse()
            assert response.status == status
            body = response.read()
            connection.close()
            assert (b'"files"' in body) is (status == 200)
        # Nothing listens at the other addresses of this machine, such as 127.0.0.2.
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", port), timeout=30)
        with (
            pytest.raises(argand.ArgandError, match=f"port {port} cannot be used"),
            served(live, port),
        ):
            pass
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=30)


def test_the_state_of_an_empty_series(live: LiveSeries) -> None:
    state = live.state()
    assert '"files": 0' in state
    assert live.state() is state
    live.show([])
    assert live.state() is not state


def test_names_are_text_on_the_page(tmp_path: Path) -> None:
    live = LiveSeries(SeriesFolder(tmp_path / "<b>bold"), KNOWN)
    assert "&lt;b&gt;bold" in live.page()
