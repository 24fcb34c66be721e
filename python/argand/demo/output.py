"""Files of the main job: report, tables, figures, maps, reflections."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import argand
from argand import viz
from argand.cell import FloatArray
from argand.demo.example import Example
from argand.files import replacing
from argand.report import parts
from argand.report.main_job import Illustrations, main_job_page
from argand.report.results import MODEL_NAMES, MODEL_PHRASES, NEW, Results
from argand.viz.style import THEMES

# Corner of the cell that is shown: atom 0, at the origin, stays in one piece.
_CORNER = (-0.25, -0.25, -0.25)

# Dots per inch of the pictures in the report: as many points as its widest column has.
_PAGE_DPI = 95

# Dots per inch of the pictures in files, enough for print.
_FILE_DPI = 220

# Files and folders beside the report, and what it says of them.
_FILES = {
    "table.md": "the scores of all models, to read",
    "table.csv": "the same, to compute with",
    "results.json": "the same and the loss curves",
    "figures": "the figures of this page, PNG",
    "maps": "electron densities from true and predicted phases, CCP4",
    "example.mtz": "structure factors of the crystal shown: try argand map or argand predict on it",
    "weights": "trained networks, safetensors and JSON, for argand evaluate and argand predict",
}

# What maps are called, by the phases that they are made with.
_TITLES = {"true": "true phases", "invariant": "invariant loss", "published": "published loss"}

# References that are drawn into the figures, by what they are called there.
_LINES = {"floor": "floor", "all zero": "all_zero"}


def write_output(results: Results, example: Example, out: Path) -> Path:
    """Write all files of the main job but the weights, and return the path of the report."""
    _write(out / "results.json", results.to_json().encode())
    _write(out / "table.csv", results.to_csv().encode())
    _write(out / "table.md", results.to_markdown().encode())
    maps = {"true": example.density(example.true)}
    for loss, f in example.predicted.items():
        maps[loss] = example.density(f)
    _write_maps(out / "maps", maps, example)
    _write_reflections(out / "example.mtz", example)
    light, dark = THEMES
    pictures = {}
    (out / "figures").mkdir(exist_ok=True)
    for name, plot in _plots(results, example, maps).items():
        figure = plot(theme=light)
        _write(out / "figures" / f"{name}.png", parts.png(figure, _FILE_DPI))
        dark_figure = plot(theme=dark)
        pictures[name] = (parts.png(figure, _PAGE_DPI), parts.png(dark_figure, _PAGE_DPI))
    density = viz.isosurfaces(
        {_TITLES[name]: rho for name, rho in maps.items()},
        example.crystal.cell,
        origin=_CORNER,
    )
    illustrations = Illustrations(
        pictures,
        density=parts.interactive(
            density,
            "density",
            caption="Surfaces of equal density in one cell. Drag to turn, scroll to come nearer.",
        ),
        sample=example.title,
        predicted_by=MODEL_PHRASES[example.model],
        mirror=example.mirror,
    )
    page = out / "report.html"
    _write(page, main_job_page(results, illustrations, _FILES).encode())
    return page


def _write_maps(folder: Path, maps: dict[str, FloatArray], example: Example) -> None:
    """Write each density (n, n, n) as a CCP4 map."""
    folder.mkdir(exist_ok=True)
    crystal = example.crystal
    for name, rho in maps.items():
        argand.write_map(folder / f"{name}.ccp4", rho, crystal.cell, crystal.spacegroup)


def _write_reflections(path: Path, example: Example) -> None:
    """Write the true structure factors as MTZ, one of each Friedel pair."""
    first = len(example.hkl) // 2
    argand.write_reflections(
        path,
        example.hkl[first:],
        example.true[first:],
        cell=example.crystal.cell,
        spacegroup="P 1",
    )


def _plots(
    results: Results,
    example: Example,
    maps: dict[str, FloatArray],
) -> dict[str, Callable[..., Figure]]:
    """Return functions of the theme that draw all figures."""
    lines = {words: results.reference(name, NEW).value for words, name in _LINES.items()}
    scores: dict[str, dict[str, float]] = {}
    intervals: dict[str, dict[str, tuple[float, float]]] = {}
    for model in results.models:
        name = MODEL_NAMES[model]
        scores[name], intervals[name] = {}, {}
        for loss in ("published", "invariant"):
            words = f"trained with the {loss} loss"
            median, low, high = results.score(model, loss, NEW).median
            scores[name][words], intervals[name][words] = median, (low, high)
    histories = {MODEL_NAMES[model]: history for model, history in results.histories.items()}
    before = _on_box(example, example.before)
    true = _on_box(example, example.true)
    draw: dict[str, Callable[..., Figure]] = {
        "hkl": partial(viz.plot_hkl, example.hkl, example.true, title=example.title),
        "tiles": partial(viz.plot_tiles, before, true),
        "scores": partial(viz.plot_scores, scores, lines, intervals=intervals),
        "curves": partial(viz.plot_loss_curves, histories, references=lines),
    }
    for loss in example.predicted:
        draw[f"slices_{loss}"] = partial(
            viz.plot_slices,
            maps["true"],
            maps[loss],
            example.crystal.cell,
            origin=_CORNER,
            names=(_TITLES["true"], f"phases by the {_TITLES[loss]}"),
        )
    return draw


def _on_box(example: Example, f: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Put structure factors (m,) on the whole box (D, D, D), NaN out of reach."""
    box = np.full(len(example.reach), np.nan, dtype=np.complex128)
    box[example.reach] = f
    side = round(len(box) ** (1 / 3))
    return box.reshape(side, side, side)


def _write(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    with replacing(path) as temporary:
        Path(temporary).write_bytes(content)
