"""Training as pictures: loss curves, and what each model scores in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from argand.viz.style import ThemeName, dress, new_figure, number, theme_of

#: One training: "step", and what is plotted against it, by name ("training", "new samples").
Curves = Mapping[str, Sequence[float]]


def plot_loss_curves(
    histories: Mapping[str, Mapping[str, Curves]],
    *,
    references: Mapping[str, float] | None = None,
    unit: str = "loss per sample",
    theme: ThemeName = "light",
) -> Figure:
    """Loss against training step, one panel a model, one colour a loss; what is minimised dotted, scores solid.

    Parameters
    ----------
    histories : model -> loss -> "step" and curves -> one value each
        A curve whose name begins with "train" is dotted.

        Losses in the order (published, invariant).
    references : name -> value, optional
        Horizontal lines, such as the floor.
    """
    look = theme_of(theme)
    columns = min(len(histories), 4) or 1
    rows = -(-len(histories) // columns)
    figure = new_figure(3.3 * columns + 0.6, 3.2 * rows + 0.5, look)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    colours = (look.plain, look.cured, *look.others)
    for axes, (model, by_loss) in zip(panels, histories.items(), strict=False):
        for colour, (loss, curves) in zip(colours, by_loss.items(), strict=False):
            for name, values in curves.items():
                if name == "step":
                    continue
                dotted = name.startswith("train")
                axes.plot(
                    curves["step"],
                    values,
                    color=colour,
                    lw=1.3 if dotted else 2.0,
                    ls=(0, (1, 1.2)) if dotted else "-",
                    marker="o" if len(values) < 3 else "",
                    ms=4,
                    label=f"{loss}, {name}",
                )
        for name, value in (references or {}).items():
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


def plot_scores(
    scores: Mapping[str, Mapping[str, float]],
    references: Mapping[str, float],
    *,
    unit: str = "loss per sample (log scale)",
    title: str = "",
    theme: ThemeName = "light",
) -> Figure:
    """Bars of models x losses on a logarithmic axis, with the references as lines.

    Parameters
    ----------
    scores : model -> loss -> value
        Positive; losses in the order (published, invariant).
    references : name -> value
    """
    look = theme_of(theme)
    models = list(scores)
    losses = list(dict.fromkeys(loss for by_loss in scores.values() for loss in by_loss))
    values = [value for by_loss in scores.values() for value in by_loss.values()]
    left = min(values) / 3
    right = 2.2 * max([*values, *references.values()])
    figure = new_figure(8.6, 0.62 * len(models) * max(len(losses), 1) * 0.8 + 1.5, look)
    axes = figure.add_subplot()
    paper = {
        "fc": look.surface,
        "ec": "none",
        "pad": 1,
        "alpha": 0.85,
    }  # labels stay legible on the lines
    height = 0.76 / max(len(losses), 1)
    for i, (loss, colour) in enumerate(
        zip(losses, (look.plain, look.cured, *look.others), strict=False)
    ):
        rows = [m for m, model in enumerate(models) if loss in scores[model]]
        widths = np.array([scores[models[m]][loss] for m in rows])
        places = np.array(rows) + (i - (len(losses) - 1) / 2) * height
        axes.barh(places, widths - left, height * 0.86, left=left, color=colour, label=loss)
        for place, width in zip(places, widths, strict=True):
            axes.annotate(
                number(width),
                (width, place),
                (4, 0),
                textcoords="offset points",
                va="center",
                color=look.ink,
                size=9,
                weight="bold",
                bbox=paper,
            )
    axes.set(xscale="log", xlim=(left, right), xlabel=unit, title=title)
    axes.set_yticks(range(len(models)), labels=models)
    axes.set_ylim(len(models) - 0.5, -0.55 - 0.22 * len(references))
    dress(axes, look)
    for n, (name, value) in enumerate(sorted(references.items(), key=lambda item: item[1])):
        axes.axvline(value, color=look.muted, lw=1.1, ls=(0, (5, 3)), zorder=0)
        axes.annotate(
            f"{name} {number(value)}",
            (value, 1),
            (-4, -2 - 13 * n),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="right",
            va="top",
            color=look.muted,
            size=8.5,
            bbox=paper,
        )
    axes.tick_params(axis="y", labelsize=11, labelcolor=look.ink)
    axes.grid(axis="x", color=look.grid, lw=0.6)
    figure.legend(
        loc="outside lower center",
        ncols=max(len(losses), 1),
        frameon=False,
        labelcolor=look.ink,
        fontsize=9,
    )
    return figure
