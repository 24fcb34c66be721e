"""What of a crystal is free, as a linear map from parameters to its sites.

A site has eleven coordinates q: x y z (fractional), U 11 22 33 12 13 23 (A^2), B (A^2) and its occupancy. Parameters p
move them along fixed directions, q = q0 + p D, so that a special position, a tied group of atoms and a collective mode
are all the same thing: rows of D.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand.cell import FloatArray, u_aniso_from_beta
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.site_symmetry import cartesian_axes, displacement_basis, position_basis

__all__ = ["BISO", "FRAC", "OCC", "UANISO", "Parameters", "free"]

#: Where the coordinates of a site lie among its eleven
FRAC, UANISO, BISO, OCC = slice(0, 3), slice(3, 9), 9, 10

Choice = bool | Sequence[bool] | NDArray[Any]


@dataclass(frozen=True, eq=False)
class Parameters:
    """k free parameters of a crystal with n sites.

    Attributes
    ----------
    names : k names, 'C1.x', 'O2.U12', 'Na1.occ', 'overall.B', 'extinction.x'
    kinds : k words, 'position' (angstrom), 'u' and 'b' (A^2), 'occupancy', 'overall_b' (A^2), 'extinction'
    directions : (k, n, 11), what one unit of each does to the coordinates of every site
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    directions: FloatArray

    def __len__(self) -> int:
        return len(self.names)

    def __add__(self, other: Parameters) -> Parameters:
        """These parameters of a crystal, and others after them."""
        directions = np.concatenate([self.directions, other.directions])
        return Parameters(self.names + other.names, self.kinds + other.kinds, directions)

    def of_kind(self, kind: str) -> NDArray[np.intp]:
        """Which parameters are of a kind."""
        return np.flatnonzero(np.array(self.kinds) == kind)


def free(
    crystal: Crystal,
    *,
    positions: Choice = True,
    displacement: Choice = False,
    occupancies: Choice = False,
    overall_b: bool = False,
    extinction: bool = False,
    riding: Mapping[str, str] | None = None,
) -> Parameters:
    """Choose what moves; site symmetry is kept.

    Parameters
    ----------
    positions
        True (every site), a mask (n,), or collective modes (j, n, 3) of Cartesian displacements in angstrom (x along a,
        y in the ab plane), each one parameter. A site moves along orthonormal Cartesian axes; on a special position
        along those that its symmetry leaves, so that the length of p is a displacement in angstrom.
    displacement
        Sites whose U (anisotropic ones, the independent components on special positions) or B is free.
    occupancies
        Sites whose occupancy is free.
    overall_b
        One B for the whole crystal, on top of that of the sites: F exp(-B stol^2).
    extinction
        SHELXL's x (see `argand.extinction`), on top of that of the `Model`.
    riding
        Labels of sites that move with another one, {"H1": "C1"}; they have no position of their own.

    Raises
    ------
    ArgandError
        A mask or modes of the wrong shape, modes that break the symmetry of a site, an unknown label.
    """
    n = len(crystal.types)
    rows: list[tuple[str, str, FloatArray]] = []
    given = np.asarray(positions)
    rows += (
        _modes(crystal, given)
        if given.ndim == 3
        else _positions(crystal, _mask("positions", given, n), riding)
    )
    rows += _displacement(crystal, _mask("displacement", displacement, n))
    for i in np.flatnonzero(_mask("occupancies", occupancies, n)).tolist():
        rows.append((f"{crystal.labels[i]}.occ", "occupancy", _row(n, i, OCC, 1.0)))
    if overall_b:
        rows.append(("overall.B", "overall_b", np.zeros((n, 11))))
    if extinction:
        rows.append(("extinction.x", "extinction", np.zeros((n, 11))))
    directions = np.array([row[2] for row in rows]).reshape(len(rows), n, 11)
    directions.flags.writeable = False
    return Parameters(tuple(row[0] for row in rows), tuple(row[1] for row in rows), directions)


def _mask(name: str, choice: ArrayLike, n: int) -> NDArray[np.bool_]:
    given = np.asarray(choice)
    if given.dtype != bool or given.shape not in ((), (n,)):
        raise ArgandError(
            f"{name} is {given.dtype} of shape {given.shape}, needs True, False or ({n},) of them"
        )
    return np.broadcast_to(given, (n,))


def _row(n: int, site: int, at: slice | int, value: Any) -> FloatArray:
    row = np.zeros((n, 11))
    row[site, at] = value
    return row


def _positions(
    crystal: Crystal, mask: NDArray[np.bool_], riding: Mapping[str, str] | None
) -> list[tuple[str, str, FloatArray]]:
    n, to_frac = len(crystal.types), np.linalg.inv(cartesian_axes(crystal))
    followers = _followers(crystal, riding or {})
    rows = []
    for i in np.flatnonzero(mask).tolist():
        if any(i in those for those in followers.values()):
            continue
        basis = position_basis(crystal, i)
        axes = "xyz" if len(basis) == 3 else [f"u{j + 1}" for j in range(len(basis))]
        for axis, direction in zip(axes, basis, strict=True):
            row = _row(n, i, FRAC, to_frac @ direction)
            row[followers.get(int(i), []), FRAC] = to_frac @ direction
            rows.append((f"{crystal.labels[i]}.{axis}", "position", row))
    return rows


def _followers(crystal: Crystal, riding: Mapping[str, str]) -> dict[int, list[int]]:
    where = {label: i for i, label in enumerate(crystal.labels)}
    followers: dict[int, list[int]] = {}
    for rider, parent in riding.items():
        for label in (rider, parent):
            if label not in where:
                raise ArgandError(f"riding names {label!r}, which is no label of the crystal")
        if parent in riding:
            raise ArgandError(
                f"riding lets {rider} follow {parent}, which follows {riding[parent]} itself"
            )
        followers.setdefault(where[parent], []).append(where[rider])
    return followers


def _modes(crystal: Crystal, modes: NDArray[Any]) -> list[tuple[str, str, FloatArray]]:
    n, to_frac = len(crystal.types), np.linalg.inv(cartesian_axes(crystal))
    if modes.shape[1:] != (n, 3):
        raise ArgandError(f"positions has shape {modes.shape}, needs (modes, {n}, 3)")
    rows = []
    for j, mode in enumerate(np.asarray(modes, np.float64)):
        for i in range(n):
            basis = position_basis(crystal, i)
            if np.abs(mode[i] - basis.T @ (basis @ mode[i])).max() > 1e-6 * max(
                1.0, float(np.abs(mode).max())
            ):
                raise ArgandError(f"mode {j} moves {crystal.labels[i]} off its special position")
        row = np.zeros((n, 11))
        row[:, FRAC] = mode @ to_frac.T
        rows.append((f"mode.{j + 1}", "position", row))
    return rows


def _displacement(crystal: Crystal, mask: NDArray[np.bool_]) -> list[tuple[str, str, FloatArray]]:
    n, rows = len(crystal.types), []
    for i in np.flatnonzero(mask).tolist():
        label = crystal.labels[i]
        if crystal.u_aniso is None or np.isnan(crystal.u_aniso[i, 0]):
            rows.append((f"{label}.B", "b", _row(n, i, BISO, 1.0)))
            continue
        to_u = u_aniso_from_beta(np.ones(6), crystal.cell)
        for name, direction in displacement_basis(crystal, i, to_u):
            rows.append((f"{label}.{name}", "u", _row(n, i, UANISO, direction)))
    return rows
