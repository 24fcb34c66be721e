"""Draw the curves of scaling.py: ``python benchmarks/picture.py RESULTS.json SCALING.png``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#1b1f27"
MUTED = "#5d6675"
GRID = "#dfe3ea"

# Colours of the curves that share an axis.
COLOURS = ("#1667a8", "#c2570c")

# Line style and marker by number of threads.
LINES = {"1": ("-", "o"), "2": ("--", "s")}

#: A curve as scaling.py writes it: title, axis, law, sizes, and seconds by number of threads.
CurveData = dict[str, Any]


def scaling(curves: list[CurveData]) -> Figure:
    """Draw a panel for each axis: seconds over size, with the expected growth in grey."""
    panels = list(dict.fromkeys(curve["axis"] for curve in curves))
    figure = Figure(figsize=(10, 7), layout="constrained", dpi=110)
    all_axes = figure.subplots(2, 2).ravel()
    for axes, axis in zip(all_axes, panels, strict=True):
        of_panel = [curve for curve in curves if curve["axis"] == axis]
        for colour, curve in zip(COLOURS, of_panel, strict=False):
            draw(axes, curve, colour, with_name=len(of_panel) > 1)
        draw_law(axes, of_panel[0])
        titles = dict.fromkeys(curve["title"].split(",")[0] for curve in of_panel)
        dress(axes, " / ".join(titles), axis)
    return figure


def draw(axes: Axes, curve: CurveData, colour: str, with_name: bool) -> None:
    """Draw a curve for each number of threads."""
    for threads, seconds in curve["seconds"].items():
        style, marker = LINES[threads]
        label = "1 thread" if threads == "1" else f"{threads} threads"
        if with_name:
            label = f"{curve['title'].split(', ')[-1]}, {label}"
        axes.plot(
            curve["sizes"],
            seconds,
            style,
            marker=marker,
            markersize=4,
            linewidth=1.6,
            color=colour,
            label=label,
        )


def draw_law(axes: Axes, curve: CurveData) -> None:
    """Draw a line that grows like the law, through the last point of one thread."""
    size = np.array(curve["sizes"], dtype=float)
    seconds = np.array(curve["seconds"]["1"])
    growth = size * np.log(size) if curve["law"] == "N log N" else size
    expected = growth * seconds[-1] / growth[-1]
    upper = size >= size[-1] / 1000
    axes.plot(
        size[upper],
        expected[upper],
        color=MUTED,
        linewidth=0.8,
        linestyle=":",
        label=f"like {curve['law']}",
        zorder=0,
    )


def dress(axes: Axes, title: str, axis: str) -> None:
    """Set scales, titles and colours of a panel."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(title, color=INK, size=11, weight="bold", loc="left")
    axes.set_xlabel(axis, color=INK)
    axes.set_ylabel("seconds a call", color=INK)
    axes.grid(color=GRID, linewidth=0.6)
    axes.tick_params(colors=MUTED, labelsize=9, which="both")
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GRID)
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)


def main() -> None:
    """Draw the section of a results file of everything.py, or a file of scaling.py alone."""
    source, target = map(Path, sys.argv[1:])
    results = json.loads(source.read_text(encoding="utf-8"))
    section = results.get("sections", {}).get("scaling", results)
    target.parent.mkdir(parents=True, exist_ok=True)
    scaling(section["data"]).savefig(target)


if __name__ == "__main__":
    main()
