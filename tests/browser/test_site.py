"""The site of the documentation in a browser: every page opens, complete and without complaint."""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chromium import needs_chromium, opened_tab

pytest.importorskip("mkdocs", reason="needs mkdocs")
pytest.importorskip("material", reason="needs mkdocs-material")
pytest.importorskip("mkdocstrings", reason="needs mkdocstrings")

ROOT = Path(__file__).parents[2]


class SilentHandler(http.server.SimpleHTTPRequestHandler):
    """Serve files, and print nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:
        """Ignore a line of the log."""


@contextmanager
def served_folder(folder: Path) -> Iterator[str]:
    """Serve a folder while the block runs, and yield its address."""
    handler = functools.partial(SilentHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()


@pytest.mark.slow
@needs_chromium
def test_every_page_opens(tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(site)]
    environment = {
        **os.environ,
        "NO_MKDOCS_2_WARNING": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=600)
    pages = sorted(path.relative_to(site).as_posix() for path in site.rglob("[!4]*.html"))
    assert {"index.html", "solving.html", "commands.html", "api/argand.html"} <= set(pages)
    with served_folder(site) as address, opened_tab(tmp_path / "profile") as tab:
        for page in pages:
            tab.open(address + page)
            tab.wait("document.readyState === 'complete'")
            addresses, failures = tab.requests()
            assert failures == [], page
            assert {urlsplit(other).netloc for other in addresses} == {urlsplit(address).netloc}
            assert tab.complaints() == [], page
            # Every picture is there, and every page says something.
            assert tab.run("[...document.images].every((image) => image.naturalWidth > 0)"), page
            assert tab.run("document.querySelector('article').innerText.length") > 20, page
            anchors = tab.run("[...document.querySelectorAll('article a')].map((a) => a.href)")
            for anchor in anchors:
                target = urlsplit(anchor)
                if target.netloc == urlsplit(address).netloc:
                    assert (site / (target.path.lstrip("/") or "index.html")).exists(), anchor
