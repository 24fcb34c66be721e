"""What the main job leaves in its folder: report, tables, figures, maps, reflections."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import argand
from argand import viz
from argand.demo.example import Example
from argand.files import replacing
from argand.report import parts
from argand.report.main_job import Illustrations, main_job_page
from argand.report.results import MODEL_NAMES, MODEL_PHRASES, NEW, Results
from argand.viz.style import THEMES

_CORNER = (
    -0.25,
    -0.25,
    -0.25,
)  # of the cell that is shown: atom 0, at the origin, stays in one piece

_FILES = {
    "table.md": "the scores of all models, to read",
    "table.csv": "the same, to compute with",
    "results.json": "the same and the loss curves",
    "figures": "the figures of this page, PNG",
    "maps": "electron densities from true and predicted phases, CCP4",
    "example.mtz": "structure factors of the crystal shown: try argand map or argand predict on it",
    "weights": "trained networks, safetensors and JSON, for argand evaluate and argand predict",
}


def write_output(results: Results, example: Example, out: Path) -> Path:
    """Write all files but the weights, which are there; returns the path of the report."""
    _write(out / "results.json", results.to_json().encode())
    _write(out / "table.csv", results.to_csv().encode())
    _write(out / "table.md", results.to_markdown().encode())
    maps = {
        "true": example.density(example.true),
        **{loss: example.density(f) for loss, f in example.predicted.items()},
    }
    (out / "maps").mkdir(exist_ok=True)
    for name, rho in maps.items():
        argand.write_map(
            out / "maps" / f"{name}.ccp4", rho, example.crystal.cell, example.crystal.spacegroup
        )
    half = (
        np.arange(len(example.hkl)) >= len(example.hkl) // 2
    )  # Friedel mates are left to the reader
    argand.write_reflections(
        out / "example.mtz",
        example.hkl[half],
        example.true[half],
        cell=example.crystal.cell,
        spacegroup="P 1",
    )
    pictures = _pictures(results, example, maps)
    (out / "figures").mkdir(exist_ok=True)
    for name, (light, _) in pictures.items():
        _write(out / "figures" / f"{name}.png", light)
    drawn = Illustrations(
        pictures,
        density=parts.interactive(
            viz.isosurfaces(
                {_TITLES[name]: rho for name, rho in maps.items()},
                example.crystal.cell,
                origin=_CORNER,
            ),
            "density",
            caption="Surfaces of equal density in one cell. Drag to turn, scroll to come nearer.",
        ),
        sample=example.title,
        predicted_by=MODEL_PHRASES[example.model],
        mirror=example.mirror,
    )
    page = out / "report.html"
    _write(page, main_job_page(results, drawn, _FILES).encode())
    return page


_TITLES = {"true": "true phases", "invariant": "invariant loss", "published": "published loss"}


def _pictures(
    results: Results, example: Example, maps: dict[str, NDArray[np.float64]]
) -> dict[str, tuple[bytes, bytes]]:
    lines = {
        words: results.reference(name, NEW).value
        for words, name in (("floor", "floor"), ("all zero", "all_zero"))
    }
    scores = {
        MODEL_NAMES[model]: {
            f"trained with the {loss} loss": results.score(model, loss, NEW).value
            for loss in ("published", "invariant")
        }
        for model in results.models
    }
    histories = {MODEL_NAMES[model]: history for model, history in results.histories.items()}
    slices = {
        f"slices_{loss}": partial(
            viz.plot_slices,
            maps["true"],
            maps[loss],
            example.crystal.cell,
            origin=_CORNER,
            names=(_TITLES["true"], f"phases by the {_TITLES[loss]}"),
        )
        for loss in example.predicted
    }
    draw: dict[str, Callable[..., Figure]] = {
        "hkl": partial(viz.plot_hkl, example.hkl, example.true, title=example.title),
        "tiles": partial(
            viz.plot_tiles, _cube(example, example.before), _cube(example, example.true)
        ),
        "scores": partial(viz.plot_scores, scores, lines),
        "curves": partial(viz.plot_loss_curves, histories, references=lines),
        **slices,
    }
    light, dark = THEMES
    return {
        name: (parts.png(make(theme=light)), parts.png(make(theme=dark)))
        for name, make in draw.items()
    }


def _cube(example: Example, f: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """On the whole cube, NaN out of reach."""
    box = np.full(len(example.reach), np.nan, dtype=np.complex128)
    box[example.reach] = f
    side = round(len(box) ** (1 / 3))
    return box.reshape(side, side, side)


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as name:
        Path(name).write_bytes(content)
