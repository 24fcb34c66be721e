"""Read atom types: an element (or D), an isotope, and a charge: `C`, `O2-`, `Fe3+`, `D`, `7Li`."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import gemmi

from argand.errors import ArgandError

__all__ = ["AtomType", "atom_type", "atomic_number"]

# Real files have 'O2-', 'O-2', 'O-' and 'C0+'; they have 'CL', and isotopes ('2H', '7Li').
_SYMBOL = re.compile(r"(\d*)([A-Za-z]{1,2})(?:(\d*)([+-])|([+-])(\d+))?")

# Nuclei have at least as many nucleons as protons, and at most this many times their number.
_MOST_NUCLEONS = 3

# The last element that any table of form factors has.
_CALIFORNIUM = 98

# Osmium and ruthenium reach 8+, no element in a crystal more.
_LARGEST_CHARGE = 8


class AtomType(NamedTuple):
    """Hold an element symbol, a charge in elementary charges, and the mass number of an isotope.

    The mass number is 0 for an element in its natural composition.
    """

    element: str
    charge: int
    mass_number: int = 0

    @property
    def symbol(self) -> str:
        """Return the symbol of the type as argand writes it: 'C', 'O2-', 'Fe3+', '7Li'."""
        name = f"{self.mass_number}{self.element}" if self.mass_number else self.element
        if self.charge == 0:
            return name
        return f"{name}{abs(self.charge)}{'+' if self.charge > 0 else '-'}"


def atomic_number(element: str) -> int:
    """Return the atomic number of an element symbol: 1 for D, 0 when there is no such element."""
    gemmi_element = gemmi.Element(element)
    if gemmi_element.name.upper() != element.upper():
        return 0
    return int(gemmi_element.atomic_number)


@cache
def atom_type(symbol: str) -> AtomType:
    """Read a type symbol as element, charge and mass number.

    Raises
    ------
    ArgandError
        Names a symbol that is neither element nor ion nor isotope.
    """
    if not isinstance(symbol, str):
        raise ArgandError(f"atom type is {symbol!r:.60}, needs a symbol such as 'C' or 'O2-'")
    match = _SYMBOL.fullmatch(symbol.strip())
    if match:
        nucleons, element, size_first, sign_last, sign_first, size_last = match.groups()
        element = element.capitalize()
        mass_number = int(nucleons) if nucleons else 0
        if mass_number == 2 and element in ("H", "D"):
            mass_number = 0
            nucleons = ""
            element = "D"
        z = atomic_number(element)
        is_nucleus = not nucleons or z <= mass_number <= _MOST_NUCLEONS * z
        if z > _CALIFORNIUM:
            raise ArgandError(f"atom type {symbol!r}: no table has form factors beyond californium")
        if z > 0 and is_nucleus:
            size = size_last or size_first
            sign = sign_last or sign_first
            # A sign alone is a charge of one.
            charge = int(size) if size else int(bool(sign))
            if charge > _LARGEST_CHARGE:
                raise ArgandError(
                    f"atom type {symbol!r} has a charge of {size}, needs at most {_LARGEST_CHARGE}"
                )
            return AtomType(element, -charge if sign == "-" else charge, mass_number)
    raise ArgandError(
        f"unknown atom type {symbol!r}: needs an element, an ion such as 'O2-', "
        "an isotope such as '7Li', or 'D'"
    )
