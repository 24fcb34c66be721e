"""Find the choices of origin and hand that leave the description of a space group unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import gemmi
import numpy as np
from numpy.typing import NDArray

from argand.symmetry import SpaceGroup, group_ops, operation_arrays, symops_and_name

__all__ = ["CONTINUOUS", "Hand", "Origins", "free_axes", "group_rotations", "permissible_origins"]

# gemmi writes translations in 24ths.
_DEN = gemmi.Op.DEN
# Step of the search grid in 24ths: twelfths hold every half, third, quarter and sixth.
_STEP = 2

Hand = Literal[1, -1]


@dataclass(frozen=True, eq=False)
class Origins:
    """Hold permissible origin shifts t: every ``shifts[i] + s @ axes`` with real s.

    Attributes
    ----------
    shifts : (n, 3) float
        Discrete shifts, fractional; those that differ by a lattice translation (centring included)
        or along a free axis are listed once.
    axes : (k, 3) int
        Directions along which the origin floats: three in P1, b alone in P2_1, none in P-1.
    """

    shifts: NDArray[np.float64]
    axes: NDArray[np.int64]


#: Every origin: what P1 allows.
CONTINUOUS = Origins(np.zeros((1, 3)), np.eye(3, dtype=np.int64))


def permissible_origins(spacegroup: SpaceGroup, hand: Hand = 1) -> Origins:
    """Find the origin shifts that map a space group onto itself, from its operations.

    A structure x and its copy ``hand * x + t`` have the same operations (R|tau) when
    ``(R - 1) t + (1 - hand) tau`` is a lattice translation for all of them. These are the
    translations (and the inversions) of the Euclidean normaliser; its further rotations, which mix
    unequal reflections, are left out. The discrete part is searched on a grid of twelfths of the
    cell edges, which holds every half, third, quarter and sixth; the continuous part is exact.

    Parameters
    ----------
    spacegroup : str or sequence of str
        Hermann-Mauguin symbol ("P 21/c", "R 3 c:H") or the operations as triplets.
    hand : 1 or -1
        -1 gives the shifts that go with an inversion. The result is empty for the eleven
        enantiomorphic pairs (P 41 becomes P 43: no shift undoes it).

    Raises
    ------
    ValueError
        The space group is unknown, or ``hand`` is neither 1 nor -1.
    """
    if hand not in (1, -1):
        raise ValueError(f"hand is {hand!r}, must be 1 or -1")
    group = group_ops(spacegroup)
    rotations = np.array([op.rot for op in group.sym_ops]) // _DEN
    translations = np.array([op.tran for op in group.sym_ops])
    centring = np.array(list(group.cen_ops)).reshape(-1, 3)
    axes = _free_axes(rotations)
    ticks = np.arange(0, _DEN, _STEP)
    x, y, z = np.meshgrid(ticks, ticks, ticks, indexing="ij")
    grid = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    allowed = np.ones(len(grid), dtype=bool)
    lattice = _code(centring)
    identity = np.eye(3, dtype=int)
    for rotation, translation in zip(rotations, translations, strict=True):
        moved = grid @ (rotation - identity).T + (1 - hand) * translation
        allowed &= np.isin(_code(moved), lattice)
    shifts = _representatives(grid[allowed], centring, axes)
    return Origins(np.array(shifts, dtype=float).reshape(-1, 3) / _DEN, axes)


def free_axes(spacegroup: SpaceGroup) -> NDArray[np.int64]:
    """Return the directions (k, 3) along which the origin floats, as `Origins.axes` has them."""
    symops, _ = symops_and_name(spacegroup)
    return _axes_of(symops).copy()


@lru_cache(maxsize=256)
def _axes_of(symops: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the directions (k, 3) along which operations leave the origin free."""
    return _free_axes(group_rotations(symops))


def group_rotations(spacegroup: SpaceGroup) -> NDArray[np.int64]:
    """Return the rotations R (n, 3, 3) of all operations: ``h @ R`` is equivalent to h."""
    rotations, _ = operation_arrays(spacegroup)
    return rotations


def _representatives(
    shifts: NDArray[np.int64], centring: NDArray[np.int64], axes: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    """List one of all shifts (in 24ths) that a lattice or a floating translation makes equal."""
    points = _DEN // _STEP
    count = points ** len(axes)
    steps = np.indices((points,) * len(axes)).reshape(len(axes), count)
    floating = _STEP * steps.T @ axes
    equal = (centring[:, None, :] + floating).reshape(-1, 3)
    covered: set[int] = set()
    representatives = []
    for shift in shifts:
        if int(_code(shift)) not in covered:
            representatives.append(shift)
            covered.update(_code(shift + equal).tolist())
    return representatives


def _code(vectors: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one number for each vector (..., 3) in 24ths, equal for equal positions in a cell."""
    x, y, z = np.moveaxis(vectors % _DEN, -1, 0)
    return np.asarray((x * _DEN + y) * _DEN + z)


def _free_axes(rotations: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return directions (k, 3) that span what all rotations (n, 3, 3) leave unchanged."""
    # The sum of the rotations projects on that space; its columns span it.
    axes: list[NDArray[np.int64]] = []
    for column in rotations.sum(axis=0).T:
        divisor = max(int(np.gcd.reduce(column)), 1)
        candidate = [*axes, column // divisor]
        if np.linalg.matrix_rank(np.array(candidate)) == len(candidate):
            axes = candidate
    return np.array(axes, dtype=np.int64).reshape(-1, 3)
