"""Refine measured crystals after their structure was moved: a table of docs/refinement.md.

    python studies/measured_refinement.py FOLDER [NAME ...]

measured_sets.py says which files FOLDER holds, and how R1 is computed. Positions and displacement
parameters are refined on F^2 with the weights, the dispersion and the extinction that the file
states. The positions of a moved crystal are refined alone before, on |F| with low angles first,
from five starts: the moved structure, and random displacements of it. Five more follow as long as R
is above .25, up to thirty. Seeds 20 to 22; one core, one thread.
"""

from __future__ import annotations

import numpy as np

import argand
from argand.estimate.riding import riding_modes
from argand.refine import Model, Refinement, Weighting, free, refine
from helpers import run_on_one_core
from measured_sets import MeasuredSet, percent, print_table

# Widths in angstrom of the random displacements of the five starts; the first one is not displaced.
START_WIDTHS = (0.0, 0.1, 0.2, 0.3, 0.4)
# How often five starts are tried.
TRIALS = 6
# R below which a structure is taken to be right.
SOUND_R = 0.25
# Resolutions in angstrom of the annealed refinement, low angles first.
LOW_ANGLES = (3.0, 2.0, 1.4)

COLUMNS = (
    "group",
    "parameters",
    "reflections",
    "check",
    "published",
    "unmoved",
    "moved 0.3 A",
    "moved 0.5 A",
    "s",
)


def positions_refined(measured: MeasuredSet, crystal: argand.Crystal) -> argand.Crystal:
    """Return the crystal with the positions of the lowest chi^2; hydrogens ride on carriers."""
    merged = measured.merged
    parameters = free(crystal, positions=riding_modes(crystal), overall_b=True)
    model = Model(crystal, merged.hkl, parameters, radiation=measured.experiment.radiation())
    starts = len(START_WIDTHS)
    amplitudes = np.tile(np.sqrt(np.maximum(merged.intensity, 0.0)), (starts, 1))
    enough = 2 * len(model) + 10
    resolutions = []
    for d_min in LOW_ANGLES:
        if np.count_nonzero(model.stol <= 0.5 / d_min) > enough:
            resolutions.append(d_min)
    rng = np.random.default_rng(0)
    lowest_chi2 = np.inf
    best = crystal
    for _ in range(TRIALS):
        start = rng.normal(size=(starts, len(model))) * np.array(START_WIDTHS)[:, None]
        # The last parameter is the overall B.
        start[:, -1] = 0.0
        refinement = refine(model, amplitudes, on="F", start=start, anneal=resolutions)
        row = int(refinement.chi2.argmin())
        if refinement.chi2[row] < lowest_chi2:
            lowest_chi2 = float(refinement.chi2[row])
            best = refinement.crystals()[row]
        if refinement.figures.r1[row] < SOUND_R:
            break
    return best


def refined(measured: MeasuredSet, crystal: argand.Crystal) -> Refinement:
    """Refine positions, displacement parameters and extinction."""
    experiment = measured.experiment
    merged = measured.merged
    extinction = experiment.refined_extinction
    parameters = free(crystal, displacement=True, extinction=extinction != 0.0)
    model = Model(
        crystal,
        merged.hkl,
        parameters,
        radiation=experiment.radiation(),
        extinction=extinction,
    )
    if merged.sigma is None:
        return refine(model, np.sqrt(np.maximum(merged.intensity, 0.0)), on="F")
    a, b = (*experiment.weights, 0.0, 0.0)[:2]
    return refine(model, merged.intensity, merged.sigma, weighting=Weighting(a, b))


def r1_in_percent(measured: MeasuredSet, refinement: Refinement) -> str:
    """Format R1 of a refinement in %."""
    intensity = np.square(np.abs(refinement.structure_factors()[0]))
    # A refinement on F has a scale of |F|, one on F^2 a scale of F^2.
    power = 2 if measured.merged.sigma is None else 1
    return percent(measured.r1(intensity * refinement.scale[0] ** power))


def row(measured: MeasuredSet) -> list[object]:
    """Return the cells of a set."""
    unmoved = refined(measured, measured.crystal)
    refinements, seconds = measured.solve_moved(
        lambda crystal: refined(measured, positions_refined(measured, crystal))
    )
    cells = []
    for of_width in refinements:
        cells.append(", ".join(r1_in_percent(measured, refinement) for refinement in of_width))
    return [
        measured.crystal.spacegroup,
        len(unmoved.p[0]),
        len(measured.merged.hkl),
        *measured.known_r1(),
        r1_in_percent(measured, unmoved),
        *cells,
        f"{seconds:.1f}",
    ]


def main() -> None:
    """Print the table."""
    print_table(COLUMNS, row)


if __name__ == "__main__":
    run_on_one_core(main)
