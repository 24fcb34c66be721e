"""A menu by which a reader chooses what a picture of a series is drawn against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from argand.viz.interactive import plain_numbers
from argand.viz.style import LIGHT

__all__ = ["FILE_NUMBER", "add_axis_menu"]

#: Title of the axis that every series has.
FILE_NUMBER = "file number"

# Pixels above a picture that has a menu: plotly's own buttons stand above it.
_TOP = 76

# Digits after the point that coordinates on an axis keep: angles, lengths and kelvin need no more.
_DIGITS = 4


def add_axis_menu(
    figure: Any, axes: Mapping[str, ArrayLike], files_of_traces: Mapping[int, Sequence[int]]
) -> None:
    """Add a menu that draws traces of a plotly Figure against other quantities than file numbers.

    Parameters
    ----------
    figure : plotly Figure
        The picture, dressed; its traces are drawn against file numbers.
    axes : title -> (files,)
        Quantities to choose from, NaN for files that state none. Without any there is no menu.
    files_of_traces : trace -> sequence of int
        Number of the file, from 0, of each point of the traces that change. A trace that leads
        forth and back, as a band does, is left out on an axis on which files do not follow in
        order.
    """
    if not axes:
        return
    files = 1 + max(max(points, default=0) for points in files_of_traces.values())
    quantities: dict[str, ArrayLike] = {FILE_NUMBER: np.arange(1, files + 1), **axes}
    buttons = []
    for title, values in quantities.items():
        array = np.asarray(values, float)
        coordinates = []
        for points in files_of_traces.values():
            is_drawn = _is_in_order(array) or len(set(points)) == len(points)
            coordinates.append(plain_numbers(array[list(points)], _DIGITS) if is_drawn else [])
        layout = {"xaxis.title.text": title, "xaxis.autorange": True}
        arguments = [{"x": coordinates}, layout, list(files_of_traces)]
        buttons.append({"label": title, "method": "update", "args": arguments})
    menu = {
        "type": "dropdown",
        "buttons": buttons,
        "x": 1.0,
        "xanchor": "right",
        "y": 1.02,
        "yanchor": "bottom",
        "font": {"color": LIGHT.ink},
        "bgcolor": "#eef1f5",
        "bordercolor": "#c5ccd6",
    }
    figure.update_layout(updatemenus=[menu], margin={"t": _TOP})


def _is_in_order(values: Any) -> bool:
    """Tell whether numbers, with NaN left out, never fall or never rise."""
    steps = np.diff(values[np.isfinite(values)])
    return bool((steps >= 0.0).all() or (steps <= 0.0).all())
