"""Fit one space group to phases in P 1, of either hand."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np
import numpy.typing as npt

from argand.solve.group_fit import GroupAverage, GroupFit
from argand.solve.primitive import PrimitiveReflections, primitive_operations
from argand.symmetry import group_ops, spacegroup_name

__all__ = ["CandidateGroup", "Placement"]

ComplexArray = npt.NDArray[np.complexfloating]


@dataclass(frozen=True, eq=False)
class Placement:
    """Hold phases in P 1 with the place of a space group's origin among them.

    Parameters
    ----------
    phased : (n,) complex
        Structure factors, conjugated where the other hand has the symmetry of the group.
    fit
        Where the origin lies, and how well the operations agree.
    """

    phased: ComplexArray
    fit: GroupFit


class CandidateGroup:
    """Hold a space group that phases in P 1 are compared with.

    Parameters
    ----------
    data
        Reflections in P 1 of the primitive cell.
    spacegroup
        Name or operations, in the conventional cell.
    """

    def __init__(self, data: PrimitiveReflections, spacegroup: str) -> None:
        self.spacegroup = spacegroup
        operations = primitive_operations(spacegroup, data.basis)
        self._is_one_hand = _is_enantiomorphic(spacegroup)
        self.average = GroupAverage(data.hkl, *operations)

    def place(self, phased: ComplexArray) -> Placement:
        """Find the origin of the group in phases (n,), by trying both hands where they differ.

        Only in a group of an enantiomorphic pair, such as P 41, do the hands of one map differ in
        symmetry.
        """
        hands = [phased, phased.conj()] if self._is_one_hand else [phased]
        placements = [Placement(f, self.average.fit(f)) for f in hands]
        return max(placements, key=lambda placement: placement.fit.agreement)


def _is_enantiomorphic(spacegroup: str) -> bool:
    """Tell whether a space group is one of the eleven pairs of which each has one hand."""
    name = spacegroup_name(group_ops(spacegroup))
    if name is None:
        return False
    group = gemmi.SpaceGroup(name)
    return bool(group.is_enantiomorphic())
