"""Solve and refine a twin through its law, at any fraction up to a half."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from argand.cell import cell_parameters
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured import merge
from argand.solve.candidate import phases_in_group
from argand.solve.figures import FigureCalculator
from argand.solve.known_start import known_start
from argand.solve.model import build_model
from argand.solve.modification import unit
from argand.solve.primitive import (
    PrimitiveReflections,
    merge_in_point_group,
    primitive_basis,
    primitive_reflections,
)
from argand.solve.settings import SolveSettings, TimeLimit
from argand.solve.solution import Solution
from argand.solve.twin_refinement import RefinedTwin, comparable_r1, refined_twin
from argand.solve.twin_search import twin_endings
from argand.solve.twins import TwinFinding
from argand.solve.verdict import (
    SOLVED,
    probability_of_phases,
    probability_with_atoms,
    verdict_of,
)

__all__ = ["is_settled", "twin_refined", "twin_searched", "with_doubt"]

# So many random starts are shared between the domains; a twin that can be solved needs few.
_MOST_STARTS = 24

# R1 of a twin that ends the search.
_SOLVED_R1 = 0.08

# R1 above which atoms do not explain a twin: those of the lattice's higher symmetry, which a
# twin of two nearly equal domains seems to have, stay above it.
_UNEXPLAINED_R1 = 0.15

# Atoms of a larger R1, before the twin is refined, are wrong.
_PROMISING_R1 = 0.45

# The law is used where it lowers R1 by this factor.
_FALLING = 0.95


def is_settled(solution: Solution, stated: str | None) -> bool:
    """Tell whether a twin needs no search in the stated space group: its atoms explain it there."""
    if solution.verdict != "solved" or solution.spacegroup != stated or solution.model is None:
        return False
    return solution.model.r1 < _SOLVED_R1


def with_doubt(solution: Solution) -> Solution:
    """Call the solution of a twin probable at most where its atoms do not explain the data."""
    explained = solution.model is not None and solution.model.r1 < _UNEXPLAINED_R1
    if explained or solution.verdict != "solved":
        return solution
    doubt = "the data are those of a twin, and no atoms were found that explain them"
    return replace(
        solution,
        verdict="probable",
        probability=min(solution.probability, SOLVED),
        reasons=(*solution.reasons, doubt),
    )


def twin_refined(
    solution: Solution,
    reflections: Reflections,
    finding: TwinFinding,
    contents: Mapping[str, float] | None,
    limit: TimeLimit,
) -> Solution | None:
    """Refine the atoms of a solution with a twin law; None where that does not lower R1.

    Parameters
    ----------
    solution
        Solution of the data of a twin.
    reflections
        Measured reflections, with a cell.
    finding
        Twin law, with a first fraction.
    contents
        Atoms in the cell, or None.
    limit
        Ends the refinement with the best so far.
    """
    if solution.model is None:
        return None
    twin = refined_twin(
        solution.merged,
        solution.structure_factors,
        solution.model,
        finding,
        solution.radiation,
        contents,
        limit,
    )
    if twin is None or twin.model.r1 > _FALLING * solution.model.r1:
        return None
    return _with_twin(solution, reflections, twin)


def twin_searched(
    solution: Solution,
    reflections: Reflections,
    spacegroup: str,
    finding: TwinFinding,
    contents: Mapping[str, float] | None,
    settings: SolveSettings,
    limit: TimeLimit,
) -> Solution | None:
    """Phase a twin in the space group of one domain, and refine it; None where that fails.

    Parameters
    ----------
    solution
        What was found without the law.
    reflections
        Measured reflections, with a cell.
    spacegroup
        Space group of one domain.
    finding
        Twin law, with its fraction by the statistics of intensities.
    contents, settings
        As `argand.solve.pipeline.solve` has them.
    limit
        Ends the search with the best so far.
    """
    data = _primitive(reflections, spacegroup)
    merged = merge(reflections, cell=reflections.cell, spacegroup=spacegroup)
    limited = replace(settings, starts=min(settings.starts, _MOST_STARTS))
    best: RefinedTwin | None = None
    cycles = 0
    starts = 0
    for ending in twin_endings(data, spacegroup, finding, limited, limit):
        starts += 1
        cycles += ending.cycles
        phased = phases_in_group(reflections, data, ending, solution.radiation)
        try:
            model = build_model(phased, contents)
        except ArgandError:
            continue
        if model.r1 > _PROMISING_R1:
            continue
        twin = refined_twin(
            merged, phased.structure_factors, model, finding, solution.radiation, contents, limit
        )
        if twin is not None and (best is None or twin.model.r1 < best.model.r1):
            best = twin
        if best is not None and best.model.r1 < _SOLVED_R1:
            break
    if best is None:
        return None
    begun = replace(
        solution,
        spacegroup=spacegroup,
        merged=merged,
        notes=(),
        starts=solution.starts + starts,
        cycles=solution.cycles + cycles,
    )
    return _with_twin(begun, reflections, best)


def _with_twin(solution: Solution, reflections: Reflections, twin: RefinedTwin) -> Solution:
    """Put the atoms of a refined twin into a solution, and judge it anew.

    The figures of merit are those of the twin's own amplitudes, which no structure has shared.
    """
    model = twin.model
    amplitude = np.sqrt(np.maximum(solution.merged.intensity, 0.0))
    data = _primitive(reflections, solution.spacegroup)
    phases = unit(known_start(model.crystal).of_data(data))
    figures = FigureCalculator(data)(data.amplitude * phases, np.nan)
    fraction = twin.finding.fraction
    probability = probability_with_atoms(
        probability_of_phases(figures, data.d_min), comparable_r1(model.r1, fraction), data.d_min
    )
    verdict, reasons = verdict_of(figures, probability, data.d_min, model.r1)
    note = (
        f"refined with the twin law: fraction {fraction:.3f} with a standard uncertainty of "
        f"{twin.finding.uncertainty:.3f}; R1 is that of the twin"
    )
    return replace(
        solution,
        verdict=verdict,
        probability=probability,
        reasons=reasons,
        structure_factors=amplitude * np.exp(1j * np.angle(model.structure_factors)),
        model=model,
        figures=figures,
        flack=None,
        twin=twin.finding,
        notes=(*solution.notes, note),
    )


def _primitive(reflections: Reflections, spacegroup: str) -> PrimitiveReflections:
    """Return measured reflections in P 1 of the primitive cell of a space group."""
    cell = cell_parameters(reflections.cell or ())
    basis = primitive_basis(cell, spacegroup)
    return primitive_reflections(merge_in_point_group(reflections, cell, spacegroup), basis)
