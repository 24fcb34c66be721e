"""Print how far simulated samples are from the known crystal, and draw them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.files import replacing
from argand.simulate import Samples, Simulation
from argand.simulate.summary import summary

__all__ = ["show_samples"]

_ROWS = {
    "rms": "displacement, rms (Å)",
    "volume": "change of volume (%)",
    "measured": "reflections measured",
    "r": "R against the known crystal",
    "map_correlation": "map correlation, unchanged phases",
    "phase_error": "phase error, unchanged phases (°)",
}

# Quantiles of so many samples are good to a few per cent.
_TABLE_SAMPLES = 200


def show_samples(simulation: Simulation, samples: int, picture: Path | None) -> None:
    """Print quantiles of the first samples of a simulation, and draw them into a file (.png).

    Samples without any measured reflection are an `ArgandError`.
    """
    drawn = simulation.draw(range(min(samples, _TABLE_SAMPLES)))
    if not drawn.mask.any():
        raise ArgandError(
            f"none of {len(drawn.sample)} samples has a measured reflection: "
            "choose smaller shares of what is lost"
        )
    crystal = simulation.crystal
    print(
        f"{crystal.formula}: {len(crystal.types)} sites, {len(simulation.hkl)} reflections, "
        f"seed {simulation.seed}"
    )
    figures = summary(simulation, drawn)
    title = f"of {len(drawn.sample)} samples"
    print(f"{title:<36}{'5 %':>10}{'median':>10}{'95 %':>10}")
    for name, words in _ROWS.items():
        low, median, high = np.nanquantile(figures[name], [0.05, 0.5, 0.95])
        # The volume is of interest only where it changes.
        if name != "volume" or high > low:
            print(f"{words:<36}{low:>10.4g}{median:>10.4g}{high:>10.4g}")
    if picture is not None:
        _draw(picture, simulation, drawn, figures)
        print(f"{picture}: the samples as a picture")


def _draw(
    path: Path, simulation: Simulation, drawn: Samples, figures: dict[str, FloatArray]
) -> None:
    """Draw samples, with the measured |F| of the one whose displacement is the median."""
    from argand.report.parts import png
    from argand.viz.samples import plot_samples

    rms = figures["rms"]
    median_sample = int(np.argsort(rms)[len(rms) // 2])
    is_measured = drawn.mask[median_sample]
    amplitude = drawn.amplitude[median_sample, is_measured] / drawn.scale[median_sample]
    figure = plot_samples(
        rms,
        figures["r"],
        figures["map_correlation"],
        np.abs(simulation.f0)[is_measured],
        amplitude,
        title=f"{simulation.crystal.formula}, {len(drawn.sample)} samples",
    )
    with replacing(path) as temporary:
        Path(temporary).write_bytes(png(figure))
