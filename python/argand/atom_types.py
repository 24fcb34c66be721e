"""Read atom types: an element (or D), and a charge when it is an ion: `C`, `O2-`, `Fe3+`, `D`."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import gemmi

from argand.errors import ArgandError

__all__ = ["AtomType", "atom_type", "atomic_number"]

# Real files have 'O2-', 'O-2', 'O-' and 'C0+'; they have 'CL', and isotopes ('2H').
_SYMBOL = re.compile(r"(\d*)([A-Za-z]{1,2})(?:(\d*)([+-])|([+-])(\d+))?")


class AtomType(NamedTuple):
    """Hold an element symbol and a charge in units of the elementary charge."""

    element: str
    charge: int

    @property
    def symbol(self) -> str:
        """Return the symbol of the type as argand writes it: 'C', 'O2-', 'Fe3+'."""
        if self.charge == 0:
            return self.element
        return f"{self.element}{abs(self.charge)}{'+' if self.charge > 0 else '-'}"


def atomic_number(element: str) -> int:
    """Return the atomic number of an element symbol: 1 for D, 0 when there is no such element."""
    gemmi_element = gemmi.Element(element)
    if gemmi_element.name.upper() != element.upper():
        return 0
    return int(gemmi_element.atomic_number)


@cache
def atom_type(symbol: str) -> AtomType:
    """Read a type symbol as element and charge.

    Raises
    ------
    ArgandError
        Names a symbol that is neither element nor ion.
    """
    match = _SYMBOL.fullmatch(symbol.strip())
    if match:
        isotope, element, size_first, sign_last, sign_first, size_last = match.groups()
        element = element.capitalize()
        if isotope == "2" and element == "H":
            isotope = ""
            element = "D"
        if not isotope and atomic_number(element) > 0:
            size = size_last or size_first
            sign = sign_last or sign_first
            # A sign alone is a charge of one.
            charge = int(size) if size else int(bool(sign))
            return AtomType(element, -charge if sign == "-" else charge)
    raise ArgandError(
        f"unknown atom type {symbol!r}: needs an element, an ion such as 'O2-', or 'D'"
    )
