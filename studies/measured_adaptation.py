"""Adapt to measured crystals whose structure was moved: a table of docs/adapt.md.

    python studies/measured_adaptation.py FOLDER [NAME ...]

measured_sets.py says which files FOLDER holds, and how R1 is computed. The moved structure is the
known crystal: `argand.adapt` adapts to it (data to 1.2 angstrom, widths of .3 and .5, the radiation
and extinction that its file states) and is given the measured reflections. Displacement parameters
stay those of the file; positions, an overall B, and extinction where the file states it, are
refined. Seeds 20 to 22 of the displacements, 0 of the learning. One core, one thread.
"""

from __future__ import annotations

from collections.abc import Sequence

import argand
from argand.adapt import adapt
from argand.estimate.estimate import Estimate
from argand.measured.check import free_coordinates
from helpers import run_on_one_core
from measured_sets import WIDTHS, MeasuredSet, percent, print_table

COLUMNS = (
    "group",
    "moves",
    "reflections",
    "check",
    "published",
    "unmoved",
    "moved 0.3 A",
    "moved 0.5 A",
    "s",
)


def estimate_from(
    measured: MeasuredSet, crystal: argand.Crystal, widths: Sequence[float]
) -> Estimate:
    """Adapt to a known crystal and refine it against the measured reflections."""
    adaptation = adapt(
        crystal,
        d_min=1.2,
        widths=widths,
        samples=2000,
        radiation=measured.experiment.radiation(),
        extinction=measured.experiment.refined_extinction,
    )
    (estimate,) = adaptation([measured.merged], refine=True)
    if isinstance(estimate, Exception):
        raise estimate
    return estimate


def row(measured: MeasuredSet) -> list[object]:
    """Return the cells of a set."""
    unmoved = estimate_from(measured, measured.crystal, (0.1,))
    estimates, seconds = measured.solve_moved(
        lambda crystal: estimate_from(measured, crystal, WIDTHS)
    )
    cells = []
    for of_width in estimates:
        cells.append(", ".join(percent(measured.r1_of(estimate)) for estimate in of_width))
    return [
        measured.crystal.spacegroup,
        free_coordinates(measured.crystal),
        len(measured.merged.hkl),
        *measured.known_r1(),
        percent(measured.r1_of(unmoved)),
        *cells,
        f"{seconds:.1f}",
    ]


def main() -> None:
    """Print the table."""
    print_table(COLUMNS, row)


if __name__ == "__main__":
    run_on_one_core(main)
