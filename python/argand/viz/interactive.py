"""The common look of interactive pictures, and numbers that keep their page small."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from argand.viz.style import DARK, NEUTRAL

__all__ = ["dress_interactive", "plain_numbers"]


def plain_numbers(values: ArrayLike, digits: int = 3) -> Any:
    """Round numbers to lists of few digits, None for NaN, which keeps large pages small."""
    array = np.asarray(values, float)
    rounded = np.round(array, digits).astype(object)
    rounded[~np.isfinite(array)] = None
    return rounded.tolist()


def dress_interactive(figure: Any, height: int) -> Any:
    """Give a plotly Figure its height in pixels and colours for light and dark pages; return it."""
    figure.update_layout(
        height=height,
        margin={"l": 64, "r": 12, "t": 16, "b": 48},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 12, "color": NEUTRAL},
        template="none",
        hovermode="closest",
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": NEUTRAL, "activecolor": DARK.cured},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    grid = "rgba(125,135,152,0.22)"
    figure.update_xaxes(gridcolor=grid, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor=grid, zeroline=False, automargin=True)
    return figure
