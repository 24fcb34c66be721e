"""Space groups as gemmi knows them: a name, or the list of operations of a setting that has no name.

Wherever argand takes a `spacegroup` it takes an (extended) Hermann-Mauguin name, 'F d -3 m:2', or operations as
triplets, either as a sequence or as one string joined by ';'.
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
    "operations",
    "spacegroup_name",
    "triplets",
]

SpaceGroup = str | Sequence[str]

#: x' = rotation x + translation; an int (3, 3) and a float (3,) array
Operation = tuple[npt.NDArray[np.int64], FloatArray]


def find_spacegroup(name: str) -> gemmi.SpaceGroup | None:
    """The space group of a name as files write it: 'P2(1)/c', 'R -3 m :H', 'F d -3 m Z' (ICSD: S, Z = origin 1, 2)."""
    plain = re.sub(r"\((\d)\)", r"\1", name.replace("_", "")).strip()
    found = gemmi.find_spacegroup_by_name(plain)
    setting = re.fullmatch(r"(.+?)\s*([SZ])", plain)
    if found is None and setting:
        origin = "1" if setting[2] == "S" else "2"
        found = gemmi.find_spacegroup_by_name(setting[1], prefer=origin)
    return found


def named_spacegroup(name: str) -> gemmi.SpaceGroup:
    """The space group of a name, for what holds names only (files, gemmi); else an `ArgandError`."""
    if "," in name:
        raise ArgandError(
            "this setting of a space group has no name, which is needed here: use P 1 (Crystal.to_p1)"
        )
    found = find_spacegroup(name)
    if found is None:
        raise ArgandError(f"unknown space group {name!r}")
    return found


def group_ops(spacegroup: SpaceGroup) -> gemmi.GroupOps:
    """gemmi's operations of a space group; an `ArgandError` names what is no space group."""
    return _group_ops(spacegroup if isinstance(spacegroup, str) else tuple(spacegroup))


@lru_cache(maxsize=256)
def _group_ops(spacegroup: str | tuple[str, ...]) -> gemmi.GroupOps:
    if isinstance(spacegroup, str) and "," not in spacegroup:
        return named_spacegroup(spacegroup).operations()
    listed = spacegroup.split(";") if isinstance(spacegroup, str) else spacegroup
    if not all(
        triplet.isascii() for triplet in listed
    ):  # gemmi would cut a letter in two to complain about it
        raise ArgandError("symmetry operation not understood: it has letters beyond ASCII")
    try:
        parsed = {gemmi.Op(triplet).wrap().triplet() for triplet in listed} | {"x,y,z"}
        # gemmi takes the first operation for the identity, and completes what is not closed
        ordered = sorted(parsed, key=lambda triplet: (triplet != "x,y,z", triplet))
        group = gemmi.GroupOps([gemmi.Op(triplet) for triplet in ordered])
        group.add_missing_elements()
    except RuntimeError as error:
        raise ArgandError(f"symmetry operations not understood: {error}") from None
    if {op.wrap().triplet() for op in group} != parsed:
        raise ArgandError(
            f"the {len(parsed)} symmetry operations are no group: closed, they would be {len(group)}"
        )
    found = gemmi.find_spacegroup_by_ops(group)
    return group if found is None else found.operations()  # the same in the order of the tables


def spacegroup_name(group: gemmi.GroupOps) -> str | None:
    """Extended Hermann-Mauguin name of the operations, 'R -3 m:H', or None for a setting not in gemmi's tables."""
    found = gemmi.find_spacegroup_by_ops(group)
    return None if found is None else str(found.xhm())


def triplets(group: gemmi.GroupOps) -> tuple[str, ...]:
    """All operations, 'x,y,z' first."""
    return tuple(
        sorted((op.wrap().triplet() for op in group), key=lambda triplet: triplet != "x,y,z")
    )


@lru_cache(maxsize=256)
def _operations(symops: tuple[str, ...]) -> tuple[Operation, ...]:
    parsed = [gemmi.Op(triplet) for triplet in symops]
    den = gemmi.Op.DEN
    return tuple(
        (np.array(op.rot, dtype=np.int64) // den, np.array(op.tran, dtype=np.float64) / den)
        for op in parsed
    )


def operations(spacegroup: SpaceGroup) -> tuple[Operation, ...]:
    """Rotation (3, 3) and translation (3,) of every operation of a group, centring included, identity first."""
    return _operations(triplets(group_ops(spacegroup)))
