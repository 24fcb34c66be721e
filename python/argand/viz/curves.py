"""Pictures of training: loss curves, and the final score of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from argand.viz.style import Theme, ThemeName, dress, new_figure, number, theme_of

__all__ = ["Curves", "plot_loss_curves", "plot_scores"]

#: One training: "step", and values at these steps by the name of the curve ("training", ...).
Curves = Mapping[str, Sequence[float]]

# Height of the bars of one model, in units of the distance between models.
_BARS_HEIGHT = 0.76


def plot_loss_curves(
    histories: Mapping[str, Mapping[str, Curves]],
    *,
    references: Mapping[str, float] | None = None,
    unit: str = "loss per sample",
    theme: ThemeName = "light",
) -> Figure:
    """Plot loss against training step, one panel for each model and one colour for each loss.

    Parameters
    ----------
    histories : model -> loss -> "step" and curves -> one value for each step
        Losses in the order (published, invariant). A curve whose name begins with "train" is
        dotted, others are solid.
    references : name -> value, optional
        Values drawn as horizontal lines, such as the floor.
    unit : str
        Label of the vertical axis.
    theme : str
        "light" or "dark".
    """
    look = theme_of(theme)
    columns = min(len(histories), 4) or 1
    rows = -(-len(histories) // columns)
    figure = new_figure(3.3 * columns + 0.6, 3.2 * rows + 0.5, look)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    colours = (look.plain, look.cured, *look.others)
    for axes, (model, curves_by_loss) in zip(panels, histories.items(), strict=False):
        for colour, (loss, curves) in zip(colours, curves_by_loss.items(), strict=False):
            _plot_curves(axes, loss, curves, colour)
        for name, value in (references or {}).items():
            _plot_reference(axes, name, value, look)
        axes.set(yscale="log", xlabel="step", title=model)
        axes.grid(axis="y", color=look.grid, lw=0.6)
        axes.xaxis.get_major_locator().set_params(integer=True)
        dress(axes, look)
    for axes in panels[len(histories) :]:
        axes.set_visible(False)
    panels[0].set_ylabel(unit, color=look.ink)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=max(len(labels), 1),
        frameon=False,
        labelcolor=look.ink,
        fontsize=9,
    )
    return figure


def _plot_curves(axes: Axes, loss: str, curves: Curves, colour: str) -> None:
    """Plot the curves of one training."""
    for name, values in curves.items():
        if name == "step":
            continue
        is_dotted = name.startswith("train")
        axes.plot(
            curves["step"],
            values,
            color=colour,
            lw=1.3 if is_dotted else 2.0,
            ls=(0, (1, 1.2)) if is_dotted else "-",
            marker="o" if len(values) < 3 else "",
            ms=4,
            label=f"{loss}, {name}",
        )


def _plot_reference(axes: Axes, name: str, value: float, look: Theme) -> None:
    """Draw a horizontal line, with its name at the right edge."""
    axes.axhline(value, color=look.muted, lw=0.9, ls=(0, (6, 3)))
    axes.annotate(
        name,
        (1, value),
        (-2, 3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        color=look.muted,
        size=8,
    )


def plot_scores(
    scores: Mapping[str, Mapping[str, float]],
    references: Mapping[str, float],
    *,
    unit: str = "loss per sample (log scale)",
    title: str = "",
    theme: ThemeName = "light",
) -> Figure:
    """Plot scores as bars on a logarithmic axis, with reference values as lines.

    Parameters
    ----------
    scores : model -> loss -> value
        Positive scores; losses in the order (published, invariant).
    references : name -> value
        Values drawn as vertical lines.
    unit, title : str
        Label of the axis, and title of the picture.
    theme : str
        "light" or "dark".
    """
    look = theme_of(theme)
    models = list(scores)
    losses: list[str] = []
    values = list(references.values())
    smallest = np.inf
    for value_by_loss in scores.values():
        losses += [loss for loss in value_by_loss if loss not in losses]
        values += value_by_loss.values()
        smallest = min(smallest, *value_by_loss.values())
    left, right = smallest / 3, 2.2 * max(values)
    bars = max(len(losses), 1)
    figure = new_figure(8.6, 0.62 * len(models) * bars * 0.8 + 1.5, look)
    axes = figure.add_subplot()
    height = _BARS_HEIGHT / bars
    colours = (look.plain, look.cured, *look.others)
    for i, (loss, colour) in enumerate(zip(losses, colours, strict=False)):
        rows = [row for row, model in enumerate(models) if loss in scores[model]]
        ends = np.array([scores[models[row]][loss] for row in rows])
        centres = np.array(rows) + (i - (len(losses) - 1) / 2) * height
        axes.barh(centres, ends - left, height * 0.86, left=left, color=colour, label=loss)
        for centre, end in zip(centres, ends, strict=True):
            _write_score(axes, end, centre, look)
    axes.set(xscale="log", xlim=(left, right), xlabel=unit, title=title)
    axes.set_yticks(range(len(models)), labels=models)
    axes.set_ylim(len(models) - 0.5, -0.55 - 0.22 * len(references))
    dress(axes, look)
    by_value = sorted(references.items(), key=lambda item: item[1])
    for line, (name, value) in enumerate(by_value):
        axes.axvline(value, color=look.muted, lw=1.1, ls=(0, (5, 3)), zorder=0)
        _write_reference(axes, name, value, line, look)
    axes.tick_params(axis="y", labelsize=11, labelcolor=look.ink)
    axes.grid(axis="x", color=look.grid, lw=0.6)
    figure.legend(
        loc="outside lower center",
        ncols=bars,
        frameon=False,
        labelcolor=look.ink,
        fontsize=9,
    )
    return figure


def _paper(look: Theme) -> dict[str, object]:
    """Return the box behind a text that keeps it legible on lines."""
    return {"fc": look.surface, "ec": "none", "pad": 1, "alpha": 0.85}


def _write_score(axes: Axes, value: float, height: float, look: Theme) -> None:
    """Write a score beside the end of its bar."""
    axes.annotate(
        number(value),
        (value, height),
        (4, 0),
        textcoords="offset points",
        va="center",
        color=look.ink,
        size=9,
        weight="bold",
        bbox=_paper(look),
    )


def _write_reference(axes: Axes, name: str, value: float, line: int, look: Theme) -> None:
    """Write the name of a vertical line at the top, each line of text below the one before."""
    axes.annotate(
        f"{name} {number(value)}",
        (value, 1),
        (-4, -2 - 13 * line),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right",
        va="top",
        color=look.muted,
        size=8.5,
        bbox=_paper(look),
    )
