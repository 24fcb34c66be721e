"""Tabulate what is usual of elements in crystals: how rare, how large, how many bonds, how long.

Costs are negative logarithms of probabilities. They were set by hand after common chemistry, not
fitted to any structures.
"""

from __future__ import annotations

from functools import cache

import gemmi

__all__ = [
    "CHARGES",
    "LIGHT_COSTS",
    "NONMETALS",
    "NONMETAL_COSTS",
    "OXO_METALS",
    "OXYGEN_BONDS",
    "RARITY",
    "VOLUMES",
    "covalent_radius",
]


def _numbers(text: str) -> dict[str, float]:
    """Read pairs of a symbol and a number."""
    words = text.split()
    return {symbol: float(number) for symbol, number in zip(words[::2], words[1::2], strict=True)}


def _rows(text: str) -> dict[str, tuple[float, ...]]:
    """Read lines of a symbol and numbers."""
    rows: dict[str, tuple[float, ...]] = {}
    for line in text.strip().splitlines():
        symbol, *numbers = line.split()
        rows[symbol] = tuple(float(number) for number in numbers)
    return rows


#: How much rarer than carbon each element of crystals is, as a cost
RARITY = _numbers(
    """
    C 0  O 0.4  N 0.9  F 2.5  S 2  Cl 2  P 2.8  Br 3  B 3  Si 3  I 3.5  Cu 3.3  Zn 3.3  Fe 3.3
    Co 3.3  Ni 3.5  Mn 3.5  Na 3.5  K 3.5  Ca 4  Mg 4  Al 3.8  Li 5  Ti 4.2  Mo 4  Pd 4  Pt 4
    Ru 4  Ag 4  Rh 4.2  Cd 4.2  Sn 4.2  Cs 4.5  W 4.2  Au 4.2  Ir 4.3  Hg 4.4  Pb 4.3  Bi 4.4
    Se 4.2  V 4.2  Cr 4.2  Re 4.4  Os 4.6  As 4.5  Sb 4.5  Te 4.6  Ge 4.6  Ga 4.5  In 4.7
    Zr 4.5  Sc 5  Nb 4.7  Ba 4.5  Sr 4.5  Rb 4.7  Y 4.7  La 4.6  Ce 4.8  Nd 4.8  Sm 5
    Pr 4.9  Eu 4.8  Gd 4.8  Tb 4.9  Dy 4.9  Er 5  Ho 5  Yb 5  Lu 5.2
    U 4.7  Th 5  Tl 5  Ta 5  Hf 5  Be 7
    """
)

#: Volumes of atoms in crystals, A^3, after D. W. M. Hofmann, Acta Cryst. B57 (2002) 489-493; all
#: others are cations of metals, which take little room
VOLUMES = _numbers(
    """
    C 13.9  N 11.8  O 11.4  F 11.2  B 10  S 23  Cl 25.8  Br 32.7  I 46  P 15  Si 13  Se 28
    Te 35  K 20  Rb 25  Cs 35
    """
)

#: Cost of a light element with 0, 1, 2, 3, 4, and more light neighbours at the distance of a bond
LIGHT_COSTS = _rows(
    """
    C 4 0.6 0 0 0 3
    N 2 0.8 0 0 1.5 6
    O 0.3 0 0 3 6 9
    F 2 0 4 6 9 9
    B 3 3 1 0 0 0
    """
)

#: Cost of a heavier nonmetal with 0 to 6 neighbours at the distance of a bond
NONMETAL_COSTS = _rows(
    """
    Si 3 3 2 1 0 0.5 0.5
    P 4 4 1.5 0 0 1 0
    S 1 0.2 0 0.8 0 3 3
    Cl 0.3 0 4 4 0.5 6 6
    Br 0.3 0 4 5 5 6 6
    As 1 3 2 0 0 1 0
    Se 1 1.5 0 1.5 2 3 3
    """
)

#: Mean distance in angstrom to the nearest four oxygens at most, and by how much it varies
OXYGEN_BONDS = _rows(
    """
    Be 1.63 0.04
    B 1.43 0.06
    Si 1.62 0.03
    P 1.53 0.03
    S 1.47 0.03
    Cl 1.43 0.03
    Al 1.82 0.08
    Mg 2.07 0.06
    Li 1.98 0.1
    Na 2.4 0.12
    K 2.8 0.12
    Ca 2.38 0.08
    Ti 1.93 0.08
    Fe 2.03 0.1
    Zn 2.03 0.1
    Ba 2.75 0.12
    Sr 2.55 0.1
    Rb 2.95 0.15
    Cs 3.1 0.15
    """
)

#: Charges that elements have in salts and oxides; all others may have any
CHARGES = _rows(
    """
    Li 1
    Na 1
    K 1
    Rb 1
    Cs 1
    Ag 1
    Be 2
    Mg 2
    Ca 2
    Sr 2
    Ba 2
    Zn 2
    Cd 2
    Pb 2 4
    Sn 2 4
    Fe 2 3
    Co 2 3
    Ni 2
    Mn 2 3 4
    Cu 1 2
    Cr 3 6
    V 3 4 5
    Ti 4
    Zr 4
    B 3
    Al 3
    Ga 3
    In 3
    Sc 3
    Y 3
    La 3
    Ce 3 4
    Nd 3
    Sm 3
    Eu 2 3
    Gd 3
    Tb 3
    Dy 3
    Ho 3
    Er 3
    Yb 3
    Lu 3
    Bi 3
    Sb 3 5
    As 3 5 -3
    Si 4
    Ge 4
    P -3
    Nb 5
    Ta 5
    Mo 6 4
    W 6
    C -4
    O -2
    S -2
    Se -2 4
    Te -2
    F -1
    Cl -1
    Br -1
    I -1
    N -3
    """
)

#: Elements whose bonds with each other are never much longer than the sum of their radii
NONMETALS = ("B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "As", "Se", "Br", "Te", "I")

#: Metals whose bonds to oxygen may be double and very short
OXO_METALS = ("Ti", "V", "Cr", "Mn", "Fe", "Nb", "Mo", "Tc", "Ru", "Ta", "W", "Re", "Os", "U")


@cache
def covalent_radius(element: str) -> float:
    """Return the covalent radius of an element in angstrom, gemmi's."""
    return float(gemmi.Element(element).covalent_r)
