"""Measured crystals found again from a CIF of their own structure moved away: a table of docs/series.md.

    python benchmarks/measured_prediction.py FOLDER [NAME ...]

FOLDER and its files, and what R1 is compared, as measured_sets.py says. What `argand predict known.cif FILE` does, with
the moved structure for the known one and the radiation and extinction that the file of the true one states: positions,
an overall B, and extinction are refined. Seeds 20 to 22; one core, one thread.
"""

from __future__ import annotations

import one_core

one_core.pin()

import sys  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

import argand  # noqa: E402
from argand.series import Estimate, LeastSquares  # noqa: E402
from measured_sets import SEEDS, SETS, WIDTHS, Measured, load, moved  # noqa: E402


def found(known: Measured, crystal: argand.Crystal) -> Estimate:
    (estimate,) = LeastSquares(
        crystal, known.said.radiation(), extinction=known.said.refined_extinction
    )([known.data], refine=True)
    if isinstance(estimate, Exception):
        raise estimate
    return estimate


def main(folder: Path, names: Sequence[str]) -> None:
    columns = (
        "",
        "group",
        "reflections",
        "check",
        "published",
        "unmoved",
        "moved 0.3 A: R known, R1",
    )
    print(
        "| "
        + " | ".join([*columns, "moved 0.5 A: R known, R1", "s"])
        + " |\n|"
        + "---|" * (len(columns) + 2)
    )
    for name in names:
        known = load(folder, name)
        home = found(known, known.crystal)
        cells, seconds = [], []
        for rms in WIDTHS:
            before, after = [], []
            for seed in SEEDS:
                begun = time.perf_counter()
                estimate = found(known, moved(known.crystal, rms, seed))
                seconds.append(time.perf_counter() - begun)
                before.append(f"{100 * estimate.r_known:.0f}")
                after.append(f"{100 * known.r1_of(estimate):.2f}")
            cells.append(f"{', '.join(before)} → {', '.join(after)}")
        about = (name, known.crystal.spacegroup, len(known.data.hkl), *known.theirs)
        row = [
            *map(str, about),
            f"{100 * known.r1_of(home):.2f}",
            *cells,
            f"{np.median(seconds):.1f}",
        ]
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore", argand.errors.ArgandWarning)
    main(Path(sys.argv[1]), sys.argv[2:] or list(SETS))
