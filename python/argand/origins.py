"""Which choices of origin and hand leave the description of a space group unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import gemmi
import numpy as np
from numpy.typing import NDArray

from argand.symmetry import SpaceGroup, group_ops, operations

_DEN = gemmi.Op.DEN  # gemmi writes operators in 24ths
_STEP = 2  # the search grid: twelfths hold every half, third, quarter and sixth

Hand = Literal[1, -1]


@dataclass(frozen=True, eq=False)
class Origins:
    """Permissible origin shifts t: every ``shifts[i] + s @ axes`` with real s.

    Attributes
    ----------
    shifts : (n, 3) float
        Discrete shifts, fractional; those that differ by a lattice translation (centring included) or along
        a free axis are listed once.
    axes : (k, 3) int
        Directions along which the origin floats: three in P1, b alone in P2_1, none in P-1.
    """

    shifts: NDArray[np.float64]
    axes: NDArray[np.int64]


#: Every origin: what P1 allows.
CONTINUOUS = Origins(np.zeros((1, 3)), np.eye(3, dtype=np.int64))


def permissible_origins(spacegroup: SpaceGroup, hand: Hand = 1) -> Origins:
    """Origin shifts that map a space group onto itself, from its operators.

    A structure x and its copy ``hand * x + t`` have the same operators (R|tau) when
    ``(R - 1) t + (1 - hand) tau`` is a lattice translation for all of them. These are the translations (and
    the inversions) of the Euclidean normaliser; its further rotations, which mix unequal reflections, are
    left out. The discrete part is searched on a grid of twelfths of the cell edges, which holds every half,
    third, quarter and sixth; the continuous part is exact.

    Parameters
    ----------
    spacegroup : str or sequence of str
        Hermann-Mauguin symbol ("P 21/c", "R 3 c:H") or the operations as triplets.
    hand : 1 or -1
        -1 gives the shifts that go with an inversion. The result is empty for the eleven enantiomorphic
        pairs (P 41 becomes P 43: no shift undoes it).

    Raises
    ------
    ValueError
        The space group is unknown, or ``hand`` is neither 1 nor -1.
    """
    if hand not in (1, -1):
        raise ValueError(f"hand is {hand!r}, must be 1 or -1")
    ops = group_ops(spacegroup)
    rot = np.array([op.rot for op in ops.sym_ops]) // _DEN
    tran = np.array([op.tran for op in ops.sym_ops])
    centring = np.array(list(ops.cen_ops)).reshape(-1, 3)
    axes = _free_axes(rot)

    grid = np.stack(np.meshgrid(*[np.arange(0, _DEN, _STEP)] * 3, indexing="ij"), axis=-1).reshape(
        -1, 3
    )
    allowed = np.ones(len(grid), dtype=bool)
    lattice = _code(centring)
    for r, t in zip(rot, tran, strict=True):
        allowed &= np.isin(_code(grid @ (r - np.eye(3, dtype=int)).T + (1 - hand) * t), lattice)

    # Walk through what is left and strike out all that a lattice or a floating translation makes equal.
    points = _DEN // _STEP
    floating = (
        _STEP
        * np.indices((points,) * len(axes)).reshape(len(axes), -1 if len(axes) else 1).T
        @ axes
    )
    same = (centring[:, None, :] + floating).reshape(-1, 3)
    seen: set[int] = set()
    kept = []
    for t in grid[allowed]:
        if int(_code(t)) not in seen:
            kept.append(t)
            seen.update(_code(t + same).tolist())
    return Origins(np.array(kept, dtype=float).reshape(-1, 3) / _DEN, axes)


def group_rotations(spacegroup: SpaceGroup) -> NDArray[np.int64]:
    """Rotations of all operations, (n, 3, 3); the equivalents of a reflection h are ``h @ R``."""
    return np.array([rotation for rotation, _ in operations(spacegroup)], dtype=np.int64)


def _code(vectors: NDArray[np.int64]) -> NDArray[np.int64]:
    v = vectors % _DEN
    return np.asarray((v[..., 0] * _DEN + v[..., 1]) * _DEN + v[..., 2])


def _free_axes(rot: NDArray[np.int64]) -> NDArray[np.int64]:
    # The sum of the operators projects on what all of them leave alone; its columns span that space.
    axes: list[NDArray[np.int64]] = []
    for column in rot.sum(axis=0).T:
        candidate = [*axes, column // max(int(np.gcd.reduce(column)), 1)]
        if np.linalg.matrix_rank(np.array(candidate)) == len(candidate):
            axes = candidate
    return np.array(axes, dtype=np.int64).reshape(-1, 3)
