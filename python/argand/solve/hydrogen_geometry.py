"""Place the hydrogens of carbon by geometry: from the number, lengths and angles of its bonds.

Distances are those that X-rays see, from the carrier to the centre of the electrons (SHELXL's at
room temperature).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from argand.atom_types import atom_type, atomic_number
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.site_symmetry import cartesian_axes
from argand.solve.assembly import bonds
from argand.solve.contacts import Contacts

__all__ = ["Carriers", "HydrogenGroup"]

# Distances to hydrogen in angstrom.
_TERTIARY = 0.98
_SECONDARY = 0.97
_METHYL = 0.96
_AROMATIC = 0.93
_CLUSTER = 1.10

# Lengths in angstrom of single bonds of carbon that is bonded to four atoms.
_SINGLE_BONDS = {"C": 1.53, "N": 1.47, "O": 1.43, "S": 1.81, "Si": 1.87, "P": 1.83, "B": 1.60}

# The bonds of an atom with two neighbours are together shorter than single ones by more than this,
# in angstrom, where one of them is double; they are single below the smaller limit, and the angle
# decides in between.
_DOUBLE = 0.15
_SINGLE = 0.08
_WIDE_ANGLE = np.cos(np.radians(116.5))

# Two bonds with a larger angle than 155 degrees are those of a linear atom.
_LINEAR = np.cos(np.radians(155.0))

# An atom farther than this, in angstrom, from the plane of its three neighbours has a fourth one.
_PYRAMID = 0.25

# A single bond to a last atom shorter than this, in angstrom, is triple; double below the second.
_TRIPLE = 1.25
_VINYL = 1.42

# Carbon with more neighbours than four belongs to a cluster.
_CLUSTER_NEIGHBOURS = 5

# Heavier elements than argon are no part of a carrier's hybridisation, if they are metals or not.
_HEAVIEST_LIGHT = 18

# Torsions that are tried for a methyl group, in a third of a turn.
_TORSIONS = 24


class HydrogenGroup(NamedTuple):
    """Hold the hydrogens of one carrier: vectors (k, 3) from it, angstrom, and the factor of U."""

    carrier: int
    vectors: FloatArray
    factor: float


class Carriers:
    """Share the bonds and the difference map of a crystal between its carriers."""

    def __init__(self, crystal: Crystal, difference: NDArray[np.floating]) -> None:
        self.crystal = crystal
        self.difference = difference
        self.axes = cartesian_axes(crystal)
        self.to_frac = np.linalg.inv(self.axes).T
        numbers = [atomic_number(atom_type(name).element) for name in crystal.types]
        self.is_light = np.array(numbers) <= _HEAVIEST_LIGHT
        all_bonds = bonds(crystal)
        self.bonds: Contacts = all_bonds.select(self.is_light[all_bonds.neighbour])
        self.metal_bonds: Contacts = all_bonds.select(~self.is_light[all_bonds.neighbour])

    def of(self, site: int) -> tuple[FloatArray, FloatArray, list[int]]:
        """Return unit vectors (b, 3) and lengths (b,) of bonds to light atoms, and the atoms."""
        rows = np.flatnonzero(self.bonds.site == site)
        distance = self.bonds.distance[rows]
        unit = self.bonds.vector[rows] / distance[:, None]
        return unit, distance, self.bonds.neighbour[rows].tolist()

    def density(self, site: int, vectors: FloatArray) -> FloatArray:
        """Return the difference density (...) at vectors (..., 3) from a site, angstrom."""
        frac = self.crystal.frac[site] + vectors @ self.to_frac
        points = (frac % 1.0 * self.difference.shape).reshape(-1, 3).T
        values = map_coordinates(self.difference, points, order=1, mode="grid-wrap")
        return np.asarray(values, float).reshape(vectors.shape[:-1])

    def shortening(self, distance: FloatArray, neighbours: list[int]) -> FloatArray:
        """Return by how much bonds (b,) are shorter than single ones, angstrom."""
        single = []
        for site in neighbours:
            element = atom_type(self.crystal.types[site]).element
            single.append(_SINGLE_BONDS.get(element, 1.9))
        return np.asarray(np.array(single) - distance)

    def on_carbon(self, site: int, element: str) -> HydrogenGroup | None:
        """Place the hydrogens of a carbon, or of a boron of a cluster."""
        unit, distance, neighbours = self.of(site)
        count = len(neighbours)
        if count >= _CLUSTER_NEIGHBOURS:
            outward = _normalised(-unit.sum(axis=0))
            return HydrogenGroup(site, _CLUSTER * outward[None], 1.2)
        if element == "B" or count == 0 or count == 4:
            return None
        if count == 3:
            height = abs(float(np.linalg.det(unit))) / _area(unit)
            if height * float(distance.mean()) < _PYRAMID:
                return None
            return HydrogenGroup(site, -_TERTIARY * _normalised(unit.sum(axis=0))[None], 1.2)
        if count == 2:
            return self._between_two(site, unit, self.shortening(distance, neighbours))
        if (self.metal_bonds.site == site).any() and distance[0] < _TRIPLE:
            return None
        return self._terminal(site, unit[0], float(distance[0]), neighbours[0])

    def _between_two(
        self, site: int, unit: FloatArray, shortening: FloatArray
    ) -> HydrogenGroup | None:
        """Place the hydrogens of CH2 or of CH with one double bond."""
        cosine = float(unit[0] @ unit[1])
        if cosine < _LINEAR:
            return None
        middle = _normalised(-unit.sum(axis=0))
        total = float(shortening.sum())
        is_double = total > _DOUBLE or (total > _SINGLE and cosine < _WIDE_ANGLE)
        if is_double:
            return HydrogenGroup(site, _AROMATIC * middle[None], 1.2)
        normal = _normalised(np.cross(unit[0], unit[1]))
        half_angle = np.radians(107.8 / 2.0)
        inward = np.cos(half_angle) * middle
        outward = np.sin(half_angle) * normal
        vectors = _SECONDARY * np.stack([inward + outward, inward - outward])
        return HydrogenGroup(site, vectors, 1.2)

    def _terminal(
        self, site: int, bond: FloatArray, length: float, neighbour: int
    ) -> HydrogenGroup | None:
        """Place the hydrogens of an atom with one bond (3,), a unit vector."""
        if atom_type(self.crystal.types[neighbour]).element in ("O", "N") and length < 1.3:
            return None
        if length < _TRIPLE:
            return HydrogenGroup(site, -_AROMATIC * bond[None], 1.2)
        others, _, _ = self.of(neighbour)
        beyond = [vector for vector in others if abs(float(vector @ bond)) < 0.99]
        reference = beyond[0] if beyond else np.array([0.31, 0.52, 0.79])
        across = _normalised(reference - float(reference @ bond) * bond)
        sideways = np.cross(bond, across)
        single = _SINGLE_BONDS.get(atom_type(self.crystal.types[neighbour]).element, 1.8)
        if length < _VINYL and single - length > _DOUBLE and len(beyond) == 2:
            along = -np.cos(np.radians(120.0)) * -bond
            across = np.sin(np.radians(120.0)) * across
            return HydrogenGroup(site, _AROMATIC * np.stack([along + across, along - across]), 1.2)
        angle = np.arange(_TORSIONS) * (2.0 * np.pi / 3.0 / _TORSIONS)
        thirds = angle[:, None] + 2.0 * np.pi / 3.0 * np.arange(3)
        ring = np.cos(thirds)[..., None] * across + np.sin(thirds)[..., None] * sideways
        tilt = np.radians(109.5)
        vectors = _METHYL * (np.cos(tilt) * bond + np.sin(tilt) * ring)
        best = self.density(site, vectors).sum(axis=1).argmax()
        return HydrogenGroup(site, vectors[best], 1.5)


def _area(unit: FloatArray) -> float:
    """Return twice the area of the triangle at the ends of three unit vectors (3, 3)."""
    return max(float(np.linalg.norm(np.cross(unit[1] - unit[0], unit[2] - unit[0]))), 1e-6)


def _normalised(vector: FloatArray) -> FloatArray:
    """Return a vector (3,) with length 1."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))
