"""Refinement of many data sets: time, and from how far away it finds home. Prints the tables of docs/refinement.md.

    python benchmarks/least_squares.py

Two made-up crystals with C, N, O and H at random places (seed 0) and B = 2.5, 25 independent atoms (100 in the cell) in
P 21/c and 42 (84) in P -1, data to 1.0 angstrom; every atom moved at random by the root mean square distance that is
given, symmetry kept (seed 1). Solved: R1 below 3 %. One core, one thread.
"""

from __future__ import annotations

import one_core

one_core.pin()

import time  # noqa: E402

import numpy as np  # noqa: E402

import argand  # noqa: E402
from argand.refine import Model, refine  # noqa: E402

CELLS = {
    "P 1 21/c 1": (8.5, 11.0, 14.0, 90.0, 98.0, 90.0),
    "P -1": (8.0, 9.0, 11.0, 80.0, 85.0, 75.0),
}
TYPES = {
    "P 1 21/c 1": "C" * 14 + "O" * 3 + "N" * 2 + "H" * 6,
    "P -1": "C" * 18 + "O" * 4 + "N" + "H" * 19,
}


def model(spacegroup: str) -> Model:
    types = tuple(TYPES[spacegroup])
    frac = np.random.default_rng(0).random((len(types), 3))
    crystal = argand.Crystal(
        cell=CELLS[spacegroup], spacegroup=spacegroup, types=types, frac=frac, b_iso=2.5
    )
    return Model(crystal, argand.miller_indices(crystal.cell, crystal.spacegroup, 1.0))


def data(of: Model, n: int, rms: float, noise: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    p = rng.normal(size=(n, len(of))) * rms / np.sqrt(3)
    clean = np.abs(of.structure_factors(p)) ** 2
    sigma = 2 * noise * clean + 0.002 * clean.mean()
    return clean + sigma * rng.normal(size=clean.shape) * (noise > 0), sigma


def series() -> None:
    of = model("P 1 21/c 1")
    print(
        f"1,000 data sets of {len(of)} parameters and {len(of.hkl)} reflections, 0.3 A away, 4 % noise in |F|:"
    )
    observed, sigma = data(of, 1000, 0.3, 0.04)
    begin = time.perf_counter()
    found = refine(of, observed, sigma)
    seconds = time.perf_counter() - begin
    figures = found.figures
    print(
        f"{seconds:.1f} s on one core, {found.cycles.mean():.1f} cycles each, "
        f"{int((figures.r1 < 0.1).sum())} with R1 below 10 %, median R1 {np.median(figures.r1):.3f}, "
        f"median goodness of fit {np.median(figures.goodness):.2f}\n"
    )


def convergence(n: int = 50) -> None:
    print("| | rms, A | Levenberg-Marquardt on F^2 | on F | L-BFGS on F^2 |\n|---|---|---|---|---|")
    ways = ({"on": "F2"}, {"on": "F"}, {"on": "F2", "method": "lbfgs", "cycles": 400})
    for spacegroup in CELLS:
        of = model(spacegroup)
        for rms in (0.3, 0.5, 0.7):
            observed, _ = data(of, n, rms, 0.0)
            cells = []
            for way in ways:
                begin = time.perf_counter()
                found = refine(of, observed if way["on"] == "F2" else np.sqrt(observed), **way)  # type: ignore[arg-type]
                each = (time.perf_counter() - begin) / n * 1e3
                cells.append(f"{100 * (found.figures.r1 < 0.03).mean():.0f} %, {each:.0f} ms")
            print(f"| {spacegroup} | {rms} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    series()
    convergence()
