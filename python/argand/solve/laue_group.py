"""Rank the Laue groups that measured reflections can have, by how well equivalents agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured import Merged, merge
from argand.measured.merging import group_means
from argand.reflections import index_codes, miller_indices, stol
from argand.rows import find_rows
from argand.symmetry import SpaceGroup, group_ops, spacegroup_name, triplets

__all__ = ["LaueGroup", "laue_candidates"]

IntArray = npt.NDArray[np.int64]
IndexArray = npt.NDArray[np.intp]

# A lattice has a symmetry where a direct and a reciprocal axis lie within so many degrees.
_OBLIQUITY = 1.5

# Disagreement of intensities by an operation, over that of unrelated ones, above which it counts as
# wrong: half. True operations reach the errors of the data, pseudo-symmetries .5 to .9.
_LIMIT = 0.5

# An operation that disagrees by less than this share of another is the better explanation of pairs
# that both explain.
_BETTER_SHARE = 0.5

# Reflections of like resolution among which unrelated ones are compared.
_SHELL = 40

# Fewer pairs say nothing about an operation.
_FEWEST_PAIRS = 10

# Merged data fill the unique part of their Laue group to more than this share, unless much of it
# was not measured ...
_FILLED = 0.75

# ... while they leave so much of the half sphere empty.
_HALF_EMPTY = 0.65

# Score of each operation of a group whose unique part merged data fill: less than a tested one has.
_SCORE_OF_FILLED = 0.1

# Miller indices times an operation of the lattice are whole to this.
_WHOLE = 1e-3


@dataclass(frozen=True, eq=False)
class LaueGroup:
    """Hold a Laue group and how well intensities agree with it.

    Attributes
    ----------
    spacegroup
        Name of the space group without screw axes and glide planes, on the axes of the data; its
        operations joined by ';' where it has no name there.
    operations
        Number of its operations, inversion included and centring left out.
    r_int
        Disagreement of equivalents merged in it; 0 where there are none but Friedel mates.
    worst
        Largest disagreement by one of its operations over that of unrelated reflections: 1 where
        the operation is none. NaN where an operation relates no two measured reflections.
    score
        Sum over its operations of what each is below the limit.
    completeness
        Share of its unique reflections that were measured, to the resolution of the data.
    accepted
        Whether every operation agrees; or, where the data are merged and do not tell, whether they
        fill the unique part of this group and no more.
    tested
        Whether every operation relates measured reflections; merged data do not tell.
    reason
        Sentence that says how the operations agree.
    """

    spacegroup: str
    operations: int
    r_int: float
    worst: float
    score: float
    completeness: float
    accepted: bool
    tested: bool
    reason: str


def laue_candidates(
    reflections: Reflections,
    *,
    cell: Sequence[float] | None = None,
    spacegroup: SpaceGroup | None = None,
    obliquity: float = _OBLIQUITY,
) -> tuple[LaueGroup, ...]:
    """Rank all Laue groups that the metric of a lattice allows, best first.

    Groups that agree come first, then those that merged data cannot tell, then those that disagree.

    Parameters
    ----------
    reflections
        Measured data, not merged in more than the right Laue group.
    cell, spacegroup
        Unit cell and a space group with its centring, where the reflections have none or others
        are meant. Rotations of the group are not used.
    obliquity
        Largest angle, degrees, between a direct and a reciprocal axis that are taken for one.

    Raises
    ------
    ArgandError
        No cell, no space group, or nothing to merge.
    """
    named = spacegroup if spacegroup is not None else reflections.spacegroup
    if named is None:
        raise ArgandError("the reflections have no space group: give one")
    group = group_ops(named)
    merged = merge(reflections, cell=cell, spacegroup=_triclinic(group))
    lattice = gemmi.find_lattice_symmetry(
        gemmi.UnitCell(*merged.cell), group.find_centering(), obliquity
    )
    rotations = [np.array(op.rot) / gemmi.Op.DEN for op in lattice.sym_ops]
    rotations.sort(key=lambda rotation: not np.array_equal(rotation, np.eye(3)))
    table = _multiplication_table(rotations)
    partners = [_partners(merged, rotation) for rotation in rotations]
    ratios = _ratios(merged, partners)
    possible = miller_indices(merged.cell, merged.spacegroup, d_min=merged.d_min * (1.0 - 1e-9))
    candidates: list[LaueGroup] = []
    for members in _subgroups(table):
        numbers = sorted(members)
        chosen = [rotations[number] for number in numbers]
        r_int = _merged_r_int(merged, [partners[number] for number in numbers])
        filled = _count_unique(merged.hkl, chosen) / _count_unique(possible, chosen)
        candidates.append(_judged(_name(chosen, group), ratios[numbers], r_int, filled))
    candidates.sort(key=_rank)
    half_sphere = min(candidates, key=lambda candidate: candidate.operations)
    if half_sphere.completeness < _HALF_EMPTY:
        candidates = [_with_filled_accepted(candidate) for candidate in candidates]
        candidates.sort(key=_rank)
    return tuple(candidates)


def _with_filled_accepted(candidate: LaueGroup) -> LaueGroup:
    """Accept a group that merged data cannot tell, but whose unique part they fill."""
    if candidate.tested or candidate.completeness < _FILLED:
        return candidate
    reason = (
        "the data are merged: they fill its unique part to "
        f"{100 * candidate.completeness:.0f} % and hold no equivalents"
    )
    # The unique parts of 4/m and mmm are nearly one: the one that is filled better counts.
    score = _SCORE_OF_FILLED * candidate.operations * candidate.completeness
    return replace(candidate, accepted=True, score=score, reason=reason)


def _count_unique(hkl: npt.NDArray[np.int32], rotations: list[FloatArray]) -> int:
    """Count the orbits of reflections (n, 3) under proper rotations and inversion."""
    moved = np.einsum("mi,oij->omj", hkl, np.array(rotations))
    images = np.rint(moved).astype(np.int64)
    codes = index_codes(np.concatenate([images, -images]))
    return len(np.unique(codes.max(axis=0)))


def _rank(candidate: LaueGroup) -> tuple[bool, bool, float, int]:
    """Return what Laue groups are sorted by."""
    return not candidate.accepted, candidate.tested, -candidate.score, -candidate.operations


def _ratios(merged: Merged, partners: list[IndexArray]) -> FloatArray:
    """Return the disagreement of equivalents by each rotation (r,) over that of unrelated ones.

    A wrong rotation takes special reflections to what a right one takes them to. Such pairs do not
    count for it.
    """
    unrelated = _unrelated(merged)
    first_look = np.zeros(len(partners))
    for number, partner in enumerate(partners[1:], start=1):
        first_look[number] = _disagreement(merged, partner) / unrelated
    ratios = first_look.copy()
    for number, partner in enumerate(partners[1:], start=1):
        better = np.flatnonzero(first_look < _BETTER_SHARE * first_look[number])
        others = partner.copy()
        for other in better.tolist():
            others[partner == partners[other]] = -1
        if int((others >= 0).sum()) >= _FEWEST_PAIRS:
            ratios[number] = _disagreement(merged, others) / unrelated
    return ratios


def _judged(spacegroup: str, ratios: FloatArray, r_int: float, filled: float) -> LaueGroup:
    """Judge a group by the disagreements of its proper rotations (k,), the identity first.

    Parameters
    ----------
    spacegroup
        Its name.
    ratios : (k,)
        Disagreements over those of unrelated reflections, NaN where unknown.
    r_int
        Disagreement of reflections merged in it.
    filled
        Share of its unique reflections that were measured.
    """
    others = ratios[1:]
    is_tested = np.isfinite(others)
    tested = bool(is_tested.all())
    largest = float(others[is_tested].max(initial=0.0))
    score = float((_LIMIT - others[is_tested]).sum())
    accepted = tested and largest <= _LIMIT
    worst = largest if tested else np.nan
    if not len(others):
        reason = "it has no operation but inversion"
    elif accepted:
        reason = f"equivalents agree, R_int = {r_int:.3f}"
    elif largest > _LIMIT:
        tested = True
        worst = largest
        reason = f"equivalents disagree by {100 * worst:.0f} % of what unrelated reflections do"
    else:
        reason = "equivalents of an operation were not measured apart: the data are merged"
    return LaueGroup(
        spacegroup=spacegroup,
        operations=2 * len(ratios),
        r_int=r_int,
        worst=worst,
        score=score,
        completeness=filled,
        accepted=accepted,
        tested=tested,
        reason=reason,
    )


def _triclinic(group: gemmi.GroupOps) -> str:
    """Return inversion and the centring of a group as operations joined by ';'."""
    plain = gemmi.GroupOps([gemmi.Op("x,y,z"), gemmi.Op("-x,-y,-z")])
    plain.cen_ops = list(group.cen_ops)
    return ";".join(triplets(plain))


def _name(rotations: list[FloatArray], centred: gemmi.GroupOps) -> str:
    """Name the group of proper rotations, inversion and the centring of another group."""
    ops: list[gemmi.Op] = []
    for sign in (1.0, -1.0):
        for rotation in rotations:
            op = gemmi.Op("x,y,z")
            op.rot = np.rint(sign * rotation * gemmi.Op.DEN).astype(int).tolist()
            ops.append(op)
    group = gemmi.GroupOps(ops)
    group.cen_ops = list(centred.cen_ops)
    return spacegroup_name(group) or ";".join(triplets(group))


def _multiplication_table(rotations: list[FloatArray]) -> IntArray:
    """Return the number of the product of each two rotations (r, r)."""
    number_of = {_key(rotation): number for number, rotation in enumerate(rotations)}
    table = np.empty((len(rotations), len(rotations)), np.int64)
    for i, first in enumerate(rotations):
        for j, second in enumerate(rotations):
            table[i, j] = number_of[_key(first @ second)]
    return table


def _key(rotation: FloatArray) -> bytes:
    """Return a rotation (3, 3) in 24ths as a key."""
    return np.rint(rotation * gemmi.Op.DEN).astype(np.int64).tobytes()


def _subgroups(table: IntArray) -> list[frozenset[int]]:
    """List the subgroups of a group of rotations, each of which two rotations generate."""
    subgroups: set[frozenset[int]] = set()
    size = len(table)
    for first in range(size):
        for second in range(first, size):
            members = {0, first, second}
            while True:
                listed = np.array(sorted(members))
                products = set(table[np.ix_(listed, listed)].ravel().tolist())
                if products <= members:
                    break
                members |= products
            subgroups.add(frozenset(members))
    return sorted(subgroups, key=lambda members: (len(members), sorted(members)))


def _partners(merged: Merged, rotation: FloatArray) -> IndexArray:
    """Return the row (n,) of the equivalent of each reflection h, h R or its mate; -1 without."""
    moved = merged.hkl @ rotation
    whole = np.rint(moved).astype(np.int64)
    is_whole = (np.abs(moved - whole) < _WHOLE).all(axis=1)
    partner = find_rows(merged.hkl, whole)
    mate = find_rows(merged.hkl, -whole)
    return np.where(is_whole, np.where(mate >= 0, mate, partner), -1)


def _disagreement(merged: Merged, partner: IndexArray) -> float:
    """Return sum |I - I'| / sum |I + I'| of reflections and other partners (n,); NaN for few."""
    own = np.arange(len(partner))
    rows = np.flatnonzero((partner >= 0) & (partner != own))
    if len(rows) < _FEWEST_PAIRS:
        return np.nan
    first = merged.intensity[rows]
    second = merged.intensity[partner[rows]]
    return float(np.abs(first - second).sum() / max(np.abs(first + second).sum(), 1e-300))


def _unrelated(merged: Merged) -> float:
    """Return the disagreement of reflections of like resolution that have nothing in common."""
    order = np.argsort(stol(merged.hkl, merged.cell), kind="stable")
    step = min(_SHELL // 2, max(len(order) // 2, 1))
    first = merged.intensity[order[:-step]]
    second = merged.intensity[order[step:]]
    total = float(np.abs(first + second).sum())
    return max(float(np.abs(first - second).sum()) / max(total, 1e-300), 1e-6)


def _merged_r_int(merged: Merged, partners: list[IndexArray]) -> float:
    """Return R_int of reflections merged by rotations, whose partners (n,) are listed for each."""
    own = np.arange(len(merged.hkl))
    group_of_row = own.copy()
    for partner in partners:
        group_of_row = np.minimum(group_of_row, np.where(partner >= 0, partner, own))
    _, numbered = np.unique(group_of_row, return_inverse=True)
    *_, r_int = group_means(merged.intensity, merged.sigma, numbered.reshape(-1))
    return float(np.nan_to_num(r_int))
