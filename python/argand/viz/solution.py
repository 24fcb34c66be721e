"""Pictures of measured data and of how atoms explain them, by resolution."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.measured import Merged
from argand.measured.wilson import local_mean, shells, statistical_weight
from argand.reflections import centric, miller_indices, stol
from argand.viz.style import Theme, ThemeName, dress, new_figure, theme_of

__all__ = ["plot_data", "plot_r_by_resolution"]

# Largest Z = I / <I> of the picture of its distribution.
_LARGEST_Z = 3.0

# Above this share of centric reflections all are taken as such.
_MOSTLY_CENTRIC = 0.5

# Shells of the picture of completeness.
_COMPLETENESS_SHELLS = 12


def plot_data(merged: Merged, *, theme: ThemeName = "light") -> Figure:
    """Plot mean I/sigma and completeness by resolution, and the distribution of intensities.

    Parameters
    ----------
    merged : Merged
        Unique reflections.
    theme : str
        "light" or "dark".
    """
    look = theme_of(theme)
    figure = new_figure(12.6, 3.6, look)
    signal, complete, distribution = figure.subplots(1, 3)
    rows_of_shells = shells(merged.stol)
    _plot_signal(signal, merged, rows_of_shells, look)
    _plot_completeness(complete, merged, look)
    _plot_distribution(distribution, merged, look)
    for axes in (signal, complete, distribution):
        dress(axes, look)
        axes.grid(color=look.grid, lw=0.6)
    return figure


def plot_r_by_resolution(
    merged: Merged, calculated: FloatArray, *, theme: ThemeName = "light"
) -> Figure:
    """Plot R of amplitudes by resolution, and measured against calculated amplitudes.

    Parameters
    ----------
    merged : Merged
        Unique reflections.
    calculated : (n,)
        |Fc|^2 of the atoms, on the scale of the data.
    theme : str
        "light" or "dark".
    """
    look = theme_of(theme)
    figure = new_figure(12.6, 4.0, look)
    by_resolution, scatter = figure.subplots(1, 2)
    observed = np.sqrt(np.maximum(merged.intensity, 0.0))
    modulus = np.sqrt(calculated)
    middles, residuals = [], []
    for rows in shells(merged.stol):
        middles.append(merged.stol[rows].mean())
        residuals.append(np.abs(observed[rows] - modulus[rows]).sum() / observed[rows].sum())
    by_resolution.plot(middles, residuals, color=look.cured, marker="o", ms=4, lw=1.8)
    by_resolution.set(ylim=(0, None), ylabel="R", title="R by resolution")
    _spacing_axis(by_resolution, look)
    scatter.plot(modulus, observed, ".", color=look.cured, ms=3, alpha=0.5)
    largest = float(max(modulus.max(), observed.max()))
    scatter.plot([0, largest], [0, largest], color=look.muted, lw=0.9)
    scatter.set(xlabel="calculated |F|", ylabel="measured |F|", title="amplitudes")
    for axes in (by_resolution, scatter):
        dress(axes, look)
        axes.grid(color=look.grid, lw=0.6)
    return figure


def _plot_signal(
    axes: Axes, merged: Merged, rows_of_shells: list[NDArray[np.intp]], look: Theme
) -> None:
    """Plot the mean I/sigma, or the mean intensity without sigmas."""
    middles, values = [], []
    for rows in rows_of_shells:
        middles.append(merged.stol[rows].mean())
        noise = 1.0 if merged.sigma is None else merged.sigma[rows]
        values.append(float(np.mean(merged.intensity[rows] / noise)))
    axes.plot(middles, values, color=look.cured, marker="o", ms=4, lw=1.8)
    name = "mean I/σ" if merged.sigma is not None else "mean I"
    axes.set(ylabel=name, title="signal", ylim=(0, None))
    _spacing_axis(axes, look)


def _plot_completeness(axes: Axes, merged: Merged, look: Theme) -> None:
    """Plot which share of the unique reflections was measured, in shells of equal numbers."""
    possible = miller_indices(merged.cell, merged.spacegroup, d_min=merged.d_min * (1.0 - 1e-9))
    possible_stol = np.sort(stol(possible, merged.cell))
    edges = np.concatenate([part[:1] for part in np.array_split(possible_stol, _COMPLETENESS_SHELLS) if len(part)])
    edges = np.append(edges, possible_stol[-1] * (1.0 + 1e-9))
    counts, _ = np.histogram(possible_stol, edges)
    hits, _ = np.histogram(merged.stol, edges)
    share = np.minimum(hits / np.maximum(counts, 1), 1.0)
    middles = 0.5 * (edges[1:] + edges[:-1])
    axes.plot(middles, 100.0 * share, color=look.plain, marker="o", ms=4, lw=1.8)
    axes.set(ylabel="measured (%)", title="completeness", ylim=(0, 104))
    _spacing_axis(axes, look)


def _plot_distribution(axes: Axes, merged: Merged, look: Theme) -> None:
    """Plot the cumulative distribution of Z = I / <I>, with those of random atoms.

    Source: E. R. Howells, D. C. Phillips and D. Rogers, Acta Cryst. 3 (1950) 210-214.
    """
    from scipy.special import erf

    z = merged.intensity / (local_mean(merged) * statistical_weight(merged))
    is_centric = centric(merged.hkl, merged.spacegroup)
    # Of a crystal without a centre the few centric reflections have another distribution.
    z = np.sort(z if is_centric.mean() > _MOSTLY_CENTRIC else z[~is_centric])
    grid = np.linspace(0.0, _LARGEST_Z, 121)
    share = np.searchsorted(z, grid) / max(len(z), 1)
    axes.plot(grid, share, color=look.cured, lw=2.0, label="measured")
    axes.plot(grid, 1.0 - np.exp(-grid), color=look.muted, lw=1.1, ls="--", label="acentric")
    axes.plot(grid, erf(np.sqrt(grid / 2.0)), color=look.muted, lw=1.1, ls=":", label="centric")
    axes.set(xlabel="Z = I / ⟨I⟩", ylabel="share below Z", title="distribution", ylim=(0, 1))
    axes.legend(frameon=False, labelcolor=look.ink, fontsize=9, loc="lower right")


def _spacing_axis(axes: Axes, look: Theme) -> None:
    """Label an axis of sin(theta)/lambda with lattice spacings."""
    low, high = axes.get_xlim()
    ticks = np.linspace(max(low, 1e-3), high, 6)
    axes.set_xticks(ticks, labels=[f"{0.5 / tick:.2f}" for tick in ticks])
    axes.set_xlim(low, high)
    axes.set_xlabel("d (Å)", color=look.ink)
