"""Interactive pictures of a series: where every atom goes, and how well each file is explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand.cell import FloatArray
from argand.viz.axes import FILE_NUMBER, add_axis_menu
from argand.viz.interactive import dress_interactive, plain_numbers
from argand.viz.style import DARK

__all__ = ["displacement_series", "r_series"]

# Sites with a line of their own, in these colours; more could not be told apart.
_LINE_COLOURS = (
    "#1f86d1",
    "#d96a1d",
    "#12957a",
    "#a85fa0",
    "#a3831a",
    "#4b68c8",
    "#c04f63",
    "#5d8a2f",
)

# From so many files on, a line has no markers.
_MANY_FILES = 60

# Labels of sites that fit beside the map of all displacements.
_LABELS = 40


def displacement_series(
    length: ArrayLike,
    labels: Sequence[str],
    files: Sequence[str],
    sigma: ArrayLike | None = None,
    axes: Mapping[str, ArrayLike] | None = None,
) -> Any:
    """Plot displacements against file number: the largest as lines, all of them as a map.

    With further axes a menu draws the lines against these.

    Parameters
    ----------
    length : (files, sites)
        Length of each displacement, angstrom; NaN where nothing was found.
    labels : (sites,) str
        Labels of the sites.
    files : (files,) str
        Names of the files.
    sigma : (files, sites), optional
        Standard uncertainty, angstrom, drawn as a band around each line.
    axes : title -> (files,), optional
        What lines can be drawn against; NaN where it is not known.

    Returns
    -------
    plotly Figure
    """
    from plotly.subplots import make_subplots

    values = np.asarray(length, dtype=float)
    # The map keeps file numbers where lines may be drawn against something else.
    figure = make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=not axes,
        vertical_spacing=0.2 if axes else 0.05,
        row_heights=[0.45, 0.55],
    )
    has_value = np.isfinite(values).any(axis=0)
    means = np.where(has_value, _column_means(values), -1.0)
    largest_first = np.argsort(-means, kind="stable")
    files_of_traces: dict[int, Sequence[int]] = {}
    for colour, site in zip(_LINE_COLOURS, largest_first, strict=False):
        label, site_values = str(labels[site]), values[:, site]
        if sigma is not None:
            site_sigma = np.asarray(sigma, dtype=float)[:, site]
            points = np.flatnonzero(np.isfinite(site_values) & np.isfinite(site_sigma)).tolist()
            files_of_traces[len(figure.data)] = [*points, *reversed(points)]
            figure.add_trace(_band(site_values, site_sigma, colour, label), row=1, col=1)
        files_of_traces[len(figure.data)] = range(len(files))
        line = _site_line(site_values, files, colour, label, str(site))
        figure.add_trace(line, row=1, col=1)
    figure.add_trace(_displacement_map(values, labels), row=2, col=1)
    step = max(1, -(-len(labels) // _LABELS))
    figure.update_yaxes(title={"text": "displacement (Å)"}, rangemode="tozero", row=1, col=1)
    figure.update_yaxes(
        tickvals=list(range(0, len(labels), step)),
        ticktext=[str(label) for label in labels[::step]],
        autorange="reversed",
        row=2,
        col=1,
    )
    figure.update_xaxes(title={"text": FILE_NUMBER}, row=2, col=1)
    dress_interactive(figure, 320 + 11 * min(len(labels), _LABELS) + 120)
    if axes:
        figure.update_xaxes(title={"text": FILE_NUMBER}, row=1, col=1)
        add_axis_menu(figure, axes, files_of_traces)
    return figure


def _file_numbers(count: int) -> NDArray[np.int64]:
    """Return the numbers of files, from 1."""
    return np.arange(1, count + 1)


def _site_line(
    values: FloatArray, files: Sequence[str], colour: str, label: str, group: str
) -> Any:
    """Make the line of one site as a plotly trace."""
    import plotly.graph_objects as go

    return go.Scatter(
        x=_file_numbers(len(files)),
        y=plain_numbers(values),
        name=label,
        mode="lines+markers" if len(files) < _MANY_FILES else "lines",
        line={"color": colour, "width": 2},
        marker={"size": 5},
        text=list(files),
        legendgroup=group,
        hovertemplate="%{text}<br>%{y:.3f} Å",
    )


def _displacement_map(values: FloatArray, labels: Sequence[str]) -> Any:
    """Make the map of all displacements (files, sites) as a plotly trace."""
    import plotly.graph_objects as go

    label_column = np.array(labels, dtype=object)[:, None]
    return go.Heatmap(
        x=_file_numbers(len(values)),
        y=list(range(len(labels))),
        z=plain_numbers(values.T),
        colorscale="Cividis",
        zmin=0,
        zmax=float(np.nanmax(values, initial=0.0)) or 1.0,
        hoverongaps=False,
        customdata=np.broadcast_to(label_column, values.T.shape).tolist(),
        hovertemplate="%{customdata}, file %{x}<br>%{z:.3f} Å<extra></extra>",
        colorbar={"title": {"text": "Å"}, "thickness": 12, "len": 0.5, "y": 0.25},
    )


def _band(values: FloatArray, sigma: FloatArray, colour: str, group: str) -> Any:
    """Make a band of one standard uncertainty around a line as a plotly trace."""
    import plotly.graph_objects as go

    is_known = np.isfinite(values) & np.isfinite(sigma)
    number = _file_numbers(len(values))[is_known]
    low = np.maximum(values - sigma, 0.0)[is_known]
    high = (values + sigma)[is_known]
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return go.Scatter(
        x=np.concatenate([number, number[::-1]]),
        y=plain_numbers(np.concatenate([high, low[::-1]])),
        fill="toself",
        mode="none",
        fillcolor=f"rgba({red},{green},{blue},0.18)",
        showlegend=False,
        hoverinfo="skip",
        legendgroup=group,
    )


def _column_means(values: FloatArray) -> FloatArray:
    """Return the means of columns over their finite values, 0 for a column without any."""
    is_finite = np.isfinite(values)
    sums = np.where(is_finite, values, 0.0).sum(axis=0)
    return np.asarray(sums / np.maximum(is_finite.sum(axis=0), 1))


def r_series(
    r_known: ArrayLike,
    r: ArrayLike,
    flagged: ArrayLike,
    files: Sequence[str],
    axes: Mapping[str, ArrayLike] | None = None,
) -> Any:
    """Plot R against file number, with a ring around flagged files.

    With further axes a menu draws R against these.

    Parameters
    ----------
    r_known, r : (files,)
        R with the atoms of the known crystal, and with displaced atoms.
    flagged : (files,) bool
        Files that deserve a second look.
    files : (files,) str
        Names of the files.
    axes : title -> (files,), optional
        What R can be drawn against; NaN where it is not known.

    Returns
    -------
    plotly Figure
    """
    import plotly.graph_objects as go

    number = _file_numbers(len(files))
    r_displaced = np.asarray(r, float)
    is_flagged = np.asarray(flagged, bool)
    figure = go.Figure()
    r_before = np.asarray(r_known, float)
    figure.add_trace(_r_points(r_before, files, "atoms where they were", DARK.plain))
    figure.add_trace(_r_points(r_displaced, files, "atoms displaced", DARK.cured))
    if is_flagged.any():
        ring = {"size": 13, "color": "rgba(0,0,0,0)", "line": {"width": 2, "color": "#d0453f"}}
        figure.add_trace(
            go.Scatter(
                x=number[is_flagged],
                y=plain_numbers(r_displaced[is_flagged], 4),
                name="deserves a second look",
                mode="markers",
                marker=ring,
                hoverinfo="skip",
            )
        )
    figure.update_yaxes(title={"text": "R"}, rangemode="tozero")
    figure.update_xaxes(title={"text": FILE_NUMBER})
    dress_interactive(figure, 360)
    every_file = range(len(files))
    flagged_files = np.flatnonzero(is_flagged).tolist()
    traces = (every_file, every_file, flagged_files)[: len(figure.data)]
    add_axis_menu(figure, axes or {}, dict(enumerate(traces)))
    return figure


def _r_points(values: FloatArray, files: Sequence[str], name: str, colour: str) -> Any:
    """Make the R of all files as a plotly trace."""
    import plotly.graph_objects as go

    return go.Scatter(
        x=_file_numbers(len(files)),
        y=plain_numbers(values, 4),
        name=name,
        mode="markers+lines" if len(files) < _MANY_FILES else "markers",
        marker={"size": 6, "color": colour},
        line={"width": 1, "color": colour},
        text=list(files),
        hovertemplate="%{text}<br>R %{y:.3f}",
    )
