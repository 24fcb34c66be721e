"""Rank the space groups that phases in P 1 can have, by their agreement and by extinctions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.solve.equivalents import RowArray, equivalent_rows
from argand.solve.extinctions import Extinctions, find_extinctions, unmeasured_reflections
from argand.solve.group_candidates import GroupCandidate, LaueCandidates, group_candidates
from argand.solve.group_fit import GroupAverage, GroupFit
from argand.solve.primitive import PrimitiveReflections
from argand.solve.rotation_maps import RotationMaps
from argand.symmetry import SpaceGroup

__all__ = ["RankedGroup", "rank_space_groups"]

# Reflections of lowest angles that the first search uses: enough to tell groups apart, and few
# enough for a coarse grid.
_SEARCHED = 1_000

# Groups that are compared on all reflections after the first search.
_REFINED = 12

# Agreement that a wrong operation reaches at its best place, on average, whatever the phases.
_WRONG_AGREEMENT = 0.25

# An operation that agrees by less than this share of what is expected counts as wrong: operations
# that one heavy atom obeys alone reach .8, right ones of measured data .75 to 1. Between these only
# a solution in both groups decides.
_PSEUDO_SHARE = 0.74

# An operation that agrees by less than this counts as wrong, however poor the phases are.
_LEAST_LIMIT = 0.34

# Right phases agree with themselves at least this well; poorer ones do not lower what is expected.
# Where inversion is the only operation nothing else tells how good the phases are.
_LEAST_QUALITY = 0.5
_LEAST_QUALITY_ALONE = 0.7

# Logarithm of likelihood for each unit of agreement: right and wrong operations lie .5 apart and
# scatter by .15 each, but they are not independent of each other.
_GAIN = 12.0

# A group is refused where its weakest operation reaches less than this share of what is expected.
_WEAKEST_SHARE = 0.45

# Mean |E^2 - 1| is .968 with a centre of symmetry and .736 without: this is the middle.
_MIDDLE_OF_E = 0.852

# Mean |E^2 - 1| so far from the middle changes the logarithm of likelihood by 1, and at most by 2:
# heavy atoms and pseudo-symmetry have distributions of their own.
_SPREAD_OF_E = 0.06
_MOST_OF_E = 2.0

# Three of four crystals have a centre of symmetry, which is ln 3; half of that, since those that
# look as if they had one are not typical.
_CENTRE_PRIOR = 0.5

# Shells of resolution are left out of the statistics of E where the mean I/sigma is below this.
_SIGNAL = 4.0

# Number of these shells.
_SHELLS = 10

# Fewer general reflections say nothing about a centre.
_FEWEST_GENERAL = 150


@dataclass(frozen=True, eq=False)
class RankedGroup:
    """Hold what speaks for and against a space group.

    Attributes
    ----------
    spacegroup
        Extended Hermann-Mauguin name, or operations joined by ';'.
    agreement, weakest
        Mean and least agreement of its operations with the phases in P 1, see `GroupFit`.
    extinguished
        Mean intensity of the reflections that it extinguishes over the mean at their resolution;
        NaN where none was measured.
    extinct
        How many unique reflections it extinguishes among those measured.
    score
        Logarithm of likelihood, up to a constant that all groups share.
    refused
        Whether the data contradict it.
    shift : (3,) float
        Its origin in the P 1 phases, in fractions of the primitive cell.
    reasons
        Sentences that say why.
    """

    spacegroup: str
    agreement: float
    weakest: float
    extinguished: float
    extinct: int
    score: float
    refused: bool
    shift: FloatArray
    reasons: tuple[str, ...]


def rank_space_groups(
    data: PrimitiveReflections,
    structure_factors: npt.NDArray[Any],
    spacegroup: SpaceGroup,
    most: int = 8,
) -> tuple[RankedGroup, ...]:
    """Rank all space groups of a Laue group and a lattice by phases in P 1, best first.

    Each operation counts by how much better it agrees than a wrong one would, in view of how well
    the best operations agree. Extinctions count by their significance, and |E| for or against a
    centre of symmetry, which most crystals have. A group and its enantiomorph have mirrored phases:
    only the one that has the hand of the phases agrees.

    Parameters
    ----------
    data
        Reflections in P 1, with those that screw axes and glide planes may extinguish.
    structure_factors : (n,) complex
        |F| with phases.
    spacegroup
        A space group of the Laue group and the centring, name or operations in the conventional
        cell: what the data were merged in.
    most
        Number of groups that are returned.
    """
    candidates = group_candidates(spacegroup, data.basis)
    f = np.asarray(structure_factors, np.complex64)
    rows = equivalent_rows(data.hkl, candidates.rotations)
    starts = _first_search(data, f, candidates, rows)
    fits: list[tuple[GroupCandidate, GroupFit]] = []
    for group, start in starts:
        rotations = candidates.rotations[group.numbers]
        average = GroupAverage(data.hkl, rotations, group.translations, rows[group.numbers])
        fits.append((group, average.fit(f, start)))
    quality = _phase_quality(fits, len(candidates.rotations))
    centre = _centre_evidence(data, rows)
    unmeasured = unmeasured_reflections(data)
    ranked = []
    for group, fit in fits:
        # Errors of two phases add up in a product; inversion has the error of one phase twice.
        expected = np.where(group.numbers == 1, quality**2, quality)
        limit = _limit(expected)
        operations = _GAIN * (fit.agreements - limit)[1:]
        extinctions = find_extinctions(data, candidates, group, rows, unmeasured)
        sign = 0.5 if group.is_centrosymmetric else -0.5
        score = float(operations.sum()) + extinctions.evidence + sign * (centre + _CENTRE_PRIOR)
        is_weak = bool((fit.agreements < _WEAKEST_SHARE * expected)[1:].any())
        ranked.append(
            RankedGroup(
                spacegroup=group.spacegroup,
                agreement=fit.agreement,
                weakest=fit.weakest,
                extinguished=extinctions.share,
                extinct=extinctions.count,
                score=score,
                refused=is_weak or extinctions.contradicted,
                shift=fit.shift,
                reasons=_reasons(group, fit.agreement, fit.weakest, is_weak, extinctions, centre),
            )
        )
    ranked.sort(key=lambda group: (group.refused, -group.score))
    return tuple(ranked[:most])


def _phase_quality(fits: list[tuple[GroupCandidate, GroupFit]], laue_order: int) -> float:
    """Estimate how well right operations agree, from the best that agree, in a Laue group."""
    quality = _LEAST_QUALITY if laue_order > 2 else _LEAST_QUALITY_ALONE
    for group, fit in fits:
        inverse = group.numbers == 1
        others = fit.agreements[1:][~inverse[1:]]
        quality = max(quality, float(others.max(initial=0.0)))
        quality = max(quality, float(fit.agreements[inverse].max(initial=0.0)) ** 0.5)
    return min(quality, 1.0)


def _limit(expected: FloatArray) -> FloatArray:
    """Return the agreements above which operations count as right, from those expected of them."""
    halfway = 0.5 * (expected + _WRONG_AGREEMENT)
    limit = np.maximum(halfway, _PSEUDO_SHARE * expected)
    return np.maximum(limit, _LEAST_LIMIT)


def _first_search(
    data: PrimitiveReflections,
    f: npt.NDArray[np.complex64],
    candidates: LaueCandidates,
    rows: RowArray,
) -> list[tuple[GroupCandidate, FloatArray]]:
    """Compare all groups on reflections of low angles; return the best with their origins (3,).

    The first candidate, which the data came with, is always among them.
    """
    near = np.arange(len(data.hkl))
    if len(near) > _SEARCHED:
        near = np.sort(np.argpartition(-data.spacing, _SEARCHED)[:_SEARCHED])
    hkl = data.hkl[near]
    near_rows = rows
    if len(near) < len(data.hkl):
        near_rows = equivalent_rows(hkl, candidates.rotations)
    maps = RotationMaps(hkl, f[near], candidates.rotations, near_rows)
    searched = [(group, *maps.best_origin(group)) for group in candidates.groups]
    best = max(float(agreements[1:].max(initial=0.0)) for _, _, agreements in searched)
    limit = float(_limit(np.array(max(best, _LEAST_QUALITY))))
    scores = [float((agreements[1:] - limit).sum()) for _, _, agreements in searched]
    order = np.argsort(-np.array(scores), kind="stable")[:_REFINED].tolist()
    if 0 not in order:
        order.append(0)
    return [(searched[number][0], searched[number][1]) for number in order]


def _centre_evidence(data: PrimitiveReflections, rows: RowArray) -> float:
    """Return ln of the likelihood of a centre of symmetry over none, by <|E^2 - 1|>; 0 if unknown.

    General reflections count, those that no rotation maps onto themselves or their mates.
    """
    count = len(data.hkl)
    own = np.arange(count)
    general = np.ones(count, bool)
    for row in rows[2:]:
        general &= (row != own) & (row != own + count)
    order = np.argsort(-data.spacing, kind="stable")
    for shell in np.array_split(order, _SHELLS):
        if len(shell) and np.mean(data.intensity[shell] / data.sigma[shell]) < _SIGNAL:
            general[shell] = False
    if int(general.sum()) < _FEWEST_GENERAL:
        return 0.0
    squared = np.square(data.normalised[general])
    moment = float(np.abs(squared / squared.mean() - 1.0).mean())
    evidence = (moment - _MIDDLE_OF_E) / _SPREAD_OF_E
    return float(np.clip(evidence, -_MOST_OF_E, _MOST_OF_E))


def _reasons(
    group: GroupCandidate,
    agreement: float,
    weakest: float,
    is_weak: bool,
    extinctions: Extinctions,
    centre: float,
) -> tuple[str, ...]:
    """Say in sentences what speaks for and against a group."""
    reasons: list[str] = []
    others = len(group.numbers) - 1
    if others:
        words = f"its {others} operations agree with the phases by {agreement:.2f} on average"
        if others == 1:
            words = f"its operation agrees with the phases by {agreement:.2f}"
        elif weakest < agreement - 0.05:
            words += f", the weakest by {weakest:.2f}"
        reasons.append(words + (", too little" if is_weak else ""))
    if extinctions.count:
        words = (
            f"the {extinctions.count} reflections that it extinguishes have "
            f"{100 * extinctions.share:.1f} % of the mean intensity, {extinctions.seen} are seen"
        )
        reasons.append(words + (", which contradicts it" if extinctions.contradicted else ""))
    elif extinctions.missing:
        reasons.append(
            f"all {extinctions.missing} reflections that it extinguishes are missing from the file"
        )
    if centre and group.is_centrosymmetric != (centre > 0):
        has = "no centre" if centre < 0 else "a centre"
        reasons.append(f"the distribution of intensities looks like that of a crystal with {has}")
    return tuple(reasons)
