"""Form factors of atom types from gemmi's tables, and dispersion.

it92:     f0(s) = sum_i a_i exp(-b_i s^2) + c in electrons, s = sin(theta)/lambda; International Tables C 6.1.1.4
electron: the same with five Gaussians and no c, in angstrom; International Tables C 4.3.2.2
neutron:  the bound coherent scattering length, in fm; Neutron News 3(3), 1992
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
from argand.atom_types import atom_type, atomic_number
from argand.cell import FloatArray
from argand.errors import ArgandError, ArgandWarning

__all__ = ["TABLES", "dispersion", "form_factors", "gaussians"]

TABLES = ("it92", "electron", "neutron")

# gemmi looks ions up only while a global switch is off, and it is to stay as its user set it
_ion_switch = Lock()

# Cromer and Liberman: lithium to uranium. Below lithium f' and f'' are under 1e-4 and taken as 0.
_DISPERSION_Z = range(3, 93)


@cache
def gaussians(symbol: str, table: str = "it92") -> tuple[FloatArray, FloatArray]:
    """Amplitudes a and widths b (A^2) of f(s) = sum_i a_i exp(-b_i s^2) for an atom type; a constant has b = 0.

    An ion without a row of its own gets the neutral atom's, with one `ArgandWarning`; D has hydrogen's, except for
    neutrons. An `ArgandError` names a type that the table lacks.
    """
    element, charge = atom_type(symbol)
    if table == "neutron":
        length = gemmi.Element(element).neutron92.get_coefs()
        if length == [0.0]:
            raise ArgandError(f"no neutron scattering length for {symbol!r} in the table")
        return np.array(length), np.zeros(1)
    row = (
        _x_ray_row(element, charge)
        if table == "it92"
        else (None if charge else gemmi.Element(element).c4322)
    )
    if row is None and charge:
        row = _x_ray_row(element, 0) if table == "it92" else gemmi.Element(element).c4322
        if row is not None:
            warnings.warn(
                f"{table} has no row for {symbol}: neutral {element} is used",
                ArgandWarning,
                stacklevel=3,
            )
    if row is None:
        raise ArgandError(f"no form factor for {symbol!r} in the table {table!r}")
    constant = getattr(row, "c", None)
    tail = [] if constant is None else [constant]
    return np.array([*row.a, *tail]), np.array([*row.b, *(0.0 for _ in tail)])


def _x_ray_row(element: str, charge: int) -> Any:
    if charge == 0:
        return gemmi.Element(element).it92
    with _ion_switch:
        ignored = gemmi.IT92_get_ignore_charge()
        gemmi.IT92_set_ignore_charge(False)
        try:
            return gemmi.IT92_get_exact(gemmi.Element(element), charge)
        finally:
            gemmi.IT92_set_ignore_charge(ignored)


@cache
def dispersion(symbol: str, energy_kev: float) -> complex:
    """f' + i f'' in electrons at a photon energy, after Cromer and Liberman (gemmi): no fine structure at an edge."""
    if not 0.0 < energy_kev < np.inf:
        raise ArgandError(f"energy_kev is {energy_kev}, needs a photon energy in keV")
    z = atomic_number(atom_type(symbol).element)
    if z > _DISPERSION_Z[-1]:
        raise ArgandError(f"no dispersion for {symbol!r}: the tables end at uranium")
    return complex(*gemmi.cromer_liberman(z, 1000.0 * energy_kev)) if z in _DISPERSION_Z else 0j


def form_factors(
    types: Sequence[str], stol: npt.ArrayLike, table: str = "it92", energy_kev: float | None = None
) -> npt.NDArray[Any]:
    """Form factor of every type at every sin(theta)/lambda.

    Parameters
    ----------
    types : n atom types, 'C', 'O2-', 'D'
    stol : any shape, sin(theta)/lambda = 1/(2d) in 1/angstrom
    table : "it92" (x-rays, electrons), "electron" (angstrom) or "neutron" (fm, the same at every stol)
    energy_kev : photon energy; adds f' + i f'' to x-ray form factors

    Returns
    -------
    (n, *stol.shape) float64, complex128 with `energy_kev`

    Raises
    ------
    ArgandError
        Unknown type or table, or an energy for what is no x-ray.
    """
    squared = np.square(np.asarray(stol, dtype=np.float64))
    f = at_squares(types, np.ascontiguousarray(squared.reshape(-1)), table, energy_kev)
    return f.reshape(len(types), *squared.shape)


def at_squares(
    types: Sequence[str], squares: FloatArray, table: str = "it92", energy_kev: float | None = None
) -> npt.NDArray[Any]:
    """`form_factors` at stol^2 (m,), contiguous."""
    if table not in TABLES:
        raise ArgandError(f"table is {table!r}, needs to be one of {', '.join(TABLES)}")
    if energy_kev is not None and table != "it92":
        raise ArgandError(f"energy_kev is for x-rays: the table {table!r} has no dispersion")
    f = np.empty((len(types), len(squares)))
    if len(types):
        _seam.gaussian_sums(*_rows(tuple(types), table), squares, f)
    if energy_kev is None:
        return f
    added = np.array([dispersion(symbol, float(energy_kev)) for symbol in types], np.complex128)
    complex_f: npt.NDArray[np.complex128] = f + added[:, None]
    return complex_f


@lru_cache(maxsize=256)
def _rows(types: tuple[str, ...], table: str) -> tuple[FloatArray, FloatArray]:
    """`gaussians` of several types, (n, terms) each."""
    a, b = zip(*(gaussians(symbol, table) for symbol in types), strict=True)
    return np.array(a), np.array(b)
