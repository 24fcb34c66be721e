"""The report of ``argand predict`` on a series: `series.html` has the words, here the numbers and pictures go in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import Template

import numpy as np

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.density import grid_shape, map_from_structure_factors
from argand.io import read_reflections
from argand.reflections import stol
from argand.report import parts
from argand.report.environment import environment
from argand.report.page import page, resource
from argand.report.parts import Html
from argand.series import Record, SeriesFolder
from argand.site_symmetry import cartesian_axes
from argand.symmetry import operations
from argand.viz.frames import density_frames
from argand.viz.plane import Plane, plane_through
from argand.viz.series import displacement_series, r_series

__all__ = ["series_page"]

_LEAD = (
    "A series of crystals that are like a known one: how far each of their atoms has moved, how well the displaced "
    "atoms explain what was measured, and the density from the phases that follow."
)
_FRAMES = 40  # files of which the density is shown
_ROWS = 60  # files of which the table shows the numbers
_WINDOW = 0.7  # atoms this near to the plane are marked in it, angstrom

_OUTPUTS = {
    "phases": "amplitudes and phases of each file, MTZ",
    "atoms": "the displaced atoms of each file, CIF",
    "maps": "the density of each file, CCP4",
    "results": "the numbers of each file, JSON",
}


def series_page(
    folder: SeriesFolder,
    records: Sequence[Record],
    known: Crystal,
    settings: Mapping[str, str],
    warning: str = "",
) -> str:
    """The page of a series whose `records` lie in `folder`; `known` is the crystal it was compared with."""
    found = [record for record in records if not record.error]
    values: dict[str, parts.Text] = {
        "cards": _cards(records, found),
        "formula": known.formula,
        "spacegroup": known.spacegroup,
        "sites": str(len(known.types)),
        "warnings": _warnings(records, warning),
        "displacements": _displacements(found, known),
        "fit": _fit(found),
        "density": _density(folder, found, known),
        "table": _table(records),
        "facts": parts.facts({**settings, **environment()}),
        "outputs": parts.bullets(
            Html(f"<code>{name}/</code>: {parts.markup(what)}")
            for name, what in _OUTPUTS.items()
            if (folder.path / name).is_dir()
        ),
    }
    body = Template(resource("series.html")).substitute(
        {name: parts.markup(text) for name, text in values.items()}
    )
    footer = "Made by argand. This page holds all that it shows: it needs no network connection."
    return page("A series like a crystal that is known", _LEAD, body, footer=footer)


def _cards(records: Sequence[Record], found: Sequence[Record]) -> Html:
    flagged = sum(bool(record.flags) for record in found)
    figures: list[tuple[str, parts.Text, str]] = [(str(len(records)), "files", "")]
    if found:
        r = np.median([record.r for record in found])
        r_known = np.median([record.r_known for record in found])
        rms = [record.rms for record in found]
        figures += [
            (
                f"{r:.3f}",
                f"Median R with the atoms displaced; with the known crystal as it is {r_known:.3f}.",
                "cured",
            ),
            (
                f"{np.median(rms):.2f} Å",
                f"Median rms displacement; the largest is {np.max(rms):.2f} Å.",
                "cured",
            ),
        ]
    failed = len(records) - len(found)
    words = "files deserve a second look"
    figures.append(
        (str(flagged), f"{words}; {failed} could not be used." if failed else f"{words}.", "plain")
    )
    return parts.key_figures(figures)


def _warnings(records: Sequence[Record], warning: str) -> Html:
    said: dict[str, tuple[str, list[str]]] = {}
    for record in records:
        for words in (record.error,) if record.error else record.flags:
            alike = re.sub(r"\d[\d.]*", "#", words)  # what differs in numbers only is said once
            said.setdefault(alike, (words, []))[1].append(record.name)
    notes: list[parts.Text] = [warning] if warning else []
    notes += [f"{words}: {_some(names)}" for words, names in list(said.values())[:12]]
    if not notes:
        return Html("")
    return Html(f'<aside class="note">{parts.bullets(notes).markup}</aside>')


def _displacements(found: Sequence[Record], known: Crystal) -> Html:
    if not found:
        return Html("<p>Nothing was found.</p>")
    length = np.linalg.norm(np.array([record.displacement for record in found]), axis=2)
    sigma = (
        None
        if not all(record.sigma for record in found)
        else np.array([record.sigma for record in found])
    )
    figure = displacement_series(length, known.labels, [record.name for record in found], sigma)
    return parts.interactive(
        figure,
        "displacements",
        caption="Click on a name to hide its line, twice to see it alone; drag to come nearer.",
    )


def _fit(found: Sequence[Record]) -> Html:
    if not found:
        return Html("")
    figure = r_series(
        [record.r_known for record in found],
        [record.r for record in found],
        [bool(record.flags) for record in found],
        [record.name for record in found],
    )
    return parts.interactive(figure, "fit")


def _density(folder: SeriesFolder, found: Sequence[Record], known: Crystal) -> Html:
    """Layers of the density through the atom that moves most, of files spread over the series."""
    if not found:
        return Html("")
    moves = np.array([record.displacement for record in found])
    site = int(np.square(moves).sum(axis=(0, 2)).argmax())
    # the direction along which it moves most, over the series
    _, _, axes = np.linalg.svd(moves[:, site])
    plane = plane_through(_images(known, known.frac), known.cell, site, axes[0])
    shown = [
        found[i]
        for i in np.unique(
            np.linspace(0, len(found) - 1, min(len(found), _FRAMES)).round().astype(int)
        )
    ]
    to_frac = np.linalg.inv(cartesian_axes(known)).T
    layers, places, names = [], [], []
    near = _near(known, plane)
    for record in shown:
        layer = _layer(folder, record, plane)
        if layer is None:
            continue
        layers.append(layer)
        moved = _images(known, known.frac + np.array(record.displacement) @ to_frac)
        places.append(plane.project(moved[near], known.cell)[:, :2])
        names.append(record.name)
    if not layers:
        return Html("<p>The phases are no longer there.</p>")
    labels = [known.labels[i % len(known.labels)] for i in near]
    before = plane.project(_images(known, known.frac)[near], known.cell)[:, :2]
    figure = density_frames(layers, names, plane, places, before, labels)
    caption = (
        f"The plane through {known.labels[site]}, the atom that moves most, in the direction of its motion; measured "
        f"amplitudes, phases of the displaced atoms. {len(layers)} of {len(found)} files. Crosses: atoms within "
        f"{_WINDOW:g} Å of the plane; rings: where they were in the known crystal."
    )
    return parts.interactive(figure, "density-series", caption=caption)


def _images(known: Crystal, frac: FloatArray) -> FloatArray:
    """Sites (n, 3) under all operations, (operations x n, 3), themselves first."""
    return np.concatenate(
        [frac @ rotation.T + translation for rotation, translation in operations(known.symops)]
    )


def _near(known: Crystal, plane: Plane) -> list[int]:
    """Which images lie in the window."""
    place = plane.project(_images(known, known.frac), known.cell)
    inside = (np.abs(place[:, :2]) < plane.half).all(axis=1) & (np.abs(place[:, 2]) < _WINDOW)
    return [int(i) for i in np.flatnonzero(inside)]


def _layer(folder: SeriesFolder, record: Record, plane: Plane) -> FloatArray | None:
    path = folder.path / "phases" / f"{record.name}.mtz"
    if not path.exists():
        return None
    found = read_reflections(path)
    assert found.cell is not None
    assert found.amplitude is not None
    assert found.phase is not None
    spacegroup = found.spacegroup or "P 1"
    good = np.isfinite(found.amplitude) & np.isfinite(found.phase)
    f = (found.amplitude * np.exp(1j * found.phase))[good]
    hkl = found.hkl[good]
    shape = grid_shape(found.cell, spacegroup, float(0.5 / stol(hkl, found.cell).max()))
    rho = map_from_structure_factors(hkl, f, shape, cell=found.cell, spacegroup=spacegroup)
    layer: FloatArray = plane.density(rho, found.cell)
    return layer


def _table(records: Sequence[Record]) -> Html:
    shown = [
        records[i]
        for i in np.unique(np.linspace(0, max(len(records) - 1, 0), _ROWS).round().astype(int))
    ]
    rows: list[list[parts.Text]] = []
    for record in shown:
        if record.error:
            rows.append([record.name, *["–"] * 6, record.error])
            continue
        rows.append(
            [
                record.name,
                f"{record.reflections:,}",
                f"{record.d_min:.2f}",
                f"{record.r_known:.3f}",
                f"{record.r:.3f}",
                f"{record.rms:.3f}"
                + (f" ± {record.uncertainty:.3f}" if np.isfinite(record.uncertainty) else ""),
                f"{record.largest:.2f} ({record.atom})",
                "; ".join(record.flags) or "–",
            ]
        )
    caption = f"{len(shown)} of {len(records)} files." if len(shown) < len(records) else ""
    return parts.table(
        [
            "file",
            "reflections",
            "to (Å)",
            "R, known",
            "R",
            "rms displacement (Å)",
            "largest (Å)",
            "remarks",
        ],
        rows,
        caption=caption,
        strong=(4,),
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
