"""Find the atoms in phases of a space group, judge both together, and choose the hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured import Merged, merge
from argand.radiation import Radiation
from argand.rows import find_rows
from argand.solve.absolute import AbsoluteStructure, absolute_structure, inverted
from argand.solve.model import AtomicModel, build_model
from argand.solve.primitive import PrimitiveReflections
from argand.solve.search import Ending
from argand.solve.settings import SolveSettings, TimeLimit
from argand.solve.space_group import RankedGroup
from argand.solve.verdict import SOLVED, probability_with_atoms
from argand.structure_factors import structure_factors
from argand.symmetry import group_ops

__all__ = [
    "Candidate",
    "PhasedReflections",
    "final_phases",
    "found_atoms",
    "in_right_hand",
    "phases_in_group",
    "with_atoms",
    "with_free_elements",
    "without_content",
]

ComplexArray = npt.NDArray[np.complex128]

# Atoms are looked for again in the phases of a model of R1 above this, at most so often, and again
# while R1 falls by this factor.
_UNFINISHED_R1 = 0.12
_REBUILDS = 4
_FALLING = 0.97

# Below this probability of its phases no atoms are looked for: refinement would fit noise.
_WORTH_ATOMS = 0.02

# Where R1 of atoms of the stated content is above this, or fewer than this share of the content was
# found, they are named without it too, and taken where their R1 is lower by the third factor.
_DOUBTFUL_R1 = 0.1
_LEAST_FOUND = 0.8
_DECIDEDLY = 0.8
_CONTENT_NOTE = "atoms of the stated content explain the data much worse: density named them"

# Atoms of a lower R1 have better phases than the density that they were found in.
_BETTER_R1 = 0.1

# The inverted structure is taken where its R1 is no larger than by this.
_WORSE_R1 = 0.01


@dataclass(frozen=True, eq=False)
class PhasedReflections:
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


@dataclass(frozen=True, eq=False)
class Candidate:
    """Hold phases in a space group, the atoms in them, and the probability that they are right."""

    ending: Ending
    ranked: tuple[RankedGroup, ...]
    phased: PhasedReflections
    model: AtomicModel | None
    probability: float
    notes: tuple[str, ...]


def with_atoms(
    reflections: Reflections,
    data: PrimitiveReflections,
    ending: Ending,
    ranked: tuple[RankedGroup, ...],
    radiation: Radiation,
    contents: Mapping[str, float] | None,
    settings: SolveSettings,
    limit: TimeLimit,
) -> Candidate:
    """Find and refine the atoms in phases, of the stated content, and judge both together."""
    phased = phases_in_group(reflections, data, ending, radiation)
    model: AtomicModel | None = None
    notes: tuple[str, ...] = ()
    if settings.refine and ending.probability > _WORTH_ATOMS:
        model, notes = found_atoms(phased, contents, limit)
    probability = ending.probability
    if model is not None:
        probability = probability_with_atoms(probability, model.r1, data.d_min)
    return Candidate(ending, ranked, phased, model, probability, notes)


def found_atoms(
    phased: PhasedReflections, contents: Mapping[str, float] | None, limit: TimeLimit
) -> tuple[AtomicModel | None, tuple[str, ...]]:
    """Find and refine the atoms in phases.

    Atoms that do not explain the data are looked for again until the time is over. Returns the
    model, None where none was found, and notes.
    """
    try:
        return _rebuilt(phased, build_model(phased, contents), contents, limit), ()
    except ArgandError as error:
        return None, (f"no atoms were refined: {error}",)


def without_content(
    phased: PhasedReflections,
    model: AtomicModel,
    contents: Mapping[str, float] | None,
    limit: TimeLimit,
) -> tuple[AtomicModel, tuple[str, ...]]:
    """Name the atoms by the density alone where the stated content explains the data badly.

    Returns the model, which is another one only where its R1 is much lower, and notes.
    """
    if contents is None or not _is_doubtful(model, contents) or limit.is_over():
        return model, ()
    try:
        free = _rebuilt(phased, build_model(phased, None), None, limit)
    except ArgandError:
        return model, ()
    return (free, (_CONTENT_NOTE,)) if free.r1 < _DECIDEDLY * model.r1 else (model, ())


def with_free_elements(
    candidate: Candidate, contents: Mapping[str, float] | None, d_min: float, limit: TimeLimit
) -> Candidate:
    """Return a candidate whose atoms are those of the stated content only where it fits them."""
    if candidate.model is None:
        return candidate
    model, notes = without_content(candidate.phased, candidate.model, contents, limit)
    probability = probability_with_atoms(candidate.ending.probability, model.r1, d_min)
    return replace(
        candidate, model=model, probability=probability, notes=(*candidate.notes, *notes)
    )


def in_right_hand(
    reflections: Reflections, best: Candidate, contents: Mapping[str, float] | None
) -> tuple[Candidate, AbsoluteStructure | None]:
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
    phased = PhasedReflections(merged, amplitude * np.exp(1j * np.angle(calculated)), radiation)
    again = build_model(phased, contents)
    if again.r1 > model.r1 + _WORSE_R1:
        return best, absolute
    ending = replace(best.ending, spacegroup=crystal.spacegroup)
    turned = replace(best, ending=ending, phased=phased, model=again)
    mates = merge(reflections, spacegroup=crystal.spacegroup, keep_mates=True)
    return turned, absolute_structure(again.crystal, mates, radiation)


def final_phases(best: Candidate) -> ComplexArray:
    """Return measured amplitudes with phases (n,): of the refined atoms where these are right."""
    measured = best.phased.structure_factors
    if best.model is None or best.probability < SOLVED or best.model.r1 > _BETTER_R1:
        return measured
    amplitude = np.sqrt(np.maximum(best.phased.merged.intensity, 0.0))
    phased: ComplexArray = amplitude * np.exp(1j * np.angle(best.model.structure_factors))
    return phased


def _is_doubtful(model: AtomicModel, contents: Mapping[str, float]) -> bool:
    """Tell whether atoms of a stated content fit badly, or are others than it says."""
    composition = model.crystal.composition()
    heavy = {name: count for name, count in contents.items() if name not in ("H", "D")}
    stated_atoms = sum(heavy.values())
    named_atoms = sum(min(count, composition.get(name, 0.0)) for name, count in heavy.items())
    return model.r1 > _DOUBTFUL_R1 or named_atoms < _LEAST_FOUND * stated_atoms


def _rebuilt(
    phased: PhasedReflections,
    model: AtomicModel,
    contents: Mapping[str, float] | None,
    limit: TimeLimit,
) -> AtomicModel:
    """Look for atoms again with the phases of a model that is not finished, while it improves."""
    best = model
    for _ in range(_REBUILDS):
        if best.r1 < _UNFINISHED_R1 or limit.is_over():
            break
        phase = np.exp(1j * np.angle(best.structure_factors))
        amplitude = np.abs(phased.structure_factors)
        again = build_model(replace(phased, structure_factors=amplitude * phase), contents)
        if again.r1 > _FALLING * best.r1:
            break
        best = again
    return best


def phases_in_group(
    reflections: Reflections, data: PrimitiveReflections, ending: Ending, radiation: Radiation
) -> PhasedReflections:
    """Merge reflections in the group of an ending, with its phases about the origin of the setting.

    A reflection that the data in P 1 lack counts as 0.
    """
    merged = merge(reflections, cell=reflections.cell, spacegroup=ending.spacegroup)
    hkl = np.rint(merged.hkl @ data.basis).astype(np.int64)
    about_origin = ending.phased * np.exp(-2j * np.pi * (data.hkl @ ending.shift))
    # Row -1 of a reflection that is not listed is the last one, 0.
    values = np.concatenate([about_origin, about_origin.conj(), np.zeros(1)])
    rows = find_rows(np.concatenate([data.hkl, -data.hkl]), hkl)
    return PhasedReflections(merged, np.asarray(values[rows]), radiation)
