"""Solve and refine a twin through its law, at any fraction of the second domain up to a half.

Of a twin with the law T and the fraction a, I(h) = (1 - a) J(h) + a J(Th). What was measured is
shared as the structure says: J(h) = I(h) Jc(h) / ((1 - a) Jc(h) + a Jc(Th)). Residuals over their
sigmas are then those of the twin.

Source: as SHELXL shares the intensities of twins for its maps (G. M. Sheldrick, Acta Cryst. C71
(2015) 3-8; R. Herbst-Irmer, Z. Kristallogr. 231 (2016) 573-581).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray, cell_parameters
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured import Agreement, Merged, agreement, calculated_intensity, merge
from argand.radiation import Radiation
from argand.solve.candidate import PhasedReflections, phases_in_group
from argand.solve.figures import FigureCalculator
from argand.solve.known_start import known_start
from argand.solve.model import AtomicModel, AtomicModelSettings, build_model
from argand.solve.modification import unit
from argand.solve.primitive import (
    PrimitiveReflections,
    merge_in_point_group,
    primitive_basis,
    primitive_reflections,
)
from argand.solve.settings import SolveSettings, TimeLimit
from argand.solve.solution import Solution
from argand.solve.twin_search import twin_endings
from argand.solve.twins import LEAST_FITTED, TwinFinding, fitted_fraction, law_words
from argand.solve.verdict import (
    SOLVED,
    probability_of_suspect,
    probability_of_twin,
    verdict_of,
)

__all__ = ["solve_twin", "suspect_twin", "twin_or_single"]

# A twin that can be solved needs few random starts.
_MOST_STARTS = 24

# R1 of a twin that ends the search.
_SOLVED_R1 = 0.08

# Atoms of a larger R1 on the intensities of their domain are wrong.
_PROMISING_R1 = 0.45

# Rounds of sharing and refinement at most; they end where R1 falls by less than this factor.
_ROUNDS = 8
_FALLING = 0.99

# A domain gets at least this share of a measured intensity: weak calculated ones are uncertain.
_LEAST_SHARE = 0.02

# The law is used where it lowers R1 of the same atoms by this factor.
_LOWER = 0.95


def solve_twin(
    solution: Solution,
    reflections: Reflections,
    spacegroup: str,
    finding: TwinFinding,
    contents: Mapping[str, float] | None,
    settings: SolveSettings,
    limit: TimeLimit,
) -> Solution | None:
    """Phase a twin in the space group of one domain, and refine its atoms and its fraction.

    Parameters
    ----------
    solution
        What was found without the law.
    reflections
        Measured reflections, with a cell.
    spacegroup
        Space group of one domain.
    finding
        Twin law, with a first fraction.
    contents, settings, limit
        As `argand.solve.pipeline.solve` has them.

    Returns
    -------
    Solution or None
        None where no atoms were found, or the law explains the data no better than a single
        crystal.
    """
    data = _primitive(reflections, spacegroup)
    merged = merge(reflections, cell=reflections.cell, spacegroup=spacegroup)
    radiation = solution.radiation
    starts = min(settings.starts, _MOST_STARTS)
    endings = twin_endings(
        data, spacegroup, finding.law, finding.fraction, replace(settings, starts=starts), limit
    )
    best: tuple[AtomicModel, TwinFinding] | None = None
    cycles = 0
    starts = 0
    for ending in endings:
        starts += 1
        cycles += ending.cycles
        phased = phases_in_group(reflections, data, ending, radiation)
        refined = _refined_twin(merged, phased, finding, contents)
        if refined is not None and (best is None or refined[0].r1 < best[0].r1):
            best = refined
        if best is not None and best[0].r1 < _SOLVED_R1:
            break
    if best is None or best[1].fraction < LEAST_FITTED:
        return None
    model, refined_finding = best
    single_r1 = _single_r1(merged, model, radiation, contents)
    if solution.model is not None and solution.spacegroup == spacegroup:
        single_r1 = min(single_r1, solution.model.r1)
    if model.r1 > _LOWER * single_r1:
        return None
    begun = replace(
        solution,
        spacegroup=spacegroup,
        merged=merged,
        notes=(),
        starts=solution.starts + starts,
        cycles=solution.cycles + cycles,
    )
    return _with_twin(begun, data, model, refined_finding)


def _single_r1(
    merged: Merged,
    model: AtomicModel,
    radiation: Radiation,
    contents: Mapping[str, float] | None,
) -> float:
    """Return R1 of atoms that are refined as those of a single crystal, from a twin's phases."""
    amplitude = np.sqrt(np.maximum(merged.intensity, 0.0))
    phased = amplitude * np.exp(1j * np.angle(model.structure_factors))
    try:
        return build_model(PhasedReflections(merged, phased, radiation), contents).r1
    except ArgandError:
        return np.inf


def suspect_twin(solution: Solution, finding: TwinFinding) -> Solution:
    """Judge a solution anew that takes data for those of a single crystal which may be a twin's.

    R1 of wrong atoms is lower for twins; right atoms of a single crystal have a low one anyway.
    """
    model = solution.model
    if model is None:
        return solution
    d_min = solution.merged.d_min
    probability = probability_of_suspect(solution.probability, model.r1, finding.fraction, d_min)
    verdict, reasons = verdict_of(solution.figures, probability, d_min, model.r1)
    return replace(solution, probability=probability, verdict=verdict, reasons=reasons)


def twin_or_single(twin: Solution | None, single: Solution) -> Solution:
    """Return the solution with a twin law, or the one without.

    Atoms in the same space group that explain the data better with the law are as probable as those
    without; otherwise the more probable ones are taken, and with the law if it is solved.
    """
    if twin is None or twin.model is None:
        return single
    if single.model is not None and single.spacegroup == twin.spacegroup:
        r1 = twin.model.r1
        if r1 < _LOWER * single.model.r1 and single.probability > twin.probability:
            probability = single.probability
            verdict, reasons = verdict_of(twin.figures, probability, twin.merged.d_min, r1)
            return replace(twin, probability=probability, verdict=verdict, reasons=reasons)
    return single if twin.probability <= min(single.probability, SOLVED) else twin


def _refined_twin(
    merged: Merged,
    phased: PhasedReflections,
    finding: TwinFinding,
    contents: Mapping[str, float] | None,
) -> tuple[AtomicModel, TwinFinding] | None:
    """Find and refine the atoms of a twin, and its fraction, from F (n,) of its first domain.

    Figures of merit of the model are those of the twin's intensities. Returns None where no atoms
    were found.
    """
    radiation = phased.radiation
    best: tuple[AtomicModel, TwinFinding] | None = None
    squared = np.square(np.abs(phased.structure_factors))
    share = np.divide(
        squared, merged.intensity, out=np.ones_like(squared), where=merged.intensity > 0
    )
    try:
        model = _domain_model(merged, share, phased.structure_factors, radiation, contents)
        if model.r1 > _PROMISING_R1:
            return None
        for _ in range(_ROUNDS):
            fraction = fitted_fraction(merged, finding.law, np.abs(model.structure_factors) ** 2)
            if fraction is not None:
                finding = replace(finding, fraction=fraction[0], uncertainty=fraction[1])
            calculated, share = _twin_intensity(model, merged, finding, radiation)
            weights = (model.weighting.a, model.weighting.b)
            figures = agreement(calculated, merged.intensity, merged.sigma, weights)
            if best is not None and figures.r1 > _FALLING * best[0].r1:
                break
            best = (_with_figures(model, figures, merged), finding)
            model = _domain_model(merged, share, model.structure_factors, radiation, contents)
    except ArgandError:
        return best
    return best


def _domain_model(
    merged: Merged,
    share: FloatArray,
    phased: npt.NDArray[np.complexfloating],
    radiation: Radiation,
    contents: Mapping[str, float] | None,
) -> AtomicModel:
    """Find the atoms of the first domain in its share (n,) of the intensities, with phases (n,)."""
    sigma = None if merged.sigma is None else merged.sigma * share
    domain = replace(merged, intensity=merged.intensity * share, sigma=sigma)
    amplitude = np.sqrt(np.maximum(domain.intensity, 0.0))
    with_phases = PhasedReflections(domain, amplitude * unit(phased), radiation)
    return build_model(with_phases, contents, AtomicModelSettings(extinction=False))


def _twin_intensity(
    model: AtomicModel, merged: Merged, finding: TwinFinding, radiation: Radiation
) -> tuple[FloatArray, FloatArray]:
    """Calculate the intensities (n,) of a twin, and the share of its first domain in them."""
    law = tuple(np.ravel(finding.law).tolist())
    crystal = model.crystal
    own = calculated_intensity(crystal, merged.hkl, radiation=radiation)
    total = calculated_intensity(
        crystal, merged.hkl, radiation=radiation, twin=law, fraction=finding.fraction
    )
    share = np.divide(own, total, out=np.ones_like(own), where=total > 0)
    return total, np.maximum(share, _LEAST_SHARE)


def _with_figures(model: AtomicModel, figures: Agreement, merged: Merged) -> AtomicModel:
    """Return a model with the figures of merit of the twin's intensities."""
    return replace(
        model,
        r1=figures.r1,
        r1_all=figures.r1_all,
        wr2=figures.wr2,
        scale=figures.scale**2,
        reflections=len(merged.hkl),
    )


def _with_twin(
    solution: Solution, data: PrimitiveReflections, model: AtomicModel, finding: TwinFinding
) -> Solution:
    """Put the atoms of a refined twin into a solution, and judge it anew, by R1.

    The figures of the density say little of a twin: they are those of its own amplitudes.
    """
    amplitude = np.sqrt(np.maximum(solution.merged.intensity, 0.0))
    phases = unit(known_start(model.crystal).of_data(data))
    figures = FigureCalculator(data)(data.amplitude * phases, np.nan)
    probability = probability_of_twin(model.r1, finding.fraction, data.d_min)
    verdict, reasons = verdict_of(figures, probability, data.d_min, model.r1)
    note = (
        f"refined as a twin by {law_words(finding.law)}: fraction {finding.fraction:.3f} with a "
        f"standard uncertainty of {finding.uncertainty:.3f}; R1 is that of the twin"
    )
    return replace(
        solution,
        verdict=verdict,
        probability=probability,
        reasons=reasons,
        structure_factors=amplitude * unit(model.structure_factors),
        model=model,
        figures=figures,
        flack=None,
        twin=finding,
        notes=(*solution.notes, note),
    )


def _primitive(reflections: Reflections, spacegroup: str) -> PrimitiveReflections:
    """Return measured reflections in P 1 of the primitive cell of a space group."""
    cell = cell_parameters(reflections.cell or ())
    basis = primitive_basis(cell, spacegroup)
    return primitive_reflections(merge_in_point_group(reflections, cell, spacegroup), basis)
