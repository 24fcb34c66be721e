"""Pictures of electron densities: slices side by side, and interactive isosurfaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import gemmi
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from argand.cell import FloatArray
from argand.viz.style import NEUTRAL, Theme, ThemeName, dress, new_figure, number, theme_of

__all__ = ["isosurfaces", "orthogonal", "plot_slices"]

Cell = Sequence[float]

# One pen stroke along the twelve edges of a unit cell, four of them drawn twice.
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

# Contours of a slice, as shares of the range of the true density.
_CONTOURS = np.array([0.1, 0.2, 0.4, 0.6, 0.8])


def plot_slices(
    true: ArrayLike,
    predicted: ArrayLike,
    cell: Cell,
    *,
    axis: Literal["a", "b", "c"] = "c",
    index: int = 0,
    origin: ArrayLike = (0.0, 0.0, 0.0),
    names: tuple[str, str] = ("true phases", "predicted phases"),
    unit: str = "e/Å³",
    theme: ThemeName = "light",
) -> Figure:
    """Plot one layer of the density from true phases, from predicted phases, and the difference.

    Parameters
    ----------
    true, predicted : (na, nb, nc) float
        Density over one unit cell.
    cell : (a, b, c, alpha, beta, gamma)
        Unit cell, angstrom and degrees.
    axis, index
        The layer: grid index along that axis.
    origin : (3,) float
        Fractional point that is moved to the corner of the picture, so that no atom is cut in two.
    names : (str, str)
        Titles of the two maps.
    unit : str
        Unit of the densities, see `argand.radiation.Radiation.density_unit`.
    theme : str
        "light" or "dark".
    """
    look = theme_of(theme)
    maps = [np.asarray(density, dtype=float) for density in (true, predicted)]
    shape = maps[0].shape
    if len(shape) != 3 or shape != maps[1].shape:
        raise ValueError(
            f"true has shape {shape}, predicted {maps[1].shape}: both need one (na, nb, nc)"
        )
    normal = "abc".index(axis)
    u, v = (i for i in range(3) if i != normal)
    start = np.round(np.asarray(origin, dtype=float) * shape).astype(int)
    start[normal] = 0
    layers = []
    for density in maps:
        shifted = np.roll(density, tuple(-start), (0, 1, 2))
        layers.append(shifted.take(index, axis=normal).T)
    true_layer, predicted_layer = layers
    x, y = _layer_coordinates(cell, u, v, true_layer.shape, start / shape)

    figure = new_figure(12.6, 4.1, look)
    left, middle, right = figure.subplots(1, 3, sharex=True, sharey=True)
    # The true density sets the colours of both maps.
    low, high = float(true_layer.min()), float(true_layer.max())
    levels = low + (high - low) * _CONTOURS
    for axes, layer, title in zip((left, middle), layers, names, strict=True):
        image = _draw_layer(axes, x, y, layer, "cividis", low, high)
        axes.contour(x, y, layer, levels=levels, colors="white", linewidths=0.5, alpha=0.55)
        axes.set(title=title)
    _add_bar(figure, middle, image, look, unit)
    difference = predicted_layer - true_layer
    largest = max(float(np.abs(difference).max()), 0.02 * float(high - low), 1e-12)
    # The difference has a scale of its own: its label says how much finer that is.
    magnification = float(high - low) / (2 * largest)
    image = _draw_layer(right, x, y, difference, "PuOr", -largest, largest)
    right.set(title="difference")
    _add_bar(figure, right, image, look, f"{unit}, scale × {number(magnification)}")
    for axes in (left, middle, right):
        axes.set(aspect="equal", xlabel=f"along {'abc'[u]} (Å)")
        dress(axes, look, frame=True)
    left.set_ylabel(f"along {'abc'[v]} (Å)", color=look.ink)
    return figure


def _draw_layer(
    axes: Axes,
    x: NDArray[Any],
    y: NDArray[Any],
    layer: NDArray[Any],
    colours: str,
    low: float,
    high: float,
) -> Any:
    """Draw a layer (nv, nu) of a density at coordinates in angstrom; return the image."""
    return axes.pcolormesh(
        x, y, layer, shading="gouraud", rasterized=True, cmap=colours, vmin=low, vmax=high
    )


def _add_bar(figure: Figure, axes: Axes, image: Any, look: Theme, label: str) -> None:
    """Add a colour bar with a label at the right of axes."""
    bar = figure.colorbar(image, cax=axes.inset_axes((1.03, 0.0, 0.035, 1.0)))
    bar.set_label(label, color=look.ink, size=9)
    bar.ax.tick_params(colors=look.muted, labelsize=8, length=2)
    bar.outline.set_visible(False)


def isosurfaces(
    maps: Mapping[str, ArrayLike],
    cell: Cell,
    *,
    origin: ArrayLike = (0.0, 0.0, 0.0),
    level: float = 0.12,
    unit: str = "e/Å³",
    height: int = 460,
) -> Any:
    """Draw interactive isosurfaces of densities, side by side, as a plotly Figure.

    Parameters
    ----------
    maps : title -> (na, nb, nc) float
        Densities over one unit cell.
    cell : (a, b, c, alpha, beta, gamma)
        Unit cell, angstrom and degrees.
    origin : (3,) float
        Fractional point that is moved to the corner of the box.
    level : float
        Outermost of three surfaces, as a share of the highest density of the first map.
    unit : str
        Unit of the densities, see `argand.radiation.Radiation.density_unit`.
    height : int
        Height of the picture in pixels.
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=1,
        cols=len(maps),
        specs=[[{"type": "scene"}] * len(maps)],
        subplot_titles=list(maps),
        horizontal_spacing=0.01,
    )
    densities = [np.asarray(density, dtype=float) for density in maps.values()]
    highest = float(np.max(densities[0]))
    for column, density in enumerate(densities, start=1):
        start = np.round(np.asarray(origin, dtype=float) * density.shape) / density.shape
        surface = _isosurface(density, cell, start, (level * highest, highest), unit)
        surface.showscale = column == len(maps)
        figure.add_trace(surface, row=1, col=column)
        figure.add_trace(_outline(cell, start), row=1, col=column)
    side = {"showbackground": False, "zeroline": False, "nticks": 5, "showgrid": False}
    figure.update_scenes(
        xaxis={"title": {"text": "x (Å)"}, **side},
        yaxis={"title": {"text": "y (Å)"}, **side},
        zaxis={"title": {"text": "z (Å)"}, **side},
        aspectmode="data",
        camera={"eye": {"x": 1.35, "y": -1.45, "z": 0.85}},
    )
    figure.update_annotations(font={"size": 14, "color": NEUTRAL})
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": 34, "b": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        font={"size": 12, "color": NEUTRAL},
        template="none",
    )
    return figure


def _isosurface(
    density: FloatArray, cell: Cell, start: FloatArray, limits: tuple[float, float], unit: str
) -> Any:
    """Make three surfaces of a density, from a lowest to 0.9 of a highest, as a plotly trace."""
    import plotly.graph_objects as go
    from plotly.colors import sample_colorscale

    # The darkest part of the scale would not be seen on a dark page.
    colours = sample_colorscale("Cividis", np.linspace(0.25, 1, 24).tolist())
    lowest, highest = limits
    points, values = _on_rectangular_grid(density, cell, start)
    x, y, z = points.T
    return go.Isosurface(
        x=x,
        y=y,
        z=z,
        value=values,
        isomin=lowest,
        isomax=0.9 * highest,
        surface_count=3,
        opacity=0.45,
        colorscale=colours,
        cmin=0,
        cmax=highest,
        caps={"x_show": False, "y_show": False, "z_show": False},
        colorbar={"title": {"text": unit}, "thickness": 12, "len": 0.7},
        hovertemplate="%{x:.2f}, %{y:.2f}, %{z:.2f} Å<br>%{value:.2f} " + unit + "<extra></extra>",
    )


def _outline(cell: Cell, start: FloatArray) -> Any:
    """Make the edges of a unit cell, from a fractional corner, as a plotly trace."""
    import plotly.graph_objects as go

    corners = (_CELL_OUTLINE + start) @ orthogonal(cell).T
    return go.Scatter3d(
        x=corners[:, 0],
        y=corners[:, 1],
        z=corners[:, 2],
        mode="lines",
        showlegend=False,
        line={"color": NEUTRAL, "width": 3},
        hoverinfo="skip",
    )


def orthogonal(cell: Cell) -> FloatArray:
    """Return the matrix (3, 3) from fractional to Cartesian angstrom, a along x, b in xy."""
    return np.array(gemmi.UnitCell(*cell).orth.mat.tolist())


def _layer_coordinates(
    cell: Cell, u: int, v: int, shape: tuple[int, ...], start: FloatArray
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return x and y (nv, nu) in angstrom of a layer spanned by axes u and v, u along x."""
    nv, nu = shape
    along_u = cell[u] * (np.arange(nu) / nu + start[u])
    along_v = cell[v] * (np.arange(nv) / nv + start[v])
    # Three angles follow three lengths: the angle between u and v is that of the third axis.
    angle = np.radians(cell[3 + 3 - u - v])
    x = along_u[None, :] + along_v[:, None] * np.cos(angle)
    y = along_v[:, None] * np.sin(angle) + 0 * along_u
    return x, y


def _on_rectangular_grid(
    density: FloatArray, cell: Cell, origin: FloatArray
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Interpolate a density on a rectangular grid around the unit cell, 0 outside of it.

    plotly draws surfaces on rectangular grids only. A rectangular cell keeps its own grid points.

    Returns
    -------
    points : (n, 3)
        Grid points, Cartesian angstrom.
    values : (n,)
        Density at these points.
    """
    from scipy.ndimage import map_coordinates

    to_angstrom = orthogonal(cell)
    corners = (_CELL_OUTLINE + origin) @ to_angstrom.T
    low, high = corners.min(axis=0), corners.max(axis=0)
    counts = np.round((high - low) / np.asarray(cell[:3]) * density.shape).astype(int) + 1
    axes = [np.linspace(start, end, n) for start, end, n in zip(low, high, counts, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    frac = points @ np.linalg.inv(to_angstrom).T
    values = map_coordinates(density, (frac * density.shape).T, order=1, mode="grid-wrap")
    is_inside = np.all((frac > origin - 1e-6) & (frac < origin + 1 + 1e-6), axis=1)
    inside = np.where(is_inside, values, 0)
    return points.astype(np.float32), _few_digits(inside).astype(np.float32)


def _few_digits(density: FloatArray) -> FloatArray:
    """Round a density to a thousandth of its largest value, which makes a packed page small."""
    step = max(float(np.abs(density).max(initial=0.0)), 1e-300) / 1000
    return np.asarray(np.round(density / step) * step)
