"""A series of crystals as interactive pictures: where every atom goes, how well it fits, and the density moving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates

from argand.viz.density import orthogonal
from argand.viz.style import DARK, LIGHT

__all__ = ["Plane", "density_frames", "displacement_series", "plane_through", "r_series"]

_NEUTRAL = "#7d8798"  # grey that is seen on white and on black: an interactive picture has one colour for both
_LINES = 8  # atoms that get a line of their own
_TONES = ("#1f86d1", "#d96a1d", "#12957a", "#a85fa0", "#a3831a", "#4b68c8", "#c04f63", "#5d8a2f")


def displacement_series(
    length: ArrayLike, labels: Sequence[str], files: Sequence[str], sigma: ArrayLike | None = None
) -> Any:
    """Displacement of every atom against file number (a plotly Figure): the largest as lines, all of them as a map.

    Parameters
    ----------
    length : (files, sites) angstrom, NaN where nothing was found
    labels, files : names of the sites and of the files
    sigma : (files, sites), the standard uncertainty that is drawn as a band around each line
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    values = np.asarray(length, dtype=float)
    number = np.arange(1, len(files) + 1)
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.45, 0.55]
    )
    means = np.where(np.isfinite(values).any(axis=0), _mean(values), -1.0)
    for tone, site in zip(_TONES, np.argsort(-means, kind="stable")[:_LINES], strict=False):
        own = values[:, site]
        if sigma is not None:
            band = np.asarray(sigma, dtype=float)[:, site]
            figure.add_trace(_band(go, number, own, band, tone, str(labels[site])), row=1, col=1)
        figure.add_trace(
            go.Scatter(
                x=number,
                y=_rounded(own),
                name=str(labels[site]),
                mode="lines+markers" if len(files) < 60 else "lines",
                line={"color": tone, "width": 2},
                marker={"size": 5},
                text=list(files),
                legendgroup=str(site),
                hovertemplate="%{text}<br>%{y:.3f} Å",
            ),
            row=1,
            col=1,
        )
    figure.add_trace(
        go.Heatmap(
            x=number,
            y=list(range(len(labels))),
            z=_rounded(values.T),
            colorscale="Cividis",
            zmin=0,
            zmax=float(np.nanmax(values, initial=0.0)) or 1.0,
            hoverongaps=False,
            customdata=np.broadcast_to(
                np.array(labels, dtype=object)[:, None], values.T.shape
            ).tolist(),
            hovertemplate="%{customdata}, file %{x}<br>%{z:.3f} Å<extra></extra>",
            colorbar={"title": {"text": "Å"}, "thickness": 12, "len": 0.5, "y": 0.25},
        ),
        row=2,
        col=1,
    )
    step = max(1, -(-len(labels) // 40))
    figure.update_yaxes(title={"text": "displacement (Å)"}, rangemode="tozero", row=1, col=1)
    figure.update_yaxes(
        tickvals=list(range(0, len(labels), step)),
        ticktext=[str(label) for label in labels[::step]],
        autorange="reversed",
        row=2,
        col=1,
    )
    figure.update_xaxes(title={"text": "file number"}, row=2, col=1)
    return _dressed(figure, 320 + 11 * min(len(labels), 40) + 120)


def r_series(r_known: ArrayLike, r: ArrayLike, flagged: ArrayLike, files: Sequence[str]) -> Any:
    """R of the known crystal and of the displaced one against file number; flagged files are ringed (plotly Figure)."""
    import plotly.graph_objects as go

    number = np.arange(1, len(files) + 1)
    known, found, marked = (
        np.asarray(r_known, float),
        np.asarray(r, float),
        np.asarray(flagged, bool),
    )
    figure = go.Figure()
    for values, name, tone in (
        (known, "atoms where they were", DARK.plain),
        (found, "atoms displaced", DARK.cured),
    ):
        figure.add_trace(
            go.Scatter(
                x=number,
                y=_rounded(values, 4),
                name=name,
                mode="markers+lines" if len(files) < 60 else "markers",
                marker={"size": 6, "color": tone},
                line={"width": 1, "color": tone},
                text=list(files),
                hovertemplate="%{text}<br>R %{y:.3f}",
            )
        )
    if marked.any():
        figure.add_trace(
            go.Scatter(
                x=number[marked],
                y=_rounded(found[marked], 4),
                name="deserves a second look",
                mode="markers",
                marker={
                    "size": 13,
                    "color": "rgba(0,0,0,0)",
                    "line": {"width": 2, "color": "#d0453f"},
                },
                hoverinfo="skip",
            )
        )
    figure.update_yaxes(title={"text": "R"}, rangemode="tozero")
    figure.update_xaxes(title={"text": "file number"})
    return _dressed(figure, 360)


class Plane:
    """A square window through a crystal: a centre (fractional), two unit vectors (Cartesian), half an edge, points."""

    def __init__(
        self,
        centre: ArrayLike,
        right: ArrayLike,
        up: ArrayLike,
        half: float = 4.0,
        points: int = 61,
    ) -> None:
        self.centre = np.asarray(centre, float)
        self.right, self.up = np.asarray(right, float), np.asarray(up, float)
        self.half, self.axis = half, np.linspace(-half, half, points)

    def frac(self, cell: Sequence[float]) -> NDArray[np.float64]:
        """(points, points, 3) fractional, up along the first axis."""
        to_angstrom = orthogonal(cell)
        offset = self.axis[:, None, None] * self.up + self.axis[None, :, None] * self.right
        return np.asarray(self.centre + offset @ np.linalg.inv(to_angstrom).T)

    def density(self, rho: ArrayLike, cell: Sequence[float]) -> NDArray[np.float64]:
        """Density (points, points) of a map (na, nb, nc) over the cell."""
        grid = np.asarray(rho, float)
        places = self.frac(cell) * grid.shape
        return np.asarray(
            map_coordinates(grid, np.moveaxis(places, -1, 0), order=3, mode="grid-wrap")
        )

    def project(self, frac: ArrayLike, cell: Sequence[float]) -> NDArray[np.float64]:
        """(n, 3): along right and up, and height above the plane, angstrom, of the nearest images of sites (n, 3)."""
        shift = np.asarray(frac, float) - self.centre
        shift -= np.rint(shift)
        place = shift @ orthogonal(cell).T
        return np.stack(
            [place @ self.right, place @ self.up, place @ np.cross(self.right, self.up)], axis=1
        )


def plane_through(frac: ArrayLike, cell: Sequence[float], site: int, direction: ArrayLike) -> Plane:
    """The plane through a site that holds the direction in which it moves (Cartesian) and the nearest other site."""
    sites = np.asarray(frac, float)
    along = np.asarray(direction, float)
    along = (
        along / np.linalg.norm(along) if np.linalg.norm(along) > 1e-9 else np.array([1.0, 0.0, 0.0])
    )
    shift = sites - sites[site]
    shift -= np.rint(shift)
    place = shift @ orthogonal(cell).T
    across = place - np.outer(place @ along, along)
    # the nearest that is not in line with the direction
    distance = np.where(np.linalg.norm(across, axis=1) > 0.3, np.linalg.norm(place, axis=1), np.inf)
    if np.isfinite(distance).any():
        up = across[distance.argmin()]
    else:
        up = np.cross(along, [0.0, 0.0, 1.0] if abs(along[2]) < 0.9 else [1.0, 0.0, 0.0])
    return Plane(sites[site], along, up / np.linalg.norm(up))


def density_frames(
    layers: Sequence[ArrayLike],
    names: Sequence[str],
    plane: Plane,
    atoms: Sequence[ArrayLike],
    known: ArrayLike,
    labels: Sequence[str],
) -> Any:
    """Density in a plane, file after file, with a slider and a button that plays it (a plotly Figure).

    Parameters
    ----------
    layers : a layer (points, points) for each of the files that are shown, e/A^3
    names : of these files
    atoms, known : (n, 2) where the sites in the window are in each file, and were, angstrom
    labels : n names
    """
    import plotly.graph_objects as go

    shown = [np.asarray(layer, float) for layer in layers]
    axis = np.round(plane.axis, 3)
    low, high = min(float(z.min()) for z in shown), max(float(z.max()) for z in shown)
    before = np.asarray(known, float).reshape(-1, 2)

    def traces(i: int) -> list[Any]:
        after = np.asarray(atoms[i], float).reshape(-1, 2)
        return [
            go.Heatmap(
                x=axis,
                y=axis,
                z=_rounded(shown[i], 2),
                zmin=low,
                zmax=high,
                colorscale="Cividis",
                zsmooth="best",
                colorbar={"title": {"text": "e/Å³"}, "thickness": 12, "len": 0.8},
                hovertemplate="%{x:.2f}, %{y:.2f} Å<br>%{z:.2f} e/Å³<extra></extra>",
            ),
            go.Scatter(
                x=_rounded(after[:, 0]),
                y=_rounded(after[:, 1]),
                mode="markers",
                name="atoms displaced",
                marker={
                    "symbol": "cross-thin",
                    "size": 11,
                    "line": {"width": 2, "color": "#ffffff"},
                },
                text=list(labels),
                hovertemplate="%{text}<extra></extra>",
            ),
        ]

    frames = [go.Frame(data=traces(i), name=str(i), traces=[0, 1]) for i in range(len(shown))]
    figure = go.Figure(data=traces(0), frames=frames)
    figure.add_trace(
        go.Scatter(
            x=_rounded(before[:, 0]),
            y=_rounded(before[:, 1]),
            mode="markers",
            name="where they were",
            marker={
                "symbol": "circle-open",
                "size": 13,
                "color": DARK.plain,
                "line": {"width": 1.5},
            },
            text=list(labels),
            hovertemplate="%{text}<extra></extra>",
        )
    )
    at_once: dict[str, Any] = {"frame": {"duration": 0, "redraw": True}, "mode": "immediate"}
    figure.update_layout(
        sliders=[
            {
                "currentvalue": {"prefix": "", "font": {"size": 14}},
                "pad": {"t": 40},
                "x": 0.1,
                "len": 0.9,
                "steps": [
                    {"label": name, "method": "animate", "args": [[str(i)], at_once]}
                    for i, name in enumerate(names)
                ],
            }
        ],
        updatemenus=[
            {
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
                "buttons": [
                    {
                        "label": "play",
                        "method": "animate",
                        "args": [
                            None,
                            {
                                "frame": {"duration": 180, "redraw": True},
                                "fromcurrent": True,
                                "transition": {"duration": 0},
                            },
                        ],
                    }
                ],
            }
        ],
    )
    figure.update_xaxes(
        title={"text": "Å"}, range=[-plane.half, plane.half], constrain="domain", showgrid=False
    )
    figure.update_yaxes(
        title={"text": "Å"},
        range=[-plane.half, plane.half],
        scaleanchor="x",
        constrain="domain",
        showgrid=False,
    )
    return _dressed(figure, 620)


def _band(go: Any, number: Any, values: Any, sigma: Any, tone: str, group: str) -> Any:
    good = np.isfinite(values) & np.isfinite(sigma)
    x, low, high = number[good], np.maximum(values - sigma, 0.0)[good], (values + sigma)[good]
    red, green, blue = (int(tone[i : i + 2], 16) for i in (1, 3, 5))
    return go.Scatter(
        x=np.concatenate([x, x[::-1]]),
        y=_rounded(np.concatenate([high, low[::-1]])),
        fill="toself",
        mode="none",
        fillcolor=f"rgba({red},{green},{blue},0.18)",
        showlegend=False,
        hoverinfo="skip",
        legendgroup=group,
    )


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    good = np.isfinite(values)
    return np.asarray(np.where(good, values, 0.0).sum(axis=0) / np.maximum(good.sum(axis=0), 1))


def _rounded(values: ArrayLike, digits: int = 3) -> Any:
    """Plain numbers with few digits, None for NaN: a page of thousands of files stays small."""
    array = np.asarray(values, float)
    plain = np.round(array, digits).astype(object)
    plain[~np.isfinite(array)] = None
    return plain.tolist()


def _dressed(figure: Any, height: int) -> Any:
    figure.update_layout(
        height=height,
        margin={"l": 64, "r": 12, "t": 16, "b": 48},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 12, "color": _NEUTRAL},
        template="none",
        hovermode="closest",
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": _NEUTRAL, "activecolor": DARK.cured},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    grid = "rgba(125,135,152,0.22)"
    figure.update_xaxes(gridcolor=grid, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor=grid, zeroline=False, automargin=True)
    return figure
