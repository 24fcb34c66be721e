"""Kinds of random displacements, each a sum of modes: u = w M z, z from N(0, 1).

A column of M (3n, k) is a displacement of all n sites, Cartesian angstrom; w is the width that a
sample has drawn. That holds for independent atoms, rigid groups, waves and given modes alike, and
the covariance of u is w^2 M M^T.

`rms` is the root mean square length of the displacement of a site, in three dimensions, over the
sites that move: one number, or a range from which every sample draws. Atoms on special positions,
which are free in one or two directions only, move as far in these as other atoms do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from argand._memory import demand
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.reflections import stol
from argand.simulate.directions import Directions
from argand.simulate.groups import Names, chosen_sites, hydrogen_groups, molecules, shared_sites
from argand.simulate.widths import Width, check_width
from argand.site_symmetry import cartesian_axes

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Displacement", "Groups", "Independent", "Modes", "Waves"]

# A group of smaller radius of gyration (angstrom) is a point: it cannot be turned.
_POINT = 1e-6

# With so many periods along an edge the shortest wave of a cell of 10 A is 0.3 A long: neighbouring
# atoms move independently, for which there is `Independent`. More waves only take time and memory.
_MOST_HARMONICS = 32

# Patterns are squared and scaled to a width: larger numbers would overflow.
_LARGEST_PATTERN = 1e100

# Bytes that one entry of the modes takes while they are made: the dense numbers, their row and
# column, and the sparse matrix and its copy.
_BYTES_OF_ENTRY = 64


@dataclass(frozen=True)
class Independent:
    """Move every chosen site on its own, alike in all directions.

    Types that share a site move together.

    Parameters
    ----------
    rms
        Root mean square displacement of a site, angstrom.
    atoms
        Sites by number, label or element; None: all of them.
    """

    rms: Width = 0.3
    atoms: Names = None

    def __post_init__(self) -> None:
        check_width("rms", self.rms)

    def modes(self, crystal: Crystal) -> csr_array:
        """Return the modes as columns (3n, 3 positions), with a mean square length of 1."""
        from scipy.sparse import csr_array

        sites = chosen_sites(crystal, self.atoms)
        positions, position_of_site = np.unique(shared_sites(crystal)[sites], return_inverse=True)
        rows = _coordinates(sites)
        columns = _coordinates(position_of_site.reshape(-1))
        shape = (3 * len(crystal.types), 3 * len(positions))
        entries = np.full(len(rows), 3**-0.5)
        return csr_array((entries, (rows, columns)), shape)


@dataclass(frozen=True)
class Groups:
    """Shift rigid groups and turn them about their centres.

    Parameters
    ----------
    rms
        Root mean square displacement of a site, angstrom.
    groups
        "molecules" (bonded within the asymmetric unit), "hydrogens" (every atom with its
        hydrogens), or lists of sites; sites in none stay.
    rotation
        Share of turning in the mean square displacement of a group.
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
        if not len(self.groups) or not all(len(group) for group in self.groups):
            raise ValueError("groups holds no sites, needs lists of one site or more")

    def modes(self, crystal: Crystal) -> csr_array:
        """Return the modes as columns (3n, 6 groups), with a mean square length of 1."""
        groups = self._sites_of_groups(crystal)
        position = crystal.frac @ cartesian_axes(crystal).T
        columns = [self._shifts_and_turns(position[sites]) for sites in groups]
        return _assemble(crystal, columns, groups)

    def _sites_of_groups(self, crystal: Crystal) -> list[NDArray[np.intp]]:
        """Return the sites of each rigid group."""
        if self.groups == "molecules":
            return molecules(crystal)
        if self.groups == "hydrogens":
            return hydrogen_groups(crystal)
        return [chosen_sites(crystal, group) for group in self.groups]

    def _shifts_and_turns(self, position: FloatArray) -> FloatArray:
        """Return three shifts and three turns (6, atoms, 3) of a group at positions (atoms, 3)."""
        atoms = len(position)
        lever = position - position.mean(axis=0)
        axes = np.eye(3)[:, None]
        turns = np.cross(axes, lever[None])
        size = np.sqrt((turns**2).sum() / atoms)
        rotation = self.rotation if size > _POINT else 0.0
        shifts = np.broadcast_to(axes, (3, atoms, 3))
        shift_size = np.sqrt((1.0 - rotation) / 3.0)
        turn_size = np.sqrt(rotation) / max(size, _POINT)
        return np.concatenate([shifts * shift_size, turns * turn_size])


@dataclass(frozen=True)
class Waves:
    """Move sites by phonon-like waves: e cos(2 pi q.x + phase), for every polarisation e.

    q is a whole number of periods in a cell: only such waves repeat with the cell, as Bragg
    reflections need. Amplitudes fall as 1/|q|, as those of acoustic modes do at equal energy; q = 0
    is left out.

    Parameters
    ----------
    rms
        Root mean square displacement of a site, angstrom.
    harmonics
        Largest number of periods along each edge, at most 32.
    atoms
        Sites by number, label or element; None: all of them.
    """

    rms: Width = 0.3
    harmonics: int = 1
    atoms: Names = None

    def __post_init__(self) -> None:
        check_width("rms", self.rms)
        whole = isinstance(self.harmonics, (int, np.integer)) and self.harmonics is not True
        if not whole or not 1 <= self.harmonics <= _MOST_HARMONICS:
            raise ValueError(
                f"harmonics is {self.harmonics!r}, "
                f"needs to be a whole number from 1 to {_MOST_HARMONICS}"
            )

    def modes(self, crystal: Crystal) -> csr_array:
        """Return the modes as columns (3n, 6 waves), cosines and sines, not yet scaled.

        Raises
        ------
        MemoryLimitError
            The waves of so many sites do not fit into `argand.memory_limit`.
        """
        sites = chosen_sites(crystal, self.atoms)
        waves = ((2 * self.harmonics + 1) ** 3 - 1) // 2
        columns_of_wave = 6
        demand(
            f"{waves} waves of {len(sites)} sites",
            _BYTES_OF_ENTRY * columns_of_wave * waves * 3 * len(sites),
            "choose fewer harmonics or atoms",
        )
        periods = range(-self.harmonics, self.harmonics + 1)
        # One of q and -q: they are the same wave.
        q = np.array([q for q in product(periods, repeat=3) if q > (0, 0, 0)])
        angle = 2.0 * np.pi * (q @ crystal.frac[sites].T)
        wavenumber = 2.0 * stol(q, crystal.cell)
        shapes = np.concatenate([np.cos(angle), np.sin(angle)])
        shapes = shapes / np.tile(wavenumber, 2)[:, None]
        polarised = np.einsum("qn,xy->qxny", shapes, np.eye(3))
        columns = polarised.reshape(columns_of_wave * len(q), len(sites), 3)
        return _assemble(crystal, [columns], [sites])


@dataclass(frozen=True)
class Modes:
    """Move sites by given displacement patterns.

    Parameters
    ----------
    patterns
        (k, n, 3) displacements of the n sites, of whatever size: their sum is scaled to the width
        `rms`.
    rms
        Root mean square displacement of a site, angstrom.
    unit
        "angstrom" (Cartesian, x along a, y in the ab plane) or "fractional".
    """

    patterns: Sequence[Sequence[Sequence[float]]]
    rms: Width = 0.3
    unit: Literal["angstrom", "fractional"] = "angstrom"

    def __post_init__(self) -> None:
        check_width("rms", self.rms)
        patterns = np.asarray(self.patterns, dtype=np.float64)
        fits = patterns.ndim == 3 and patterns.shape[2] == 3 and len(patterns)
        if not fits or not (np.abs(patterns) <= _LARGEST_PATTERN).all():
            raise ValueError(
                f"patterns has shape {patterns.shape}, needs (modes, sites, 3) finite numbers"
            )
        if self.unit not in ("fractional", "angstrom"):
            raise ValueError(f"unit is {self.unit!r}, needs to be 'fractional' or 'angstrom'")

    def modes(self, crystal: Crystal) -> csr_array:
        """Return the patterns as columns (3n, k), Cartesian angstrom."""
        n = len(crystal.types)
        patterns = np.asarray(self.patterns, dtype=np.float64)
        if patterns.shape[1] != n:
            raise ArgandError(
                f"patterns has shape {patterns.shape}, needs (modes, {n}, 3): the sites"
            )
        if self.unit == "fractional":
            patterns = patterns @ cartesian_axes(crystal).T
        return _assemble(crystal, [patterns], [np.arange(n)])


Displacement = Independent | Groups | Waves | Modes | Directions


def _coordinates(sites: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the numbers of the three coordinates of each site (n,), as (3n,)."""
    coordinates: NDArray[np.intp] = (3 * sites[:, None] + np.arange(3)).ravel()
    return coordinates


def _assemble(
    crystal: Crystal,
    columns: Sequence[FloatArray],
    parts: Sequence[NDArray[np.intp]],
) -> csr_array:
    """Put the columns (k, sites, 3) of each part of the crystal side by side: (3n, all)."""
    from scipy.sparse import csr_array, hstack

    blocks = []
    for part_columns, sites in zip(columns, parts, strict=True):
        k = len(part_columns)
        coordinates = _coordinates(sites)
        rows = np.broadcast_to(coordinates, (k, len(coordinates)))
        column_numbers = np.repeat(np.arange(k), len(coordinates))
        entries = (part_columns.ravel(), (rows.ravel(), column_numbers))
        blocks.append(csr_array(entries, (3 * len(crystal.types), k)))
    return csr_array(hstack(blocks, format="csr"))
