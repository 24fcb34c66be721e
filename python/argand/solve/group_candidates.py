"""List the space groups that measured reflections can have, by Laue group and lattice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import gemmi
import numpy as np

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.solve.equivalents import IntArray
from argand.symmetry import SpaceGroup, group_ops, spacegroup_name, triplets

__all__ = ["GroupCandidate", "LaueCandidates", "group_candidates"]

# Translations of operations are multiples of this in any setting, conventional or primitive.
_DEN = gemmi.Op.DEN

# Lattice vectors among which translations are compared: components of translations differ by less
# than one cell, and sums over the powers of a rotation by less than two.
_LATTICE = np.array(list(product((-2, -1, 0, 1, 2), repeat=3)))

# The nine numbers of a rotation in 24ths, as gemmi writes them, by which it is looked up.
RotationKey = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class GroupCandidate:
    """Hold a space group in terms of the rotations of its Laue group, in a primitive basis.

    Attributes
    ----------
    spacegroup
        Extended Hermann-Mauguin name, or operations where it has none.
    numbers : (k,) int
        Which rotations of the Laue group it has; the identity, number 0, comes first.
    translations : (k, 3) float
        Their translations in fractions of the primitive axes.
    """

    spacegroup: str
    numbers: IntArray
    translations: FloatArray

    @property
    def is_centrosymmetric(self) -> bool:
        """Tell whether the group has the inversion, which is number 1 of every Laue group."""
        return bool((self.numbers == 1).any())


@dataclass(frozen=True, eq=False)
class LaueCandidates:
    """Hold a Laue group and all space groups that belong to it, in a primitive basis.

    Attributes
    ----------
    rotations : (r, 3, 3) int
        Rotations of the Laue group: the identity first, the inversion second.
    groups
        Space groups, each in one choice of origin.
    """

    rotations: IntArray
    groups: tuple[GroupCandidate, ...]


def group_candidates(spacegroup: SpaceGroup, basis: FloatArray) -> LaueCandidates:
    """List every space group with the Laue group and the lattice of a space group.

    These are all settings of gemmi's table with the same rotations and the same centring: the three
    choices of a monoclinic cell, all permutations of the axes of orthorhombic groups. Settings that
    differ in their origin alone are listed once.

    Parameters
    ----------
    spacegroup
        Name or operations; it is listed itself.
    basis : (3, 3)
        Primitive axes as columns, see `argand.solve.primitive.primitive_basis`.

    Raises
    ------
    ArgandError
        The basis is not one of the lattice of the group.
    """
    symops = triplets(group_ops(spacegroup))
    return _group_candidates(symops, np.asarray(basis, np.float64).tobytes())


@lru_cache(maxsize=64)
def _group_candidates(symops: tuple[str, ...], basis_bytes: bytes) -> LaueCandidates:
    """List the groups of the Laue group and lattice of operations; see `group_candidates`."""
    basis = np.frombuffer(basis_bytes, np.float64).reshape(3, 3)
    laue_keys = _laue_keys(group_ops(symops))
    number_of = {key: number for number, key in enumerate(_identity_and_inversion_first(laue_keys))}
    rotations = _primitive_rotations(list(number_of), basis)
    components = _FixedComponents(rotations)
    groups: dict[tuple[object, ...], GroupCandidate] = {}
    for name in _names(symops, laue_keys):
        candidate = _candidate(name, basis, number_of)
        # One space group about different origins has one number in the tables, the same rotations,
        # and for each of them the same screw or glide component, which no origin changes.
        screws_and_glides = components.of(candidate)
        kind = (_table_number(name), candidate.numbers.tobytes(), screws_and_glides)
        groups.setdefault(kind, candidate)
    return LaueCandidates(rotations, tuple(groups.values()))


def _laue_keys(group: gemmi.GroupOps) -> frozenset[RotationKey]:
    """Return the rotations of a group and their negatives as tuples of nine numbers in 24ths."""
    keys: set[RotationKey] = set()
    for op in group.sym_ops:
        key = _key(op)
        keys.add(key)
        keys.add(tuple(-number for number in key))
    return frozenset(keys)


def _key(op: gemmi.Op) -> RotationKey:
    """Return the rotation of an operation as a tuple of nine numbers in 24ths."""
    first, second, third = op.rot
    return (*first, *second, *third)


def _identity_and_inversion_first(laue_keys: frozenset[RotationKey]) -> list[RotationKey]:
    """Return the rotations of a Laue group in order: identity, inversion, all others."""
    identity = _key(gemmi.Op("x,y,z"))
    inversion = _key(gemmi.Op("-x,-y,-z"))
    return [identity, inversion, *sorted(laue_keys - {identity, inversion})]


def _primitive_rotations(keys: list[RotationKey], basis: FloatArray) -> IntArray:
    """Return rotations (r, 3, 3), which are given in 24ths and on conventional axes, in a basis."""
    conventional = np.array(keys).reshape(-1, 3, 3) / _DEN
    in_basis = np.linalg.inv(basis) @ conventional @ basis
    rotations = np.rint(in_basis).astype(np.int64)
    if np.abs(in_basis - rotations).max() > 1e-6:
        raise ArgandError("basis has axes that are not those of a primitive cell of the lattice")
    return rotations


def _names(symops: tuple[str, ...], laue_keys: frozenset[RotationKey]) -> list[str]:
    """Return the names of all settings of a Laue group and a centring, the given group first.

    A group without a name is its operations joined by ';'.
    """
    given = group_ops(symops)
    own_name = spacegroup_name(given) or ";".join(symops)
    names: list[str] = []
    centring = _centring(given)
    size = len(laue_keys)
    for tabulated in gemmi.spacegroup_table():
        operations = tabulated.operations()
        order = len(operations.sym_ops)
        if order not in (size, size // 2) or _centring(operations) != centring:
            continue
        if _laue_keys(operations) == laue_keys:
            names.append(str(tabulated.xhm()))
    # Origins at a centre precede others, of which they are the same group.
    names.sort(key=lambda name: name.endswith(":1"))
    if "P a -3" in names:
        # The tables leave out the other of two orientations, in which axes may have been chosen.
        names.append(_with_swapped_axes("P a -3"))
    return list(dict.fromkeys([own_name, *names]))


def _with_swapped_axes(name: str) -> str:
    """Return the operations of a group, joined by ';', after an exchange of its axes a and b."""
    swap = gemmi.Op("y,x,-z")
    group = gemmi.SpaceGroup(name).operations()
    swapped = [swap * op * swap for op in group]
    return ";".join(op.wrap().triplet() for op in swapped)


def _centring(group: gemmi.GroupOps) -> frozenset[tuple[int, ...]]:
    """Return the centring vectors of a group in 24ths."""
    return frozenset(tuple(vector) for vector in group.cen_ops)


def _candidate(name: str, basis: FloatArray, number_of: dict[RotationKey, int]) -> GroupCandidate:
    """Return a space group in terms of the numbered rotations of its Laue group."""
    numbers: list[int] = []
    conventional: list[list[int]] = []
    for op in group_ops(name).sym_ops:
        numbers.append(number_of[_key(op)])
        conventional.append(op.tran)
    order = np.argsort(numbers)
    translations = np.array(conventional)[order] / _DEN @ np.linalg.inv(basis).T
    # Translations are multiples of a 24th, but for rounding.
    ticks = np.rint(_DEN * translations) % _DEN
    return GroupCandidate(name, np.array(numbers)[order], ticks / _DEN)


def _table_number(name: str) -> int:
    """Return the number of a space group in International Tables; 0 of one without a name."""
    return 0 if ";" in name else int(gemmi.SpaceGroup(name).number)


class _FixedComponents:
    """Find the screw and glide components of operations: what a shift of the origin leaves alone.

    Parameters
    ----------
    rotations : (r, 3, 3)
        Rotations of the Laue group in a primitive basis.
    """

    def __init__(self, rotations: IntArray) -> None:
        self._sums = [_sum_of_powers(rotation) for rotation in rotations]
        self._lattices = [_DEN * np.unique(_LATTICE @ total.T, axis=0) for total in self._sums]
        self._components: dict[tuple[int, ...], tuple[int, ...]] = {}

    def of(self, group: GroupCandidate) -> tuple[tuple[int, ...], ...]:
        """Return the components of all operations of a group in 24ths, multiplied by its order."""
        ticks = np.rint(_DEN * group.translations).astype(np.int64)
        components: list[tuple[int, ...]] = []
        for number, translation in zip(group.numbers.tolist(), ticks.tolist(), strict=True):
            key = (number, *translation)
            if key not in self._components:
                self._components[key] = self._component(number, np.array(translation))
            components.append(self._components[key])
        return tuple(components)

    def _component(self, number: int, translation: IntArray) -> tuple[int, ...]:
        """Return the shortest of the components (3,) that differ by lattice translations."""
        equal = self._sums[number] @ translation + self._lattices[number]
        lengths = np.square(equal).sum(axis=1)
        shortest = equal[lengths == lengths.min()]
        return max(tuple(component) for component in shortest.tolist())


def _sum_of_powers(rotation: IntArray) -> IntArray:
    """Return the sum (3, 3) of all powers of a rotation, which projects on what it leaves fixed."""
    identity = np.eye(3, dtype=np.int64)
    total = identity
    power = rotation
    while not np.array_equal(power, identity):
        total = total + power
        power = power @ rotation
    return total
