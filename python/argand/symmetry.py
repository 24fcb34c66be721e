"""Look up space groups in gemmi: by name, or by the operations of a setting that has no name.

Wherever argand takes a `spacegroup` it takes an (extended) Hermann-Mauguin name, 'F d -3 m:2', or
symmetry operations as triplets 'x,y,z', either as a sequence or as one string joined by ';'.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.errors import ArgandError

__all__ = [
    "Operation",
    "SpaceGroup",
    "find_spacegroup",
    "group_ops",
    "named_spacegroup",
    "operation_arrays",
    "operations",
    "spacegroup_name",
    "triplets",
]

SpaceGroup = str | Sequence[str]

#: x' = rotation x + translation; an int (3, 3) and a float (3,) array
Operation = tuple[npt.NDArray[np.int64], FloatArray]

_IDENTITY = "x,y,z"


def find_spacegroup(name: str) -> gemmi.SpaceGroup | None:
    """Find the space group of a name as files write it, or return None.

    Understands 'P2(1)/c', 'R -3 m :H', and 'F d -3 m Z' (ICSD: S is origin choice 1, Z is 2).
    """
    plain = re.sub(r"\((\d)\)", r"\1", name.replace("_", "")).strip()
    group = gemmi.find_spacegroup_by_name(plain)
    setting = re.fullmatch(r"(.+?)\s*([SZ])", plain)
    if group is None and setting:
        origin = "1" if setting[2] == "S" else "2"
        group = gemmi.find_spacegroup_by_name(setting[1], prefer=origin)
    return group


def named_spacegroup(name: str) -> gemmi.SpaceGroup:
    """Return gemmi's space group of a name, for files and programs that hold names only.

    Raises
    ------
    ArgandError
        The name is unknown, or it is a list of operations, which has no name.
    """
    if "," in name:
        raise ArgandError(
            "this setting of a space group has no name, which is needed here: "
            "use P 1 (Crystal.to_p1)"
        )
    group = find_spacegroup(name)
    if group is None:
        raise ArgandError(f"unknown space group {name!r}")
    return group


def group_ops(spacegroup: SpaceGroup) -> gemmi.GroupOps:
    """Return gemmi's operations of a space group.

    Raises
    ------
    ArgandError
        The name is unknown, or the operations are not understood or form no group.
    """
    return _group_ops(spacegroup if isinstance(spacegroup, str) else tuple(spacegroup))


@lru_cache(maxsize=256)
def _group_ops(spacegroup: str | tuple[str, ...]) -> gemmi.GroupOps:
    """Return gemmi's operations of a name, of triplets, or of triplets joined by ';'."""
    if isinstance(spacegroup, tuple):
        return _group_of_triplets(spacegroup)
    if "," in spacegroup:
        return _group_of_triplets(spacegroup.split(";"))
    return named_spacegroup(spacegroup).operations()


def _group_of_triplets(listed: Sequence[str]) -> gemmi.GroupOps:
    """Return gemmi's operations of triplets, which must form a group once 'x,y,z' is added."""
    # gemmi quotes a part of the triplet in its error, and would cut a letter of several bytes.
    if not all(triplet.isascii() for triplet in listed):
        raise ArgandError("symmetry operation not understood: it has letters beyond ASCII")
    try:
        wanted = {gemmi.Op(triplet).wrap().triplet() for triplet in listed}
        wanted.add(_IDENTITY)
        group = gemmi.GroupOps([gemmi.Op(triplet) for triplet in _identity_first(wanted)])
        # gemmi takes the first operation for the identity, and completes what is not closed.
        group.add_missing_elements()
    except RuntimeError as error:
        raise ArgandError(f"symmetry operations not understood: {error}") from None
    closed = {op.wrap().triplet() for op in group}
    if closed != wanted:
        raise ArgandError(
            f"the {len(wanted)} symmetry operations are no group: "
            f"closed, they would be {len(group)}"
        )
    tabulated = gemmi.find_spacegroup_by_ops(group)
    # Equal groups must have their operations in one order, which is that of the tables.
    return group if tabulated is None else tabulated.operations()


def _identity_first(listed: set[str]) -> list[str]:
    """Return triplets in alphabetical order, 'x,y,z' first."""
    others = sorted(listed - {_IDENTITY})
    return [_IDENTITY, *others]


def spacegroup_name(group: gemmi.GroupOps) -> str | None:
    """Return the extended Hermann-Mauguin name of operations, 'R -3 m:H', or None without one."""
    tabulated = gemmi.find_spacegroup_by_ops(group)
    return None if tabulated is None else str(tabulated.xhm())


def triplets(group: gemmi.GroupOps) -> tuple[str, ...]:
    """Return all operations of a group as triplets, 'x,y,z' first."""
    in_order = [op.wrap().triplet() for op in group]
    in_order.sort(key=lambda triplet: triplet != _IDENTITY)
    return tuple(in_order)


@lru_cache(maxsize=256)
def _operations(symops: tuple[str, ...]) -> tuple[Operation, ...]:
    """Return the arrays of operations that are given as triplets."""
    matrices: list[Operation] = []
    for triplet in symops:
        op = gemmi.Op(triplet)
        rotation = np.array(op.rot, dtype=np.int64) // gemmi.Op.DEN
        translation = np.array(op.tran, dtype=np.float64) / gemmi.Op.DEN
        matrices.append((rotation, translation))
    return tuple(matrices)


def operations(spacegroup: SpaceGroup) -> tuple[Operation, ...]:
    """Return rotation (3, 3) and translation (3,) of every operation of a space group.

    The identity comes first; operations that centring adds are listed too.
    """
    return _operations(triplets(group_ops(spacegroup)))


def operation_arrays(spacegroup: SpaceGroup) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return rotations (o, 3, 3) and translations (o, 3) of all operations, identity first."""
    listed = operations(spacegroup)
    rotations = np.array([rotation for rotation, _ in listed], np.int64)
    translations = np.array([translation for _, translation in listed])
    return rotations, translations
