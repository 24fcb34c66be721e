"""Draw the pictures of a series from its records: displacements and R of every file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from argand.cell import FloatArray, cell_volume
from argand.crystal import Crystal
from argand.series import Record
from argand.series.tables import unique_labels
from argand.viz.series import displacement_series, r_series

__all__ = ["displacement_figure", "fit_of_series", "stated_axes"]

# Titles of the axes of the unit cell, in the order of its numbers.
_CELL_TITLES = ("a (Å)", "b (Å)", "c (Å)", "α (°)", "β (°)", "γ (°)")

# Quantities that change by a smaller share over a series are no axis of it.
_CHANGE = 1e-5


def displacement_figure(records: Sequence[Record], known: Crystal) -> Any:
    """Draw the displacement of every site in every file, as a plotly Figure; None without any.

    Files that failed keep their number.
    """
    sites = len(known.types)
    length = np.full((len(records), sites), np.nan)
    sigma = np.full((len(records), sites), np.nan)
    for number, record in enumerate(records):
        if not record.error:
            length[number] = np.linalg.norm(np.array(record.displacement), axis=1)
            sigma[number] = record.sigma or np.nan
    if np.isnan(length).all():
        return None
    names = [record.name for record in records]
    band = sigma if np.isfinite(sigma).any() else None
    labels = unique_labels(known.labels)
    return displacement_series(length, labels, names, band, stated_axes(records))


def fit_of_series(records: Sequence[Record]) -> Any:
    """Draw R of every file, with the known crystal and with displaced atoms; None without any."""
    if all(record.error for record in records):
        return None
    return r_series(
        [record.r_known for record in records],
        [record.r for record in records],
        [bool(record.flags) and not record.error for record in records],
        [record.name for record in records],
        stated_axes(records),
    )


def stated_axes(records: Sequence[Record]) -> dict[str, FloatArray]:
    """Return the quantities (files,) that files state and that change, by the title of their axis.

    They are the temperature in kelvin, the volume of the unit cell in A^3, and its lengths and
    angles in angstrom and degrees; NaN where a file states none.
    """
    quantities = {"temperature (K)": np.array([record.temperature for record in records])}
    volumes = []
    cells = np.full((len(records), 6), np.nan)
    for number, record in enumerate(records):
        volumes.append(cell_volume(record.cell) if record.cell else np.nan)
        if record.cell:
            cells[number] = record.cell
    quantities["volume (Å³)"] = np.array(volumes)
    for title, values in zip(_CELL_TITLES, cells.T, strict=True):
        quantities[title] = values
    axes = {}
    for title, values in quantities.items():
        stated = values[np.isfinite(values)]
        if len(stated) and np.ptp(stated) > _CHANGE * np.abs(stated).max():
            axes[title] = values
    return axes
