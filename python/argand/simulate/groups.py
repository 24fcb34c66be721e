"""Sites by name, and groups of bonded sites, which move together."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atom_type
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.site_symmetry import cartesian_axes

__all__ = ["Names", "chosen_sites", "hydrogen_groups", "molecules", "shared_sites"]

#: Sites by number, label ("C12") or element ("Pb"); None: all of them
Names = Sequence[int | str] | None

# Atoms nearer than this (angstrom) share a site: types that replace each other.
_SHARED = 0.1

# Two atoms are bonded when they are nearer than the sum of their covalent radii and this
# (angstrom).
_SLACK = 0.4

# X-rays see hydrogen so much nearer to its carrier than the sum of their radii (angstrom).
_SHORTENING = 0.1


def chosen_sites(crystal: Crystal, names: Names) -> NDArray[np.intp]:
    """Return the numbers of the sites that are named, each once, sorted.

    Raises
    ------
    ArgandError
        Says which name fits no site.
    """
    n = len(crystal.types)
    if names is None:
        return np.arange(n)
    sites: set[int] = set()
    for name in names:
        named = _sites_of_name(crystal, name)
        if not named:
            raise ArgandError(
                f"atoms names {name!r}, needs labels, elements or numbers from 0 to {n - 1}"
            )
        sites.update(named)
    return np.array(sorted(sites), dtype=np.intp)


def _sites_of_name(crystal: Crystal, name: int | str) -> list[int]:
    """Return the sites of a number, a label, a type, or else of an element."""
    n = len(crystal.types)
    if not isinstance(name, str):
        return [int(name)] if 0 <= name < n else []
    exact = []
    of_element = []
    for i, symbol in enumerate(crystal.types):
        if name in (crystal.labels[i], symbol):
            exact.append(i)
        if name == atom_type(symbol).element:
            of_element.append(i)
    return exact or of_element


def molecules(crystal: Crystal) -> list[NDArray[np.intp]]:
    """Return the sites of each molecule of the asymmetric unit, largest first.

    Bonds to symmetry images count as none.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    count, molecule_of_site = connected_components(csr_array(_bonded(crystal)), directed=False)
    parts = [np.flatnonzero(molecule_of_site == i) for i in range(count)]
    return sorted(parts, key=lambda sites: (-len(sites), int(sites[0])))


def hydrogen_groups(crystal: Crystal) -> list[NDArray[np.intp]]:
    """Return the sites of each atom together with the hydrogens that are bonded to it.

    A hydrogen belongs to the atom whose distance is most like a bond. That is not always the
    nearest one, where atoms are not in place.
    """
    elements = [atom_type(symbol).element for symbol in crystal.types]
    hydrogen = np.array([element in ("H", "D") for element in elements], dtype=bool)
    radius = _covalent_radii(crystal)
    bond_length = radius[:, None] + radius - _SHORTENING
    misfit = np.abs(_distances(crystal) - bond_length)
    bonded = _bonded(crystal) & ~hydrogen[None, :]
    carrier = np.arange(len(crystal.types))
    for i in np.flatnonzero(hydrogen & bonded.any(axis=1)):
        carrier[i] = np.where(bonded[i], misfit[i], np.inf).argmin()
    return [np.flatnonzero(carrier == i) for i in np.unique(carrier)]


def shared_sites(crystal: Crystal) -> NDArray[np.intp]:
    """Return for each site (n,) the first site at its position, most often itself."""
    vector = crystal.frac[:, None] - crystal.frac
    vector -= np.rint(vector)
    cartesian = vector @ cartesian_axes(crystal).T
    distance = np.linalg.norm(cartesian, axis=2)
    first: NDArray[np.intp] = (distance < _SHARED).argmax(axis=1)
    return first


def _distances(crystal: Crystal) -> FloatArray:
    """Compute the distances (n, n) between sites of the asymmetric unit, angstrom."""
    position = crystal.frac @ cartesian_axes(crystal).T
    vector = position[:, None] - position[None]
    distances: FloatArray = np.linalg.norm(vector, axis=2)
    return distances


def _bonded(crystal: Crystal) -> NDArray[np.bool_]:
    """Return which sites (n, n) are bonded within the asymmetric unit."""
    radius = _covalent_radii(crystal)
    longest = radius[:, None] + radius + _SLACK
    bonded: NDArray[np.bool_] = _distances(crystal) < longest
    np.fill_diagonal(bonded, False)
    return bonded


def _covalent_radii(crystal: Crystal) -> FloatArray:
    """Return the covalent radii (n,) of the sites, angstrom."""
    elements = [atom_type(symbol).element for symbol in crystal.types]
    return np.array([gemmi.Element(element).covalent_r for element in elements])
