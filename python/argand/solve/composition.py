"""Count formula units, and judge whether a content of the cell can be."""

from __future__ import annotations

import math
from collections.abc import Mapping

import gemmi
import numpy as np

from argand.crystal import Crystal
from argand.errors import ArgandError

__all__ = ["cell_content", "expected_volume", "formula_units", "is_possible"]

# Mean volumes in crystals, A^3: of hydrogen, of the elements of the second row, and of others.
_HYDROGEN_VOLUME = 5.1
_SECOND_ROW_VOLUME = 13.0
_HEAVY_VOLUME = 27.0

# In oxides the oxygen atoms are packed, and cations fill the gaps between them.
_OXIDE_OXYGEN_VOLUME = 17.5
_OXIDE_CATION_VOLUME = 5.0
_LAST_OF_SECOND_ROW = 10

# The volume of the cell over what its atoms are expected to need: inorganic crystals are dense,
# frameworks are empty.
_DENSEST = 0.4
_EMPTIEST = 2.5

# More formula units than this no cell has.
_MOST_UNITS = 400

# Sites may be partly occupied: a count this near to a whole number is one.
_WHOLE = 0.02


def formula_units(crystal: Crystal) -> int:
    """Return the number of formula units in the cell.

    It is the largest divisor of the number of symmetry operations that divides all atoms evenly.
    """
    divisor = len(crystal.symops)
    for number in crystal.composition().values():
        whole = round(number)
        if whole and abs(number - whole) < _WHOLE:
            divisor = math.gcd(divisor, whole)
    return divisor


def expected_volume(content: Mapping[str, float]) -> float:
    """Return the volume in A^3 that atoms need in most crystals.

    Parameters
    ----------
    content
        Number of atoms by element.
    """
    heavy = 0.0
    second_row = 0.0
    for element, number in content.items():
        atomic_number = gemmi.Element(element).atomic_number
        if atomic_number > _LAST_OF_SECOND_ROW:
            heavy += number
        elif atomic_number > 1:
            second_row += number
    hydrogen = content.get("H", 0.0) + content.get("D", 0.0)
    volume = hydrogen * _HYDROGEN_VOLUME + second_row * _SECOND_ROW_VOLUME
    oxygen = content.get("O", 0.0)
    if "C" not in content and oxygen > heavy:
        volume += oxygen * (_OXIDE_OXYGEN_VOLUME - _SECOND_ROW_VOLUME)
        return volume + heavy * _OXIDE_CATION_VOLUME
    return volume + heavy * _HEAVY_VOLUME


def is_possible(content: Mapping[str, float], volume: float) -> bool:
    """Tell whether atoms, by element, can fill a cell of a volume in A^3."""
    needed = expected_volume(content)
    return needed > 0.0 and _DENSEST < volume / needed < _EMPTIEST


def cell_content(
    formula: Mapping[str, float], volume: float, operations: int, centring: int = 1
) -> dict[str, float]:
    """Return the atoms in the unit cell that a formula stands for.

    The formula is that of the cell, or of one formula unit, of which the cell has as many as its
    volume asks for: a divisor or a small multiple of the number of symmetry operations.

    Parameters
    ----------
    formula
        Number of atoms by element.
    volume
        Volume of the cell, A^3.
    operations, centring
        Number of symmetry operations, and of lattice points in the cell: a cell has each atom as
        often as a lattice point, or a multiple of that.

    Raises
    ------
    ArgandError
        No number of formula units fits the volume.
    """
    needed = expected_volume(formula)
    candidates = [1]
    for units in range(2, _MOST_UNITS + 1):
        if operations % units == 0 or units % operations == 0:
            candidates.append(units)
    candidates = [units for units in candidates if _fill_lattice(formula, units, centring)]
    if not candidates:
        candidates = [1]
    misfit = [abs(math.log(volume / (units * needed))) for units in candidates]
    units = candidates[int(np.argmin(misfit))]
    if not is_possible(formula, volume / units):
        words = " ".join(f"{element}{number:g}" for element, number in formula.items())
        raise ArgandError(
            f"contents is {words!r}, which needs about {needed:.0f} Å³, "
            f"but the cell has {volume:.0f} Å³"
        )
    return {element: units * number for element, number in formula.items()}


def _fill_lattice(formula: Mapping[str, float], units: int, centring: int) -> bool:
    """Tell whether every whole number of atoms in the cell is a multiple of the lattice points."""
    for number in formula.values():
        is_whole = abs(number - round(number)) < _WHOLE
        if is_whole and units * round(number) % centring:
            return False
    return True
