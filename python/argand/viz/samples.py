"""Samples around a known crystal as a picture."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from argand.viz.style import ThemeName, dress, new_figure, theme_of

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
    """How samples differ from the known crystal.

    Parameters
    ----------
    rms, r, correlation : (b,)
        Of each sample: displacement (angstrom), R against the known crystal, map correlation of its unchanged phases.
    known, measured : (m,)
        |F| of the known crystal, and of one sample on its scale.
    """
    look = theme_of(theme)
    figure = new_figure(12.0, 3.9, look)
    left, middle, right = figure.subplots(1, 3)
    for axes, values, label in (
        (left, r, "R against the known crystal"),
        (middle, correlation, "map correlation"),
    ):
        axes.scatter(rms, np.asarray(values), s=12, color=look.cured, alpha=0.6, linewidths=0)
        axes.set(xlabel="rms displacement (Å)", ylabel=label, xlim=(0, None), ylim=(0, None))
    left.set_title("what is seen")
    middle.set_title("what unchanged phases are worth")
    top = 1.05 * float(max(np.max(known), np.max(measured)))
    right.plot([0, top], [0, top], color=look.muted, lw=0.8)
    right.scatter(known, measured, s=8, color=look.plain, alpha=0.5, linewidths=0)
    right.set(
        xlabel="|F| of the known crystal (electrons)",
        ylabel="|F| measured",
        xlim=(0, top),
        ylim=(0, top),
    )
    right.set_title("one sample")
    for axes in (left, middle, right):
        dress(axes, look)
        axes.grid(color=look.grid, lw=0.5)
    if title:
        figure.suptitle(title, color=look.ink, size=11)
    return figure
