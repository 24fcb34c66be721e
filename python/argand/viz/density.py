"""Electron densities as pictures: slices side by side, and interactive isosurfaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from argand.viz.style import ThemeName, dress, new_figure, theme_of

Cell = Sequence[float]

_NEUTRAL = "#7d8798"  # grey that is seen on white and on black: an interactive picture has one colour for both
# One pen stroke along the twelve edges of a cell (four of them twice).
_CELL_OUTLINE = np.array(
    [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 1], [1, 0, 0],
     [1, 0, 1], [1, 1, 1], [1, 1, 0], [1, 1, 1], [0, 1, 1], [0, 1, 0], [0, 1, 1], [0, 0, 1]], dtype=float,
)  # fmt: skip


def plot_slices(
    true: ArrayLike,
    predicted: ArrayLike,
    cell: Cell,
    *,
    axis: Literal["a", "b", "c"] = "c",
    index: int = 0,
    origin: ArrayLike = (0.0, 0.0, 0.0),
    theme: ThemeName = "light",
) -> Figure:
    """One layer of the density: from true phases, from predicted phases, and their difference.

    Parameters
    ----------
    true, predicted : (na, nb, nc) float
        Density in e/A^3 over one cell.
    cell : (a, b, c, alpha, beta, gamma)
    axis, index
        The layer: grid index along that axis.
    origin : (3,) float
        Fractional point that is moved to the corner of the picture, so that no atom is cut in two.
    """
    look = theme_of(theme)
    maps = [np.asarray(rho, dtype=float) for rho in (true, predicted)]
    if maps[0].ndim != 3 or maps[0].shape != maps[1].shape:
        raise ValueError(f"true has shape {maps[0].shape}, predicted {maps[1].shape}: both need one (na, nb, nc)")
    normal = "abc".index(axis)
    u, v = (i for i in range(3) if i != normal)
    start = np.round(np.asarray(origin, dtype=float) * maps[0].shape).astype(int)
    start[normal] = 0
    layers = [np.roll(rho, tuple(-start), (0, 1, 2)).take(index, axis=normal).T for rho in maps]
    layers.append(layers[1] - layers[0])
    x, y = _plane(cell, u, v, layers[0].shape, start / maps[0].shape)

    figure = new_figure(12.6, 4.1, look)
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    low, high = min(map(np.min, layers[:2])), max(map(np.max, layers[:2]))
    spread = max(float(np.abs(layers[2]).max()), 0.02 * float(high - low), 1e-12)
    scales: list[dict[str, Any]] = [{"cmap": "cividis", "vmin": low, "vmax": high}] * 2
    scales.append({"cmap": "PuOr", "vmin": -spread, "vmax": spread})
    names = ("true phases", "predicted phases", "predicted − true")
    for axes, layer, scale, name in zip(panels, layers, scales, names, strict=True):
        image = axes.pcolormesh(x, y, layer, shading="gouraud", rasterized=True, **scale)
        if name != names[2]:
            levels = low + (high - low) * np.array([0.1, 0.2, 0.4, 0.6, 0.8])
            axes.contour(x, y, layer, levels=levels, colors="white", linewidths=0.5, alpha=0.55)
        axes.set(title=name, aspect="equal", xlabel=f"along {'abc'[u]} (Å)")
        dress(axes, look, frame=True)
        if axes is not panels[0]:  # the first two share one scale
            bar = figure.colorbar(image, cax=axes.inset_axes((1.03, 0.0, 0.035, 1.0)))
            bar.set_label("e/Å³", color=look.ink, size=9)
            bar.ax.tick_params(colors=look.muted, labelsize=8, length=2)
            bar.outline.set_visible(False)
    panels[0].set_ylabel(f"along {'abc'[v]} (Å)", color=look.ink)
    return figure


def isosurfaces(
    maps: Mapping[str, ArrayLike],
    cell: Cell,
    *,
    origin: ArrayLike = (0.0, 0.0, 0.0),
    level: float = 0.12,
    height: int = 460,
) -> Any:
    """Interactive isosurfaces of densities, side by side (a plotly Figure).

    Parameters
    ----------
    maps : title -> (na, nb, nc) float
        Densities in e/A^3 over one cell.
    cell : (a, b, c, alpha, beta, gamma)
    origin : (3,) float
        Fractional point that is moved to the corner of the box.
    level : float
        Outermost of three surfaces, as part of the highest density of the first map.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=1, cols=len(maps), specs=[[{"type": "scene"}] * len(maps)], subplot_titles=list(maps),
        horizontal_spacing=0.01,
    )  # fmt: skip
    high = float(np.max(np.asarray(next(iter(maps.values())))))
    for column, rho in enumerate(maps.values(), start=1):
        points, values = _wrapped_grid(np.asarray(rho, dtype=float), cell, np.asarray(origin, dtype=float))
        x, y, z = (points[:, i].astype(np.float32) for i in range(3))
        figure.add_trace(
            go.Isosurface(
                x=x, y=y, z=z, value=values.astype(np.float32), isomin=level * high, isomax=0.9 * high,
                surface_count=3, opacity=0.45, colorscale="Cividis", cmin=0, cmax=high,
                caps={"x_show": False, "y_show": False, "z_show": False}, showscale=column == len(maps),
                colorbar={"title": {"text": "e/Å³"}, "thickness": 12, "len": 0.7},
                hovertemplate="%{x:.2f}, %{y:.2f}, %{z:.2f} Å<br>%{value:.2f} e/Å³<extra></extra>",
            ),
            row=1, col=column,
        )  # fmt: skip
        corners = (_CELL_OUTLINE + np.round(np.asarray(origin) * np.shape(rho)) / np.shape(rho)) @ orthogonal(cell).T
        figure.add_trace(
            go.Scatter3d(
                x=corners[:, 0], y=corners[:, 1], z=corners[:, 2], mode="lines", showlegend=False,
                line={"color": _NEUTRAL, "width": 3}, hoverinfo="skip",
            ),
            row=1, col=column,
        )  # fmt: skip
    side = {"showbackground": False, "zeroline": False, "nticks": 5, "gridcolor": "rgba(128,128,128,0.22)"}
    figure.update_scenes(
        xaxis={"title": {"text": "x (Å)"}, **side},
        yaxis={"title": {"text": "y (Å)"}, **side},
        zaxis={"title": {"text": "z (Å)"}, **side},
        aspectmode="data",
        camera={"eye": {"x": 1.35, "y": -1.45, "z": 0.85}},
    )
    figure.update_annotations(font={"size": 14, "color": _NEUTRAL})
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": 34, "b": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        font={"size": 12},
    )
    return figure


def orthogonal(cell: Cell) -> NDArray[np.float64]:
    """Matrix that turns fractional columns into angstrom: a along x, b in the xy plane."""
    a, b, c = cell[:3]
    cos = np.cos(np.radians(cell[3:6]))
    sin_gamma = np.sqrt(1 - cos[2] ** 2)
    cy = (cos[0] - cos[1] * cos[2]) / sin_gamma
    cz = np.sqrt(1 - cos[1] ** 2 - cy**2)
    return np.array([[a, b * cos[2], c * cos[1]], [0, b * sin_gamma, c * cy], [0, 0, c * cz]])


def _plane(
    cell: Cell, u: int, v: int, shape: tuple[int, ...], start: NDArray[np.float64]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Coordinates in angstrom of a layer spanned by axes u and v, u to the right."""
    nv, nu = shape
    along_u = cell[u] * (np.arange(nu) / nu + start[u])
    along_v = cell[v] * (np.arange(nv) / nv + start[v])
    angle = np.radians(cell[3 + 3 - u - v])
    return along_u[None, :] + along_v[:, None] * np.cos(angle), along_v[:, None] * np.sin(angle) + 0 * along_u


def _wrapped_grid(
    rho: NDArray[np.float64], cell: Cell, origin: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Grid points in angstrom and values, the first layer repeated at the end so that the cell closes."""
    start = np.round(origin * rho.shape).astype(int)
    closed = np.pad(np.roll(rho, tuple(-start), (0, 1, 2)), (0, 1), mode="wrap")
    frac = np.indices(closed.shape).reshape(3, -1).T / rho.shape + start / rho.shape
    return frac @ orthogonal(cell).T, closed.ravel()
