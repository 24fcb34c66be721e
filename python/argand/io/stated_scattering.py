"""Compare the form factors and scattering lengths that a CIF states with those of the tables.

The tables are used. A file that was refined with others, for an isotope or a model of its own, is
to be known by a note.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from gemmi import cif

from argand.atom_types import atom_type
from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.form_factors import gaussians
from argand.io.cif_block import Block

__all__ = ["scattering_notes"]

# Scattering lengths of tables differ by less than this share.
_SAME_LENGTH = 0.05

# Files state lengths in fm, or in 10^-12 cm.
_LENGTH_UNITS = (1.0, 10.0)

# stol^2 in 1/A^2 at which form factors are compared, about where most reflections are measured, and
# the difference in electrons that tables of one atom do not have.
_SQUARE = 0.1
_SAME_FACTOR = 0.3

# Columns of a form factor as a sum of Gaussians.
_GAUSSIANS = tuple(
    f"_atom_type_scat_cromer_mann_{letter}{i}" for letter in "ab" for i in range(1, 5)
)
_CONSTANT = "_atom_type_scat_cromer_mann_c"


def scattering_notes(block: Block, types: Iterable[str]) -> list[str]:
    """Say in words which elements of a structure scatter otherwise than the tables have it.

    Parameters
    ----------
    block
        Data block with a table of atom types.
    types
        Types of the atom sites.
    """
    by_symbol = {kind: kind for kind in types}
    by_symbol |= {atom_type(kind).element: kind for kind in types}
    lengths = _column(block, "_atom_type_scat_length_neutron")
    coefficients = [_column(block, tag) for tag in (*_GAUSSIANS, _CONSTANT)]
    notes: list[str] = []
    for row, symbol in enumerate(block.column("_atom_type_symbol") or []):
        kind = by_symbol.get(_plain(symbol))
        if kind is None:
            continue
        length = _at(lengths, row)
        if _is_other_length(kind, length):
            notes.append(
                f"a scattering length of {length:g} is stated for {symbol}, "
                "that of the tables is used for neutrons"
            )
        if _is_other_factor(kind, [_at(column, row) for column in coefficients]):
            notes.append(f"a form factor is stated for {symbol}, that of the tables is used")
    return notes


def _plain(symbol: str) -> str:
    """Return an atom type as crystals name it; the symbol itself where it is none."""
    try:
        return atom_type(symbol).symbol
    except ArgandError:
        return symbol


def _column(block: Block, tag: str) -> list[float]:
    """Return the numbers of a column, NaN for what is none."""
    return [float(cif.as_number(text)) for text in block.column(tag) or []]


def _at(column: list[float], row: int) -> float:
    """Return the number in a row of a column, NaN where the column ends before."""
    return column[row] if row < len(column) else math.nan


def _is_other_length(kind: str, length: float) -> bool:
    """Tell whether a scattering length differs from the tabulated one, in either unit."""
    if not math.isfinite(length) or length == 0.0:
        return False
    try:
        tabulated = float(gaussians(kind, "neutron")[0][0])
    except ArgandError:
        return False
    differences = [abs(unit * length - tabulated) for unit in _LENGTH_UNITS]
    return min(differences) > _SAME_LENGTH * abs(tabulated)


def _is_other_factor(kind: str, coefficients: list[float]) -> bool:
    """Tell whether a sum of Gaussians, a1 to a4, b1 to b4 and c, differs from the tabulated one.

    Some programs write a1 b1 a2 b2 and so on into these columns.
    """
    if not np.isfinite(coefficients).all():
        return False
    try:
        amplitudes, widths = gaussians(kind)
    except ArgandError:
        return False
    tabulated = _gaussian_sum(amplitudes, widths)
    numbers, constant = np.array(coefficients[:8]), coefficients[8]
    stated = _gaussian_sum(numbers[:4], numbers[4:]) + constant
    in_pairs = _gaussian_sum(numbers[0::2], numbers[1::2]) + constant
    return min(abs(stated - tabulated), abs(in_pairs - tabulated)) > _SAME_FACTOR


def _gaussian_sum(amplitudes: FloatArray, widths: FloatArray) -> float:
    """Return the sum of Gaussians at the stol^2 of the comparison."""
    return float(np.sum(amplitudes * np.exp(-widths * _SQUARE)))
