"""Units of which molecules are built: single atoms, flat rings and flat groups with two ends.

Bond lengths are sums of covalent radii, or those of the unit; angles are 111 degrees about single
atoms and those of the flat unit elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.simulate.artificial.elements import SYMBOLS, code_of

__all__ = ["COVALENT_RADII", "LARGEST_UNIT", "METALS", "SINGLE_VALENCE", "Units"]

#: Atoms of the largest unit, a ring of six
LARGEST_UNIT = 6

#: Covalent radius (92,) of each element, angstrom
COVALENT_RADII: FloatArray = np.array([gemmi.Element(symbol).covalent_r for symbol in SYMBOLS])

#: Metals at the centre of complexes, with the number of their ligands
METALS: dict[str, int] = {"Cu": 4, "Zn": 4, "Ni": 4, "Co": 6, "Fe": 6, "Pd": 4, "Mn": 6}

# Bonds that a single atom can still have to atoms other than hydrogen, beside its first one.
_FURTHER_BONDS = {"C": 2, "N": 1, "O": 1, "S": 1, "P": 3, "Si": 3, "B": 2, "Se": 1}

#: Further bonds (92,) of a single atom of each element
SINGLE_VALENCE: NDArray[np.int64] = np.array([_FURTHER_BONDS.get(symbol, 0) for symbol in SYMBOLS])

# Bond lengths in rings, and to oxygen in carbonyl, acid and nitro groups, angstrom.
_AROMATIC = 1.39
_FIVE_RING = 1.38
_DOUBLE_TO_O = 1.22
_SINGLE_TO_O = 1.31
_TRIPLE_TO_N = 1.14

# Share of each unit among those that are tried: about half of the atoms of real molecules are in
# rings.
_SHARES = {
    "atom": 0.46,
    "six ring": 0.22,
    "five ring": 0.08,
    "carbonyl": 0.12,
    "acid": 0.06,
    "nitro": 0.03,
    "nitrile": 0.03,
}


class Units:
    """Hold the units as arrays; row u is unit number u, padded to `LARGEST_UNIT` atoms.

    The first atom of a unit is at the origin and is bonded to an anchor on the negative x axis; the
    others lie in the plane of x and y.

    Attributes
    ----------
    limits : (units - 1,)
        Uniform numbers between these choose the units; number 0 is the single atom.
    size : (units,)
        Atoms of each unit.
    place : (units, 6, 2)
        Coordinates x, y, angstrom.
    outward : (units, 6, 2)
        Direction of a further bond of each atom; NaN: a cone about the bond to the anchor.
    code : (units, 6)
        Elements; the single atom takes the element that is drawn for it.
    further : (units, 6)
        Further bonds of each atom.
    is_ring : (units,)
        Whether atoms of the unit, the first one left out, may be nitrogen.
    """

    def __init__(self) -> None:
        shares = np.array(list(_SHARES.values()))
        self.limits = np.cumsum(shares / shares.sum())[:-1]
        units = len(_SHARES)
        self.size = np.zeros(units, np.int64)
        self.place = np.zeros((units, LARGEST_UNIT, 2))
        self.outward = np.full((units, LARGEST_UNIT, 2), np.nan)
        self.code = np.full((units, LARGEST_UNIT), code_of("C"))
        self.further = np.zeros((units, LARGEST_UNIT), np.int64)
        self.is_ring = np.zeros(units, np.bool_)
        self.size[0] = 1
        self._add_ring(1, 6, _AROMATIC)
        self._add_ring(2, 5, _FIVE_RING)
        sixty = np.radians(60.0)
        up = np.array([np.cos(sixty), np.sin(sixty)])
        down = up * (1.0, -1.0)
        self._add_flat(3, ["C", "O"], [(0.0, 0.0), _DOUBLE_TO_O * up])
        self.outward[3, 0] = down
        self.further[3, 0] = 1
        self._add_flat(4, ["C", "O", "O"], [(0.0, 0.0), _DOUBLE_TO_O * up, _SINGLE_TO_O * down])
        self._add_flat(5, ["N", "O", "O"], [(0.0, 0.0), _DOUBLE_TO_O * up, _DOUBLE_TO_O * down])
        self._add_flat(6, ["C", "N"], [(0.0, 0.0), (_TRIPLE_TO_N, 0.0)])

    def _add_ring(self, unit: int, atoms: int, side: float) -> None:
        """Describe a flat regular ring; all atoms but the first take a substituent."""
        radius = side / (2.0 * np.sin(np.pi / atoms))
        angle = np.pi + 2.0 * np.pi * np.arange(atoms) / atoms
        outward = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        self.size[unit] = atoms
        self.place[unit, :atoms] = radius * outward + (radius, 0.0)
        self.outward[unit, :atoms] = outward
        self.further[unit, 1:atoms] = 1
        self.is_ring[unit] = True

    def _add_flat(
        self, unit: int, symbols: Sequence[str], places: Sequence[Sequence[float] | FloatArray]
    ) -> None:
        """Describe a flat group of elements at places x, y, angstrom."""
        self.size[unit] = len(symbols)
        self.code[unit, : len(symbols)] = [code_of(symbol) for symbol in symbols]
        self.place[unit, : len(symbols)] = np.array(places)
