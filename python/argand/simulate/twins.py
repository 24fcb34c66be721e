"""Twins by merohedry: domains of a crystal whose lattice has symmetry that the crystal lacks."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from argand.symmetry import SpaceGroup, group_ops, operation_arrays, triplets

__all__ = ["twin_law"]

# Operations h' = h T that the lattices of tetragonal, hexagonal and cubic crystals have, in the
# order in which they are tried: a twofold axis between a and b, one along c, and one between a and
# -b, which rhombohedral axes have.
_CANDIDATES = (
    ((0, 1, 0), (1, 0, 0), (0, 0, -1)),
    ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
    ((0, -1, 0), (-1, 0, 0), (0, 0, -1)),
)

# A metric without any symmetry, whose mean over a group has that of the group alone.
_METRIC = np.array([[1.0, 0.13, 0.21], [0.13, 1.7, 0.34], [0.21, 0.34, 2.9]])


def twin_law(spacegroup: SpaceGroup) -> NDArray[np.int64] | None:
    """Return an operation T (3, 3), h' = h T, that twins crystals of a group by merohedry.

    T leaves every lattice of the group as it is, but is not in its Laue group. Groups whose Laue
    group is that of the lattice have none: None.
    """
    return _twin_law(triplets(group_ops(spacegroup)))


@lru_cache(maxsize=256)
def _twin_law(symops: tuple[str, ...]) -> NDArray[np.int64] | None:
    """Return the twin operation of a group that is given by its triplets, or None."""
    rotations = np.unique(operation_arrays(symops)[0], axis=0)
    laue = {tuple(rotation.reshape(-1)) for rotation in np.concatenate([rotations, -rotations])}
    centring = np.array(list(group_ops(symops).cen_ops)) / 24.0
    metric = np.einsum("oki,kl,olj->ij", rotations, _METRIC, rotations) / len(rotations)
    reciprocal = np.linalg.inv(metric)
    for candidate in _CANDIDATES:
        twin = np.array(candidate, np.int64)
        keeps_lattice = np.allclose(twin @ reciprocal @ twin.T, reciprocal)
        moved = (centring @ twin.T) % 1.0
        difference = moved[:, None] - centring
        distance: NDArray[np.float64] = np.abs(difference - np.rint(difference)).max(axis=2)
        keeps_centring = bool((distance.min(axis=1) < 1e-9).all())
        if keeps_lattice and keeps_centring and tuple(twin.reshape(-1)) not in laue:
            return twin
    return None
