"""Which atom a type symbol or a site label means: 'O-2', 'CaM1', 'Wat', 'Dw', 'HO1'."""

from __future__ import annotations

import re
from collections.abc import Collection

from argand.atom_types import AtomType, atom_type, atomic_number
from argand.errors import ArgandError

__all__ = ["isotope_of", "read_type"]

_ION = re.compile(r"[A-Z][a-z]?\d[+-]")


def isotope_of(element: str) -> str:
    """Formulas name deuterium D or H as they like."""
    return "H" if element == "D" else element


def read_type(text: str, formula: Collection[str] | None) -> AtomType | None:
    """The first reading whose element the formula contains, else the first reading; None without any.

    `formula` holds the elements of the compound, None when unknown. A label cannot tell holmium from a hydrogen called
    'Ho', or tungsten from water called 'W': the formula can.
    """
    readings = _readings(text)
    known = {isotope_of(element) for element in formula or ()}
    fitting = [reading for reading in readings if isotope_of(reading.element) in known]
    return next(iter(fitting or readings), None)


def _readings(text: str) -> list[AtomType]:
    readings: list[AtomType] = []
    try:
        readings.append(atom_type(text))
    except ArgandError:
        if ion := _ION.match(text):  # a label may begin with a type symbol: 'Fe3+17'
            readings.append(atom_type(ion[0]))
    letters = re.sub(r"^[^A-Za-z]+", "", text)
    letters = re.split(r"[^A-Za-z]", letters, maxsplit=1)[0]
    names = [letters[:2].capitalize(), letters[:1].upper()]
    if letters.lower().startswith("wat"):  # mineralogists' water
        names.insert(0, "O")
    elif letters.upper() == "W":
        names.append("O")
    readings += [AtomType(name, 0) for name in names if name and atomic_number(name)]
    return readings
