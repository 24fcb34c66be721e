"""Chemical formulas as CIFs write them."""

from __future__ import annotations

import re

from argand.atom_types import atomic_number

__all__ = ["parse_formula"]

_TOKEN = re.compile(r"([A-Z][a-z]?)(\d*\.?\d*)|(\()|\)(\d*\.?\d*)|[\s,]+")


def parse_formula(formula: str) -> dict[str, float] | None:
    """'Ca (Al1.94 Fe.06) Si2 O10 D4' as element -> number; None for what is no such formula ('Co2 -x Mn x')."""
    levels: list[dict[str, float]] = [{}]
    position = 0
    while position < len(formula):
        token = _TOKEN.match(formula, position)
        if token is None:
            return None
        position = token.end()
        element, number, opening, after = token.groups()
        if element:
            if not atomic_number(element):
                return None
            levels[-1][element] = levels[-1].get(element, 0.0) + _number(number)
        elif opening:
            levels.append({})
        elif after is not None:
            if len(levels) == 1:
                return None
            for inner, count in levels.pop().items():
                levels[-1][inner] = levels[-1].get(inner, 0.0) + count * _number(after)
    return levels[0] if len(levels) == 1 and levels[0] else None


def _number(text: str) -> float:
    return float(text) if text.strip(".") else 1.0
