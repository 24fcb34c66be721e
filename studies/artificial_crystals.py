"""Make the crystals of the verdict's study: molecules and ions in groups that are often found."""

from __future__ import annotations

import numpy as np

from argand import Crystal
from argand.simulate.artificial import ArtificialCrystals, ArtificialSettings

# How often the groups are found: those of organic crystals, and some of higher symmetry.
MOLECULAR_GROUPS = {
    "P 1 21/c 1": 0.34,
    "P -1": 0.22,
    "C 1 2/c 1": 0.09,
    "P 21 21 21": 0.09,
    "P 1 21 1": 0.06,
    "P b c a": 0.04,
    "P n a 21": 0.03,
    "P 1": 0.03,
    "C 1 2 1": 0.02,
    "P b c n": 0.02,
    "I 41/a": 0.02,
    "R -3": 0.02,
    "P 41": 0.01,
    "F d d 2": 0.01,
}
INORGANIC_GROUPS = {
    "P -1": 0.1,
    "P 1 21/c 1": 0.2,
    "C 1 2/m 1": 0.1,
    "P n m a": 0.2,
    "I 4/m": 0.05,
    "P 42/m n m": 0.05,
    "R -3 c": 0.1,
    "P 63/m": 0.05,
    "P m -3 m": 0.05,
    "P a -3": 0.05,
    "I 41/a m d": 0.05,
}

# Three of four crystals are molecular.
_MOLECULAR = 0.75

# Largest cell of molecular crystals (A^3): molecules of 40 atoms in groups of 32 operations.
_LARGEST_CELL = 25_000.0

_SEED = 11


def artificial_crystal(seed: int) -> Crystal:
    """Return the crystal of a seed: three of four are molecular."""
    settings = ArtificialSettings(
        spacegroups=INORGANIC_GROUPS, kind="inorganic", atoms=(2, 6), max_volume=1500.0
    )
    if np.random.default_rng([_SEED, seed]).random() < _MOLECULAR:
        settings = ArtificialSettings(
            spacegroups=MOLECULAR_GROUPS,
            kind="fragments",
            atoms=(8, 44),
            max_volume=_LARGEST_CELL,
        )
    return ArtificialCrystals(settings, _SEED).crystal(seed)
