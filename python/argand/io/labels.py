"""Tell which atom a type symbol or a site label means: 'O-2', 'CaM1', 'Wat', 'Dw', 'HO1'."""

from __future__ import annotations

import re
from collections.abc import Collection

from argand.atom_types import AtomType, atom_type, atomic_number
from argand.errors import ArgandError

__all__ = ["isotope_of", "read_symbol", "read_type"]

_ION = re.compile(r"[A-Z][a-z]?\d[+-]")
# Marks around a charge or a number in a type symbol: 'Fe(3+)', 'O^2-^', 'Fe 3+'.
_MARKS = re.compile(r"[\s()^~'\"*]")
# A type symbol of GSAS for an isotope, 'Li_7'.
_UNDERSCORE_ISOTOPE = re.compile(r"([A-Za-z]{1,2})_(\d+)")
# An element followed by the number of its site or by a kind, 'C1', 'O_3', 'C_R'.
_NUMBERED_ELEMENT = re.compile(r"([A-Za-z]{1,2})(\d+|_\w*|-)")
# Molecules that look like a numbered cobalt, nobelium, polonium or holmium: 'CO3', 'NO3'.
_MOLECULE = re.compile(r"(CO|NO|PO|HO)\d")
# Type symbols of the oxygen of water, whose hydrogens are not in the file.
_WATER_SYMBOLS = ("ow", "wat", "water")
# Lawrencium: no crystal holds elements beyond it, and 'NH4' or 'OG1' do not mean them.
_LAST_ELEMENT = 103
_BEFORE_LETTERS = re.compile(r"^[^A-Za-z]+")
_AFTER_LETTERS = re.compile(r"[^A-Za-z]")


def isotope_of(element: str) -> str:
    """Return H for deuterium and every other element unchanged: formulas name D either way."""
    return "H" if element == "D" else element


def read_symbol(symbol: str) -> AtomType | None:
    """Read an explicit type symbol literally: an element, an ion, an isotope, 'C1', 'Fe(3+)'.

    None for a symbol of several atoms ('NH4', '0.6Cu + 0.4Al') or of none ('Va').
    """
    plain = _MARKS.sub("", symbol)
    literal = [plain]
    isotope = _UNDERSCORE_ISOTOPE.fullmatch(plain)
    if isotope:
        literal.append(f"{isotope[2]}{isotope[1]}")
    ion = _ION.match(plain)
    if ion and plain[ion.end() :].isdecimal():
        literal.append(ion[0])
    numbered = _NUMBERED_ELEMENT.fullmatch(plain)
    if numbered and not _MOLECULE.match(plain):
        literal.append(numbered[1])
    if plain.lower() in _WATER_SYMBOLS:
        literal.append("O")
    for text in literal:
        try:
            kind = atom_type(text)
        except ArgandError:
            continue
        if atomic_number(kind.element) <= _LAST_ELEMENT:
            return kind
    return None


def read_type(text: str, formula: Collection[str] | None) -> AtomType | None:
    """Read the atom type that a label means; the formula decides between readings.

    A label cannot tell holmium from a hydrogen called 'Ho', or tungsten from water called 'W'.

    Parameters
    ----------
    text
        Label of a site.
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
    # A label may begin with a type symbol: 'Fe3+17'.
    ion = _ION.match(text)
    for literal in (text, ion[0] if ion else ""):
        try:
            kind = atom_type(literal)
        except ArgandError:
            continue
        # The digits before a label are a number of its site, but for '2H', which is D.
        if not kind.mass_number and atomic_number(kind.element) <= _LAST_ELEMENT:
            readings.append(kind)
            break
    letters = _BEFORE_LETTERS.sub("", text)
    letters = _AFTER_LETTERS.split(letters, maxsplit=1)[0]
    names = [letters[:2].capitalize(), letters[:1].upper()]
    # Mineralogists call the oxygen of water 'Wat' or 'W'.
    if letters.lower().startswith("wat"):
        names.insert(0, "O")
    elif letters.upper() == "W":
        names.append("O")
    for name in names:
        if name and 0 < atomic_number(name) <= _LAST_ELEMENT:
            readings.append(AtomType(name, 0))
    return readings
