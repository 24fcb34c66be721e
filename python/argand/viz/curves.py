"""Pictures of training: loss curves, and the final score of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from argand.viz.style import Theme, ThemeName, dress, new_figure, number, theme_of

__all__ = ["Curves", "plot_loss_curves", "plot_scores"]

#: One training: "step", and values at these steps by the name of the curve ("training", ...).
Curves = Mapping[str, Sequence[float]]

# Where the axis of scores begins, unless a score is lower.
_LOWEST_SCORE = 0.1

# Height of the name of a reference in a picture with one loss, in units of the distance
# between models.
_REFERENCE_HEIGHT = 0.44

# Height that the points of one model take, in units of the distance between models.
_POINTS_HEIGHT = 0.7


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
    intervals: Mapping[str, Mapping[str, tuple[float, float]]] | None = None,
    unit: str = "loss per sample (log scale)",
    title: str = "",
    theme: ThemeName = "light",
) -> Figure:
    """Plot scores as points on a logarithmic axis from 0.1, with reference values as lines.

    Parameters
    ----------
    scores : model -> loss -> value
        Positive scores; losses in the order (published, invariant).
    references : name -> value
        Values drawn as vertical lines.
    intervals : model -> loss -> (low, high), optional
        Ends of the intervals that are drawn around the points.
    unit, title : str
        Label of the axis, and title of the picture.
    theme : str
        "light" or "dark".
    """
    look = theme_of(theme)
    models = list(scores)
    losses: list[str] = []
    values = list(references.values())
    for value_by_loss in scores.values():
        losses += [loss for loss in value_by_loss if loss not in losses]
        values += value_by_loss.values()
    # An axis from a fixed value keeps pictures of several trainings comparable.
    left = min(_LOWEST_SCORE, min(values) / 3)
    # The numbers stand to the right of all points and lines, in a column for each loss.
    right = 2.0 * max(values)
    columns = max(len(losses), 1)
    figure = new_figure(8.6, 0.5 * len(models) * columns + 1.6, look)
    axes = figure.add_subplot()
    distance = _POINTS_HEIGHT / columns
    colours = (look.plain, look.cured, *look.others)
    for i, (loss, colour) in enumerate(zip(losses, colours, strict=False)):
        for row, model in enumerate(models):
            if loss not in scores[model]:
                continue
            height = row + (i - (len(losses) - 1) / 2) * distance
            interval = (intervals or {}).get(model, {}).get(loss)
            label = loss if model == next(name for name in models if loss in scores[name]) else ""
            _plot_score(axes, scores[model][loss], interval, height, left, colour, label)
            _write_score(axes, scores[model][loss], interval, height, colour)
    axes.set(xscale="log", xlim=(left, right), xlabel=unit, title=title)
    axes.set_yticks(range(len(models)), labels=models)
    bottom, line_height = len(models) - 0.5, _REFERENCE_HEIGHT / columns
    axes.set_ylim(bottom, -0.55 - line_height * len(references))
    dress(axes, look)
    by_value = sorted(references.items(), key=lambda item: item[1])
    for line, (name, value) in enumerate(by_value):
        # A line ends at its name, which stands below the names of higher values: it crosses none.
        top = -0.55 - line_height * (line + 1)
        axes.vlines(value, top, bottom, color=look.muted, lw=1.1, ls=(0, (5, 3)), zorder=0)
        _write_reference(axes, name, value, top, look)
    axes.tick_params(axis="y", labelsize=11, labelcolor=look.ink)
    axes.grid(axis="x", color=look.grid, lw=0.6)
    figure.legend(
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        labelcolor=look.ink,
        fontsize=9,
    )
    return figure


def _plot_score(
    axes: Axes,
    value: float,
    interval: tuple[float, float] | None,
    height: float,
    left: float,
    colour: str,
    label: str,
) -> None:
    """Plot a score as a point with its interval, which may reach below 0 and ends at the axis."""
    low, high = interval or (value, value)
    axes.errorbar(
        [value],
        [height],
        xerr=[[value - max(low, left)], [high - value]],
        fmt="o",
        ms=7,
        color=colour,
        elinewidth=1.6,
        capsize=3,
        label=label or None,
    )


def _write_score(
    axes: Axes, value: float, interval: tuple[float, float] | None, height: float, colour: str
) -> None:
    """Write a score and its interval at the right of the axes, where no line is drawn."""
    words = number(value)
    if interval is not None:
        words += f" ({number(interval[0])} to {number(interval[1])})"
    axes.annotate(
        words,
        (1, height),
        (8, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        color=colour,
        size=9,
        weight="bold",
    )


def _write_reference(axes: Axes, name: str, value: float, top: float, look: Theme) -> None:
    """Write the name and the value of a vertical line at the left of its upper end."""
    axes.annotate(
        f"{name} {number(value)}",
        (value, top),
        (-4, -1),
        textcoords="offset points",
        ha="right",
        va="top",
        color=look.muted,
        size=8.5,
    )
