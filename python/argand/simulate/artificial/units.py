"""Units of which molecules are built: single atoms, flat rings and flat groups with two ends.

Bond lengths are sums of covalent radii, or those of the unit; angles are 111 degrees about single
atoms and those of the flat unit elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np
from numpy.typing import NDArray

from argand._seam import MoleculeUnits
from argand.cell import FloatArray
from argand.simulate.artificial.elements import SYMBOLS, code_of

__all__ = ["COVALENT_RADII", "LARGEST_UNIT", "METALS", "SINGLE_VALENCE", "molecule_units"]

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


# The cosine and sine of 60 degrees: groups with two ends have angles of 120 degrees.
_UP = np.array([0.5, np.sqrt(0.75)])
_DOWN = _UP * (1.0, -1.0)


def molecule_units() -> MoleculeUnits:
    """Return the units as arrays; row u is unit number u, padded to `LARGEST_UNIT` atoms.

    The first atom of a unit is at the origin and is bonded to an anchor on the negative x axis; the
    others lie in the plane of x and y.
    """
    shares = np.array(list(_SHARES.values()))
    count = len(_SHARES)
    units = MoleculeUnits(
        limits=np.cumsum(shares / shares.sum())[:-1],
        size=np.ones(count, np.int64),
        place=np.zeros((count, LARGEST_UNIT, 2)),
        outward=np.full((count, LARGEST_UNIT, 2), np.nan),
        code=np.full((count, LARGEST_UNIT), code_of("C"), np.int64),
        further=np.zeros((count, LARGEST_UNIT), np.int64),
        is_ring=np.zeros(count, np.bool_),
    )
    _set_ring(units, 1, 6, _AROMATIC)
    _set_ring(units, 2, 5, _FIVE_RING)
    start = (0.0, 0.0)
    _set_flat(units, 3, ["C", "O"], [start, _DOUBLE_TO_O * _UP])
    units.outward[3, 0] = _DOWN
    units.further[3, 0] = 1
    _set_flat(units, 4, ["C", "O", "O"], [start, _DOUBLE_TO_O * _UP, _SINGLE_TO_O * _DOWN])
    _set_flat(units, 5, ["N", "O", "O"], [start, _DOUBLE_TO_O * _UP, _DOUBLE_TO_O * _DOWN])
    _set_flat(units, 6, ["C", "N"], [start, (_TRIPLE_TO_N, 0.0)])
    return units


def _set_ring(units: MoleculeUnits, unit: int, atoms: int, side: float) -> None:
    """Describe a flat regular ring; all atoms but the first take a substituent."""
    radius = side / (2.0 * np.sin(np.pi / atoms))
    angle = np.pi + 2.0 * np.pi * np.arange(atoms) / atoms
    outward = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    units.size[unit] = atoms
    units.place[unit, :atoms] = radius * outward + (radius, 0.0)
    units.outward[unit, :atoms] = outward
    units.further[unit, 1:atoms] = 1
    units.is_ring[unit] = True


def _set_flat(
    units: MoleculeUnits,
    unit: int,
    symbols: Sequence[str],
    places: Sequence[Sequence[float] | FloatArray],
) -> None:
    """Describe a flat group of elements at places x, y, angstrom."""
    units.size[unit] = len(symbols)
    units.code[unit, : len(symbols)] = [code_of(symbol) for symbol in symbols]
    units.place[unit, : len(symbols)] = np.array(places)
