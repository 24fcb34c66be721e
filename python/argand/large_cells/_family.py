"""The functions of the reciprocal vector that atoms scatter with, g_j(h) = f_j(stol) exp(-T_j(h)).

T_j = d_j . y(h): for isotropic atoms d = B and y = stol^2, for anisotropic ones d = beta and y = (h^2, k^2, l^2, 2hk,
2hl, 2kl). Everything else is the same for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import Cell, FloatArray, beta_from_b_iso
from argand.crystal import Crystal
from argand.form_factors import form_factors, gaussians

Form = Callable[[FloatArray], FloatArray]  # stol (p,) to form factors (kinds, p)

ATOMS_AT_A_TIME = 4096
REFLECTIONS_AT_A_TIME = 8192


class Points(NamedTuple):
    """Where the functions are evaluated: p reflections, or values of stol^2."""

    y: FloatArray  # (1 or 6, p)
    form: FloatArray  # (kinds, p)


class Family(NamedTuple):
    """Atoms of one crystal whose displacements are of one sort, and the real part or the imaginary part of f."""

    cell: Cell
    kinds: tuple[str, ...]
    table: str
    form: Form
    factor: complex  # 1 for f0 + f', i for f''
    atoms: NDArray[np.intp]  # which sites of the crystal, (n,)
    frac: FloatArray
    occ: FloatArray
    kind: NDArray[np.intp]  # (n,) into kinds
    displacement: FloatArray  # (n, 1) B or (n, 6) beta

    @property
    def anisotropic(self) -> bool:
        return self.displacement.shape[1] == 6

    def at(self, hkl: NDArray[Any]) -> Points:
        """The points of reflections (p, 3)."""
        y, stol2 = coordinates(hkl, self.cell)
        return Points(y if self.anisotropic else stol2[None], self.form(np.sqrt(stol2)))

    def at_stol2(self, stol2: FloatArray) -> Points:
        return Points(stol2[None], self.form(np.sqrt(stol2)))

    def widest(self) -> float:
        """The largest B in any exp(-B stol^2) of the isotropic members, form factors included; A^2."""
        widths = (gaussians(kind, self.table)[1].max() for kind in self.kinds)
        return float(max(widths) + self.displacement.max())

    def only(self, wanted: NDArray[Any]) -> Family:
        """Some of the atoms, by index or mask."""
        return self._replace(**{name: getattr(self, name)[wanted] for name in _PER_ATOM})

    def chunks(self) -> Iterator[slice]:
        return pieces(len(self.kind), ATOMS_AT_A_TIME)


_PER_ATOM = ("atoms", "frac", "occ", "kind", "displacement")


def pieces(length: int, at_a_time: int) -> Iterator[slice]:
    return (slice(start, min(start + at_a_time, length)) for start in range(0, length, at_a_time))


def coordinates(hkl: NDArray[Any], cell: Cell) -> tuple[FloatArray, FloatArray]:
    """(h^2, k^2, l^2, 2hk, 2hl, 2kl) as (6, p), and stol^2 (p,), which is T of B = 1."""
    h, k, l = np.ascontiguousarray(hkl.T, dtype=np.float64)
    y = np.stack([h * h, k * k, l * l, 2 * h * k, 2 * h * l, 2 * k * l])
    return y, np.maximum(beta_from_b_iso(np.float64(1.0), cell) @ y, 0.0)


def members(kind: NDArray[np.intp], displacement: FloatArray, points: Points) -> FloatArray:
    """g_j = f_j exp(-d_j . y): (n, p)."""
    g: FloatArray = displacement @ points.y
    np.negative(g, out=g)
    np.exp(g, out=g)
    g *= points.form[kind]
    return g


def families(crystal: Crystal, table: str, energy_kev: float | None) -> list[Family]:
    """The atoms of a crystal in P 1, isotropic and anisotropic ones apart; with dispersion f'' apart from f0 + f'."""
    kinds = tuple(dict.fromkeys(crystal.types))
    number = {kind: i for i, kind in enumerate(kinds)}
    kind = np.array([number[symbol] for symbol in crystal.types], dtype=np.intp)
    tensor = np.zeros(len(kind), bool) if crystal.u_aniso is None else ~np.isnan(crystal.u_aniso[:, 0])
    found = []
    for factor, form in _forms(kinds, table, energy_kev):
        for anisotropic in (False, True):
            atoms = np.flatnonzero(tensor == anisotropic)
            if len(atoms):
                displacement = crystal.beta() if anisotropic else crystal.b_iso[:, None]
                every = Family(
                    crystal.cell, kinds, table, form, factor,
                    np.arange(len(kind)), crystal.frac, crystal.occ, kind, displacement,
                )  # fmt: skip
                found.append(every.only(atoms))
    return found


def _forms(kinds: tuple[str, ...], table: str, energy_kev: float | None) -> list[tuple[complex, Form]]:
    def real(stol: FloatArray) -> FloatArray:
        return np.ascontiguousarray(form_factors(kinds, stol, table=table, energy_kev=energy_kev).real)

    def imaginary(stol: FloatArray) -> FloatArray:
        return np.ascontiguousarray(form_factors(kinds, stol, table=table, energy_kev=energy_kev).imag)

    return [(1, real)] if energy_kev is None else [(1, real), (1j, imaginary)]
