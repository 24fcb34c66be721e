"""An interactive picture of the density in a plane, one frame for each file of a series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from argand.cell import FloatArray
from argand.viz.interactive import dress_interactive, plain_numbers
from argand.viz.plane import Plane
from argand.viz.style import DARK, LIGHT

__all__ = ["density_frames"]

# Light blue is seen in the density, and beside it in the legend of a light or a dark page.
_CROSS_COLOUR = "#35b8e6"


def density_frames(
    layers: Sequence[ArrayLike],
    names: Sequence[str],
    plane: Plane,
    atoms: Sequence[ArrayLike],
    known: ArrayLike,
    labels: Sequence[str],
    *,
    unit: str = "e/Å³",
) -> Any:
    """Draw densities in a plane, file after file, with a slider and a button that plays them.

    Parameters
    ----------
    layers : sequence of (points, points)
        Density of each file in the plane.
    names : sequence of str
        Name of each file.
    plane : Plane
        The plane.
    atoms : sequence of (n, 2)
        Positions of the sites in each file, in the plane, angstrom.
    known : (n, 2)
        Positions of the sites in the known crystal, in the plane, angstrom.
    labels : (n,) str
        Labels of the sites.
    unit : str
        Unit of the densities, see `argand.radiation.Radiation.density_unit`.

    Returns
    -------
    plotly Figure
    """
    import plotly.graph_objects as go

    densities = [np.asarray(layer, float) for layer in layers]
    low = min(float(density.min()) for density in densities)
    high = max(float(density.max()) for density in densities)
    frames, traces = [], []
    for i, density in enumerate(densities):
        heat = _heatmap(density, plane, (low, high), unit)
        crosses = _crosses(_positions(atoms[i]), labels)
        traces.append([heat, crosses])
        frames.append(go.Frame(data=[heat, crosses], name=str(i), traces=[0, 1]))
    figure = go.Figure(data=traces[0], frames=frames)
    figure.add_trace(_rings(_positions(known), labels))
    figure.update_layout(sliders=[_slider(names)], updatemenus=[_play_button()])
    limits = [-plane.half, plane.half]
    figure.update_xaxes(title={"text": "Å"}, range=limits, constrain="domain", showgrid=False)
    figure.update_yaxes(
        title={"text": "Å"}, range=limits, scaleanchor="x", constrain="domain", showgrid=False
    )
    return dress_interactive(figure, 620)


def _positions(atoms: ArrayLike) -> FloatArray:
    """Return positions in the plane as (n, 2), also when there are none."""
    return np.asarray(atoms, float).reshape(-1, 2)


def _heatmap(density: FloatArray, plane: Plane, limits: tuple[float, float], unit: str) -> Any:
    """Make the density (points, points) in a plane as a plotly trace, coloured between limits."""
    import plotly.graph_objects as go

    axis = np.round(plane.axis, 3)
    return go.Heatmap(
        x=axis,
        y=axis,
        z=plain_numbers(density, 2),
        zmin=limits[0],
        zmax=limits[1],
        colorscale="Cividis",
        zsmooth="best",
        colorbar={"title": {"text": unit}, "thickness": 12, "len": 0.8},
        hovertemplate="%{x:.2f}, %{y:.2f} Å<br>%{z:.2f} " + unit + "<extra></extra>",
    )


def _crosses(positions: FloatArray, labels: Sequence[str]) -> Any:
    """Mark displaced atoms (n, 2) with crosses, as a plotly trace."""
    line = {"width": 2, "color": _CROSS_COLOUR}
    marker = {"symbol": "cross-thin", "size": 11, "line": line}
    return _markers(positions, labels, "atoms displaced", marker)


def _rings(positions: FloatArray, labels: Sequence[str]) -> Any:
    """Mark atoms (n, 2) of the known crystal with rings, as a plotly trace."""
    line = {"width": 1.5}
    marker = {"symbol": "circle-open", "size": 13, "color": DARK.plain, "line": line}
    return _markers(positions, labels, "where they were", marker)


def _markers(
    positions: FloatArray, labels: Sequence[str], name: str, marker: dict[str, object]
) -> Any:
    """Make labelled markers at positions (n, 2) as a plotly trace."""
    import plotly.graph_objects as go

    return go.Scatter(
        x=plain_numbers(positions[:, 0]),
        y=plain_numbers(positions[:, 1]),
        mode="markers",
        name=name,
        marker=marker,
        text=list(labels),
        hovertemplate="%{text}<extra></extra>",
    )


def _slider(names: Sequence[str]) -> dict[str, Any]:
    """Return plotly's description of a slider with one step for each file."""
    at_once = {"frame": {"duration": 0, "redraw": True}, "mode": "immediate"}
    steps = []
    for i, name in enumerate(names):
        steps.append({"label": name, "method": "animate", "args": [[str(i)], at_once]})
    return {
        "currentvalue": {"prefix": "", "font": {"size": 14}},
        "pad": {"t": 40},
        "x": 0.1,
        "len": 0.9,
        "steps": steps,
    }


def _play_button() -> dict[str, Any]:
    """Return plotly's description of a button that plays all frames."""
    motion = {
        "frame": {"duration": 180, "redraw": True},
        "fromcurrent": True,
        "transition": {"duration": 0},
    }
    return {
        "type": "buttons",
        "x": 0.07,
        "y": 0,
        "xanchor": "right",
        "yanchor": "top",
        "pad": {"t": 48},
        "showactive": False,
        "font": {"color": LIGHT.ink},
        "bgcolor": "#eef1f5",
        "bordercolor": "#c5ccd6",
        "buttons": [{"label": "play", "method": "animate", "args": [None, motion]}],
    }
