"""Sites by name, and sites that are bonded: what moves together."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from argand.atom_types import atom_type
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.site_symmetry import cartesian_axes

__all__ = ["Names", "chosen_sites", "hydrogen_groups", "molecules", "shared_sites"]

#: Sites by number, label ("C12") or element ("Pb"); None: all of them
Names = Sequence[int | str] | None

#: Nearer atoms share a site: types that replace each other
_SHARED = 0.1

#: Two atoms are bonded when they are nearer than the sum of their covalent radii and this (angstrom)
_SLACK = 0.4

#: X-rays see hydrogen so much nearer to its carrier than the sum of their radii (angstrom)
_SHORT = 0.1


def chosen_sites(crystal: Crystal, names: Names) -> npt.NDArray[np.intp]:
    """Numbers of the sites that are named, each once; an `ArgandError` says which name fits none."""
    n = len(crystal.types)
    if names is None:
        return np.arange(n)
    elements = [atom_type(symbol).element for symbol in crystal.types]
    found: list[int] = []
    for name in names:
        if isinstance(name, str):
            own = [i for i in range(n) if name in (crystal.labels[i], crystal.types[i])]
            own = own or [i for i in range(n) if name == elements[i]]
        else:
            own = [int(name)] if 0 <= name < n else []
        if not own:
            raise ArgandError(
                f"atoms names {name!r}, needs labels, elements or numbers from 0 to {n - 1}"
            )
        found += own
    return np.array(sorted(set(found)), dtype=np.intp)


def molecules(crystal: Crystal) -> list[npt.NDArray[np.intp]]:
    """Sites of the asymmetric unit that bonds connect, largest group first; bonds to symmetry images count as none."""
    near = _bonded(crystal)
    count, group = connected_components(csr_array(near), directed=False)
    parts = [np.flatnonzero(group == i) for i in range(count)]
    return sorted(parts, key=lambda part: (-len(part), int(part[0])))


def hydrogen_groups(crystal: Crystal) -> list[npt.NDArray[np.intp]]:
    """Every atom with the hydrogens that are bonded to it: at the distance that is most like a bond.

    That is not always the shortest one, where atoms are not in place.
    """
    light = np.array(
        [atom_type(symbol).element in ("H", "D") for symbol in crystal.types], dtype=bool
    )
    unlike = np.abs(_distances(crystal) - (_radii(crystal)[:, None] + _radii(crystal) - _SHORT))
    bonded = _bonded(crystal) & ~light[None, :]
    carrier = np.arange(len(crystal.types))
    for i in np.flatnonzero(light & bonded.any(axis=1)):
        carrier[i] = np.where(bonded[i], unlike[i], np.inf).argmin()
    return [np.flatnonzero(carrier == i) for i in np.unique(carrier)]


def shared_sites(crystal: Crystal) -> npt.NDArray[np.intp]:
    """For each site the first one that lies in the same place (n,): itself where no other type shares it."""
    shift = crystal.frac[:, None] - crystal.frac
    shift -= np.rint(shift)
    near = np.linalg.norm(shift @ cartesian_axes(crystal).T, axis=2) < _SHARED
    first: npt.NDArray[np.intp] = near.argmax(axis=1)
    return first


def _distances(crystal: Crystal) -> FloatArray:
    place = crystal.frac @ cartesian_axes(crystal).T
    distances: FloatArray = np.linalg.norm(place[:, None] - place[None], axis=2)
    return distances


def _bonded(crystal: Crystal) -> npt.NDArray[np.bool_]:
    radius = _radii(crystal)
    bonded: npt.NDArray[np.bool_] = _distances(crystal) < radius[:, None] + radius + _SLACK
    np.fill_diagonal(bonded, False)
    return bonded


def _radii(crystal: Crystal) -> FloatArray:
    """Covalent radii (n,), angstrom."""
    return np.array(
        [gemmi.Element(atom_type(symbol).element).covalent_r for symbol in crystal.types]
    )
