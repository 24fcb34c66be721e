"""Interactive pictures of measured data and of how atoms explain them, by resolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from argand.cell import FloatArray
from argand.measured import Merged
from argand.measured.wilson import local_mean, shells, statistical_weight
from argand.reflections import centric, miller_indices, stol
from argand.viz.interactive import dress_interactive, plain_numbers
from argand.viz.style import DARK, NEUTRAL

__all__ = ["completeness_by_shell", "data_figure", "fit_figure"]

# Largest Z = I / <I> of the picture of its distribution, and the number of its points.
_LARGEST_Z = 3.0
_POINTS_OF_Z = 121

# Above this share of centric reflections all are taken as such.
_MOSTLY_CENTRIC = 0.5

# Shells of the picture of completeness.
_COMPLETENESS_SHELLS = 12

# More points than this make a picture of amplitudes slow: so many are drawn, evenly spread.
_MOST_POINTS = 4000

# Lattice spacings in angstrom that label an axis of sin(theta)/lambda.
_SPACINGS = (5.0, 3.0, 2.0, 1.5, 1.2, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4)

_HEIGHT = 360


def data_figure(merged: Merged) -> Any:
    """Draw mean I/sigma and completeness by resolution, and the distribution of intensities.

    Returns a plotly Figure.
    """
    figure = _panels(("signal", "completeness", "distribution of intensities"))
    middles, signal = [], []
    for rows in shells(merged.stol):
        middles.append(float(merged.stol[rows].mean()))
        noise = 1.0 if merged.sigma is None else merged.sigma[rows]
        signal.append(float(np.mean(merged.intensity[rows] / noise)))
    figure.add_trace(_line(middles, signal, "mean I/σ", DARK.cured), row=1, col=1)
    centres, share = completeness_by_shell(merged)
    figure.add_trace(_line(centres, 100.0 * share, "measured (%)", DARK.plain), row=1, col=2)
    z, measured, acentric, of_centric = _distribution(merged)
    figure.add_trace(_line(z, measured, "measured", DARK.cured, marks=False), row=1, col=3)
    figure.add_trace(_line(z, acentric, "random, acentric", NEUTRAL, dash="dash"), row=1, col=3)
    figure.add_trace(_line(z, of_centric, "random, centric", NEUTRAL, dash="dot"), row=1, col=3)
    _spacing_axis(figure, merged, 1)
    _spacing_axis(figure, merged, 2)
    name = "mean I" if merged.sigma is None else "mean I/σ"
    figure.update_yaxes(title={"text": name}, rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title={"text": "measured (%)"}, range=[0, 104], row=1, col=2)
    figure.update_yaxes(title={"text": "share below Z"}, range=[0, 1], row=1, col=3)
    figure.update_xaxes(title={"text": "Z = I / ⟨I⟩"}, row=1, col=3)
    return _dressed(figure)


def fit_figure(merged: Merged, calculated: FloatArray) -> Any:
    """Draw R of amplitudes by resolution, and measured against calculated amplitudes.

    Parameters
    ----------
    merged : Merged
        Unique reflections.
    calculated : (n,)
        |Fc|^2 of the atoms, on the scale of the data.

    Returns
    -------
    plotly Figure
    """
    import plotly.graph_objects as go

    figure = _panels(("R by resolution", "measured and calculated amplitudes"))
    observed = np.sqrt(np.maximum(merged.intensity, 0.0))
    modulus = np.sqrt(calculated)
    middles, residuals = [], []
    for rows in shells(merged.stol):
        middles.append(float(merged.stol[rows].mean()))
        difference = np.abs(observed[rows] - modulus[rows]).sum()
        residuals.append(float(difference / max(observed[rows].sum(), 1e-300)))
    figure.add_trace(_line(middles, residuals, "R", DARK.cured), row=1, col=1)
    step = max(1, -(-len(observed) // _MOST_POINTS))
    figure.add_trace(
        go.Scatter(
            x=modulus[::step].astype(np.float32),
            y=observed[::step].astype(np.float32),
            mode="markers",
            marker={"size": 4, "color": DARK.cured, "opacity": 0.5},
            text=[f"{h} {k} {l}" for h, k, l in merged.hkl[::step].tolist()],
            hovertemplate="%{text}<br>calculated %{x:.1f}, measured %{y:.1f}<extra></extra>",
            showlegend=False,
        ),
        row=1,
        col=2,
    )
    largest = float(max(modulus.max(), observed.max()))
    diagonal = [0.0, largest]
    figure.add_trace(_line(diagonal, diagonal, "equal", NEUTRAL, dash="dot"), row=1, col=2)
    _spacing_axis(figure, merged, 1)
    figure.update_yaxes(title={"text": "R"}, rangemode="tozero", row=1, col=1)
    figure.update_xaxes(title={"text": "calculated |F|"}, row=1, col=2)
    figure.update_yaxes(title={"text": "measured |F|"}, row=1, col=2)
    return _dressed(figure)


def completeness_by_shell(merged: Merged) -> tuple[FloatArray, FloatArray]:
    """Return sin(theta)/lambda (s,), and the measured share (s,), of shells of equal numbers."""
    possible = miller_indices(merged.cell, merged.spacegroup, d_min=merged.d_min * (1.0 - 1e-9))
    possible_stol = np.sort(stol(possible, merged.cell))
    parts = np.array_split(possible_stol, min(_COMPLETENESS_SHELLS, len(possible_stol)))
    edges = np.array([part[0] for part in parts[1:]])
    # Edges lie between reflections, so that rounding moves none into another shell.
    before = np.array([part[-1] for part in parts[:-1]])
    edges = np.concatenate([[0.0], 0.5 * (edges + before), [np.inf]])
    counts, _ = np.histogram(possible_stol, edges)
    measured, _ = np.histogram(merged.stol, edges)
    share = np.minimum(measured / np.maximum(counts, 1), 1.0)
    return np.array([part.mean() for part in parts]), share


def _distribution(merged: Merged) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return Z, the share of measured intensities below it, and those of random atoms.

    Source: E. R. Howells, D. C. Phillips and D. Rogers, Acta Cryst. 3 (1950) 210-214.
    """
    from scipy.special import erf

    z = merged.intensity / (local_mean(merged) * statistical_weight(merged))
    is_centric = centric(merged.hkl, merged.spacegroup)
    # Of a crystal without a centre the few centric reflections have another distribution.
    z = np.sort(z if is_centric.mean() > _MOSTLY_CENTRIC else z[~is_centric])
    grid = np.linspace(0.0, _LARGEST_Z, _POINTS_OF_Z)
    share = np.searchsorted(z, grid) / max(len(z), 1)
    return grid, share, 1.0 - np.exp(-grid), erf(np.sqrt(0.5 * grid))


def _panels(titles: tuple[str, ...]) -> Any:
    """Make a plotly Figure of panels side by side."""
    from plotly.subplots import make_subplots

    return make_subplots(rows=1, cols=len(titles), subplot_titles=titles, horizontal_spacing=0.09)


def _line(
    x: Any, y: Any, name: str, colour: str, *, marks: bool = True, dash: str = "solid"
) -> Any:
    """Make a line of plotly, with marks at its points."""
    import plotly.graph_objects as go

    return go.Scatter(
        x=plain_numbers(x, 4),
        y=plain_numbers(y, 4),
        mode="lines+markers" if marks and dash == "solid" else "lines",
        line={"color": colour, "width": 2, "dash": dash},
        name=name,
        showlegend=False,
        hovertemplate="%{y:.3g}<extra>" + name + "</extra>",
    )


def _spacing_axis(figure: Any, merged: Merged, column: int) -> None:
    """Label the axis of sin(theta)/lambda of a panel with lattice spacings."""
    spacings = [d for d in _SPACINGS if merged.d_min * 0.98 <= d <= merged.d_max]
    # Spacings that lie too near to each other for their labels are left out.
    apart: list[float] = []
    for d in spacings:
        if not apart or 0.5 / d - 0.5 / apart[-1] > 0.08 * float(merged.stol.max()):
            apart.append(d)
    figure.update_xaxes(
        title={"text": "d (Å)"},
        tickvals=[0.5 / d for d in apart],
        ticktext=[f"{d:g}" for d in apart],
        row=1,
        col=column,
    )


def _dressed(figure: Any) -> Any:
    """Give a figure its look, with room for the titles of its panels."""
    dress_interactive(figure, _HEIGHT)
    figure.update_layout(margin={"l": 64, "r": 12, "t": 40, "b": 48})
    figure.update_annotations(font={"size": 14, "color": NEUTRAL})
    return figure
