"""Grow a structure from phases that are known: restore the density, find atoms, begin again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from argand.errors import ArgandError
from argand.io import Reflections
from argand.radiation import Radiation
from argand.solve.candidate import Candidate, found_atoms, phases_in_group, without_content
from argand.solve.known_start import known_start, start_phases
from argand.solve.model import build_model
from argand.solve.primitive import PrimitiveReflections
from argand.solve.search import PhaseSearch
from argand.solve.settings import SolveSettings, TimeLimit
from argand.solve.space_group import rank_space_groups
from argand.solve.verdict import probability_with_atoms

__all__ = ["grown"]

# The density is restored at most so often from the atoms that were found in it ...
_ROUNDS = 4

# ... while R1 is above this and falls by this factor.
_FINISHED_R1 = 0.12
_FALLING = 0.97

# Atoms of a lower R1 are looked for more thoroughly: wrong ones seldom have it.
_PROMISING_R1 = 0.3


def grown(
    search: PhaseSearch,
    reflections: Reflections,
    data: PrimitiveReflections,
    known: npt.NDArray[np.complexfloating],
    radiation: Radiation,
    contents: Mapping[str, float] | None,
    settings: SolveSettings,
    limit: TimeLimit,
) -> Candidate:
    """Grow atoms from known phases, and judge the phases of the atoms by themselves.

    Atoms are found in the restored density, and their phases restore it again, while R1 falls and
    the time is not over.

    Parameters
    ----------
    search
        Search whose group the phases belong to.
    reflections
        Measured reflections.
    data
        Reflections in P 1.
    known : (n,)
        |E| with phases of `data`, weighted by how certain they are.
    radiation, contents, settings, limit
        As `argand.solve.pipeline.solve` has them.
    """
    ending = search.restore(known)
    phased = phases_in_group(reflections, data, ending, radiation)
    ranked = rank_space_groups(data, ending.p1, ending.spacegroup)
    best = Candidate(ending, ranked, phased, None, ending.probability, ())
    if not settings.refine:
        return best
    try:
        model = build_model(phased, contents)
        for _ in range(_ROUNDS):
            if model.r1 < _FINISHED_R1 or limit.is_over():
                break
            ending = search.restore(start_phases(known_start(model.crystal), data))
            phased = phases_in_group(reflections, data, ending, radiation)
            again = build_model(phased, contents)
            if again.r1 > _FALLING * model.r1:
                break
            model = again
    except ArgandError as error:
        return replace(best, notes=(f"no atoms were refined: {error}",))
    # Atoms of the last density have the lowest R1, or one that hardly differs from it.
    notes: tuple[str, ...] = ()
    if model.r1 < _PROMISING_R1:
        found, _ = found_atoms(phased, contents, limit)
        if found is not None and found.r1 < model.r1:
            model = found
        model, notes = without_content(phased, model, contents, limit)
    ending = search.judge(known_start(model.crystal).of_data(data))
    phased = phases_in_group(reflections, data, ending, radiation)
    probability = probability_with_atoms(ending.probability, model.r1, data.d_min)
    if probability > best.probability:
        best = Candidate(ending, ranked, phased, model, probability, notes)
    return best
