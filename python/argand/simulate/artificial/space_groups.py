"""Space groups of artificial crystals: how often each occurs, and its operations for many crystals.

Every one of the 230 groups can be drawn, in the setting that gemmi lists first.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import gemmi
import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.symmetry import find_spacegroup, group_ops, operation_arrays

__all__ = ["COMMON_GROUPS", "GroupOperations", "parse_groups", "shares_of_groups"]

#: Shares of the common groups among the structures of the Crystallography Open Database, by number,
#: rounded: the first four as they are usually stated, the others estimated from tables of organic
#: and inorganic structures. All other groups share what is left, evenly.
COMMON_GROUPS: dict[int, float] = {
    14: 0.40,
    2: 0.22,
    15: 0.08,
    19: 0.06,
    4: 0.04,
    61: 0.03,
    62: 0.025,
    33: 0.014,
    1: 0.01,
    9: 0.01,
    12: 0.01,
    148: 0.008,
    29: 0.007,
    5: 0.007,
    60: 0.007,
    225: 0.006,
    11: 0.005,
    166: 0.005,
    227: 0.004,
    194: 0.004,
    139: 0.003,
    221: 0.003,
    167: 0.003,
    88: 0.003,
    63: 0.003,
}

# Settings of one group: its origins, and hexagonal or rhombohedral axes.
_SETTINGS = ("1", "2", "H", "R")

# What the 205 rare groups have together.
_SHARE_OF_RARE = 0.03


@lru_cache(maxsize=1)
def shares_of_groups() -> dict[str, float]:
    """Return the share of each of the 230 groups by its extended Hermann-Mauguin name.

    They add up to 1.
    """
    rare = _SHARE_OF_RARE / (230 - len(COMMON_GROUPS))
    shares = {}
    for number in range(1, 231):
        name = gemmi.find_spacegroup_by_number(number).xhm()
        shares[name] = COMMON_GROUPS.get(number, rare)
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def parse_groups(groups: str | Mapping[str, float]) -> dict[str, float]:
    """Return shares of space groups, which add up to 1, by extended Hermann-Mauguin name.

    Parameters
    ----------
    groups
        "cod" for `shares_of_groups`, names with commas in between ("P-1,P21/c"), each of which may
        have a share behind a colon ("P-1:0.7,P21/c:0.3"; "R 3:H" and "P n n n:2" have their setting
        there, and a share would follow), or shares by name. Names without a share count 1.

    Raises
    ------
    ArgandError
        Names a space group that is unknown or comes twice, or a share that is not above 0.
    """
    if isinstance(groups, str):
        if groups.strip().lower() == "cod":
            return dict(shares_of_groups())
        listed = dict.fromkeys(part.strip() for part in groups.split(",") if part.strip())
        weights = [_name_and_share(part) for part in listed]
    else:
        weights = [(name, float(share)) for name, share in groups.items()]
    shares: dict[str, float] = {}
    for name, share in weights:
        group = find_spacegroup(name)
        if group is None:
            raise ArgandError(f"spacegroups names {name!r}, needs space groups such as P21/c")
        full_name = str(group.xhm())
        if full_name in shares:
            raise ArgandError(f"spacegroups names {full_name} twice, needs each group once")
        if not 0.0 < share < np.inf:
            raise ArgandError(f"spacegroups gives {name} the share {share}, needs one above 0")
        shares[full_name] = share
    if not shares:
        raise ArgandError("spacegroups is empty, needs at least one space group, or cod")
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def _name_and_share(text: str) -> tuple[str, float]:
    """Split "P-1:0.7" into name and share.

    Behind a group that has settings, the first colon leads to one of them.
    """
    name, colon, behind = text.rpartition(":")
    is_setting = ":" not in name and behind.strip() in _SETTINGS
    if not colon or (is_setting and find_spacegroup(text) is not None):
        return text, 1.0
    try:
        return name, float(behind)
    except ValueError:
        return text, 1.0


class GroupOperations:
    """Hold the operations of a space group as the placing of atoms in many crystals takes them.

    Attributes
    ----------
    spacegroup : str
    rotations, translations : (o, 3, 3) int64, (o, 3) float64
        All operations, those of centring too, identity first.
    matrices : (o, 3, 4)
        Rotation and translation of each operation side by side.
    independent : (k,) intp
        Operations over which structure factors are summed: one of each pair that differ by a
        centring translation, and one of each pair that an inversion at the origin relates.
    centrings : int
        Number of centring translations, with the zero translation.
    inversion_at_origin : bool
        Whether x -> -x is an operation: structure factors are real.
    """

    def __init__(self, spacegroup: str) -> None:
        self.spacegroup = spacegroup
        self.rotations, self.translations = operation_arrays(spacegroup)
        columns = [self.rotations.astype(np.float64), self.translations[:, :, None]]
        self.matrices = np.concatenate(columns, axis=2)
        group = group_ops(spacegroup)
        self.centrings = len(group.cen_ops)
        self.inversion_at_origin = self._has_inversion()
        self.independent = self._find_independent()

    def _has_inversion(self) -> bool:
        """Tell whether x -> -x is among the operations."""
        is_inversion = (self.rotations == -np.eye(3, dtype=np.int64)).all(axis=(1, 2))
        is_fixed = (self.translations % 1.0 == 0.0).all(axis=1)
        return bool((is_inversion & is_fixed).any())

    def _find_independent(self) -> NDArray[np.intp]:
        """List the operations that centring and an inversion at the origin do not give."""
        listed: set[tuple[int, ...]] = set()
        independent = []
        for number, rotation in enumerate(self.rotations):
            key = tuple(rotation.reshape(-1).tolist())
            opposite = tuple((-rotation).reshape(-1).tolist())
            if key in listed or (self.inversion_at_origin and opposite in listed):
                continue
            listed.add(key)
            independent.append(number)
        return np.array(independent, np.intp)

    def mean_metric(self, metric: FloatArray) -> FloatArray:
        """Return metrics (6, b), 11 22 33 12 13 23, averaged over the rotations: those that fit.

        The mean of R^T G R over a group of rotations is what all of them leave unchanged.
        """
        rows = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
        mean = np.zeros_like(metric)
        for target, (i, j) in enumerate(rows):
            for source, (k, l) in enumerate(rows):
                product = self.rotations[:, k, i] * self.rotations[:, l, j]
                if k != l:
                    product = product + self.rotations[:, l, i] * self.rotations[:, k, j]
                weight = product.sum() / len(self.rotations)
                if weight:
                    mean[target] += weight * metric[source]
        return mean

    def images(self, frac: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the images (3, ..., o) of positions (3, ...) by all operations, not wrapped."""
        dtype = frac.dtype
        rotations = self.rotations.astype(dtype)
        translations = self.translations.astype(dtype)
        images = np.empty((*frac.shape, len(rotations)), dtype)
        for axis in range(3):
            x, y, z = (frac[source][..., None] for source in range(3))
            row = rotations[:, axis]
            images[axis] = x * row[:, 0] + y * row[:, 1] + z * row[:, 2] + translations[:, axis]
        return images


@lru_cache(maxsize=256)
def operations_of(spacegroup: str) -> GroupOperations:
    """Return the operations of a named space group, which are made once."""
    return GroupOperations(spacegroup)
