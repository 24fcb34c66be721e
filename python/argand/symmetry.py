"""Look up space groups in gemmi: by name, or by the operations of a setting that has no name.

Wherever argand takes a `spacegroup` it takes an (extended) Hermann-Mauguin name, 'F d -3 m:2', or
symmetry operations as triplets 'x,y,z', either as a sequence or as one string joined by ';'.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import Cell, FloatArray, metric
from argand.errors import ArgandError

__all__ = [
    "Operation",
    "SpaceGroup",
    "cell_doubt",
    "find_spacegroup",
    "group_ops",
    "named_spacegroup",
    "operation_arrays",
    "operations",
    "spacegroup_name",
    "symops_and_name",
    "triplets",
    "without_translations",
]

SpaceGroup = str | Sequence[str]

#: x' = rotation x + translation; an int (3, 3) and a float (3,) array
Operation = tuple[npt.NDArray[np.int64], FloatArray]

_IDENTITY = "x,y,z"

# Cells are refined with or without constraints: components of the metric may differ from those of
# an exact cell by this share of the product of the edges, 1 % of a length.
_METRIC_TOLERANCE = 0.02

# An operation that makes an edge more than twice as long, or half as long, is of another cell.
_SQUARED_EDGE_RATIO = 4.0

# Marks of lowered and raised characters in names: 'P 2~1~/c', 'P 2_1/c', 'P2<sub>1</sub>/c'.
_MARKUP = re.compile(r"[_~^$]|</?su[bp]>")
# Number of the space group behind its name: ' (14)', '(15)', '(no. 2)', 'No.14', '#14'. One digit
# in brackets without a space is a screw axis.
_NUMBER_BEHIND = re.compile(
    r"(?:\s+\(|\((?=\d\d)|\s*\((?:no|nr|#)[.\s]*|\s+(?:no|nr|#)[.\s]*|#)(\d+)\)?$", re.IGNORECASE
)
# Screw axes as SHELXL writes them: 'P2(1)/c'.
_SCREW_IN_BRACKETS = re.compile(r"\((\d)\)")
# Origin choices as the ICSD writes them.
_ICSD_SETTING = re.compile(r"(.+?)\s*([SZ])")
# Parts of a full symbol that is written without spaces: 'F4/d-32/m'.
_SYMBOL_PARTS = re.compile(r"-3|[2346][1-5]?/[a-z]|[a-z]|\d")
# An axis and the plane perpendicular to it in a full symbol: '2/m', '21/c', '63/m'.
_AXIS_AND_PLANE = re.compile(r"([2346][1-5]?)/([a-z])")


def find_spacegroup(name: str) -> gemmi.SpaceGroup | None:
    """Find the space group of a name as files write it, or return None.

    Understands 'P2(1)/c', 'P 2~1~/c', 'P 21/c (no. 14)', 'R -3 m :H', full symbols such as
    'F 4/d -3 2/m', and 'F d -3 m Z' (ICSD: S is origin choice 1, Z is 2).
    """
    plain = _MARKUP.sub("", name).strip()
    number_behind = _NUMBER_BEHIND.search(plain)
    if number_behind:
        plain = plain[: number_behind.start()]
    plain = _SCREW_IN_BRACKETS.sub(r"\1", plain).strip()
    for symbol in (plain, _short_symbol(plain)):
        group = gemmi.find_spacegroup_by_name(symbol)
        setting = _ICSD_SETTING.fullmatch(symbol)
        if group is None and setting:
            origin = "1" if setting[2] == "S" else "2"
            group = gemmi.find_spacegroup_by_name(setting[1], prefer=origin)
        if group is None:
            continue
        contradicts = number_behind is not None and int(number_behind[1]) != group.number
        return None if contradicts else group
    return None


def _short_symbol(full: str) -> str:
    """Return the short Hermann-Mauguin symbol of a full one: 'F 4/d -3 2/m' becomes 'F d -3 m'.

    An axis perpendicular to a mirror is left out, but for the main axis of tetragonal and hexagonal
    groups.
    """
    symbol, colon, setting = full.partition(":")
    words = symbol.split()
    if len(words) == 1:
        words = [symbol[:1], *_SYMBOL_PARTS.findall(symbol[1:])]
    if len(words) < 3:
        return full
    is_cubic = words[2] == "-3"
    for place, word in enumerate(words[1:], start=1):
        axis = _AXIS_AND_PLANE.fullmatch(word)
        if axis is None:
            continue
        is_main = place == 1 and axis[1][0] in "346" and not is_cubic
        if not is_main:
            words[place] = axis[2]
    return f"{' '.join(words)}{colon}{setting}"


def named_spacegroup(name: str) -> gemmi.SpaceGroup:
    """Return gemmi's space group of a name, for files and programs that hold names only.

    Raises
    ------
    ArgandError
        The name is unknown, or it is a list of operations, which has no name.
    """
    if not isinstance(name, str):
        raise ArgandError(f"spacegroup is {name!r:.60}, needs a name")
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
    return _group_ops(_name_or_triplets(spacegroup))


def symops_and_name(spacegroup: SpaceGroup) -> tuple[tuple[str, ...], str]:
    """Return the operations of a space group as triplets, 'x,y,z' first, and its name.

    A setting without a name is called by its operations joined by ';'.
    """
    return _symops_and_name(_name_or_triplets(spacegroup))


def _name_or_triplets(spacegroup: SpaceGroup) -> str | tuple[str, ...]:
    """Return a space group as a name or as a tuple of operations."""
    if isinstance(spacegroup, str):
        return spacegroup
    listed = tuple(spacegroup) if isinstance(spacegroup, Iterable) else (spacegroup,)
    if not all(isinstance(triplet, str) for triplet in listed):
        raise ArgandError(
            f"spacegroup is {spacegroup!r:.60}, needs a name, or operations such as 'x,y,z'"
        )
    return listed


@lru_cache(maxsize=256)
def _symops_and_name(spacegroup: str | tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Return triplets and name of a name or of triplets; see `symops_and_name`."""
    group = _group_ops(spacegroup)
    symops = triplets(group)
    return symops, spacegroup_name(group) or ";".join(symops)


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
    missing = _missing_product(wanted, group)
    if missing is not None:
        raise ArgandError(f"the {len(wanted)} symmetry operations are no group: {missing}")
    tabulated = gemmi.find_spacegroup_by_ops(group)
    # Equal groups must have their operations in one order, which is that of the tables.
    return group if tabulated is None else tabulated.operations()


def _missing_product(wanted: set[str], group: gemmi.GroupOps) -> str | None:
    """Say in words which product of operations is not among them; None for a group.

    Parameters
    ----------
    wanted
        Operations as triplets.
    group
        Group that gemmi made of them; it may have more operations, or fewer.
    """
    closed = {op.wrap().triplet() for op in group}
    if closed == wanted and _centring_is_closed(group):
        return None
    listed = [gemmi.Op(triplet) for triplet in _identity_first(wanted)]
    for first in listed:
        for second in listed:
            product = (first * second).wrap().triplet()
            if product not in wanted:
                size = f"closed, they would be {len(closed)}: " if len(closed) > len(wanted) else ""
                return (
                    f"{size}{second.triplet()} followed by {first.triplet()} is {product}, "
                    "which is not listed"
                )
    # gemmi keeps one of several operations that have one rotation and shifts that are no centring.
    return f"gemmi makes {len(closed)} operations of them"


def _centring_is_closed(group: gemmi.GroupOps) -> bool:
    """Tell whether the sums of centring vectors are centring vectors."""
    vectors = {tuple(vector) for vector in group.cen_ops}
    for first in vectors:
        for second in vectors:
            total = tuple((a + b) % gemmi.Op.DEN for a, b in zip(first, second, strict=True))
            if total not in vectors:
                return False
    return True


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
    symops, _ = symops_and_name(spacegroup)
    return _operations(symops)


def operation_arrays(spacegroup: SpaceGroup) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return rotations (o, 3, 3) and translations (o, 3) of all operations, identity first."""
    symops, _ = symops_and_name(spacegroup)
    rotations, translations = _operation_arrays(symops)
    return rotations.copy(), translations.copy()


@lru_cache(maxsize=256)
def _operation_arrays(symops: tuple[str, ...]) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return rotations (o, 3, 3) and translations (o, 3) of operations given as triplets."""
    listed = _operations(symops)
    rotations = np.array([rotation for rotation, _ in listed], np.int64)
    translations = np.array([translation for _, translation in listed])
    return rotations, translations


def cell_doubt(cell: Cell, spacegroup: SpaceGroup) -> str | None:
    """Say that the operations of a space group do not map a cell onto itself.

    The metric G of such a cell differs from R^T G R. Cells refined without constraints are within
    1 % of a length.

    Parameters
    ----------
    cell
        a, b, c, alpha, beta, gamma in angstrom and degrees.
    spacegroup
        Name or operations.

    Returns
    -------
    str or None
        A sentence without a full stop; None for a cell that has the symmetry.

    Raises
    ------
    ArgandError
        An operation would double an edge: cell and group do not belong together.
    """
    g = metric(cell)
    squared_edges = np.diag(g)
    edges = np.sqrt(squared_edges)
    tolerance = _METRIC_TOLERANCE * np.outer(edges, edges)
    doubt = None
    for rotation, _ in operations(spacegroup):
        moved = rotation.T @ g @ rotation
        ratio = np.diag(moved) / squared_edges
        if (np.abs(moved - g) > tolerance).any():
            group = group_ops(spacegroup)
            name = spacegroup_name(group) or ";".join(triplets(group))
            doubt = f"cell {cell} does not have the symmetry of {name}"
        if max(ratio.max(), 1.0 / ratio.min()) > _SQUARED_EDGE_RATIO:
            raise ArgandError(f"{doubt}, needs edges that the operations keep")
    return doubt


def without_translations(spacegroup: SpaceGroup) -> str:
    """Return the rotations and the centring of a space group, its other translations taken away.

    The operations are joined by ';'. Every function of |F| alone, such as the Patterson function
    or merged intensities, has their symmetry whatever screw axes and glide planes there are.
    """
    # gemmi's object is shared by all who ask for the group: change a copy.
    group = gemmi.GroupOps([gemmi.Op(triplet) for triplet in triplets(group_ops(spacegroup))])
    rotations = []
    for operation in group.sym_ops:
        rotation = gemmi.Op(operation.triplet())
        rotation.tran = [0, 0, 0]
        rotations.append(rotation)
    group.sym_ops = rotations
    return ";".join(triplets(group))
