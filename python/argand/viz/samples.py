"""A picture of simulated samples around a known crystal."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from argand.viz.style import Theme, ThemeName, dress, new_figure, theme_of

__all__ = ["plot_samples"]


def plot_samples(
    rms: ArrayLike,
    r: ArrayLike,
    correlation: ArrayLike,
    known: ArrayLike,
    measured: ArrayLike,
    *,
    title: str = "",
    theme: ThemeName = "light",
) -> Figure:
    """Plot how far samples are from the known crystal.

    Parameters
    ----------
    rms : (b,)
        rms displacement of each sample, angstrom.
    r : (b,)
        R of each sample against the known crystal.
    correlation : (b,)
        Correlation with the true map of a map with the phases of the known crystal.
    known, measured : (m,)
        |F| of the known crystal, and of one sample on the same scale, in electrons.
    title : str
        Title of the picture.
    theme : str
        "light" or "dark".
    """
    look = theme_of(theme)
    figure = new_figure(12.0, 3.9, look)
    left, middle, right = figure.subplots(1, 3)
    _scatter(left, rms, r, "R against the known crystal", look)
    _scatter(middle, rms, correlation, "map correlation", look)
    left.set_title("what is seen")
    middle.set_title("what unchanged phases are worth")
    largest = 1.05 * float(max(np.max(known), np.max(measured)))
    limits = (0, largest)
    right.plot(limits, limits, color=look.muted, lw=0.8)
    right.scatter(known, measured, s=8, color=look.plain, alpha=0.5, linewidths=0)
    right.set(xlabel="|F| of the known crystal (electrons)", ylabel="|F| measured")
    right.set(xlim=limits, ylim=limits)
    right.set_title("one sample")
    for axes in (left, middle, right):
        dress(axes, look)
        axes.grid(color=look.grid, lw=0.5)
    if title:
        figure.suptitle(title, color=look.ink, size=11)
    return figure


def _scatter(axes: Axes, rms: ArrayLike, values: ArrayLike, label: str, look: Theme) -> None:
    """Plot a figure of merit of each sample against its rms displacement."""
    axes.scatter(rms, np.asarray(values), s=12, color=look.cured, alpha=0.6, linewidths=0)
    axes.set(xlabel="rms displacement (Å)", ylabel=label, xlim=(0, None), ylim=(0, None))
