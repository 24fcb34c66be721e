"""What moves together where nothing else is known: hydrogens with their carriers, types that share a site."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atom_type
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.simulate.groups import hydrogen_groups, shared_sites
from argand.site_symmetry import position_basis

__all__ = ["hydrogen_modes", "leaders", "riding_modes"]


def riding_modes(crystal: Crystal) -> FloatArray:
    """Modes (k, n, 3): the free directions of the sites that lead; others follow where their symmetry lets them."""
    bases, leader = _bases(crystal), leaders(crystal)
    return _modes(bases, [(i, leader == i) for i in np.unique(leader).tolist()])


def hydrogen_modes(crystal: Crystal) -> FloatArray:
    """Modes (j, n, 3): the free directions of hydrogens that ride, each on its own."""
    bases, leader = _bases(crystal), leaders(crystal)
    riders = [
        i for i, symbol in enumerate(crystal.types) if leader[i] != i and _is_hydrogen(symbol)
    ]
    return _modes(bases, [(i, np.arange(len(leader)) == i) for i in riders])


def leaders(crystal: Crystal) -> NDArray[np.intp]:
    """The site that each one follows (n,), itself where it leads."""
    bases = _bases(crystal)
    leader = np.arange(len(crystal.types))
    for group in hydrogen_groups(crystal):
        heavy = [i for i in group if not _is_hydrogen(crystal.types[i])]
        leader[group] = heavy[0] if heavy else group[0]
    leader = shared_sites(crystal)[leader]
    return np.array(
        [j if _allows(bases[i], bases[j]) else i for i, j in enumerate(leader)], dtype=np.intp
    )


def _bases(crystal: Crystal) -> list[FloatArray]:
    return [position_basis(crystal, i) for i in range(len(crystal.types))]


def _is_hydrogen(symbol: str) -> bool:
    return atom_type(symbol).element in ("H", "D")


def _allows(follower: FloatArray, directions: FloatArray) -> bool:
    """Whether a site may go wherever another one goes."""
    return bool(np.allclose(directions @ follower.T @ follower, directions, atol=1e-6))


def _modes(bases: list[FloatArray], moving: list[tuple[int, NDArray[np.bool_]]]) -> FloatArray:
    """One for each free direction of a site, along which the sites of a mask move."""
    modes = np.zeros((sum(len(bases[i]) for i, _ in moving), len(bases), 3))
    directions = [(direction, mask) for i, mask in moving for direction in bases[i]]
    for mode, (direction, mask) in zip(modes, directions, strict=True):
        mode[mask] = direction
    return modes
