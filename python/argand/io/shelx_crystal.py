"""Decode the structure in a SHELX file: free variables, occupancies and displacements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from argand.atom_types import atom_type
from argand.cell import Cell, FloatArray, b_iso_from_u_aniso
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io.shelx import Instructions

__all__ = ["crystal_of_instructions"]

# B = 8 pi^2 U
_B_PER_U = 8.0 * np.pi**2

# Parameters code the number of a free variable as ten times that number; so many do not exist.
_LARGEST_CODE = 1e4

# U in A^2 of an atom whose line states none.
_DEFAULT_U = 0.05

# U between these is minus a multiple of the U of the last atom that is no hydrogen.
_RIDING_U = (-5.0, -0.5)

# Occupancies in SHELX files are rounded to five decimals: 0.33333 x 3 is 1.
_OCCUPANCY_ROUNDING = 2e-4


def crystal_of_instructions(instructions: Instructions) -> Crystal:
    """Make a crystal of the atoms in a SHELX file.

    A parameter v = 10 m + p is p for m = 0 or 1 (refined or fixed), p x fv(m) for m > 1, and
    p x (fv(-m) - 1) for m < -1. An occupancy counts the multiplicity of the site, which is divided
    out; U between -0.5 and -5 is that multiple of the equivalent U of the last atom that is no
    hydrogen.

    Source: SHELXL manual, chapter on FVAR and atom lines.

    Raises
    ------
    ArgandError
        Names the source and the atom that cannot be understood.
    """
    source = instructions.source
    cell = instructions.cell
    if cell is None:
        raise ArgandError(f"{source}: no CELL")
    if not instructions.atoms:
        raise ArgandError(f"{source}: no atom sites")
    n = len(instructions.atoms)
    types: list[str] = []
    frac = np.zeros((n, 3))
    occupancy = np.ones(n)
    u_iso = np.zeros(n)
    u_aniso = np.full((n, 6), np.nan)
    parent_u = _DEFAULT_U
    for site, words in enumerate(instructions.atoms):
        element = _element(words, instructions)
        values = [_decode(word, instructions, words[0]) for word in words[2:12]]
        *shift, sign = instructions.moves[site]
        frac[site] = np.array(shift) + sign * np.array(values[:3])
        if len(values) > 3:
            occupancy[site] = values[3]
        u_iso[site], u_aniso[site] = _displacement(values[4:], parent_u, cell)
        if atom_type(element).element not in ("H", "D"):
            parent_u = float(u_iso[site])
        types.append(element)
    try:
        crystal = Crystal(
            cell=cell,
            symops=instructions.symops,
            types=tuple(types),
            labels=tuple(words[0] for words in instructions.atoms),
            frac=frac,
            b_iso=_B_PER_U * u_iso,
            u_aniso=None if np.isnan(u_aniso).all() else u_aniso,
        )
        return crystal.replace(occ=_chemical_occupancy(occupancy, crystal))
    except ArgandError as error:
        raise ArgandError(f"{source}: {error}") from None


def _element(words: Sequence[str], instructions: Instructions) -> str:
    """Return the atom type of an atom line by its number in SFAC."""
    number = int(words[1])
    elements = instructions.elements
    if not 1 <= number <= len(elements):
        raise ArgandError(
            f"{instructions.source}: atom {words[0]} is of type {number}, "
            f"SFAC names {len(elements)}"
        )
    return elements[number - 1]


def _decode(word: str, instructions: Instructions, label: str) -> float:
    """Decode a parameter of an atom line, which may refer to a free variable."""
    source = instructions.source
    try:
        coded = float(word)
    except ValueError:
        coded = np.nan
    if not abs(coded) < _LARGEST_CODE:
        raise ArgandError(f"{source}: atom {label} has {word!r}, needs a number")
    m = round(coded / 10.0)
    p = coded - 10.0 * m
    if abs(m) < 2:
        return p
    if abs(m) > len(instructions.free_variables):
        raise ArgandError(f"{source}: atom {label} asks for free variable {abs(m)}, FVAR lacks it")
    variable = instructions.free_variables[abs(m) - 1]
    return p * variable if m > 0 else p * (variable - 1.0)


def _displacement(values: Sequence[float], parent_u: float, cell: Cell) -> tuple[float, FloatArray]:
    """Return the equivalent U and the tensor U (6,), 11 22 33 12 13 23, of an atom in A^2.

    SHELX lists the components as 11 22 33 23 13 12. The tensor of an isotropic atom is NaN.
    """
    if len(values) == 6:
        u11, u22, u33, u23, u13, u12 = values
        tensor = np.array([u11, u22, u33, u12, u13, u23])
        return float(b_iso_from_u_aniso(tensor, cell)) / _B_PER_U, tensor
    isotropic = np.full(6, np.nan)
    if not values:
        return _DEFAULT_U, isotropic
    lowest, highest = _RIDING_U
    if lowest <= values[0] <= highest:
        return -values[0] * parent_u, isotropic
    return values[0], isotropic


def _chemical_occupancy(occupancy: FloatArray, crystal: Crystal) -> FloatArray:
    """Divide the multiplicity of the sites out of SHELX's occupancies (n,), and their rounding."""
    chemical = occupancy * len(crystal.symops) / crystal.multiplicity()
    whole = np.rint(chemical)
    is_whole = np.abs(chemical - whole) < _OCCUPANCY_ROUNDING * np.maximum(chemical, 1)
    return np.where(is_whole, whole, chemical)
