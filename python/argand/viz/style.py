"""Colours and type of every picture: two themes, one palette, one cyclic map for phases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

ThemeName = Literal["light", "dark"]


@dataclass(frozen=True)
class Theme:
    """Colours of a picture; the same as the report page has, so that pictures melt into it."""

    name: ThemeName
    surface: str
    ink: str
    muted: str
    grid: str
    plain: str  # the published loss
    cured: str  # the invariant loss
    others: tuple[str, ...]


LIGHT = Theme(
    "light",
    "#ffffff",
    "#1b1f27",
    "#5d6675",
    "#dfe3ea",
    "#c2570c",
    "#1667a8",
    ("#0a7d62", "#8f4a86", "#8a6d00"),
)
DARK = Theme(
    "dark",
    "#151a22",
    "#e8ebf1",
    "#9aa4b5",
    "#2c3442",
    "#f2935c",
    "#6cb4f0",
    ("#4cc3a0", "#d79ad0", "#d9bd4f"),
)
_THEMES: dict[ThemeName, Theme] = {"light": LIGHT, "dark": DARK}
THEMES: tuple[ThemeName, ThemeName] = ("light", "dark")


def theme_of(name: ThemeName) -> Theme:
    """The theme of that name; ValueError when there is none."""
    if name not in _THEMES:
        raise ValueError(f"theme is {name!r}, must be 'light' or 'dark'")
    return _THEMES[name]


def new_figure(width: float, height: float, theme: Theme, **kwargs: Any) -> Figure:
    """An empty figure in inches; made without pyplot, so that it needs no display and no closing."""
    return Figure(
        figsize=(width, height), facecolor=theme.surface, layout="constrained", dpi=110, **kwargs
    )


def number(value: float) -> str:
    """Three significant digits, without an exponent for what is read as a count."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 or value == 0 else f"{value:.0e}"


def dress(axes: Axes, theme: Theme, *, frame: bool = False) -> None:
    """Give the axes the theme's colours and take away what carries no information."""
    axes.set_facecolor(theme.surface)
    axes.tick_params(colors=theme.muted, labelsize=9, length=0 if not frame else 3, which="both")
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=theme.ink, size=10)
    axes.title.set(color=theme.ink, size=11, weight="bold")
    for side, spine in axes.spines.items():
        spine.set_color(theme.grid)
        spine.set_visible(frame or side in ("left", "bottom"))
    axes.set_axisbelow(True)


def phase_rgb(phi: ArrayLike) -> NDArray[np.float64]:
    """sRGB colours of phases in radians, (..., 3) in [0, 1].

    Two things change around the circle: from yellow (0) to blue (pi), and from bright green (-pi/2) to dark
    red (+pi/2). Blue against yellow and bright against dark are what every kind of colour vision keeps, so no
    two phases look alike to anyone. The circle is drawn in OKLab.
    """
    angle = np.asarray(phi, dtype=float)
    lightness = 0.66 - 0.16 * np.sin(angle) + 0.10 * np.cos(angle)
    chroma = 0.135
    # OKLab: +b is yellow, -b blue; +a red, -a green
    a, b = chroma * np.sin(angle), chroma * np.cos(angle)
    cone = [
        lightness + 0.3963377774 * a + 0.2158037573 * b,
        lightness - 0.1055613458 * a - 0.0638541728 * b,
        lightness - 0.0894841775 * a - 1.2914855480 * b,
    ]
    lms = np.stack(cone, axis=-1) ** 3
    to_rgb = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip(lms @ to_rgb.T, 0, 1)
    gamma = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.clip(gamma, 0, 1))


#: Phases from -pi to pi for matplotlib.
PHASES = ListedColormap(phase_rgb(np.linspace(-np.pi, np.pi, 256)), name="argand_phases")


def phase_colorscale(steps: int = 64) -> list[tuple[float, str]]:
    """The same for plotly."""
    rgb = (255 * phase_rgb(np.linspace(-np.pi, np.pi, steps))).round().astype(int)
    return [(i / (steps - 1), f"rgb({r},{g},{b})") for i, (r, g, b) in enumerate(rgb.tolist())]
