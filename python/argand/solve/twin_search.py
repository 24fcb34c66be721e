"""Search for the phases of a twin: intensities are shared between its domains as phases come.

At a fraction near a half the intensities of the domains cannot be separated beforehand. A density
predicts those of both domains, though, and shares what was measured; the next cycles then run on
the intensities of one domain alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.rows import find_rows
from argand.solve.candidate_group import CandidateGroup
from argand.solve.figures import FigureCalculator
from argand.solve.modification import DensityModification
from argand.solve.primitive import PrimitiveReflections, normalised_amplitudes
from argand.solve.search import Ending
from argand.solve.settings import PhasingRecipe, SolveSettings, TimeLimit, recipe_for
from argand.solve.starts import random_start
from argand.solve.verdict import probability_of_phases

__all__ = ["twin_endings"]

ComplexArray = npt.NDArray[np.complexfloating]

# Cycles of flipping between two times of sharing, and how often intensities are shared.
_CYCLES = 60
_SHARINGS = 8

# A domain gets at least this share of an intensity, for a density may be wrong.
_LEAST_SHARE = 0.15

# Elimination threshold of the density that shares intensities, in standard deviations.
_SHARE_THRESHOLD = 1.0


def twin_endings(
    data: PrimitiveReflections,
    spacegroup: str,
    law: FloatArray,
    fraction: float,
    settings: SolveSettings,
    limit: TimeLimit,
) -> Iterator[Ending]:
    """Run random starts on the intensities of a twin, and yield what each of them ends in.

    Phases have the amplitudes of the first domain, as the density shares the intensities.

    Parameters
    ----------
    data
        Intensities of the twin in P 1.
    spacegroup
        Space group of one domain.
    law : (3, 3)
        h' = law h of conventional indices.
    fraction
        Share of the second domain.
    settings
        Seed, number of starts, threads.
    limit
        When the search ends.
    """
    recipe = recipe_for(data.d_min)
    group = CandidateGroup(data, spacegroup)
    figures = FigureCalculator(data, settings.seed)
    partner = _partner_rows(data, law)
    for start in range(settings.starts):
        if limit.is_over():
            return
        phased, shift, agreement = _ending(data, group, partner, fraction, recipe, settings, start)
        # Figures are those of the intensities as they were measured.
        with_amplitudes = data.amplitude * np.exp(1j * np.angle(phased))
        quality = figures(with_amplitudes, agreement)
        yield Ending(
            spacegroup=spacegroup,
            p1=with_amplitudes,
            phased=phased,
            shift=shift,
            figures=quality,
            probability=probability_of_phases(quality, data.d_min),
            start=start,
            cycles=_CYCLES * _SHARINGS,
        )


def _ending(
    data: PrimitiveReflections,
    group: CandidateGroup,
    partner: npt.NDArray[np.intp],
    fraction: float,
    recipe: PhasingRecipe,
    settings: SolveSettings,
    start: int,
) -> tuple[ComplexArray, FloatArray, float]:
    """Return |F| of one domain with phases (n,) in the group, its origin, and its agreement."""
    domain = data
    modification = DensityModification(data, recipe, settings.threads)
    n = modification.space.measured
    f = np.zeros((1, len(modification.space.hkl)), np.complex64)
    f[0, :n] = random_start(data, settings.seed, start)
    origin: npt.NDArray[np.floating] = np.zeros(1, np.float32)
    threshold = recipe.thresholds[start % len(recipe.thresholds)]
    for _ in range(_SHARINGS):
        f, origin, calculated = modification.flip(f, origin, _CYCLES, threshold)
        polished = modification.polish(calculated[:, :n])
        placement = group.place(polished[0])
        phased = modification.settle(placement.phased, group.average, placement.fit)
        predicted = modification.predicted(phased, _SHARE_THRESHOLD)
        domain = _domain(data, predicted, partner, fraction)
        modification = DensityModification(domain, recipe, settings.threads)
        # The other hand may have been taken.
        f[0, :n] = domain.normalised * np.exp(1j * np.angle(phased))
    ending: ComplexArray = domain.amplitude * np.exp(1j * np.angle(phased))
    return ending, placement.fit.shift, placement.fit.agreement


def _domain(
    data: PrimitiveReflections,
    predicted: FloatArray,
    partner: npt.NDArray[np.intp],
    fraction: float,
) -> PrimitiveReflections:
    """Share the intensities (n,) of a twin as a density predicts |F|^2 of one domain."""
    other = np.where(partner >= 0, predicted[partner], predicted)
    total = (1.0 - fraction) * predicted + fraction * other
    share = np.divide(predicted, total, out=np.ones_like(total), where=total > 0)
    share = np.clip(share, _LEAST_SHARE, 1.0 / max(1.0 - fraction, _LEAST_SHARE))
    amplitude = data.amplitude * np.sqrt(share)
    return replace(
        data,
        amplitude=amplitude,
        intensity=data.intensity * share,
        sigma=data.sigma * share,
        normalised=normalised_amplitudes(amplitude, data.spacing),
    )


def _partner_rows(data: PrimitiveReflections, law: FloatArray) -> npt.NDArray[np.intp]:
    """Return the row (n,) of the reflection, or its mate, to which a law takes each; or -1."""
    in_primitive = data.basis.T @ law @ np.linalg.inv(data.basis.T)
    moved = np.rint(data.hkl @ in_primitive.T).astype(np.int64)
    both = np.concatenate([data.hkl, -data.hkl])
    rows = find_rows(both, moved)
    return np.where(rows >= 0, rows % len(data.hkl), -1)
