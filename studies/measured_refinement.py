"""Measured crystals moved away from their own refined structure and refined again: a table of docs/refinement.md.

    python benchmarks/measured_refinement.py FOLDER [NAME ...]

FOLDER holds the files of measured_sets.py, which says what R1 is compared. Positions and displacement parameters are
refined on F^2 with the weights, the dispersion and the extinction that the file states; of a moved crystal positions
alone first, on |F| with the low angles first, from five starts: the moved structure, and beside it; from five more as
long as R is above .25, up to thirty. Seeds 20 to 22; one core, one thread.
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
from argand.estimate.riding import riding_modes  # noqa: E402
from argand.refine import Model, Refinement, Weighting, free, refine  # noqa: E402
from measured_sets import SEEDS, SETS, WIDTHS, Measured, load, moved  # noqa: E402

BESIDE = (0.0, 0.1, 0.2, 0.3, 0.4)  # angstrom along each direction, of the starts


def placed(known: Measured, crystal: argand.Crystal) -> argand.Crystal:
    """The crystal with its atoms, hydrogens with their carriers, where they explain the amplitudes best."""
    beam, data = known.said.radiation(), known.data
    parameters = free(crystal, positions=riding_modes(crystal), overall_b=True)
    model = Model(crystal, data.hkl, parameters, radiation=beam)
    observed = np.tile(np.sqrt(np.maximum(data.intensity, 0.0)), (len(BESIDE), 1))
    coarse = [d for d in (3.0, 2.0, 1.4) if (model.stol <= 0.5 / d).sum() > 2 * len(model) + 10]
    rng, best = np.random.default_rng(0), (np.inf, crystal)
    for _ in range(6):
        start = rng.normal(size=(len(BESIDE), len(model))) * np.array(BESIDE)[:, None]
        start[:, -1] = 0.0
        found = refine(model, observed, on="F", start=start, anneal=coarse)
        lowest = int(found.chi2.argmin())
        best = min(
            best, (float(found.chi2[lowest]), found.crystals()[lowest]), key=lambda pair: pair[0]
        )
        if found.figures.r1[lowest] < 0.25:
            break
    return best[1]


def refined(known: Measured, crystal: argand.Crystal) -> Refinement:
    """All of it."""
    beam, data = known.said.radiation(), known.data
    parameters = free(crystal, displacement=True, extinction=known.said.refined_extinction != 0.0)
    model = Model(
        crystal,
        data.hkl,
        parameters,
        radiation=beam,
        extinction=known.said.refined_extinction,
    )
    if data.sigma is None:
        return refine(model, np.sqrt(np.maximum(data.intensity, 0.0)), on="F")
    a, b = (*known.said.weights, 0.0, 0.0)[:2]
    return refine(model, data.intensity, data.sigma, weighting=Weighting(a, b))


def r1(known: Measured, found: Refinement) -> float:
    calculated = np.square(np.abs(found.structure_factors()[0]))
    return known.r1(calculated * found.scale[0] ** (1 if known.data.sigma is not None else 2))


def main(folder: Path, names: Sequence[str]) -> None:
    columns = (
        "",
        "group",
        "parameters",
        "reflections",
        "check",
        "published",
        "unmoved",
        "moved 0.3 A",
        "moved 0.5 A",
    )
    print("| " + " | ".join([*columns, "s"]) + " |\n|" + "---|" * (len(columns) + 1))
    for name in names:
        known = load(folder, name)
        home = refined(known, known.crystal)
        cells, seconds = [], []
        for rms in WIDTHS:
            ends = []
            for seed in SEEDS:
                begin = time.perf_counter()
                found = refined(known, placed(known, moved(known.crystal, rms, seed)))
                seconds.append(time.perf_counter() - begin)
                ends.append(f"{100 * r1(known, found):.2f}")
            cells.append(", ".join(ends))
        row = [name, known.crystal.spacegroup, len(home.p[0]), len(known.data.hkl), *known.theirs]
        row += [f"{100 * r1(known, home):.2f}", *cells, f"{np.median(seconds):.1f}"]
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore", argand.errors.ArgandWarning)
    main(Path(sys.argv[1]), sys.argv[2:] or list(SETS))
