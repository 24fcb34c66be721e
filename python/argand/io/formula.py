"""Read chemical formulas as CIFs write them."""

from __future__ import annotations

import re

from argand.atom_types import atomic_number

__all__ = ["parse_formula"]

# An element with its number, an opening bracket, a closing bracket with its number, or a gap.
# Numbers of more than nine digits count no atoms.
_TOKEN = re.compile(r"([A-Z][a-z]?)(\d{0,9}(?:\.\d*)?)|(\()|\)(\d{0,9}(?:\.\d*)?)|[\s,]+")


def parse_formula(formula: str) -> dict[str, float] | None:
    """Count the atoms in a chemical formula such as 'Ca (Al1.94 Fe.06) Si2 O10 D4'.

    Returns
    -------
    dict[str, float] | None
        Element to number of atoms; None for a text that is no such formula ('Co2 -x Mn x').
    """
    # One dictionary of counts for each open bracket.
    levels: list[dict[str, float]] = [{}]
    position = 0
    while position < len(formula):
        token = _TOKEN.match(formula, position)
        if token is None:
            return None
        position = token.end()
        element, number, opening, group_number = token.groups()
        if element:
            if not atomic_number(element):
                return None
            levels[-1][element] = levels[-1].get(element, 0.0) + _number(number)
        elif opening:
            levels.append({})
        elif group_number is not None:
            if len(levels) == 1:
                return None
            group = levels.pop()
            for inner, count in group.items():
                total = levels[-1].get(inner, 0.0) + count * _number(group_number)
                levels[-1][inner] = total
    if len(levels) != 1 or not levels[0]:
        return None
    return levels[0]


def _number(text: str) -> float:
    """Read the number behind an element or a bracket; without digits it is 1."""
    if not text.strip("."):
        return 1.0
    return float(text)
