"""Colours and type of every picture: two themes, one palette, one cyclic map for phases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from argand.cell import FloatArray

__all__ = [
    "DARK",
    "LIGHT",
    "NEUTRAL",
    "PHASES",
    "THEMES",
    "Theme",
    "ThemeName",
    "dress",
    "new_figure",
    "number",
    "phase_colorscale",
    "phase_rgb",
    "theme_of",
]

ThemeName = Literal["light", "dark"]

# A grey that is legible on white and on black: an interactive picture has one colour for both.
NEUTRAL = "#7d8798"


@dataclass(frozen=True)
class Theme:
    """Hold the colours of a picture; they are those of the report page, light or dark.

    Parameters
    ----------
    name : str
        "light" or "dark".
    surface, ink, muted, grid : str
        Colours of the background, of text, of secondary text and of lines.
    plain, cured : str
        Colours of the published loss and of the invariant loss.
    others : tuple of str
        Colours of further curves.
    """

    name: ThemeName
    surface: str
    ink: str
    muted: str
    grid: str
    plain: str
    cured: str
    others: tuple[str, ...]


LIGHT = Theme(
    name="light",
    surface="#ffffff",
    ink="#1b1f27",
    muted="#5d6675",
    grid="#dfe3ea",
    plain="#c2570c",
    cured="#1667a8",
    others=("#0a7d62", "#8f4a86", "#8a6d00"),
)
DARK = Theme(
    name="dark",
    surface="#151a22",
    ink="#e8ebf1",
    muted="#9aa4b5",
    grid="#2c3442",
    plain="#f2935c",
    cured="#6cb4f0",
    others=("#4cc3a0", "#d79ad0", "#d9bd4f"),
)
_THEME_BY_NAME: dict[ThemeName, Theme] = {"light": LIGHT, "dark": DARK}
THEMES: tuple[ThemeName, ThemeName] = ("light", "dark")


def theme_of(name: ThemeName) -> Theme:
    """Return the theme called "light" or "dark"; raise a ValueError for another name."""
    if name not in _THEME_BY_NAME:
        raise ValueError(f"theme is {name!r}, must be 'light' or 'dark'")
    return _THEME_BY_NAME[name]


def new_figure(width: float, height: float, theme: Theme, **kwargs: Any) -> Figure:
    """Make an empty figure, sizes in inches, without pyplot: it needs no display and no closing."""
    size = (width, height)
    return Figure(figsize=size, facecolor=theme.surface, layout="constrained", dpi=110, **kwargs)


def number(value: float) -> str:
    """Format a number with three significant digits, and without an exponent above 0.001."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 or value == 0 else f"{value:.0e}"


def dress(axes: Axes, theme: Theme, *, frame: bool = False) -> None:
    """Give axes the colours of a theme, and take away what carries no information."""
    axes.set_facecolor(theme.surface)
    axes.tick_params(colors=theme.muted, labelsize=9, length=3 if frame else 0, which="both")
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=theme.ink, size=10)
    axes.title.set(color=theme.ink, size=11, weight="bold")
    for side, spine in axes.spines.items():
        spine.set_color(theme.grid)
        spine.set_visible(frame or side in ("left", "bottom"))
    axes.set_axisbelow(True)


# OKLab to the cube roots of cone responses, and cone responses to linear sRGB (B. Ottosson, 2020).
_OKLAB_TO_CONES = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_CONES_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)

# Distance of the phase circle from grey in OKLab.
_CHROMA = 0.135


def phase_rgb(phi: ArrayLike) -> FloatArray:
    """Return the sRGB colours of phases in radians, (..., 3) in [0, 1].

    Two things change around the circle: from yellow (0) to blue (pi), and from bright green
    (-pi/2) to dark red (+pi/2). Every kind of colour vision keeps either blue against yellow or
    bright against dark, so that no two phases look alike to anyone. The circle is drawn in OKLab.
    """
    angle = np.asarray(phi, dtype=float)
    lightness = 0.66 - 0.16 * np.sin(angle) + 0.10 * np.cos(angle)
    # In OKLab the second axis runs from green to red, the third from blue to yellow.
    green_to_red, blue_to_yellow = _CHROMA * np.sin(angle), _CHROMA * np.cos(angle)
    oklab = np.stack([lightness, green_to_red, blue_to_yellow], axis=-1)
    cones = (oklab @ _OKLAB_TO_CONES.T) ** 3
    linear = np.clip(cones @ _CONES_TO_RGB.T, 0, 1)
    gamma = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.clip(gamma, 0, 1))


#: Colour map of matplotlib for phases from -pi to pi.
PHASES = ListedColormap(phase_rgb(np.linspace(-np.pi, np.pi, 256)), name="argand_phases")


def phase_colorscale(steps: int = 64) -> list[tuple[float, str]]:
    """Return the colour scale of plotly for phases from -pi to pi."""
    rgb = (255 * phase_rgb(np.linspace(-np.pi, np.pi, steps))).round().astype(int)
    scale = []
    for step, (red, green, blue) in enumerate(rgb.tolist()):
        scale.append((step / (steps - 1), f"rgb({red},{green},{blue})"))
    return scale
