"""Measured crystals moved away from their own refined structure and refined again: a table of docs/refinement.md.

    python benchmarks/measured_refinement.py FOLDER

FOLDER holds NAME.cif and NAME.hkl (or NAME_hkl.hkl) for the names below: two entries of the Crystallography Open
Database and two structures that open-source programs are tested with. Seeds 20 to 24; one core, one thread.
"""

from __future__ import annotations

import one_core

one_core.pin()

import sys  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

import argand  # noqa: E402
from argand.measured import merge  # noqa: E402
from argand.refine import Model, Refinement, Weighting, free, refine  # noqa: E402
from argand.reflections import KEV_ANGSTROM  # noqa: E402

# Published weights a and b, and R1 as published
NAMES = {
    "gemmi_4003024": (0.0, 0.1705, 0.0162),
    "cod_2242045": (0.0282, 0.1042, 0.0279),
    "structurefinder_106c": (0.0561, 0.3210, 0.0401),
    "cod_2238212": (0.0483, 1.1464, 0.0348),
}
ENERGY = KEV_ANGSTROM / 0.71073


def both(crystal: argand.Crystal, data: argand.measured.Merged, weights: Weighting, moved: bool) -> Refinement:
    """Positions alone with the low angles first, where the start is poor; then positions and displacement."""
    if moved:
        placed = Model(crystal, data.hkl, energy_kev=ENERGY)
        crystal = refine(placed, data.intensity, anneal=(1.5, 1.1)).crystals()[0]
    every = Model(crystal, data.hkl, free(crystal, displacement=True), energy_kev=ENERGY)
    return refine(every, data.intensity, data.sigma, weighting=weights)


def main(folder: Path) -> None:
    columns = ("", "group", "parameters", "reflections", "published", "unmoved", "moved 0.3 A", "moved 0.5 A", "s")
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for name, (a, b, published) in NAMES.items():
        crystal = argand.read_crystal(folder / f"{name}.cif")
        file = folder / f"{name}.hkl"
        reflections = argand.read_reflections(file if file.exists() else folder / f"{name}_hkl.hkl")
        data = merge(reflections, cell=crystal.cell, spacegroup=crystal.spacegroup)
        known = both(crystal, data, Weighting(a, b), moved=False)
        cells, seconds = [], []
        for rms in (0.3, 0.5):
            ends = []
            for seed in range(20, 25):
                model = Model(crystal, data.hkl, energy_kev=ENERGY)
                p = np.random.default_rng(seed).normal(size=(1, len(model))) * rms / np.sqrt(3)
                begin = time.perf_counter()
                found = both(model.crystals(p)[0], data, Weighting(a, b), moved=True)
                seconds.append(time.perf_counter() - begin)
                ends.append(float(found.figures.r1_strong[0]))
            cells.append(", ".join(f"{100 * r1:.2f}" for r1 in ends))
        row = [name, crystal.spacegroup, len(known.p[0]), len(data.hkl), f"{100 * published:.2f}"]
        row += [f"{100 * known.figures.r1_strong[0]:.2f}", *cells, f"{np.median(seconds):.1f}"]
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore", argand.errors.ArgandWarning)
    main(Path(sys.argv[1]))
