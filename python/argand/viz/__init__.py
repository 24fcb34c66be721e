"""Draw structure factors, trainings and densities (needs matplotlib and plotly: ``argand[learn]``).

Stills are matplotlib figures that need no display; save them with ``figure.savefig(path)``.
"""

from __future__ import annotations

from argand.viz.curves import plot_loss_curves, plot_scores
from argand.viz.density import isosurfaces, plot_slices
from argand.viz.reciprocal import plot_hkl, plot_tiles
from argand.viz.style import DARK, LIGHT, PHASES, Theme, ThemeName, phase_rgb

__all__ = [
    "DARK",
    "LIGHT",
    "PHASES",
    "Theme",
    "ThemeName",
    "isosurfaces",
    "phase_rgb",
    "plot_hkl",
    "plot_loss_curves",
    "plot_scores",
    "plot_slices",
    "plot_tiles",
]
