"""Form factors of atom types from gemmi's tables, and dispersion.

it92
    f0(s) = sum_i a_i exp(-b_i s^2) + c in electrons, s = sin(theta)/lambda; International Tables C,
    6.1.1.4.
electron
    f(s) = sum_i a_i exp(-b_i s^2) of five Gaussians, in angstrom; International Tables C, 4.3.2.2.
neutron
    The bound coherent scattering length, in fm, of elements and isotopes; Neutron News 3(3), 1992.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache, lru_cache
from threading import Lock
from typing import Any

import gemmi
import numpy as np
import numpy.typing as npt

from argand import _seam
from argand._memory import demand
from argand._numbers import real_array, real_number
from argand.atom_types import atom_type, atomic_number
from argand.cell import FloatArray
from argand.errors import ArgandError, ArgandWarning
from argand.isotopes import isotope_length

__all__ = [
    "LARGEST_CORRECTION",
    "TABLES",
    "Corrections",
    "corrections_by_element",
    "dispersion",
    "dispersion_of_types",
    "form_factors",
    "gaussians",
]

TABLES = ("it92", "electron", "neutron")

# Element, f' and f'' in electrons, where they are stated rather than taken from the tables.
Corrections = tuple[tuple[str, float, float], ...]

#: f' and f'' have some tens of electrons at most, at the edges of the heaviest elements.
LARGEST_CORRECTION = 100.0

# Bytes of a form factor, and of one with dispersion, which is made of a real one.
_BYTES_OF_FACTOR = 8
_BYTES_WITH_DISPERSION = 24
# Bytes of stol^2.
_BYTES_OF_SQUARE = 8

# gemmi looks ions up only while a global switch is off, and the switch is to stay as its user set
# it.
_ion_switch = Lock()

# Atomic numbers in the tables of Cromer and Liberman: lithium to uranium. Below lithium f' and f''
# are under 1e-4 and taken as 0.
_DISPERSION_Z = range(3, 93)

# Photon energies in keV between which x-rays are diffracted, with a margin: the wavelengths are
# 124 and 0.0124 angstrom. Far outside the tables give numbers that are not finite.
_LOWEST_ENERGY = 0.1
_HIGHEST_ENERGY = 1000.0


@cache
def gaussians(symbol: str, table: str = "it92") -> tuple[FloatArray, FloatArray]:
    """Return the Gaussians of which the form factor of an atom type consists.

    f(s) = sum_i a_i exp(-b_i s^2). An ion without a row of its own gets the row of the neutral
    atom, with one `ArgandWarning`; D has the row of hydrogen, except for neutrons.

    Parameters
    ----------
    symbol
        An atom type: 'C', 'O2-', 'D'.
    table
        "it92", "electron" or "neutron".

    Returns
    -------
    Amplitudes a (terms,) in the unit of the table, and widths b (terms,) in A^2; a constant has b =
    0.

    Raises
    ------
    ArgandError
        The table lacks the type.
    """
    element, charge, mass_number = atom_type(symbol)
    if table == "neutron" and mass_number:
        isotope = isotope_length(element, mass_number)
        if isotope is None:
            raise ArgandError(f"no neutron scattering length for the isotope {symbol!r}")
        return np.array([isotope]), np.zeros(1)
    if table == "neutron":
        length = gemmi.Element(element).neutron92.get_coefs()
        if length == [0.0]:
            raise ArgandError(f"no neutron scattering length for {symbol!r} in the table")
        return np.array(length), np.zeros(1)
    row = _table_row(element, charge, table)
    if row is None:
        # The tables have all neutral atoms up to californium, the last one of `atom_type`.
        warnings.warn(
            f"{table} has no row for {symbol}: neutral {element} is used",
            ArgandWarning,
            stacklevel=3,
        )
        row = _table_row(element, 0, table)
    amplitudes, widths = list(row.a), list(row.b)
    if table == "it92":
        amplitudes.append(row.c)
        widths.append(0.0)
    return np.array(amplitudes), np.array(widths)


def _table_row(element: str, charge: int, table: str) -> Any:
    """Return gemmi's row of an element or ion in the table "it92" or "electron", or None."""
    if table != "it92":
        return None if charge else gemmi.Element(element).c4322
    if charge == 0:
        return gemmi.Element(element).it92
    with _ion_switch:
        ignore_charge = gemmi.IT92_get_ignore_charge()
        gemmi.IT92_set_ignore_charge(False)
        try:
            return gemmi.IT92_get_exact(gemmi.Element(element), charge)
        finally:
            gemmi.IT92_set_ignore_charge(ignore_charge)


@cache
def dispersion(symbol: str, energy_kev: float) -> complex:
    """Compute f' + i f'' of an atom type at a photon energy.

    The tables are those of Cromer and Liberman: they have no fine structure at an edge.

    Parameters
    ----------
    symbol
        An atom type: 'C', 'O2-', 'D'.
    energy_kev
        Photon energy in keV.

    Returns
    -------
    f' + i f'' in electrons.

    Raises
    ------
    ArgandError
        The energy is not one of x-rays, or the element stands beyond uranium.
    """
    if not _LOWEST_ENERGY <= energy_kev <= _HIGHEST_ENERGY:
        raise ArgandError(
            f"energy_kev is {energy_kev}, needs a photon energy of "
            f"{_LOWEST_ENERGY:g} to {_HIGHEST_ENERGY:g} keV"
        )
    z = atomic_number(atom_type(symbol).element)
    if z > _DISPERSION_Z[-1]:
        raise ArgandError(f"no dispersion for {symbol!r}: the tables end at uranium")
    if z not in _DISPERSION_Z:
        return 0j
    energy_ev = 1000.0 * energy_kev
    real, imaginary = gemmi.cromer_liberman(z, energy_ev)
    return complex(real, imaginary)


def form_factors(
    types: Sequence[str],
    stol: npt.ArrayLike,
    table: str = "it92",
    energy_kev: float | None = None,
    corrections: Corrections = (),
) -> npt.NDArray[Any]:
    """Compute the form factor of every type at every sin(theta)/lambda.

    Parameters
    ----------
    types
        n atom types: 'C', 'O2-', 'D'.
    stol
        sin(theta)/lambda = 1/(2d) in 1/angstrom, of any shape.
    table
        "it92" (x-rays, electrons), "electron" (angstrom) or "neutron" (fm, equal at every stol).
    energy_kev
        Photon energy in keV; it adds f' + i f'' to x-ray form factors.
    corrections
        (element, f', f'') in electrons at this energy, instead of the tabulated ones.

    Returns
    -------
    (n, *stol.shape) float64, complex128 with `energy_kev`.

    Raises
    ------
    ArgandError
        Unknown type or table, or an energy for a table that is not of x-rays.
    MemoryLimitError
        The answer takes more than `argand.memory_limit()`.
    """
    points = real_array("stol", stol)
    bytes_of_factor = _BYTES_OF_FACTOR if energy_kev is None else _BYTES_WITH_DISPERSION
    demand(
        f"{len(types) * points.size:,} form factors",
        (bytes_of_factor * len(types) + _BYTES_OF_SQUARE) * points.size,
        "give fewer at a time",
    )
    squares = np.square(points)
    rows = np.ascontiguousarray(squares.reshape(-1))
    f = at_squares(types, rows, table, energy_kev, corrections)
    return f.reshape(len(types), *squares.shape)


def corrections_by_element(corrections: Corrections) -> dict[str, complex]:
    """Return the stated f' + i f'' of each element, in electrons.

    Raises
    ------
    ArgandError
        Corrections that are not (element, f', f''), an element that is not known, or numbers that
        are none of electrons.
    """
    by_element: dict[str, complex] = {}
    for stated in corrections:
        if isinstance(stated, str) or len(stated) != 3:
            raise ArgandError(f"corrections hold {stated!r:.60}, need (element, f', f'')")
        symbol, *numbers = stated
        real, imaginary = (real_number("corrections", number) for number in numbers)
        # Comparisons with NaN are false.
        if not (abs(real) <= LARGEST_CORRECTION and abs(imaginary) <= LARGEST_CORRECTION):
            raise ArgandError(
                f"corrections hold f' {real:g} and f'' {imaginary:g} of {symbol}, need electrons, "
                f"{LARGEST_CORRECTION:g} at most"
            )
        by_element[atom_type(symbol).element] = complex(real, imaginary)
    return by_element


def at_squares(
    types: Sequence[str],
    squares: FloatArray,
    table: str = "it92",
    energy_kev: float | None = None,
    corrections: Corrections = (),
) -> npt.NDArray[Any]:
    """Compute the form factor of every type at every stol^2.

    The squares are not checked: only argand calls this.

    Parameters
    ----------
    types
        n atom types: 'C', 'O2-', 'D'.
    squares
        stol^2 (m,) float64 in 1/A^2, contiguous.
    table, energy_kev, corrections
        Table, photon energy in keV and stated f' and f'', as in `form_factors`.

    Returns
    -------
    (n, m) float64, complex128 with `energy_kev`.

    Raises
    ------
    ArgandError
        Unknown type or table, or an energy for a table that is not of x-rays.
    """
    if table not in TABLES:
        raise ArgandError(f"table is {table!r}, needs to be one of {', '.join(TABLES)}")
    if energy_kev is not None and table != "it92":
        raise ArgandError(f"energy_kev is for x-rays: the table {table!r} has no dispersion")
    f = np.empty((len(types), len(squares)))
    if len(types):
        amplitudes, widths = _stacked_gaussians(tuple(types), table)
        _seam.gaussian_sums(amplitudes, widths, squares, f)
    if energy_kev is None:
        if corrections:
            raise ArgandError("corrections are f' and f'' at a photon energy: give energy_kev")
        return f
    added = dispersion_of_types(types, real_number("energy_kev", energy_kev), corrections)
    with_dispersion: npt.NDArray[np.complex128] = f + added[:, None]
    return with_dispersion


def dispersion_of_types(
    types: Sequence[str], energy_kev: float, corrections: Corrections = ()
) -> npt.NDArray[np.complex128]:
    """Return f' + i f'' (n,) of n atom types in electrons: as stated, or else as tabulated."""
    stated = corrections_by_element(corrections)
    added = np.empty(len(types), np.complex128)
    for row, symbol in enumerate(types):
        element = atom_type(symbol).element
        added[row] = stated[element] if element in stated else dispersion(symbol, energy_kev)
    return added


@lru_cache(maxsize=256)
def _stacked_gaussians(types: tuple[str, ...], table: str) -> tuple[FloatArray, FloatArray]:
    """Return amplitudes and widths (n, terms) of the Gaussians of n types."""
    rows = [gaussians(symbol, table) for symbol in types]
    amplitudes = np.array([row_amplitudes for row_amplitudes, _ in rows])
    widths = np.array([row_widths for _, row_widths in rows])
    return amplitudes, widths
