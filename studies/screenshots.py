"""Take the pictures of reports that docs show, in headless Chromium.

    python studies/screenshots.py docs/images

A crystal of the tests is solved from simulated intensities, and a ramp of it is predicted; each
report is opened, and its window is written as PNG.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import argand
from argand.io import write_hklf4

ROOT = Path(__file__).parents[1]

# A metal-organic crystal, and the silicate of the tutorial of series.
MOLECULE = ROOT / "tests" / "data" / "1100977.cif"
SILICATE = ROOT / "tests" / "data" / "9000905.cif"

# Energy at which intensities are simulated (Mo K alpha), keV, and their relative error.
ENERGY_KEV = 17.444
NOISE = 0.02

# Size of the window in pixels, which keeps a picture below 150 kB.
WIDTH, HEIGHT = 1200, 1000

# Name of each picture, the report that it is of, and what of the page it shows.
PICTURES = (
    ("solution_verdict", "solution", "#verdict .cards"),
    ("solution_molecule", "solution", "#molecule .interactive"),
    ("series_atoms", "series", "#atoms .interactive"),
    ("series_density", "series", "#density .interactive"),
)

# Seconds after which plotly has drawn a page, also without a graphics card.
PATIENCE = 60.0

OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--hide-scrollbars",
    f"--window-size={WIDTH},{HEIGHT}",
)


def run(*words: str | Path) -> None:
    """Run a command of argand, which may say by its exit code that a file was not solved."""
    subprocess.run([sys.executable, "-m", "argand.cli", *map(str, words)], check=True)


def solution_report(folder: Path) -> Path:
    """Solve a molecule from simulated intensities, and return the path of the report."""
    crystal = argand.read_crystal(MOLECULE)
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=0.9)
    intensity = np.abs(argand.structure_factors(crystal, hkl, energy_kev=ENERGY_KEV)) ** 2
    sigma = NOISE * intensity + 0.1 * NOISE * intensity.mean()
    noise = np.random.default_rng(0).standard_normal(len(hkl))
    write_hklf4(folder / "molecule.hkl", hkl, intensity + sigma * noise, sigma)
    cell = [str(value) for value in crystal.cell]
    words = ["--cell", *cell, "--spacegroup", crystal.spacegroup, "--contents", crystal.formula]
    out = folder / "solved"
    run(
        "solve",
        folder / "molecule.hkl",
        "-o",
        out,
        *words,
        "--wavelength",
        "0.71073",
        "--seed",
        "1",
    )
    return out / "molecule.html"


def series_report(folder: Path) -> Path:
    """Predict the series of docs/series.md, and return the path of the report."""
    changes = ["--ramp", "--rms", "0.4", "--noise", "0.03", "--samples", "60", "--d-min", "0.8"]
    run("simulate", SILICATE, *changes, "--folder", folder / "series")
    run("predict", SILICATE, folder / "series", "-o", folder / "found")
    return folder / "found" / "report.html"


def picture(driver: Any, page: Path, selector: str, path: Path) -> None:
    """Open a page, and write what is seen of an element of it as PNG."""
    driver.get(page.as_uri())
    drawn = "[...document.querySelectorAll('.interactive > div')].every((plot) => plot._fullData)"
    deadline = time.monotonic() + PATIENCE
    while not driver.execute_script(f"return {drawn};"):
        if time.monotonic() > deadline:
            raise SystemExit(f"{page}: its figures are not drawn after {PATIENCE:g} s")
        time.sleep(0.2)
    element = driver.find_element("css selector", selector)
    driver.execute_script(
        "document.documentElement.style.scrollBehavior = 'auto';"
        "document.querySelector('nav').remove();"
        "arguments[0].scrollIntoView({block: 'center'});",
        element,
    )
    time.sleep(1.0)
    path.write_bytes(element.screenshot_as_png)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """Make all pictures."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    folder = parser.parse_args().folder
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for option in (*OPTIONS, f"--user-data-dir={scratch / 'profile'}"):
            options.add_argument(option)
        pages = {"solution": solution_report(scratch), "series": series_report(scratch)}
        driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        try:
            for name, report, selector in PICTURES:
                picture(driver, pages[report], selector, folder / f"{name}.png")
        finally:
            driver.quit()


if __name__ == "__main__":
    main()
