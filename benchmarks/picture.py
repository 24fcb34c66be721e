"""Draw what scaling.py measured: ``python benchmarks/picture.py RESULTS.json docs/images/scaling.png``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, GRID = "#1b1f27", "#5d6675", "#dfe3ea"
COLOURS = ("#1667a8", "#c2570c")  # of the curves on one axis
LINES = {"1": ("-", "o"), "2": ("--", "s")}  # of threads


def scaling(curves: list[dict[str, Any]]) -> Figure:
    """One panel for each axis, times over sizes, and how fast cost is to grow in grey."""
    panels = list(dict.fromkeys(curve["axis"] for curve in curves))
    figure = Figure(figsize=(10, 7), layout="constrained", dpi=110)
    for axes, axis in zip(figure.subplots(2, 2).ravel(), panels, strict=True):
        own = [curve for curve in curves if curve["axis"] == axis]
        for colour, curve in zip(COLOURS, own, strict=False):
            draw(axes, curve, colour, name=len(own) > 1)
        law(axes, own[0])
        dress(axes, " / ".join(dict.fromkeys(curve["title"].split(",")[0] for curve in own)), axis)
    return figure


def draw(axes: Axes, curve: dict[str, Any], colour: str, name: bool) -> None:
    for threads, seconds in curve["seconds"].items():
        style, marker = LINES[threads]
        what = f"{curve['title'].split(', ')[-1]}, " if name else ""
        label = f"{what}{threads} thread{'s' if threads != '1' else ''}"
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


def law(axes: Axes, curve: dict[str, Any]) -> None:
    """A line that grows like the law, through the last point of one thread."""
    size, seconds = np.array(curve["sizes"], dtype=float), np.array(curve["seconds"]["1"])
    growth = size * np.log(size) if curve["law"] == "N log N" else size
    shown = size >= size[-1] / 1000
    axes.plot(
        size[shown],
        (growth * seconds[-1] / growth[-1])[shown],
        color=MUTED,
        linewidth=0.8,
        linestyle=":",
        label=f"like {curve['law']}",
        zorder=0,
    )


def dress(axes: Axes, title: str, axis: str) -> None:
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
    source, target = map(Path, sys.argv[1:])
    results = json.loads(source.read_text(encoding="utf-8"))
    section = results.get("sections", {}).get("scaling", results)
    target.parent.mkdir(parents=True, exist_ok=True)
    scaling(section["data"]).savefig(target)


if __name__ == "__main__":
    main()
