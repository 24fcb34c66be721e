"""Simulate twins of known structures and solve them: the table of twins in docs/solving.md.

    python studies/twins.py CIF [CIF ...] [--fractions 0 .2 .35 .5]

Intensities to .85 angstrom have errors of 3 %, seed 5. The law is the first one that the lattice of
a structure allows. A map is right where it correlates by .7 with the structure, of either domain.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from argand import Crystal, miller_indices, structure_factors
from argand.io import Reflections, read_crystal
from argand.measured import merge
from argand.reflections import in_p1
from argand.solve import Solution, SolveSettings, solve
from argand.solve.twins import law_words, twin_laws
from solve import RIGHT, agreement

D_MIN = 0.85
SHARE_OF_ERRORS = 0.03
FLOOR_OF_ERRORS = 0.01
SEED = 5

#: A fraction that was refined to within this is right.
TOLERANCE = 0.01


def intensities_of_twin(
    crystal: Crystal, fraction: float
) -> tuple[Reflections, NDArray[np.float64]]:
    """Simulate measured intensities of a twin; return them and its law (3, 3)."""
    hkl = miller_indices(crystal.cell, crystal.spacegroup, d_min=D_MIN)
    first = np.abs(structure_factors(crystal, hkl)) ** 2
    known = Reflections(hkl=hkl, intensity=first, sigma=np.ones(len(hkl)))
    merged = merge(known, cell=crystal.cell, spacegroup=crystal.spacegroup)
    law = next(law for law in twin_laws(merged) if np.array_equal(law, np.rint(law)))
    second = np.abs(structure_factors(crystal, of_second(hkl, law))) ** 2
    true = (1.0 - fraction) * first + fraction * second
    sigma = np.hypot(SHARE_OF_ERRORS * true, FLOOR_OF_ERRORS * true.mean())
    noise = np.random.default_rng(SEED).normal(size=len(true))
    reflections = Reflections(
        hkl=hkl,
        intensity=true + sigma * noise,
        sigma=sigma,
        cell=crystal.cell,
        spacegroup=crystal.spacegroup,
    )
    return reflections, law


def of_second(hkl: NDArray[np.integer], law: NDArray[np.float64]) -> NDArray[np.integer]:
    """Return the indices (m, 3) that the second domain has."""
    return np.rint(hkl @ law.T).astype(np.int32)


def correlation(solution: Solution, known: Crystal, law: NDArray[np.float64]) -> float:
    """Return the map correlation with the structure of the domain that was found."""
    hkl, expand = in_p1(solution.merged.hkl, solution.spacegroup)
    if solution.crystal is None:
        return agreement(hkl, expand(solution.structure_factors), known)
    calculated = structure_factors(solution.crystal, hkl)
    return max(agreement(indices, calculated, known) for indices in (hkl, of_second(hkl, law)))


def main() -> None:
    """Solve all twins, and print a line for each and the counts of each fraction."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("structures", nargs="+", type=Path, metavar="CIF")
    parser.add_argument("--fractions", nargs="+", type=float, default=[0.0, 0.2, 0.35, 0.5])
    parser.add_argument("--time-limit", type=float, default=60.0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    settings = SolveSettings(seed=1, time_limit=arguments.time_limit, threads=1)
    for fraction in arguments.fractions:
        solved, lawful, wrong = 0, 0, 0
        seconds = []
        for path in arguments.structures:
            crystal = read_crystal(path)
            reflections, law = intensities_of_twin(crystal, fraction)
            started = time.process_time()
            solution = solve(reflections, contents=crystal.composition(), settings=settings)
            seconds.append(time.process_time() - started)
            r1 = np.nan if solution.model is None else solution.model.r1
            right = correlation(solution, crystal, law)
            refined = 0.0
            if solution.twin is not None and np.array_equal(solution.twin.law, law):
                refined = solution.twin.fraction
            is_solved = solution.verdict == "solved"
            solved += is_solved and right >= RIGHT
            wrong += is_solved and right < RIGHT
            lawful += refined > 0.0 and abs(refined - fraction) < TOLERANCE
            print(
                f"{path.stem:<14}{crystal.spacegroup:<12}{law_words(law):<14}{fraction:4.2f}  "
                f"{solution.verdict:<11}CC {right:5.3f}  R1 {r1:6.4f}  fraction {refined:5.3f}  "
                f"{seconds[-1]:5.1f} s",
                flush=True,
            )
        print(
            f"fraction {fraction:g}: {len(seconds)} data sets, {solved} solved, {lawful} with the "
            f"law and its fraction, {wrong} wrong ones called solved, "
            f"median {np.median(seconds):.1f} s, at most {max(seconds):.1f} s"
        )


if __name__ == "__main__":
    main()
