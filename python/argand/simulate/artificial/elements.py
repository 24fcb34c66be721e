"""Elements of artificial crystals: how often each occurs, and how near two atoms may come."""

from __future__ import annotations

from collections.abc import Mapping

import gemmi
import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.errors import ArgandError

__all__ = [
    "ANIONS",
    "CATIONS",
    "MOLECULAR_SHARES",
    "SYMBOLS",
    "code_of",
    "contact_limits",
    "covalent_limits",
    "draw_codes",
    "element_shares",
    "ionic_lengths",
]

#: Elements by their code, which is the place in this list: the atomic number less 1
SYMBOLS: tuple[str, ...] = tuple(gemmi.Element(number).name for number in range(1, 93))

#: Shares of elements among the atoms of molecular crystals, without hydrogen
MOLECULAR_SHARES: dict[str, float] = {
    "C": 0.74,
    "N": 0.10,
    "O": 0.12,
    "F": 0.01,
    "S": 0.014,
    "Cl": 0.01,
    "P": 0.003,
    "Br": 0.003,
}

#: Ionic radii, angstrom, for the usual coordination (Shannon, Acta Cryst. A32 (1976) 751), with the
#: share of each among cations
CATIONS: dict[str, tuple[float, float]] = {
    "Si": (0.26, 0.16),
    "P": (0.17, 0.08),
    "S": (0.12, 0.04),
    "Al": (0.45, 0.12),
    "B": (0.11, 0.03),
    "Mg": (0.72, 0.07),
    "Fe": (0.65, 0.07),
    "Ti": (0.61, 0.05),
    "Zn": (0.60, 0.05),
    "Cu": (0.65, 0.05),
    "Mn": (0.75, 0.05),
    "Ca": (1.06, 0.08),
    "Na": (1.07, 0.07),
    "K": (1.46, 0.05),
    "Ba": (1.42, 0.02),
    "La": (1.10, 0.01),
}

#: Ionic radius, angstrom, share among crystals, and the volume of the cell for each atom, A^3
ANIONS: dict[str, tuple[float, float, float]] = {
    "O": (1.36, 0.78, 15.0),
    "F": (1.30, 0.08, 15.0),
    "S": (1.84, 0.07, 24.0),
    "Cl": (1.81, 0.07, 25.0),
}

# Two atoms are never nearer than this share of the sum of their covalent radii.
_SHORTEST_BOND = 0.88

# Molecules touch at this share of the sum of van der Waals radii: hydrogen bonds are as short.
_TOUCH = 0.88

# Anions may touch a cation at this share of the sum of the radii, and each other at this one.
_CATION_TO_ANION = 0.93
_ANION_TO_ANION = 0.86

# Two cations are at least as far apart as across the shared edge of two octahedra.
_SHARED_EDGE = 1.38


def code_of(symbol: str) -> int:
    """Return the code of an element: its place in `SYMBOLS`."""
    return SYMBOLS.index(symbol)


def covalent_limits() -> FloatArray:
    """Return the shortest distances (92, 92), angstrom, of two bonded atoms of two elements."""
    radii = np.array([gemmi.Element(symbol).covalent_r for symbol in SYMBOLS])
    return np.asarray(_SHORTEST_BOND * (radii[:, None] + radii))


def contact_limits() -> FloatArray:
    """Return the shortest distances (92, 92), angstrom, of atoms of different molecules."""
    radii = np.array([gemmi.Element(symbol).vdw_r for symbol in SYMBOLS])
    return np.asarray(_TOUCH * (radii[:, None] + radii))


def ionic_lengths(anion: str) -> tuple[FloatArray, FloatArray]:
    """Return distances of ions around one kind of anion, angstrom.

    Parameters
    ----------
    anion
        An element of `ANIONS`.

    Returns
    -------
    Shortest distances (92, 92) of any two ions, and the bond length (92,) of each cation to the
    anion; entries of elements that are no ions here are NaN.
    """
    anion_radius = ANIONS[anion][0]
    lengths = np.full(len(SYMBOLS), np.nan)
    for symbol, (radius, _) in CATIONS.items():
        lengths[code_of(symbol)] = radius + anion_radius
    limits = 0.5 * _SHARED_EDGE * (lengths[:, None] + lengths)
    code = code_of(anion)
    limits[code] = limits[:, code] = _CATION_TO_ANION * lengths
    limits[code, code] = 2.0 * _ANION_TO_ANION * anion_radius
    lengths[code] = np.nan
    return limits, lengths


def element_shares(shares: Mapping[str, float]) -> tuple[NDArray[np.int64], FloatArray]:
    """Return codes (s,) of elements, and the uniform numbers (s - 1,) between which each is drawn.

    Raises
    ------
    ArgandError
        A share is not above 0, or an element is unknown or beyond uranium.
    """
    codes = []
    for symbol, share in shares.items():
        if symbol not in SYMBOLS:
            raise ArgandError(f"elements names {symbol!r}, needs elements up to uranium")
        if not 0.0 < share < np.inf:
            raise ArgandError(f"elements gives {symbol} the share {share}, needs one above 0")
        codes.append(code_of(symbol))
    weights = np.array(list(shares.values()))
    return np.array(codes), np.cumsum(weights / weights.sum())[:-1]


def draw_codes(shares: Mapping[str, float], uniform: FloatArray) -> NDArray[np.int64]:
    """Return codes of elements, of the shape of the uniform numbers, by their shares.

    Raises
    ------
    ArgandError
        A share is not above 0, or an element is unknown or beyond uranium.
    """
    codes, limits = element_shares(shares)
    return codes[np.searchsorted(limits, uniform, side="right")]
