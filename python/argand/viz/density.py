"""Electron densities as pictures: slices side by side, and interactive isosurfaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates

from argand.viz.style import ThemeName, dress, new_figure, theme_of

Cell = Sequence[float]

_NEUTRAL = "#7d8798"  # grey that is seen on white and on black: an interactive picture has one colour for both
# One pen stroke along the twelve edges of a cell (four of them twice).
_CELL_OUTLINE = np.array(
    [
        [0, 0, 0],
        [1, 0, 0],
        [1, 1, 0],
        [0, 1, 0],
        [0, 0, 0],
        [0, 0, 1],
        [1, 0, 1],
        [1, 0, 0],
        [1, 0, 1],
        [1, 1, 1],
        [1, 1, 0],
        [1, 1, 1],
        [0, 1, 1],
        [0, 1, 0],
        [0, 1, 1],
        [0, 0, 1],
    ],
    dtype=float,
)


def plot_slices(
    true: ArrayLike,
    predicted: ArrayLike,
    cell: Cell,
    *,
    axis: Literal["a", "b", "c"] = "c",
    index: int = 0,
    origin: ArrayLike = (0.0, 0.0, 0.0),
    names: tuple[str, str] = ("true phases", "predicted phases"),
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
    names
        Titles of the two maps.
    """
    look = theme_of(theme)
    maps = [np.asarray(rho, dtype=float) for rho in (true, predicted)]
    if maps[0].ndim != 3 or maps[0].shape != maps[1].shape:
        raise ValueError(
            f"true has shape {maps[0].shape}, predicted {maps[1].shape}: both need one (na, nb, nc)"
        )
    normal = "abc".index(axis)
    u, v = (i for i in range(3) if i != normal)
    start = np.round(np.asarray(origin, dtype=float) * maps[0].shape).astype(int)
    start[normal] = 0
    layers = [np.roll(rho, tuple(-start), (0, 1, 2)).take(index, axis=normal).T for rho in maps]
    layers.append(layers[1] - layers[0])
    x, y = _plane(cell, u, v, layers[0].shape, start / maps[0].shape)

    figure = new_figure(12.6, 4.1, look)
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    low, high = float(layers[0].min()), float(layers[0].max())  # the truth sets the scale of both
    spread = max(float(np.abs(layers[2]).max()), 0.02 * float(high - low), 1e-12)
    scales: list[dict[str, Any]] = [{"cmap": "cividis", "vmin": low, "vmax": high}] * 2
    scales.append({"cmap": "PuOr", "vmin": -spread, "vmax": spread})
    titles = (*names, "difference")
    for axes, layer, scale, title in zip(panels, layers, scales, titles, strict=True):
        image = axes.pcolormesh(x, y, layer, shading="gouraud", rasterized=True, **scale)
        if layer is not layers[2]:
            levels = low + (high - low) * np.array([0.1, 0.2, 0.4, 0.6, 0.8])
            axes.contour(x, y, layer, levels=levels, colors="white", linewidths=0.5, alpha=0.55)
        axes.set(title=title, aspect="equal", xlabel=f"along {'abc'[u]} (Å)")
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
    from plotly.colors import sample_colorscale
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=1,
        cols=len(maps),
        specs=[[{"type": "scene"}] * len(maps)],
        subplot_titles=list(maps),
        horizontal_spacing=0.01,
    )
    colours = sample_colorscale(
        "Cividis", np.linspace(0.25, 1, 24).tolist()
    )  # its darkest part would melt into night
    high = float(np.max(np.asarray(next(iter(maps.values())))))
    for column, rho in enumerate(maps.values(), start=1):
        start = np.round(np.asarray(origin, dtype=float) * np.shape(rho)) / np.shape(rho)
        points, values = _boxed(np.asarray(rho, dtype=float), cell, start)
        x, y, z = points.T
        figure.add_trace(
            go.Isosurface(
                x=x,
                y=y,
                z=z,
                value=values,
                isomin=level * high,
                isomax=0.9 * high,
                surface_count=3,
                opacity=0.45,
                colorscale=colours,
                cmin=0,
                cmax=high,
                caps={"x_show": False, "y_show": False, "z_show": False},
                showscale=column == len(maps),
                colorbar={"title": {"text": "e/Å³"}, "thickness": 12, "len": 0.7},
                hovertemplate="%{x:.2f}, %{y:.2f}, %{z:.2f} Å<br>%{value:.2f} e/Å³<extra></extra>",
            ),
            row=1,
            col=column,
        )
        corners = (_CELL_OUTLINE + start) @ orthogonal(cell).T
        figure.add_trace(
            go.Scatter3d(
                x=corners[:, 0],
                y=corners[:, 1],
                z=corners[:, 2],
                mode="lines",
                showlegend=False,
                line={"color": _NEUTRAL, "width": 3},
                hoverinfo="skip",
            ),
            row=1,
            col=column,
        )
    side = {"showbackground": False, "zeroline": False, "nticks": 5, "showgrid": False}
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
        font={"size": 12, "color": _NEUTRAL},
        template="none",
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
    return along_u[None, :] + along_v[:, None] * np.cos(angle), along_v[:, None] * np.sin(
        angle
    ) + 0 * along_u


def _boxed(
    rho: NDArray[np.float64], cell: Cell, origin: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Points (n, 3) in angstrom on a rectangular grid around the cell, and the density there; 0 outside the cell.

    plotly draws surfaces on rectangular grids only. A rectangular cell keeps its own grid points.
    """
    to_angstrom = orthogonal(cell)
    corners = (_CELL_OUTLINE + origin) @ to_angstrom.T
    low, high = corners.min(axis=0), corners.max(axis=0)
    counts = np.round((high - low) / np.asarray(cell[:3]) * rho.shape).astype(int) + 1
    axes = [np.linspace(start, end, n) for start, end, n in zip(low, high, counts, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    frac = points @ np.linalg.inv(to_angstrom).T
    values = map_coordinates(rho, (frac * rho.shape).T, order=1, mode="grid-wrap")
    inside = np.all((frac > origin - 1e-6) & (frac < origin + 1 + 1e-6), axis=1)
    return points.astype(np.float32), np.where(inside, values, 0).astype(np.float32)
