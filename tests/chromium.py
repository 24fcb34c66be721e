"""Open pages in headless Chromium, act as a reader does, and collect what the browser says."""

from __future__ import annotations

import importlib.util
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")


def _reason_to_skip() -> str:
    """Say what the tests of pages lack here; nothing where they can run."""
    if CHROMIUM is None or DRIVER is None:
        return "needs chromium and chromedriver (Debian: apt-get install chromium chromium-driver)"
    return "" if importlib.util.find_spec("selenium") else "needs selenium"


needs_chromium = pytest.mark.skipif(bool(_reason_to_skip()), reason=_reason_to_skip() or "has all")

_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
    "--hide-scrollbars",
    # No name leads anywhere: a page sees this machine alone.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)

# Lines of the console that are hints on speed, no complaints.
_HINTS = ("ReadPixels", "willReadFrequently")

# Seconds in which a page must show what a test waits for: other work may keep the machine busy.
_PATIENCE = 60.0

# Pages are shown in a window of this size, in pixels.
_WIDTH, _HEIGHT = 1200, 900

# Schemes of addresses that lie inside a page.
_INSIDE = ("data:", "blob:", "about:")


class Tab:
    """Show pages in one tab of a browser that selenium drives."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, address: str) -> None:
        """Open an address, and forget what earlier pages complained of."""
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(address)

    def run(self, script: str) -> Any:
        """Return the value of an expression of JavaScript."""
        return self.driver.execute_script(f"return {script};")

    def wait(self, script: str, patience: float = _PATIENCE) -> Any:
        """Return the value of an expression of JavaScript once it is true."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            value = self.run(script)
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"never true: {script}; {self.complaints()}")

    def wait_for_figures(self, count: int) -> None:
        """Wait until plotly has drawn so many figures."""
        self.wait(f"document.querySelectorAll('.js-plotly-plot .main-svg').length >= {count}")
        plots = "[...document.querySelectorAll('.interactive > div')]"
        self.wait(f"{plots}.every((plot) => plot.classList.contains('js-plotly-plot'))")

    def complaints(self) -> list[str]:
        """Return warnings and errors of the console since the last call."""
        lines = []
        for entry in self.driver.get_log("browser"):
            is_hint = any(hint in entry["message"] for hint in _HINTS)
            if entry["level"] in ("SEVERE", "WARNING") and not is_hint:
                lines.append(str(entry["message"]))
        return lines

    def requests(self) -> tuple[list[str], list[str]]:
        """Return the addresses that pages asked for since the last call, and those that failed."""
        addresses: dict[str, str] = {}
        failures = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            method, parameters = message["method"], message["params"]
            if method == "Network.requestWillBeSent":
                address = parameters["request"]["url"]
                if not address.startswith(_INSIDE):
                    addresses[parameters["requestId"]] = address
            elif method == "Network.responseReceived" and parameters["response"]["status"] >= 400:
                failures.append(parameters["response"]["url"])
            elif method == "Network.loadingFailed" and not parameters.get("canceled"):
                failures.append(addresses.get(parameters["requestId"], "unknown"))
        return list(addresses.values()), failures

    def rectangle(self, selector: str) -> tuple[float, float, float, float]:
        """Scroll the first element of a selector into view; return left, top, width, height."""
        element = f"document.querySelector({json.dumps(selector)})"
        self.run(f"{element}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        box = self.run(f"{element}.getBoundingClientRect()")
        return box["left"], box["top"], box["width"], box["height"]

    def drag(self, selector: str, right: int, down: int) -> None:
        """Press the mouse in the middle of an element, move it by pixels, and let it go."""
        left, top, width, height = self.rectangle(selector)
        x, y = left + width / 2, top + height / 2
        self._mouse("mousePressed", x, y)
        for step in range(1, 6):
            self._mouse("mouseMoved", x + right * step / 5, y + down * step / 5)
        self._mouse("mouseReleased", x + right, y + down)

    def click(self, selector: str) -> None:
        """Click into the middle of an element."""
        left, top, width, height = self.rectangle(selector)
        self.press(left + width / 2, top + height / 2)

    def press(self, x: float, y: float) -> None:
        """Move the mouse to a place of the window, in pixels, press it, and let it go."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self._mouse(kind, x, y)

    def picture(self, selector: str) -> bytes:
        """Return what is seen of an element, as PNG."""
        self.rectangle(selector)
        from selenium.webdriver.common.by import By

        element = self.driver.find_element(By.CSS_SELECTOR, selector)
        return bytes(element.screenshot_as_png)

    def changed_picture(self, selector: str, before: bytes) -> bytes:
        """Wait until an element looks otherwise than before, and return its picture."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            picture = self.picture(selector)
            if picture != before:
                return picture
            time.sleep(0.05)
        raise AssertionError(f"{selector}: looks as it did; {self.complaints()}")

    def _mouse(self, kind: str, x: float, y: float) -> None:
        """Send an event of the mouse, with the left button held unless it moves freely."""
        event = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
        event["buttons"] = 0 if kind == "mouseReleased" else 1
        self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)


@contextmanager
def opened_tab(folder: Path, width: int = _WIDTH, height: int = _HEIGHT) -> Iterator[Tab]:
    """Start a browser with a new profile in a folder, and end it with the block."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in (*_OPTIONS, f"--window-size={width},{height}", f"--user-data-dir={folder}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield Tab(driver)
    finally:
        driver.quit()


def page_file(page: str, folder: Path) -> str:
    """Write a page into a folder, and return its address."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()
