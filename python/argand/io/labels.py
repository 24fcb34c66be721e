"""Tell which atom a type symbol or a site label means: 'O-2', 'CaM1', 'Wat', 'Dw', 'HO1'."""

from __future__ import annotations

import re
from collections.abc import Collection

from argand.atom_types import AtomType, atom_type, atomic_number
from argand.errors import ArgandError

__all__ = ["isotope_of", "read_type"]

_ION = re.compile(r"[A-Z][a-z]?\d[+-]")
_BEFORE_LETTERS = re.compile(r"^[^A-Za-z]+")
_AFTER_LETTERS = re.compile(r"[^A-Za-z]")


def isotope_of(element: str) -> str:
    """Return H for deuterium and every other element unchanged: formulas name D either way."""
    return "H" if element == "D" else element


def read_type(text: str, formula: Collection[str] | None) -> AtomType | None:
    """Read the atom type in a type symbol or a label; the formula decides between readings.

    A label cannot tell holmium from a hydrogen called 'Ho', or tungsten from water called 'W'.

    Parameters
    ----------
    text
        Type symbol or label of a site.
    formula
        Elements of the compound, None when these are not known.

    Returns
    -------
    AtomType | None
        The first reading whose element the formula contains, else the first reading; None where
        the text names no element.
    """
    readings = _readings(text)
    elements = {isotope_of(element) for element in formula or ()}
    for reading in readings:
        if isotope_of(reading.element) in elements:
            return reading
    return readings[0] if readings else None


def _readings(text: str) -> list[AtomType]:
    """List the atom types that a text may mean, the most literal one first."""
    readings: list[AtomType] = []
    try:
        readings.append(atom_type(text))
    except ArgandError:
        # A label may begin with a type symbol: 'Fe3+17'.
        ion = _ION.match(text)
        if ion:
            readings.append(atom_type(ion[0]))
    letters = _BEFORE_LETTERS.sub("", text)
    letters = _AFTER_LETTERS.split(letters, maxsplit=1)[0]
    names = [letters[:2].capitalize(), letters[:1].upper()]
    # Mineralogists call the oxygen of water 'Wat' or 'W'.
    if letters.lower().startswith("wat"):
        names.insert(0, "O")
    elif letters.upper() == "W":
        names.append("O")
    for name in names:
        if name and atomic_number(name):
            readings.append(AtomType(name, 0))
    return readings
