"""Elemental metals as facts: symbol, lattice, lattice constant, source."""

from __future__ import annotations

from typing import NamedTuple

from argand.crystal import Crystal
from argand.errors import ArgandError

__all__ = ["ELEMENTS_16", "METALS", "Metal", "metal"]

#: Room temperature, after H. W. King; rounded to 0.001 A or 0.002 A
CRC = (
    "CRC Handbook of Chemistry and Physics, "
    "crystal structures and lattice parameters of the elements"
)
#: As used in the experiment that this package started from, so that its numbers can be reproduced
EXPERIMENT = "first experiment"

#: Atoms of the conventional cell, in units of its edges
SITES = {
    "fcc": ((0.0, 0.0, 0.0), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0)),
    "bcc": ((0.0, 0.0, 0.0), (0.5, 0.5, 0.5)),
}


class Metal(NamedTuple):
    """State the structure of one elemental metal and where it is tabulated."""

    symbol: str
    #: "fcc" or "bcc"
    lattice: str
    #: edge of the cubic cell, angstrom
    a: float
    source: str


#: The sixteen metals of the first experiment
ELEMENTS_16 = (
    "Al",
    "Ca",
    "Ni",
    "Cu",
    "Sr",
    "Rh",
    "Pd",
    "Ag",
    "Ir",
    "Pt",
    "Au",
    "Pb",
    "Fe",
    "Nb",
    "V",
    "W",
)

#: The table of metals by symbol
METALS: dict[str, Metal] = {
    row.symbol: row
    for row in (
        Metal("Al", "fcc", 4.0495, EXPERIMENT),
        Metal("Ca", "fcc", 5.588, EXPERIMENT),
        Metal("Ni", "fcc", 3.524, EXPERIMENT),
        Metal("Cu", "fcc", 3.615, EXPERIMENT),
        Metal("Sr", "fcc", 6.084, EXPERIMENT),
        Metal("Rh", "fcc", 3.803, EXPERIMENT),
        Metal("Pd", "fcc", 3.891, EXPERIMENT),
        Metal("Ag", "fcc", 4.086, EXPERIMENT),
        Metal("Ir", "fcc", 3.839, EXPERIMENT),
        Metal("Pt", "fcc", 3.924, EXPERIMENT),
        Metal("Au", "fcc", 4.078, EXPERIMENT),
        Metal("Pb", "fcc", 4.951, EXPERIMENT),
        Metal("Fe", "bcc", 2.8665, EXPERIMENT),
        Metal("Nb", "bcc", 3.3008, EXPERIMENT),
        Metal("V", "bcc", 3.024, EXPERIMENT),
        Metal("W", "bcc", 3.165, EXPERIMENT),
        Metal("Yb", "fcc", 5.485, CRC),
        Metal("Th", "fcc", 5.084, CRC),
        Metal("Cr", "bcc", 2.885, CRC),
        Metal("Mo", "bcc", 3.147, CRC),
        Metal("Ta", "bcc", 3.303, CRC),
    )
}


def metal(symbol: str) -> Crystal:
    """Make the conventional cell of an elemental metal in P 1, atoms at rest (B = 0).

    Raises
    ------
    ArgandError
        The symbol is not in the table `METALS`.
    """
    if symbol not in METALS:
        raise ArgandError(
            f"metal {symbol!r} is not in the table, needs to be one of {', '.join(METALS)}"
        )
    _, lattice, a, _ = METALS[symbol]
    sites = SITES[lattice]
    cell = (a, a, a, 90.0, 90.0, 90.0)
    return Crystal(cell=cell, types=(symbol,) * len(sites), frac=sites)  # type: ignore[arg-type]
