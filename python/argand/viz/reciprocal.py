"""Pictures of structure factors: points in hkl space, and layers of constant l side by side."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from argand.viz.style import PHASES, Theme, ThemeName, dress, new_figure, phase_rgb, theme_of

__all__ = ["plot_hkl", "plot_tiles"]

# A reflection below this share of the strongest one is not drawn: its phase means nothing.
_WEAK = 1e-3


def plot_hkl(
    hkl: ArrayLike, f: ArrayLike, *, title: str = "", theme: ThemeName = "light"
) -> Figure:
    """Plot structure factors as points in three-dimensional hkl space.

    Area and opacity of a point grow with |F|, its colour is the phase.

    Parameters
    ----------
    hkl : (m, 3) int
        Miller indices.
    f : (m,) complex
        Structure factors.
    title : str
        Title of the picture.
    theme : str
        "light" or "dark".
    """
    look = theme_of(theme)
    indices, values = np.asarray(hkl), np.asarray(f)
    largest = max(float(np.abs(values).max(initial=0)), 1e-300)
    strength = np.abs(values) / largest
    is_drawn = strength > _WEAK
    indices, values, strength = indices[is_drawn], values[is_drawn], strength[is_drawn]
    # A weak reflection is small and pale, so that strong ones are seen behind it.
    opacity = 0.10 + 0.85 * strength[:, None]
    colours = np.concatenate([phase_rgb(np.angle(values)), opacity], axis=1)
    figure = new_figure(8.6, 6.0, look)
    axes = _hkl_axes(figure, look)
    h, k, l = indices.T
    axes.scatter(h, k, l, s=2 + 110 * strength, c=colours, linewidths=0, depthshade=False)
    axes.set_title(title, color=look.ink, size=11, weight="bold")
    _phase_wheel(figure, look)
    return figure


def _hkl_axes(figure: Figure, look: Theme) -> Any:
    """Add three-dimensional axes h, k and l to a figure."""
    with mpl.rc_context({"grid.color": look.grid, "grid.linewidth": 0.6}):
        axes: Any = figure.add_subplot(projection="3d")
    axes.set(xlabel="h", ylabel="k", zlabel="l")
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_pane_color((0, 0, 0, 0))
        axis.line.set_color(look.muted)
        axis.label.set(color=look.ink, size=12, style="italic")
        axis.set_tick_params(labelcolor=look.muted, labelsize=8)
    axes.set_facecolor(look.surface)
    axes.set_box_aspect((1, 1, 1), zoom=1.08)
    axes.view_init(elev=22, azim=-56)
    return axes


def plot_tiles(
    before: ArrayLike,
    after: ArrayLike,
    *,
    names: tuple[str, str] = ("before", "after"),
    theme: ThemeName = "light",
) -> Figure:
    """Plot layers of constant l, amplitude and phase, before and after a displacement.

    Parameters
    ----------
    before, after : (2H+1, 2K+1, 2L+1) complex
        Structure factors on a box of Miller indices; NaN, left blank, without a reflection.
    names : (str, str)
        Names of the two states at the left edge.
    theme : str
        "light" or "dark".
    """
    look = theme_of(theme)
    boxes = [np.asarray(box, dtype=complex) for box in (before, after)]
    if boxes[0].ndim != 3 or boxes[0].shape != boxes[1].shape:
        raise ValueError(
            f"before has shape {boxes[0].shape}, after {boxes[1].shape}: "
            "both need one (2H+1, 2K+1, 2L+1)"
        )
    largest = max(float(np.nanmax(np.abs(box))) for box in boxes) or 1.0
    layers = boxes[0].shape[2]
    figure = new_figure(1.0 * layers + 1.6, 4 * 1.0 + 0.6, look)
    grid = figure.subplots(4, layers, squeeze=False)
    for box, name, rows in zip(boxes, names, (grid[:2], grid[2:]), strict=True):
        amplitudes = _draw_rows(rows, box, name, largest, look)
    for layer, axes in enumerate(grid[0]):
        axes.set_title(f"$l$ = {layer - layers // 2}", color=look.muted, size=9)
    middle = grid[-1, layers // 2]
    words = "h to the right, k upwards, each tile one layer"
    middle.set_xlabel(words, color=look.muted, size=9)
    bar = figure.colorbar(amplitudes, ax=grid[:2], fraction=0.012, pad=0.008, aspect=24)
    ticks = largest * np.array([0, 0.25, 0.5, 0.75, 1.0]) ** 2
    bar.set_ticks(np.sqrt(ticks / largest).tolist(), labels=[f"{tick:.0f}" for tick in ticks])
    _dress_bar(bar, "|F| (electrons)", look)
    _phase_bar(figure, grid[2:], look)
    return figure


def _draw_rows(
    rows: NDArray[Any], box: NDArray[np.complex128], name: str, largest: float, look: Theme
) -> Any:
    """Draw a row of amplitudes and a row of phases; return an image of amplitudes."""
    amplitude_row, phase_row = rows
    for layer in range(box.shape[2]):
        amplitudes = _amplitude_tile(amplitude_row[layer], box[:, :, layer], largest)
        _phase_tile(phase_row[layer], box[:, :, layer], largest)
        _frame(amplitude_row[layer], look)
        _frame(phase_row[layer], look)
    amplitude_row[0].set_ylabel(f"{name}\n|F|", color=look.ink, size=10)
    phase_row[0].set_ylabel(f"{name}\nphase", color=look.ink, size=10)
    return amplitudes


def _amplitude_tile(axes: Axes, layer: NDArray[Any], largest: float) -> Any:
    """Draw |F| of a layer on a square-root scale, which keeps weak reflections visible."""
    return axes.imshow(
        np.sqrt(np.abs(layer).T / largest),
        origin="lower",
        cmap="cividis",
        vmin=0,
        vmax=1,
        interpolation="nearest",
    )


def _phase_tile(axes: Axes, layer: NDArray[Any], largest: float) -> None:
    """Draw the phases of a layer; weak reflections are transparent."""
    strength = np.abs(layer) / largest
    # NaN compares false and becomes transparent.
    opacity = np.where(strength > _WEAK, 0.25 + 0.75 * strength**0.25, 0.0)
    colours = phase_rgb(np.angle(np.nan_to_num(layer)))
    rgba = np.concatenate([colours, opacity[..., None]], axis=-1)
    axes.imshow(rgba.transpose(1, 0, 2), origin="lower", interpolation="nearest")


def _frame(axes: Axes, look: Theme) -> None:
    """Draw a frame without ticks around a tile."""
    dress(axes, look, frame=True)
    axes.set_xticks([])
    axes.set_yticks([])


def _phase_bar(figure: Figure, axes: NDArray[Any], look: Theme) -> None:
    """Add the colour bar of phases beside axes."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colours = ScalarMappable(Normalize(-180, 180), PHASES)
    bar = figure.colorbar(colours, ax=axes, fraction=0.012, pad=0.008, aspect=24)
    bar.set_ticks([-180, -90, 0, 90, 180])
    _dress_bar(bar, "phase (degrees)", look)


def _dress_bar(bar: Any, label: str, look: Theme) -> None:
    """Label a colour bar, and give it the colours of a theme."""
    bar.set_label(label, color=look.ink, size=9)
    bar.ax.tick_params(colors=look.muted, labelsize=8, length=2)
    bar.outline.set_visible(False)


def _phase_wheel(figure: Figure, look: Theme) -> None:
    """Add the legend of phases: a ring, 0 to the right as in the Argand diagram."""
    ring: Any = figure.add_axes((0.845, 0.77, 0.115, 0.165), projection="polar")
    edges = np.linspace(0, 2 * np.pi, 181)
    colours = phase_rgb((edges[1:] + edges[:-1]) / 2)
    ring.pcolormesh(edges, [0.62, 1.0], np.zeros((1, 180)), color=colours)
    ring.set(ylim=(0, 1), yticks=[], facecolor=look.surface)
    ring.set_xticks(np.arange(4) * np.pi / 2, labels=["0°", "90°", "180°", "−90°"])
    ring.tick_params(colors=look.muted, labelsize=8, pad=-1)
    ring.grid(False)
    ring.spines["polar"].set_visible(False)
    ring.text(0, 0, "phase", ha="center", va="center", color=look.ink, size=8)
