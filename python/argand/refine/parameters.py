"""Choose what of a crystal is free, as a linear map from parameters to its sites.

A site has eleven coordinates q: x y z (fractional), U 11 22 33 12 13 23 (A^2), B (A^2) and its
occupancy. Parameters p move them along fixed directions, q = q0 + p D, so that special positions,
tied groups of atoms and collective modes are all alike: rows of D.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand._memory import demand
from argand._numbers import real_array
from argand.cell import FloatArray, u_aniso_from_beta
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.site_symmetry import cartesian_axes, displacement_basis, position_basis

__all__ = ["BISO", "COORDINATES", "FRAC", "OCC", "UANISO", "Parameters", "free"]

#: Number of coordinates of a site
COORDINATES = 11
#: Fractional x y z among the coordinates of a site
FRAC = slice(0, 3)
#: U 11 22 33 12 13 23 among the coordinates of a site
UANISO = slice(3, 9)
#: B among the coordinates of a site
BISO = 9
#: Occupancy among the coordinates of a site
OCC = 10

# A mode that moves a site off its special position by more than this share of its largest
# displacement breaks the symmetry; less is rounding.
_OFF_POSITION = 1e-6

# Bytes of what a parameter does to a site: eleven numbers, twice while they are put together.
_BYTES_OF_DIRECTION = 192

Choice = bool | Sequence[bool] | NDArray[Any]

# Name and kind of a parameter, the sites that it moves, and what it does to some of their
# coordinates.
_Parameter = tuple[str, str, list[int] | slice, slice | int, Any]


@dataclass(frozen=True, eq=False)
class Parameters:
    """Hold k free parameters of a crystal with n sites.

    Attributes
    ----------
    names : k names, 'C1.x', 'O2.U12', 'Na1.occ', 'overall.B', 'extinction.x'
    kinds : k words, 'position' (angstrom), 'u' and 'b' (A^2), 'occupancy', 'overall_b' (A^2),
        'extinction'
    directions : (k, n, 11), what one unit of each does to the coordinates of every site
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    directions: FloatArray

    def __len__(self) -> int:
        """Return the number of parameters, k."""
        return len(self.names)

    def __add__(self, other: Parameters) -> Parameters:
        """Join the parameters of one crystal with `other` parameters of it, which come last."""
        directions = np.concatenate([self.directions, other.directions])
        return Parameters(self.names + other.names, self.kinds + other.kinds, directions)

    def of_kind(self, kind: str) -> NDArray[np.intp]:
        """Return the numbers of the parameters of a kind."""
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
    """Choose the free parameters of a crystal; site symmetry is kept.

    Parameters
    ----------
    crystal
        The crystal with its n sites.
    positions
        True (every site), a mask (n,), or collective modes (j, n, 3) of Cartesian displacements in
        angstrom (x along a, y in the ab plane), each one parameter. A site moves along orthonormal
        Cartesian axes; on a special position along those that its symmetry leaves, so that the
        length of p is a displacement in angstrom.
    displacement
        Sites whose U (anisotropic ones, the independent components on special positions) or B is
        free.
    occupancies
        Sites whose occupancy is free.
    overall_b
        One B for the whole crystal, added to B of all sites: F exp(-B stol^2).
    extinction
        SHELXL's x (see `argand.extinction`), added to the x of the `Model`.
    riding
        Labels of sites that move with another one, {"H1": "C1"}; they have no position of their
        own.

    Returns
    -------
    Parameters
        Positions, displacements, occupancies, then the overall B and extinction.

    Raises
    ------
    ArgandError
        A mask or modes of the wrong shape, modes that break the symmetry of a site, an unknown
        label.
    MemoryLimitError
        The directions take more than `argand.memory_limit()`: 88 bytes for each parameter and site.
    """
    n = len(crystal.types)
    modes = np.asarray(positions)
    is_displaced = _mask("displacement", displacement, n)
    is_partial = _mask("occupancies", occupancies, n)
    moves = len(modes) if modes.ndim == 3 else 3 * int(_mask("positions", modes, n).sum())
    most = moves + 6 * int(is_displaced.sum()) + int(is_partial.sum())
    needed = _BYTES_OF_DIRECTION * most * n
    demand(f"up to {most:,} parameters of {n:,} sites", needed, "free fewer")
    if modes.ndim == 3:
        parameters = _modes(crystal, modes)
    else:
        parameters = _positions(crystal, _mask("positions", modes, n), riding or {})
    parameters += _displacements(crystal, is_displaced)
    for site in np.flatnonzero(is_partial).tolist():
        parameters.append((f"{crystal.labels[site]}.occ", "occupancy", [site], OCC, 1.0))
    if overall_b:
        parameters.append(("overall.B", "overall_b", [], OCC, 0.0))
    if extinction:
        parameters.append(("extinction.x", "extinction", [], OCC, 0.0))
    names = tuple(parameter[0] for parameter in parameters)
    kinds = tuple(parameter[1] for parameter in parameters)
    directions = np.zeros((len(parameters), n, COORDINATES))
    for direction, (_, _, sites, coordinates, values) in zip(directions, parameters, strict=True):
        direction[sites, coordinates] = values
    directions.flags.writeable = False
    return Parameters(names, kinds, directions)


def _mask(name: str, choice: ArrayLike, n: int) -> NDArray[np.bool_]:
    """Return the checked mask (n,) of the argument `name`."""
    mask = np.asarray(choice)
    if mask.dtype != bool or mask.shape not in ((), (n,)):
        raise ArgandError(
            f"{name} is {mask.dtype} of shape {mask.shape}, needs True, False or ({n},) of them"
        )
    return np.broadcast_to(mask, (n,))


def _positions(
    crystal: Crystal, mask: NDArray[np.bool_], riding: Mapping[str, str]
) -> list[_Parameter]:
    """Return the parameters of the positions of some sites, which riding sites follow."""
    to_frac = np.linalg.inv(cartesian_axes(crystal))
    followers = _followers(crystal, riding)
    followers_of_any = {site for sites in followers.values() for site in sites}
    is_general = crystal.in_place.sum(axis=1) == 1
    parameters: list[_Parameter] = []
    for site in np.flatnonzero(mask).tolist():
        if site in followers_of_any:
            continue
        moved = [site, *followers.get(site, [])]
        basis = np.eye(3) if is_general[site] else position_basis(crystal, site)
        axes = ["x", "y", "z"]
        if len(basis) < 3:
            axes = [f"u{number + 1}" for number in range(len(basis))]
        for axis, fractional in zip(axes, basis @ to_frac.T, strict=True):
            name = f"{crystal.labels[site]}.{axis}"
            parameters.append((name, "position", moved, FRAC, fractional))
    return parameters


def _followers(crystal: Crystal, riding: Mapping[str, str]) -> dict[int, list[int]]:
    """Return the riding sites of each site that has some."""
    site_of_label = {label: site for site, label in enumerate(crystal.labels)}
    followers: dict[int, list[int]] = {}
    for rider, parent in riding.items():
        for label in (rider, parent):
            if label not in site_of_label:
                raise ArgandError(f"riding names {label!r}, which is no label of the crystal")
        if parent in riding:
            raise ArgandError(
                f"riding lets {rider} follow {parent}, which follows {riding[parent]} itself"
            )
        followers.setdefault(site_of_label[parent], []).append(site_of_label[rider])
    return followers


def _modes(crystal: Crystal, modes: NDArray[Any]) -> list[_Parameter]:
    """Return the parameters of collective modes (j, n, 3) of Cartesian displacements."""
    n = len(crystal.types)
    to_frac = np.linalg.inv(cartesian_axes(crystal))
    if modes.shape[1:] != (n, 3):
        raise ArgandError(f"positions has shape {modes.shape}, needs (modes, {n}, 3)")
    bases = [position_basis(crystal, site) for site in range(n)]
    parameters: list[_Parameter] = []
    for number, mode in enumerate(real_array("positions", modes)):
        tolerance = _OFF_POSITION * max(1.0, float(np.abs(mode).max()))
        for site, basis in enumerate(bases):
            allowed = basis.T @ (basis @ mode[site])
            if np.abs(mode[site] - allowed).max() > tolerance:
                label = crystal.labels[site]
                raise ArgandError(f"mode {number} moves {label} off its special position")
        fractional = mode @ to_frac.T
        parameters.append((f"mode.{number + 1}", "position", slice(None), FRAC, fractional))
    return parameters


def _displacements(crystal: Crystal, mask: NDArray[np.bool_]) -> list[_Parameter]:
    """Return the parameters of B, or of the independent components of U, of some sites."""
    u_of_beta = u_aniso_from_beta(np.ones(6), crystal.cell)
    is_isotropic = ~crystal.anisotropic
    parameters: list[_Parameter] = []
    for site in np.flatnonzero(mask).tolist():
        label = crystal.labels[site]
        if is_isotropic[site]:
            parameters.append((f"{label}.B", "b", [site], BISO, 1.0))
            continue
        for component, values in displacement_basis(crystal, site, u_of_beta):
            parameters.append((f"{label}.{component}", "u", [site], UANISO, values))
    return parameters
