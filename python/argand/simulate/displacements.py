"""Random displacements as sums of modes: u = w M z, z from N(0, 1).

A column of M (3n, k) is a displacement of all n sites, Cartesian angstrom; w is the width that a sample has drawn. That
holds for independent atoms, rigid groups, waves and given modes alike, and the covariance of u is w^2 M M^T. Columns
are projected on what site symmetry allows.

`rms` is the root mean square length of the displacement of a site, in three dimensions, over the sites that move:
one number, or a range from which every sample draws. Atoms on special positions, which are free in one or two
directions only, move as far in these as the others do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import block_diag, csr_array, hstack, kron

from argand.atom_types import atom_type, atomic_number
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.origins import permissible_origins
from argand.reflections import stol
from argand.simulate.directions import Directions
from argand.simulate.groups import Names, chosen_sites, hydrogen_groups, molecules, shared_sites
from argand.simulate.widths import Width, check_width
from argand.site_symmetry import cartesian_axes, position_basis

__all__ = ["Displacement", "Groups", "Independent", "Modes", "Waves", "allowed_modes", "drift"]


@dataclass(frozen=True)
class Independent:
    """Every chosen site moves on its own, alike in all directions; types that share a site move together."""

    rms: Width = 0.3
    atoms: Names = None

    def __post_init__(self) -> None:
        check_width("rms", self.rms)

    def modes(self, crystal: Crystal) -> csr_array:
        sites = chosen_sites(crystal, self.atoms)
        place, own = np.unique(shared_sites(crystal)[sites], return_inverse=True)
        rows = (3 * sites[:, None] + np.arange(3)).ravel()
        columns = (3 * own.reshape(-1, 1) + np.arange(3)).ravel()
        shape = (3 * len(crystal.types), 3 * len(place))
        return csr_array((np.full(len(rows), 3**-0.5), (rows, columns)), shape)


@dataclass(frozen=True)
class Groups:
    """Rigid groups are shifted and turned about their centres.

    groups: "molecules" (bonded within the asymmetric unit), "hydrogens" (every atom with its hydrogens), or lists of
    sites; sites in none stay. rotation: the share of turning in the mean square displacement of a group.
    """

    rms: Width = 0.3
    groups: Literal["molecules", "hydrogens"] | Sequence[Sequence[int | str]] = "molecules"
    rotation: float = 0.5

    def __post_init__(self) -> None:
        check_width("rms", self.rms)
        check_width("rotation", self.rotation, high=1.0)
        if isinstance(self.groups, str) and self.groups not in ("molecules", "hydrogens"):
            raise ValueError(
                f"groups is {self.groups!r}, needs 'molecules', 'hydrogens' or lists of sites"
            )

    def modes(self, crystal: Crystal) -> csr_array:
        found = {"molecules": molecules, "hydrogens": hydrogen_groups}
        parts = (
            found[self.groups](crystal)
            if isinstance(self.groups, str)
            else [chosen_sites(crystal, group) for group in self.groups]
        )
        place = crystal.frac @ cartesian_axes(crystal).T
        return _columns(crystal, [self._of(part, place[part]) for part in parts], parts)

    def _of(self, part: npt.NDArray[np.intp], place: FloatArray) -> FloatArray:
        """(6, atoms, 3): three shifts, three turns."""
        arm = place - place.mean(axis=0)
        turns = np.cross(np.eye(3)[:, None], arm[None])
        size = np.sqrt((turns**2).sum() / len(part))
        share = self.rotation if size > 1e-6 else 0.0
        shifts = np.broadcast_to(np.eye(3)[:, None], (3, len(part), 3))
        return np.concatenate(
            [shifts * np.sqrt((1.0 - share) / 3.0), turns * (np.sqrt(share) / max(size, 1e-6))]
        )


@dataclass(frozen=True)
class Waves:
    """Phonon-like waves: e cos(2 pi q.x + phase), q a whole number of periods a cell, every polarisation e.

    Only those repeat with the cell, as Bragg reflections see them. harmonics: the largest number of periods along each
    edge. Amplitudes fall as 1/|q|, as those of acoustic modes do at equal energy; q = 0 is left out.
    """

    rms: Width = 0.3
    harmonics: int = 1
    atoms: Names = None

    def __post_init__(self) -> None:
        check_width("rms", self.rms)
        if self.harmonics < 1:
            raise ValueError(f"harmonics is {self.harmonics}, needs to be 1 or more")

    def modes(self, crystal: Crystal) -> csr_array:
        sites = chosen_sites(crystal, self.atoms)
        span = range(-self.harmonics, self.harmonics + 1)
        q = np.array([q for q in product(span, span, span) if q > (0, 0, 0)])
        angle = 2.0 * np.pi * (q @ crystal.frac[sites].T)
        wave = (
            np.concatenate([np.cos(angle), np.sin(angle)])
            / np.tile(2.0 * stol(q, crystal.cell), 2)[:, None]
        )
        columns = np.einsum("qn,xy->qxny", wave, np.eye(3)).reshape(-1, len(sites), 3)
        return _columns(crystal, [columns], [sites])


@dataclass(frozen=True)
class Modes:
    """Given displacement patterns (k, n, 3) of the n sites, of whatever size: their sum has the width `rms`.

    unit: "angstrom" (Cartesian, x along a, y in the ab plane) or "fractional".
    """

    patterns: Sequence[Sequence[Sequence[float]]]
    rms: Width = 0.3
    unit: Literal["angstrom", "fractional"] = "angstrom"

    def __post_init__(self) -> None:
        check_width("rms", self.rms)
        given = np.asarray(self.patterns, dtype=np.float64)
        if given.ndim != 3 or given.shape[2] != 3 or not np.isfinite(given).all():
            raise ValueError(
                f"patterns has shape {given.shape}, needs (modes, sites, 3) finite numbers"
            )
        if self.unit not in ("fractional", "angstrom"):
            raise ValueError(f"unit is {self.unit!r}, needs to be 'fractional' or 'angstrom'")

    def modes(self, crystal: Crystal) -> csr_array:
        patterns = np.asarray(self.patterns, dtype=np.float64)
        if patterns.shape[1] != len(crystal.types):
            raise ArgandError(
                f"patterns has shape {patterns.shape}, needs (modes, {len(crystal.types)}, 3): the sites"
            )
        if self.unit == "fractional":
            patterns = patterns @ cartesian_axes(crystal).T
        return _columns(crystal, [patterns], [np.arange(len(crystal.types))])


Displacement = Independent | Groups | Waves | Modes | Directions


def allowed_modes(displacement: Displacement, crystal: Crystal) -> csr_array:
    """M (3n, k) of a displacement, on what site symmetry allows; those of waves and patterns scaled to rms 1."""
    modes = csr_array(displacement.modes(crystal))
    if len(crystal.symops) > 1:
        axes = [position_basis(crystal, site) for site in range(len(crystal.types))]
        modes = csr_array(block_diag([basis.T @ basis for basis in axes], format="csr") @ modes)
    if isinstance(displacement, (Waves, Modes)):
        square = np.asarray(modes.power(2).sum(axis=1)).reshape(-1, 3).sum(axis=1)
        moved = square > 1e-12 * max(float(square.max(initial=0.0)), 1e-300)
        if not moved.any():
            raise ArgandError("the symmetry of the crystal allows none of these displacements")
        modes = modes / np.sqrt(square[moved].mean())
    return csr_array(modes)


def drift(crystal: Crystal) -> tuple[FloatArray, csr_array]:
    """Directions (3, k) along which the origin floats, and what takes the shift of the centre of electrons along them.

    Moving the whole crystal along these changes no amplitude: D (W u) is the part of u (3n,) that nothing can see.
    """
    axes = permissible_origins(crystal.symops).axes @ cartesian_axes(crystal).T
    directions = np.linalg.qr(axes.T)[0] if len(axes) else np.zeros((3, 0))
    electrons = [atomic_number(atom_type(symbol).element) for symbol in crystal.types]
    weight = crystal.occ * crystal.multiplicity() * electrons
    weight /= max(weight.sum(), 1e-30)
    return directions, csr_array(kron(weight[None], directions.T, format="csr"))


def _columns(
    crystal: Crystal, columns: Sequence[FloatArray], parts: Sequence[npt.NDArray[np.intp]]
) -> csr_array:
    """Columns (k, sites, 3) of each part of the crystal, side by side."""
    blocks = []
    for own, sites in zip(columns, parts, strict=True):
        rows = np.broadcast_to(
            (3 * sites[:, None] + np.arange(3)).ravel(), (len(own), 3 * len(sites))
        )
        names = np.repeat(np.arange(len(own)), 3 * len(sites))
        blocks.append(
            csr_array((own.ravel(), (rows.ravel(), names)), (3 * len(crystal.types), len(own)))
        )
    return csr_array(hstack(blocks, format="csr"))
