"""Structure factors as pictures: points in hkl space, and layers of constant l side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from argand.viz.style import PHASES, Theme, ThemeName, dress, new_figure, phase_rgb, theme_of

_WEAK = (
    1e-3  # a reflection below this part of the strongest one is not drawn: its phase means nothing
)


def plot_hkl(
    hkl: ArrayLike, f: ArrayLike, *, title: str = "", theme: ThemeName = "light"
) -> Figure:
    """Structure factors in three-dimensional hkl space.

    Area and opacity of a point grow with |F|, its colour is the phase.

    Parameters
    ----------
    hkl : (m, 3) int
    f : (m,) complex
    """
    look = theme_of(theme)
    h, values = np.asarray(hkl), np.asarray(f)
    strength = np.abs(values) / max(float(np.abs(values).max(initial=0)), 1e-300)
    shown = strength > _WEAK
    h, values, strength = h[shown], values[shown], strength[shown]
    figure = new_figure(8.6, 6.0, look)
    axes: Any = figure.add_subplot(projection="3d")
    colours = np.concatenate(
        [phase_rgb(np.angle(values)), 0.25 + 0.7 * strength[:, None] ** 0.5], axis=1
    )
    axes.scatter(*h.T, s=4 + 220 * strength, c=colours, linewidths=0, depthshade=False)
    for axis, name in zip((axes.xaxis, axes.yaxis, axes.zaxis), "hkl", strict=True):
        axis.set_pane_color((0, 0, 0, 0))
        axis.line.set_color(look.muted)
        axis._axinfo["grid"].update(color=look.grid, linewidth=0.6)
        axis.label.set(color=look.ink, size=12, style="italic")
        axis.set_tick_params(labelcolor=look.muted, labelsize=8)
        getattr(axes, f"set_{axis.axis_name}label")(name)
    axes.set_facecolor(look.surface)
    axes.set_box_aspect((1, 1, 1), zoom=1.08)
    axes.view_init(elev=22, azim=-56)
    axes.set_title(title, color=look.ink, size=11, weight="bold")
    _phase_wheel(figure, look)
    return figure


def plot_tiles(
    before: ArrayLike,
    after: ArrayLike,
    *,
    names: tuple[str, str] = ("before", "after"),
    theme: ThemeName = "light",
) -> Figure:
    """Layers of constant l, amplitude and phase, before and after a displacement.

    Parameters
    ----------
    before, after : (2H+1, 2K+1, 2L+1) complex
        Structure factors on a cube; NaN, left blank, where there is no reflection.
    names : (str, str)
        What the two states are called at the left edge.
    """
    look = theme_of(theme)
    boxes = [np.asarray(box, dtype=complex) for box in (before, after)]
    if boxes[0].ndim != 3 or boxes[0].shape != boxes[1].shape:
        raise ValueError(
            f"before has shape {boxes[0].shape}, after {boxes[1].shape}: both need one (2H+1, 2K+1, 2L+1)"
        )
    top = max(float(np.nanmax(np.abs(box))) for box in boxes) or 1.0
    layers = boxes[0].shape[2]
    figure = new_figure(1.0 * layers + 1.6, 4 * 1.0 + 0.6, look)
    grid = figure.subplots(4, layers, squeeze=False)
    amplitude: Any = None
    for row, axes_row in enumerate(grid):
        box = boxes[row // 2]
        for layer, axes in enumerate(axes_row):
            if row % 2 == 0:
                amplitude = _amplitude_tile(axes, box[:, :, layer], top, look)
            else:
                _phase_tile(axes, box[:, :, layer], top, look)
            _frame(axes, look)
            if row == 0:
                axes.set_title(f"$l$ = {layer - layers // 2}", color=look.muted, size=9)
        axes_row[0].set_ylabel(
            f"{names[row // 2]}\n{'|F|' if row % 2 == 0 else 'phase'}", color=look.ink, size=10
        )
    grid[-1, layers // 2].set_xlabel(
        "h to the right, k upwards, each tile one layer", color=look.muted, size=9
    )
    bar = figure.colorbar(amplitude, ax=grid[:2], fraction=0.012, pad=0.008, aspect=24)
    ticks = top * np.array([0, 0.25, 0.5, 0.75, 1.0]) ** 2
    bar.set_ticks(np.sqrt(ticks / top).tolist(), labels=[f"{tick:.0f}" for tick in ticks])
    _dress_bar(bar, "|F| (electrons)", look)
    _phase_bar(figure, grid[2:], look)
    return figure


def _amplitude_tile(axes: Axes, layer: NDArray[Any], top: float, look: Theme) -> Any:
    # The square root lets weak superstructure reflections be seen beside the strong ones.
    return axes.imshow(
        np.sqrt(np.abs(layer).T / top),
        origin="lower",
        cmap="cividis",
        vmin=0,
        vmax=1,
        interpolation="nearest",
    )


def _phase_tile(axes: Axes, layer: NDArray[Any], top: float, look: Theme) -> None:
    strength = np.abs(layer) / top
    opacity = np.where(strength > _WEAK, 0.25 + 0.75 * strength**0.25, 0.0)  # NaN compares false
    rgba = np.concatenate([phase_rgb(np.angle(np.nan_to_num(layer))), opacity[..., None]], axis=-1)
    axes.imshow(rgba.transpose(1, 0, 2), origin="lower", interpolation="nearest")


def _frame(axes: Axes, look: Theme) -> None:
    dress(axes, look, frame=True)
    axes.set_xticks([])
    axes.set_yticks([])


def _phase_bar(figure: Figure, axes: NDArray[Any], look: Theme) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colours = ScalarMappable(Normalize(-180, 180), PHASES)
    bar = figure.colorbar(colours, ax=axes, fraction=0.012, pad=0.008, aspect=24)
    bar.set_ticks([-180, -90, 0, 90, 180])
    _dress_bar(bar, "phase (degrees)", look)


def _dress_bar(bar: Any, label: str, look: Theme) -> None:
    bar.set_label(label, color=look.ink, size=9)
    bar.ax.tick_params(colors=look.muted, labelsize=8, length=2)
    bar.outline.set_visible(False)


def _phase_wheel(figure: Figure, look: Theme) -> None:
    """Legend of a phase: a ring, 0 to the right as in the Argand diagram."""
    ring: Any = figure.add_axes((0.845, 0.77, 0.115, 0.165), projection="polar")
    angle = np.linspace(0, 2 * np.pi, 181)
    ring.pcolormesh(
        angle, [0.62, 1.0], np.zeros((1, 180)), color=phase_rgb((angle[1:] + angle[:-1]) / 2)
    )
    ring.set(ylim=(0, 1), yticks=[], facecolor=look.surface)
    ring.set_xticks(np.arange(4) * np.pi / 2, labels=["0°", "90°", "180°", "−90°"])
    ring.tick_params(colors=look.muted, labelsize=8, pad=-1)
    ring.grid(False)
    ring.spines["polar"].set_visible(False)
    ring.text(0, 0, "phase", ha="center", va="center", color=look.ink, size=8)
