"""Measured crystals found again from their own structure moved away, by `argand.adapt`: a table of docs/adapt.md.

    python benchmarks/measured_adaptation.py FOLDER [NAME ...]

FOLDER and its files as in measured_refinement.py. The moved structure is what is known: it is adapted to (data to 1.2
angstrom, a width of .3 and .5) and the measured reflections are given. Displacement parameters stay those of the file,
positions and an overall B are found; what is compared is R of the same model started from the unmoved structure. Seeds
20 to 22 of the displacements, 0 of the learning. One core, one thread.
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
from argand.measured import Merged, merge  # noqa: E402
from argand.refine import Model  # noqa: E402
from argand.series import Estimate  # noqa: E402

NAMES = ("cod_2242045", "structurefinder_106c", "cod_2238212")


def found(crystal: argand.Crystal, data: Merged, widths: tuple[float, ...]) -> Estimate:
    made = adapt(crystal, d_min=1.2, widths=widths, samples=2000)
    (estimate,) = made([data], refine=True)
    if isinstance(estimate, Exception):
        raise estimate
    return estimate


def main(folder: Path, names: Sequence[str]) -> None:
    columns = ("", "group", "reflections", "R unmoved", "moved 0.3 A: R known, R", "moved 0.5 A: R known, R", "s")
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for name in names:
        crystal = argand.read_crystal(folder / f"{name}.cif")
        file = folder / f"{name}.hkl"
        reflections = argand.read_reflections(file if file.exists() else folder / f"{name}_hkl.hkl")
        data = merge(reflections, cell=crystal.cell, spacegroup=crystal.symops)
        data_cells, seconds = [], []
        home = found(crystal, data, (0.1,))
        for rms in (0.3, 0.5):
            ends = []
            for seed in range(20, 23):
                model = Model(crystal, data.hkl)
                p = np.random.default_rng(seed).normal(size=(1, len(model))) * rms / np.sqrt(3)
                begun = time.perf_counter()
                end = found(model.crystals(p)[0], data, (0.3, 0.5))
                seconds.append(time.perf_counter() - begun)
                ends.append(f"{100 * end.r_known:.0f} → {100 * end.r:.2f}")
            data_cells.append(", ".join(ends))
        row = (name, crystal.spacegroup, len(data.hkl), f"{100 * home.r:.2f}", *data_cells, f"{np.median(seconds):.1f}")
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore", argand.errors.ArgandWarning)
    main(Path(sys.argv[1]), sys.argv[2:] or NAMES)
