"""Go from measured reflections of an unknown crystal to phases, space group and atoms."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import cell_parameters
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured import Merged, intensity_statistics, merge
from argand.radiation import Radiation
from argand.reflections import index_codes, stol
from argand.solve.absolute import AbsoluteStructure, absolute_structure, inverted
from argand.solve.model import AtomicModel, build_model
from argand.solve.primitive import (
    PrimitiveReflections,
    merge_in_point_group,
    primitive_basis,
    primitive_reflections,
)
from argand.solve.search import Ending, PhaseSearch, SearchProgress
from argand.solve.settings import SolveSettings
from argand.solve.solution import Solution
from argand.solve.space_group import RankedGroup, rank_space_groups
from argand.solve.verdict import SOLVED, probability_with_atoms, verdict_of
from argand.structure_factors import structure_factors
from argand.symmetry import group_ops, spacegroup_name, triplets

__all__ = ["Phased", "solve"]

ComplexArray = npt.NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Phased:
    """Hold unique reflections of a space group with phases.

    Parameters
    ----------
    merged
        Unique reflections in the conventional cell.
    structure_factors : (n,) complex
        |F| exp(i phi) of `merged.hkl`, on the scale of the data.
    radiation
        What the crystal was measured with.
    """

    merged: Merged
    structure_factors: ComplexArray
    radiation: Radiation


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
        The reflections cannot be merged, or have no cell.
    """
    if settings is None:
        settings = SolveSettings()
    if cell is None:
        cell = reflections.cell
    if cell is None:
        raise ArgandError("the reflections have no cell: give one")
    unit_cell = cell_parameters(cell)
    reflections = replace(reflections, cell=unit_cell)
    if wavelength is None:
        wavelength = reflections.wavelength
    radiation = Radiation("x-ray", wavelength, dispersion=wavelength is not None)
    stated = spacegroup if spacegroup is not None else reflections.spacegroup
    stopwatch = _Stopwatch()
    notes: list[str] = []
    if stated is None:
        first_group = laue_candidates(reflections, unit_cell)[0].spacegroup
        notes.append(f"no space group is stated: {first_group} has the symmetry of the intensities")
    else:
        group = group_ops(stated)
        stated = spacegroup_name(group) or ";".join(triplets(group))
        first_group = stated
    if settings.d_min is not None:
        reflections = reflections[0.5 / stol(reflections.hkl, unit_cell) >= settings.d_min]
    basis = primitive_basis(unit_cell, first_group)
    laue_merged = merge_in_point_group(reflections, unit_cell, first_group)
    data = primitive_reflections(laue_merged, basis)
    stopwatch.stop("data")

    def find_group(p1: npt.NDArray[np.complexfloating]) -> str:
        return rank_space_groups(data, p1, first_group)[0].spacegroup

    search = PhaseSearch(data, first_group, settings, find_group)
    best: _Candidate | None = None
    for ending in search.candidates(progress):
        stopwatch.stop("phases")
        ranked = rank_space_groups(data, ending.p1, first_group)
        ending = _in_best_group(search, ending, ranked, stated)
        stopwatch.stop("space group")
        candidate = _with_atoms(reflections, data, ending, ranked, radiation, contents, settings)
        stopwatch.stop("atoms")
        if best is None or candidate.probability > best.probability:
            best = candidate
        if best.probability > SOLVED:
            break
    stopwatch.stop("phases")
    if best is None:
        raise ArgandError("no phases: the search was ended before its first result")
    notes += best.notes
    if best.probability > _WORTH_WORDS:
        notes += _group_notes(best.ending, stated, best.ranked)
    best, absolute = _in_right_hand(reflections, best, contents)
    stopwatch.stop("absolute structure")
    model = best.model
    r1 = None if model is None else model.r1
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
        structure_factors=_final_phases(best),
        model=model,
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


def _in_right_hand(
    reflections: Reflections, best: _Candidate, contents: Mapping[str, float] | None
) -> tuple[_Candidate, AbsoluteStructure | None]:
    """Invert a refined structure where dispersion says that the crystal has the other hand.

    Returns the candidate, and what the data say about the hand; None where there are no atoms or
    the group has a centre.
    """
    model = best.model
    spacegroup = best.ending.spacegroup
    if model is None or group_ops(spacegroup).is_centrosymmetric():
        return best, None
    radiation = best.phased.radiation
    mates = merge(reflections, spacegroup=spacegroup, keep_mates=True)
    absolute = absolute_structure(model.crystal, mates, radiation)
    if absolute.hand != "inverted":
        return best, absolute
    crystal = inverted(model.crystal)
    merged = merge(reflections, spacegroup=crystal.spacegroup)
    calculated = structure_factors(crystal, merged.hkl)
    amplitude = np.sqrt(np.maximum(merged.intensity, 0.0))
    phased = Phased(merged, amplitude * np.exp(1j * np.angle(calculated)), radiation)
    again = build_model(phased, contents)
    if again.r1 > model.r1 + _WORSE_R1:
        return best, absolute
    ending = replace(best.ending, spacegroup=crystal.spacegroup)
    turned = replace(best, ending=ending, phased=phased, model=again)
    mates = merge(reflections, spacegroup=crystal.spacegroup, keep_mates=True)
    return turned, absolute_structure(again.crystal, mates, radiation)


# Atoms of a lower R1 have better phases than the density that they were found in.
_BETTER_R1 = 0.15


def _final_phases(best: _Candidate) -> ComplexArray:
    """Return measured amplitudes with phases (n,): of the refined atoms where these are right."""
    measured = best.phased.structure_factors
    if best.model is None or best.probability < SOLVED or best.model.r1 > _BETTER_R1:
        return measured
    amplitude = np.sqrt(np.maximum(best.phased.merged.intensity, 0.0))
    phased: ComplexArray = amplitude * np.exp(1j * np.angle(best.model.structure_factors))
    return phased


# The inverted structure is taken where its R1 is no larger than by this.
_WORSE_R1 = 0.01


@dataclass(frozen=True, eq=False)
class _Candidate:
    """Hold phases in a space group, the atoms in them, and the probability that they are right."""

    ending: Ending
    ranked: tuple[RankedGroup, ...]
    phased: Phased
    model: AtomicModel | None
    probability: float
    notes: tuple[str, ...]


# Atoms are looked for again in the phases of a model of R1 above this, at most so often, and again
# while R1 falls by this factor.
_UNFINISHED_R1 = 0.12
_REBUILDS = 4
_FALLING = 0.97


def _rebuilt(
    phased: Phased, model: AtomicModel, contents: Mapping[str, float] | None
) -> AtomicModel:
    """Look for atoms again with the phases of a model that is not finished, while it improves."""
    best = model
    for _ in range(_REBUILDS):
        if best.r1 < _UNFINISHED_R1:
            break
        phase = np.exp(1j * np.angle(best.structure_factors))
        amplitude = np.abs(phased.structure_factors)
        again = build_model(replace(phased, structure_factors=amplitude * phase), contents)
        if again.r1 > _FALLING * best.r1:
            break
        best = again
    return best


# Below this probability of its phases no atoms are looked for: refinement would fit noise.
_WORTH_ATOMS = 0.02

# Below this probability nothing is said about the space group.
_WORTH_WORDS = 0.3


def _with_atoms(
    reflections: Reflections,
    data: PrimitiveReflections,
    ending: Ending,
    ranked: tuple[RankedGroup, ...],
    radiation: Radiation,
    contents: Mapping[str, float] | None,
    settings: SolveSettings,
) -> _Candidate:
    """Find and refine the atoms in phases, and judge both together."""
    cell = reflections.cell
    merged = merge(reflections, cell=cell, spacegroup=ending.spacegroup)
    phased = Phased(merged, _phases_in_group(merged, data, ending), radiation)
    model: AtomicModel | None = None
    notes: tuple[str, ...] = ()
    if settings.refine and ending.probability > _WORTH_ATOMS:
        try:
            model = build_model(phased, contents)
            model = _rebuilt(phased, model, contents)
        except ArgandError as error:
            notes = (f"no atoms were refined: {error}",)
    probability = ending.probability
    if model is not None:
        probability = probability_with_atoms(probability, model.r1, data.d_min)
    return _Candidate(ending, ranked, phased, model, probability, notes)


# The stated space group is left where another one has so much more likelihood (logarithm).
_DECISIVE = 4.0

# A better ranked group is taken where it explains the strong reflections no worse than by this.
_WORSE_RESIDUAL = 0.02


def _in_best_group(
    search: PhaseSearch, ending: Ending, ranked: Sequence[RankedGroup], stated: str | None
) -> Ending:
    """Return the ending in the best space group: the best two are imposed and compared.

    The space group that the data came with is left only where the data contradict it.

    Parameters
    ----------
    search
        What found the ending.
    ending
        Phases, in the group that they were looked at in.
    ranked
        Space groups by what the phases in P 1 say, best first.
    stated
        Space group that the data came with; None where none is stated.
    """
    best = ranked[0]
    for group in ranked:
        is_stated = stated is not None and _is_same_or_mirrored(group.spacegroup, stated)
        if is_stated and not group.refused and group.score > best.score - _DECISIVE:
            best = group
            break
    if best.refused or _is_same_or_mirrored(best.spacegroup, ending.spacegroup):
        return ending
    other = search.impose(ending.p1, best.spacegroup, ending.start, ending.cycles)
    is_worse = other.figures.strong_residual > ending.figures.strong_residual + _WORSE_RESIDUAL
    if is_worse and other.probability <= ending.probability:
        return ending
    return other


def _is_same_or_mirrored(first: str, second: str) -> bool:
    """Tell whether two space groups are one, or the two hands of an enantiomorphic pair."""
    if first == second:
        return True
    operations = set(triplets(group_ops(second)))
    mirrored: set[str] = set()
    for triplet in triplets(group_ops(first)):
        operation = gemmi.Op(triplet)
        operation.tran = [-shift for shift in operation.tran]
        mirrored.add(operation.wrap().triplet())
    return mirrored == operations


def _group_notes(ending: Ending, stated: str | None, ranked: Sequence[RankedGroup]) -> list[str]:
    """Say in sentences where the space group is not the one that the data came with."""
    if stated is None or stated == ending.spacegroup:
        return []
    reasons = {group.spacegroup: group.reasons for group in ranked}
    notes = [f"the data contradict the space group {stated}: {ending.spacegroup} fits better"]
    for name in (ending.spacegroup, stated):
        if reasons.get(name):
            notes.append(f"{name}: {'; '.join(reasons[name])}")
    return notes


def _phases_in_group(merged: Merged, data: PrimitiveReflections, ending: Ending) -> ComplexArray:
    """Return F (n,) of merged reflections, about the origin of the group's setting.

    A reflection that the data in P 1 lack counts as 0.
    """
    hkl = np.rint(merged.hkl @ data.basis).astype(np.int64)
    about_origin = ending.phased * np.exp(-2j * np.pi * (data.hkl @ ending.shift))
    both = np.concatenate([data.hkl, -data.hkl, hkl])
    codes = index_codes(both)
    count = len(data.hkl)
    order = np.argsort(codes[: 2 * count], kind="stable")
    sorted_codes = codes[: 2 * count][order]
    wanted = codes[2 * count :]
    place = np.minimum(np.searchsorted(sorted_codes, wanted), 2 * count - 1)
    values = np.concatenate([about_origin, about_origin.conj()])[order][place]
    found: ComplexArray = np.where(sorted_codes[place] == wanted, values, 0.0)
    return found
