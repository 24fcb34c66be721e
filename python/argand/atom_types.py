"""Atom types: an element (or D), and a charge when it is an ion, written `C`, `O2-`, `Fe3+`, `D`."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import gemmi

from argand.errors import ArgandError

__all__ = ["AtomType", "atom_type", "atomic_number"]

# 'O2-' and 'O-2' and 'O-' are met in real files, and 'C0+'; so are 'CL' and isotopes ('2H')
_SYMBOL = re.compile(r"(\d*)([A-Za-z]{1,2})(?:(\d*)([+-])|([+-])(\d+))?")


class AtomType(NamedTuple):
    element: str
    charge: int

    @property
    def symbol(self) -> str:
        if self.charge == 0:
            return self.element
        return f"{self.element}{abs(self.charge)}{'+' if self.charge > 0 else '-'}"


def atomic_number(element: str) -> int:
    """Atomic number of an element symbol; 1 for D; 0 when there is no such element."""
    found = gemmi.Element(element)
    return int(found.atomic_number) if found.name.upper() == element.upper() else 0


@cache
def atom_type(symbol: str) -> AtomType:
    """Element and charge of a type symbol; an `ArgandError` names a symbol that is neither element nor ion."""
    match = _SYMBOL.fullmatch(symbol.strip())
    if match:
        isotope, element, before, sign, sign_first, after = match.groups()
        element = element.capitalize()
        if isotope == "2" and element == "H":
            isotope, element = "", "D"
        if not isotope and atomic_number(element) > 0:
            size = after or before
            charge = int(size) if size else int(bool(sign or sign_first))
            return AtomType(element, -charge if (sign or sign_first) == "-" else charge)
    raise ArgandError(
        f"unknown atom type {symbol!r}: needs an element, an ion such as 'O2-', or 'D'"
    )
