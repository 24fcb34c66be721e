"""Atoms that have changed places: amplitudes hardly tell, and the known structure says which is which."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from argand.atom_types import atom_type
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.site_symmetry import cartesian_axes, position_basis
from argand.symmetry import operations

__all__ = ["exchanged"]


def exchanged(crystal: Crystal, displacement: FloatArray, alike: bool = True) -> FloatArray:
    """Displacements (n, 3), Cartesian angstrom, that put atoms where the given ones do, each on the shortest way.

    Sites on general positions take each other's place, or that of an image by symmetry, so that the sum of squares is
    the least: those of one type and occupancy; or, unless `alike`, any but hydrogens.
    """
    axes, n = cartesian_axes(crystal), len(crystal.types)
    place = crystal.frac + displacement @ np.linalg.inv(axes).T
    elements = [atom_type(symbol).element for symbol in crystal.types]
    kinds = [(elements[i], round(float(crystal.occ[i]), 3)) for i in range(n)]
    if not alike:
        kinds = [("H" if element in ("H", "D") else "", 0.0) for element in elements]
    free = [i for i in range(n) if len(position_basis(crystal, i)) == 3]
    found = displacement.copy()
    for kind in sorted({kinds[i] for i in free}):
        own = [i for i in free if kinds[i] == kind]
        images = np.stack(
            [place[own] @ rotation.T + shift for rotation, shift in operations(crystal.symops)]
        )
        way = (
            images[:, :, None] - crystal.frac[own]
        )  # from site j to an image of atom i: (operation, i, j, 3)
        way = (way - np.rint(way)) @ axes.T
        square = np.square(way).sum(axis=3)
        nearest = square.argmin(axis=0)
        atom, site = linear_sum_assignment(np.take_along_axis(square, nearest[None], axis=0)[0])
        found[np.array(own)[site]] = way[nearest[atom, site], atom, site]
    return found
