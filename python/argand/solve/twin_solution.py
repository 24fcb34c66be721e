"""Solve and refine a twin through its law, at any fraction up to a half."""

from __future__ import annotations

import time
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
from argand.solve.settings import SolveSettings
from argand.solve.solution import Solution
from argand.solve.twin_refinement import RefinedTwin, comparable_r1, refined_twin
from argand.solve.twin_search import twin_endings
from argand.solve.twins import TwinFinding
from argand.solve.verdict import probability_of_phases, probability_with_atoms, verdict_of

__all__ = ["twin_refined", "twin_searched"]

# So many random starts are shared between the domains; a twin that can be solved needs few.
_MOST_STARTS = 24

# R1 of a twin that ends the search.
_SOLVED_R1 = 0.08

# Atoms of a larger R1, before the twin is refined, are wrong.
_PROMISING_R1 = 0.45

# The law is used where it lowers R1 by this factor.
_FALLING = 0.95


def twin_refined(
    solution: Solution,
    reflections: Reflections,
    finding: TwinFinding,
    contents: Mapping[str, float] | None,
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
    """
    data = _primitive(reflections, spacegroup)
    merged = merge(reflections, cell=reflections.cell, spacegroup=spacegroup)
    started = time.monotonic()
    limited = replace(settings, starts=min(settings.starts, _MOST_STARTS))

    def is_over() -> bool:
        limit = settings.time_limit
        return limit is not None and time.monotonic() - started > limit

    best: RefinedTwin | None = None
    cycles = 0
    starts = 0
    for ending in twin_endings(data, spacegroup, finding.law, finding.fraction, limited, is_over):
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
            merged, phased.structure_factors, model, finding, solution.radiation, contents
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
