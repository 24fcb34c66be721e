"""A page in headless Chromium."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needs_chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")


def shown(page: str, folder: Path) -> tuple[str, list[str]]:
    """The document after its scripts have run, and what they complained of on the console."""
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    options = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --enable-unsafe-swiftshader --enable-logging=stderr "
        f"--virtual-time-budget=10000 --user-data-dir={folder / 'profile'} --dump-dom"
    )
    command = ["chromium", *options.split(), path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    remarks = ("ReadPixels", "willReadFrequently")  # on speed, no complaints
    lines = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, [line for line in lines if not any(remark in line for remark in remarks)]
