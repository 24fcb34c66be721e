"""Predict measured crystals from their own structure after it was moved: a table of docs/series.md.

    python studies/measured_prediction.py FOLDER [NAME ...]

measured_sets.py says which files FOLDER holds, and how R1 is computed. The study does what
`argand predict known.cif FILE` does, with the moved structure for the known one and the radiation
and extinction that the file of the true one states: positions, an overall B, and extinction are
refined. Seeds 20 to 22; one core, one thread.
"""

from __future__ import annotations

import argand
from argand.estimate.estimate import Estimate
from argand.estimate.least_squares import LeastSquares
from helpers import run_on_one_core
from measured_sets import MeasuredSet, percent, print_table

COLUMNS = (
    "group",
    "reflections",
    "check",
    "published",
    "unmoved",
    "moved 0.3 A: R known, R1",
    "moved 0.5 A: R known, R1",
    "s",
)


def estimate_from(measured: MeasuredSet, crystal: argand.Crystal) -> Estimate:
    """Refine a known crystal against the measured reflections as `argand predict` does."""
    experiment = measured.experiment
    estimator = LeastSquares(
        crystal, experiment.radiation(), extinction=experiment.refined_extinction
    )
    (estimate,) = estimator([measured.merged], refine=True)
    if isinstance(estimate, Exception):
        raise estimate
    return estimate


def row(measured: MeasuredSet) -> list[object]:
    """Return the cells of a set."""
    unmoved = estimate_from(measured, measured.crystal)
    estimates, seconds = measured.solve_moved(lambda crystal: estimate_from(measured, crystal))
    cells = []
    for of_width in estimates:
        before = ", ".join(f"{100 * estimate.r_known:.0f}" for estimate in of_width)
        after = ", ".join(percent(measured.r1_of(estimate)) for estimate in of_width)
        cells.append(f"{before} → {after}")
    return [
        measured.crystal.spacegroup,
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
