"""Measured crystals found again from their own structure moved away, by `argand.adapt`: a table of docs/adapt.md.

    python benchmarks/measured_adaptation.py FOLDER [NAME ...]

FOLDER and its files, and what R1 is compared, as measured_sets.py says. The moved structure is what is known: it is
adapted to (data to 1.2 angstrom, a width of .3 and .5, the radiation and extinction that its file states) and the
measured reflections are given. Displacement parameters stay those of the file; positions, an overall B, and extinction
where the file states it, are found. Seeds 20 to 22 of the displacements, 0 of the learning. One core, one thread.
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
from argand.adapt import adapt  # noqa: E402
from argand.measured.check import free_coordinates  # noqa: E402
from argand.series import Estimate  # noqa: E402
from measured_sets import SEEDS, SETS, WIDTHS, Measured, load, moved  # noqa: E402


def found(known: Measured, crystal: argand.Crystal, widths: tuple[float, ...]) -> Estimate:
    made = adapt(
        crystal,
        d_min=1.2,
        widths=widths,
        samples=2000,
        radiation=known.said.radiation(),
        extinction=known.said.refined_extinction,
    )
    (estimate,) = made([known.data], refine=True)
    if isinstance(estimate, Exception):
        raise estimate
    return estimate


def main(folder: Path, names: Sequence[str]) -> None:
    columns = (
        "",
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
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for name in names:
        known = load(folder, name)
        home = found(known, known.crystal, (0.1,))
        cells, seconds = [], []
        for rms in WIDTHS:
            ends = []
            for seed in SEEDS:
                begun = time.perf_counter()
                ends.append(
                    f"{100 * known.r1_of(found(known, moved(known.crystal, rms, seed), WIDTHS)):.2f}"
                )
                seconds.append(time.perf_counter() - begun)
            cells.append(", ".join(ends))
        row = [
            name,
            known.crystal.spacegroup,
            free_coordinates(known.crystal),
            len(known.data.hkl),
            *known.theirs,
        ]
        row += [f"{100 * known.r1_of(home):.2f}", *cells, f"{np.median(seconds):.1f}"]
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore", argand.errors.ArgandWarning)
    main(Path(sys.argv[1]), sys.argv[2:] or list(SETS))
