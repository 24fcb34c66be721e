"""Go from measured reflections of an unknown crystal to phases, space group and atoms."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from argand.cell import cell_parameters
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.files import PathLike
from argand.io import Reflections
from argand.measured import intensity_statistics, merge
from argand.radiation import Radiation
from argand.reflections import stol
from argand.solve.candidate import (
    Candidate,
    final_phases,
    in_right_hand,
    with_atoms,
    with_free_elements,
)
from argand.solve.figures import phase_agreement
from argand.solve.group_choice import first_group, group_notes, in_best_group
from argand.solve.growth import grown
from argand.solve.known_start import KnownStart, known_start, start_notes, start_phases
from argand.solve.primitive import (
    merge_in_point_group,
    primitive_basis,
    primitive_reflections,
)
from argand.solve.search import Ending, PhaseSearch, SearchProgress
from argand.solve.settings import SolveSettings, TimeLimit, resolves_atoms
from argand.solve.solution import Solution
from argand.solve.space_group import rank_space_groups
from argand.solve.twin_solution import solve_twin, suspect_twin, twin_or_single
from argand.solve.twins import TwinFinding, find_twin
from argand.solve.verdict import SOLVED, SPARSE, verdict_of
from argand.symmetry import group_ops, spacegroup_name, triplets

__all__ = ["solve"]

# Below this probability nothing is said about the space group.
_WORTH_WORDS = 0.3

# So many starts at most are made before the law of a suspected twin is tried.
_FIRST_STARTS = 4

# Atoms of a lower R1 are those of one crystal, not the average of the domains of a twin.
_AVERAGED_R1 = 0.06

# Atoms of a higher R1 explain data that resolve them so badly that the phases may be wrong in part:
# so many other phases are looked at then, until they agree so well with those.
_UNEXPLAINED_R1 = 0.12
_MORE_PHASES = 2
_SAME_PHASES = 0.95

_UNSOLVED_TWIN = "the crystal is a twin, and its structure was not solved through the twin law"

_TIME_NOTE = "the time limit ended the work on this crystal; what is given is the best so far"


class _Stopwatch:
    """Measure the processor time of the steps of a solution, in seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.process_time()

    def stop(self, step: str) -> None:
        """Count the time since the last call as that of a step."""
        now = time.process_time()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._last
        self._last = now


def solve(
    reflections: Reflections,
    *,
    cell: Sequence[float] | None = None,
    spacegroup: str | None = None,
    contents: Mapping[str, float] | None = None,
    wavelength: float | None = None,
    start: KnownStart | Crystal | Reflections | PathLike | None = None,
    settings: SolveSettings | None = None,
    progress: Callable[[SearchProgress], None] | None = None,
) -> Solution:
    """Solve the structure of a crystal from its reflections, without a similar structure.

    Reflections are merged in the Laue group and phased in P 1 by charge flipping; the space group
    is read from the phases; atoms are found in the density, named, and refined. A probability says
    how far all that can be trusted.

    Source: G. Oszlanyi and A. Suto, Acta Cryst. A60 (2004) 134 and A64 (2008) 123 (charge
    flipping); L. Palatinus and A. van der Lee, J. Appl. Cryst. 41 (2008) 975 (symmetry of a map).

    Parameters
    ----------
    reflections
        Measured intensities or amplitudes of x-rays, best not merged.
    cell
        Unit cell (a, b, c, alpha, beta, gamma), angstrom and degrees, where the reflections state
        none.
    spacegroup
        Space group, or any other one of its Laue group and lattice; where none is stated, the Laue
        group is found from how equivalents agree.
    contents
        Number of atoms in the unit cell by element; None where it is not known.
    wavelength
        Angstrom, where the reflections state none; without it there is no dispersion.
    start
        Phases to begin with, before random ones: atoms of a part of the structure, reflections
        with phases, or a file of either, or a CCP4 map. They are judged as all others are.
    settings
        Seed, limits; None takes the defaults.
    progress
        Is called after every batch of starts.

    Returns
    -------
    Solution
        Verdict, space group, phases, atoms.

    Raises
    ------
    ArgandError
        The reflections cannot be merged, or have no cell; the start has no phases, or another cell.
    """
    if settings is None:
        settings = SolveSettings()
    if cell is None:
        cell = reflections.cell
    if cell is None:
        raise ArgandError("the reflections have no cell: give one")
    unit_cell = cell_parameters(cell)
    reflections = replace(reflections, cell=unit_cell)
    if settings.d_min is not None:
        reflections = reflections[0.5 / stol(reflections.hkl, unit_cell) >= settings.d_min]
    if wavelength is None:
        wavelength = reflections.wavelength
    radiation = Radiation("x-ray", wavelength, dispersion=wavelength is not None)
    stated = spacegroup if spacegroup is not None else reflections.spacegroup
    if stated is not None:
        group = group_ops(stated)
        stated = spacegroup_name(group) or ";".join(triplets(group))
    limit = TimeLimit(settings.time_limit)
    stopwatch = _Stopwatch()
    known = None if start is None else known_start(start)
    start_remarks = [] if known is None else start_notes(known, unit_cell, stated)
    start_group, notes = first_group(reflections, unit_cell, stated)
    notes += start_remarks
    stopwatch.stop("symmetry of the data")

    def run(chosen: SolveSettings) -> Solution:
        return _solved(
            reflections,
            start_group,
            stated,
            radiation,
            contents,
            known,
            chosen,
            limit,
            progress,
            stopwatch,
        )

    def as_twin(solution: Solution, twin: TwinFinding, until: TimeLimit) -> Solution | None:
        # A twin looks like a crystal of another group: the stated one is tried.
        domain_group = solution.spacegroup
        if stated is not None and stated == start_group:
            domain_group = stated
        return solve_twin(solution, reflections, domain_group, twin, contents, settings, until)

    suspicion = _suspected_twin(reflections, start_group) if settings.refine else None
    best: Solution | None = None
    tried: TwinFinding | None = None
    if suspicion is not None:
        # Atoms in the phases of a twin that is taken for a single crystal would cost much time.
        few = replace(settings, refine=False, starts=min(settings.starts, _FIRST_STARTS))
        phases = run(few)
        # Symmetry and heavy atoms make intensities alike too, and then phases are certain.
        if suspicion.likely or phases.probability < SOLVED:
            half = None if settings.time_limit is None else settings.time_limit / 2.0
            best = as_twin(phases, suspicion, TimeLimit(half))
            tried = suspicion
        stopwatch.stop("twin")
    if best is None or best.verdict != "solved":
        solution = run(settings)
        if tried is not None:
            solution = suspect_twin(solution, tried)
        elif settings.refine:
            twin = _fitted_twin(solution, suspicion)
            best = None if twin is None else as_twin(solution, twin, limit)
        best = twin_or_single(best, solution)
    if suspicion is not None and suspicion.likely and not best.is_solved:
        notes += [suspicion.reason, _UNSOLVED_TWIN]
        best = replace(best, twin=suspicion)
    best = _sparse(best)
    stopwatch.stop("twin")
    if limit.was_reached:
        notes.append(f"{_TIME_NOTE} ({settings.time_limit:g} s)")
    return replace(
        best,
        notes=tuple(dict.fromkeys([*notes, *best.notes])),
        seconds=stopwatch.seconds,
    )


def _is_explained(candidate: Candidate, d_min: float) -> bool:
    """Tell whether the atoms of a candidate, if it has any, explain data that resolve atoms."""
    is_explained = candidate.model is None or candidate.model.r1 < _UNEXPLAINED_R1
    return is_explained or not resolves_atoms(d_min)


def _agree(hkl: npt.NDArray[np.int64], candidate: Candidate, ending: Ending) -> bool:
    """Tell whether an ending has the phases of a candidate, over the reflections hkl (n, 3)."""
    return phase_agreement(hkl, candidate.ending.phased, ending.phased) > _SAME_PHASES


def _sparse(solution: Solution) -> Solution:
    """Return a solution that is called probable at most where most reflections are missing."""
    completeness = solution.merged.completeness
    if solution.verdict != "solved" or not completeness < SPARSE:
        return solution
    reason = f"the data are {100 * completeness:.0f} % complete, too few for certainty"
    return replace(
        solution, verdict="probable", probability=SOLVED, reasons=(*solution.reasons, reason)
    )


def _suspected_twin(reflections: Reflections, spacegroup: str) -> TwinFinding | None:
    """Return a twin law by which intensities are alike; None without one, or for too few data."""
    finding = find_twin(merge(reflections, spacegroup=spacegroup))
    return finding if finding is not None and finding.significant else None


def _fitted_twin(solution: Solution, suspicion: TwinFinding | None) -> TwinFinding | None:
    """Return the twin that refined atoms speak for; None without atoms, or for one crystal.

    Atoms that are the average of both domains obey the law, and say nothing of it: where they
    explain the data badly, the law that intensities are `suspicion` of stays.
    """
    if solution.model is None or not solution.is_solved:
        return suspicion
    calculated = np.abs(solution.model.structure_factors) ** 2
    finding = find_twin(solution.merged, calculated=calculated)
    if finding is not None and finding.likely:
        return finding
    return suspicion if solution.model.r1 > _AVERAGED_R1 else None


def _solved(
    reflections: Reflections,
    start_group: str,
    stated: str | None,
    radiation: Radiation,
    contents: Mapping[str, float] | None,
    known: KnownStart | None,
    settings: SolveSettings,
    limit: TimeLimit,
    progress: Callable[[SearchProgress], None] | None,
    stopwatch: _Stopwatch,
) -> Solution:
    """Phase reflections of one crystal, and find its atoms; see `solve`."""
    cell = cell_parameters(reflections.cell or ())
    basis = primitive_basis(cell, start_group)
    data = primitive_reflections(merge_in_point_group(reflections, cell, start_group), basis)
    stopwatch.stop("data")

    def find_group(p1: npt.NDArray[np.complexfloating]) -> str:
        return rank_space_groups(data, p1, start_group)[0].spacegroup

    known_phases = None if known is None else start_phases(known, data)
    search = PhaseSearch(data, start_group, settings, find_group, limit, known_phases)
    best: Candidate | None = None
    if known_phases is not None:
        best = grown(search, reflections, data, known_phases, radiation, contents, settings, limit)
        stopwatch.stop("phases of the start")

    def candidates() -> Iterator[Candidate]:
        # Atoms whose elements are free cost much time: those of doubtful phases wait until their
        # start has ended, for it may end in better phases.
        waiting: Candidate | None = None
        for ending in search.candidates(progress):
            stopwatch.stop("phases")
            if best is not None and best.probability > SOLVED and _agree(data.hkl, best, ending):
                break
            if waiting is not None and waiting.ending.start != ending.start:
                yield with_free_elements(waiting, contents, data.d_min, limit)
                waiting = None
            ranked = rank_space_groups(data, ending.p1, start_group)
            ending = in_best_group(search, ending, ranked, stated)
            stopwatch.stop("space group")
            candidate = with_atoms(
                reflections, data, ending, ranked, radiation, contents, settings, limit
            )
            if candidate.probability > SOLVED and _is_explained(candidate, data.d_min):
                yield with_free_elements(candidate, contents, data.d_min, limit)
            else:
                yield candidate
                waiting = candidate
        if waiting is not None:
            yield with_free_elements(waiting, contents, data.d_min, limit)

    is_solved = best is not None and best.probability > SOLVED
    more = _MORE_PHASES
    for candidate in () if is_solved else candidates():
        stopwatch.stop("atoms")
        if best is None or candidate.probability > best.probability:
            best = candidate
        if limit.is_over():
            break
        if best.probability > SOLVED:
            if more == 0 or _is_explained(best, data.d_min):
                break
            more -= 1
    stopwatch.stop("phases")
    if best is None:
        raise ArgandError("no phases: the search was ended before its first result")
    notes = list(best.notes)
    if known is not None:
        origin = "these" if search.is_known(best.ending.start) else "random ones"
        notes.append(
            f"the search began with the phases of {known.source} ({known.kind}); the best phases "
            f"come from {origin}"
        )
    if best.probability > _WORTH_WORDS:
        notes += group_notes(best.ending, stated, best.ranked)
    best, absolute = in_right_hand(reflections, best, contents)
    stopwatch.stop("absolute structure")
    r1 = None if best.model is None else best.model.r1
    verdict, reasons = verdict_of(best.ending.figures, best.probability, data.d_min, r1)
    return Solution(
        name="",
        verdict=verdict,
        probability=best.probability,
        reasons=reasons,
        spacegroup=best.ending.spacegroup,
        stated_spacegroup=stated,
        alternatives=best.ranked,
        merged=best.phased.merged,
        structure_factors=final_phases(best),
        model=best.model,
        radiation=radiation,
        figures=best.ending.figures,
        starts=search.starts,
        cycles=search.cycles,
        flack=None if absolute is None else absolute.flack,
        twin=None,
        statistics=intensity_statistics(best.phased.merged),
        notes=tuple(notes),
        seconds=stopwatch.seconds,
    )
