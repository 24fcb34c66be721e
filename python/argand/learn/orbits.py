"""Equivalent reflections of the box of Miller indices, as channels for networks.

F(h R) = F(h) exp(-2 pi i h.t) for each operation (R, t) of the space group, and F(-h) = F(h)*. A
network that knows which reflections are equivalent, and by which phases they differ, can give
phases that obey the symmetry exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from argand.reflections import hkl_cube
from argand.simulate.artificial import ReflectionTable
from argand.symmetry import SpaceGroup, operation_arrays

__all__ = ["ORBIT_CHANNELS", "BoxOrbits", "Orbits", "box_orbits"]

#: Channels that describe the symmetry: number of the set of equivalents (-1: absent), the phase
#: (radians) by which a reflection is behind the first of its set, whether it is a Friedel mate (1
#: or 0), and the phase that symmetry restricts the first of the set to (-1: none)
ORBIT_CHANNELS = ("orbit", "turn", "mate", "restricted")


class BoxOrbits(NamedTuple):
    """Hold how the reflections of the box -H..H, V = (2H + 1)^3, follow from the unique ones."""

    #: unique reflections of the box
    table: ReflectionTable
    #: (V,) row of the table; -1 stands for an absence or 000
    row: NDArray[np.int64]
    #: (V,) radians: the phase is that of the row less this
    turns: NDArray[np.float32]
    #: (V,) whether the phase then takes the opposite sign, as of a Friedel mate
    is_mate: NDArray[np.bool_]


@lru_cache(maxsize=256)
def box_orbits(spacegroup: SpaceGroup, hkl_max: int) -> BoxOrbits:
    """Find the unique reflections of a box, and how the others of the box follow from them."""
    cube = hkl_cube(hkl_max)
    table = ReflectionTable(spacegroup, cube)
    side = 2 * hkl_max + 1
    row = np.full(side**3, -1, np.int64)
    turns = np.zeros(side**3, np.float32)
    is_mate = np.zeros(side**3, np.bool_)
    rotations, translations = operation_arrays(spacegroup)
    hkl = table.hkl.astype(np.int64)
    for sign in (1, -1):
        for rotation, translation in zip(rotations, translations, strict=True):
            images = sign * (hkl @ rotation)
            inside = np.flatnonzero((np.abs(images) <= hkl_max).all(axis=1))
            h, k, l = (images[inside] + hkl_max).T
            voxel = (h * side + k) * side + l
            is_new = row[voxel] < 0
            voxel, inside = voxel[is_new], inside[is_new]
            row[voxel] = inside
            turns[voxel] = 2.0 * np.pi * ((hkl[inside] @ translation) % 1.0)
            is_mate[voxel] = sign < 0
    return BoxOrbits(table, row, turns, is_mate)


class Orbits:
    """Give the channels `ORBIT_CHANNELS` of samples of several space groups.

    Parameters
    ----------
    spacegroups
        Names or operations, one for each number of `SampleBatch.crystal`.
    hkl_max
        H of the box -H..H.
    """

    def __init__(self, spacegroups: Sequence[SpaceGroup], hkl_max: int) -> None:
        self.spacegroups = tuple(spacegroups)
        self.hkl_max = hkl_max

    def channels(self, crystal: Tensor) -> Tensor:
        """Return the channels (b, 4, D, D, D), float32, of samples of the crystals (b,)."""
        numbers = crystal.tolist()
        of_group = {}
        for number in set(numbers):
            of_group[number] = _channels(self.spacegroups[number], self.hkl_max)
        return torch.stack([of_group[number] for number in numbers]).to(crystal.device)


@lru_cache(maxsize=256)
def _channels(spacegroup: SpaceGroup, hkl_max: int) -> Tensor:
    """Return the channels (4, D, D, D) of one space group."""
    orbits = box_orbits(spacegroup, hkl_max)
    table = orbits.table
    restricted = np.where(table.centric, table.restricted, -1.0)
    # Voxels without a reflection have row -1, which is the last entry.
    restricted = np.append(restricted, -1.0)[orbits.row]
    columns = np.stack([orbits.row, orbits.turns, orbits.is_mate, restricted])
    side = 2 * hkl_max + 1
    return torch.from_numpy(columns.astype(np.float32)).view(-1, side, side, side)
