"""Show a page in headless Chromium."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needs_chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
    "--enable-logging=stderr",
    "--virtual-time-budget=10000",
    "--dump-dom",
)

# Lines of the console that are hints on speed, no complaints.
_HINTS = ("ReadPixels", "willReadFrequently")


def shown(page: str, folder: Path) -> tuple[str, list[str]]:
    """Return the document after its scripts have run, and what they complained of."""
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    profile = f"--user-data-dir={folder / 'profile'}"
    command = ["chromium", *_OPTIONS, profile, path.as_uri()]
    browser = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    complaints = []
    for line in browser.stderr.splitlines():
        is_hint = any(hint in line for hint in _HINTS)
        if "CONSOLE" in line and not is_hint:
            complaints.append(line)
    return browser.stdout, complaints
