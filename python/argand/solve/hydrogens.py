"""Place hydrogens: on carbon and boron by geometry, on nitrogen and oxygen where density shows them.

Distances are those that X-rays see, from the carrier to the centre of the electrons (SHELXL's at
room temperature), U is 1.2 times that of the carrier, 1.5 times for methyl and hydroxyl.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from argand.atom_types import atom_type, atomic_number
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.peaks import nearest_image
from argand.site_symmetry import cartesian_axes
from argand.solve.assembly import bonds
from argand.solve.contacts import Contacts, find_contacts

__all__ = ["Hydrogens", "place_hydrogens", "with_hydrogens"]

# Distances to hydrogen in angstrom.
_TERTIARY = 0.98
_SECONDARY = 0.97
_METHYL = 0.96
_AROMATIC = 0.93
_NITROGEN = 0.87
_OXYGEN = 0.83
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

# Hydrogens of nitrogen and oxygen lie this far from them in the difference map, in angstrom, and
# their angles with bonds are at least so large.
_NEAREST_PEAK = 0.6
_FARTHEST_PEAK = 1.2
_LEAST_ANGLE = np.cos(np.radians(88.0))

# Their density is at least this share of that of the hydrogens on carbon.
_LEAST_DENSITY = 0.55

# Two hydrogens of one crystal are at least so far apart, in angstrom.
_SHORTEST = 1.2

# Hydrogens of one carrier nearer than this, in angstrom, are images of each other.
_SAME_HYDROGEN = 0.4

# Points of the sphere around a carrier on which hydrogens are sought.
_SPHERE_POINTS = 240

# Most neighbours, hydrogens included, of nitrogen and oxygen.
_MOST_NEIGHBOURS = {"N": 4, "O": 2}


@dataclass(frozen=True, eq=False)
class Hydrogens:
    """Hold hydrogens and the sites that carry them.

    Attributes
    ----------
    frac : (k, 3)
    carrier : (k,) numbers of sites
    factor : (k,) U of the hydrogen over that of its carrier
    """

    frac: FloatArray
    carrier: NDArray[np.intp]
    factor: FloatArray


class _Group(NamedTuple):
    """Hold the hydrogens of one carrier: vectors (k, 3) from it, angstrom, and the factor of U."""

    carrier: int
    vectors: FloatArray
    factor: float


def place_hydrogens(
    crystal: Crystal, difference: NDArray[np.floating], quota: float | None = None
) -> Hydrogens:
    """Place the hydrogens of a crystal that has none.

    Parameters
    ----------
    crystal
        The sites without hydrogens.
    difference : (na, nb, nc)
        Map of the measured density minus that of the crystal.
    quota
        Hydrogens in the cell, where the content is known: nitrogen and oxygen take no more than
        carbon leaves.
    """
    environment = _Environment(crystal, difference)
    groups: list[_Group] = []
    for site, name in enumerate(crystal.types):
        element = atom_type(name).element
        if element in ("C", "B") and crystal.occ[site] > 0.9:
            group = environment.on_carbon(site, element)
            if group is not None:
                groups.append(group)
    groups += _by_density(environment, groups, quota)
    to_frac = np.linalg.inv(environment.axes).T
    frac, carrier, factor = [], [], []
    for group in groups:
        for vector in group.vectors:
            frac.append(crystal.frac[group.carrier] + vector @ to_frac)
            carrier.append(group.carrier)
            factor.append(group.factor)
    hydrogens = Hydrogens(
        np.array(frac).reshape(-1, 3), np.array(carrier, np.intp), np.array(factor, float)
    )
    return _without_images(crystal, hydrogens)


def _without_images(crystal: Crystal, hydrogens: Hydrogens) -> Hydrogens:
    """Drop hydrogens that symmetry makes of others: their carriers lie on special positions."""
    is_special = crystal.multiplicity()[hydrogens.carrier] < len(crystal.symops)
    chosen = np.ones(len(hydrogens.frac), bool)
    for number in np.flatnonzero(is_special).tolist():
        of_carrier = hydrogens.carrier[:number] == hydrogens.carrier[number]
        before = np.flatnonzero(chosen[:number] & of_carrier)
        if not len(before):
            continue
        distance = nearest_image(
            hydrogens.frac[number][None], hydrogens.frac[before], crystal.cell, crystal.symops
        )
        chosen[number] = float(distance.min()) > _SAME_HYDROGEN
    return Hydrogens(
        hydrogens.frac[chosen], hydrogens.carrier[chosen], hydrogens.factor[chosen]
    )


def with_hydrogens(crystal: Crystal, hydrogens: Hydrogens) -> tuple[Crystal, dict[str, str]]:
    """Add hydrogens to a crystal, each after its carrier.

    They are named after their carriers: H1A, H1B of C1, H1N of N1.

    Returns
    -------
    The crystal, and the label of the carrier by that of the hydrogen.
    """
    order: list[int] = []
    labels: list[str] = []
    riding: dict[str, str] = {}
    n = len(crystal.types)
    used: set[str] = set(crystal.labels)
    for site in range(n):
        order.append(site)
        labels.append(crystal.labels[site])
        rows = np.flatnonzero(hydrogens.carrier == site)
        for number, row in enumerate(rows.tolist()):
            label = _hydrogen_label(crystal, site, number, len(rows), used)
            used.add(label)
            riding[label] = crystal.labels[site]
            order.append(n + row)
            labels.append(label)
    carrier = hydrogens.carrier
    b_iso = np.concatenate([crystal.b_iso, hydrogens.factor * crystal.b_iso[carrier]])
    types = (*crystal.types, *("H" for _ in carrier))
    u_aniso = None
    if crystal.u_aniso is not None:
        empty = np.full((len(carrier), 6), np.nan)
        u_aniso = np.concatenate([crystal.u_aniso, empty])[order]
    complete = crystal.replace(
        types=tuple(types[i] for i in order),
        labels=tuple(labels),
        frac=np.concatenate([crystal.frac, hydrogens.frac])[order],
        occ=np.concatenate([crystal.occ, crystal.occ[carrier]])[order],
        b_iso=b_iso[order],
        u_aniso=u_aniso,
    )
    return complete, riding


def _hydrogen_label(
    crystal: Crystal, site: int, number: int, count: int, used: set[str]
) -> str:
    """Name a hydrogen after its carrier, and differently from all others."""
    element = atom_type(crystal.types[site]).element
    digits = crystal.labels[site].removeprefix(element)
    letter = chr(ord("A") + number) if count > 1 else ""
    middle = "" if element == "C" else element
    label = f"H{digits}{middle}{letter}"
    while label in used:
        label += "x"
    return label


class _Environment:
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

    def on_carbon(self, site: int, element: str) -> _Group | None:
        """Place the hydrogens of a carbon, or of a boron of a cluster."""
        unit, distance, neighbours = self.of(site)
        count = len(neighbours)
        if count >= _CLUSTER_NEIGHBOURS:
            outward = _normalised(-unit.sum(axis=0))
            return _Group(site, _CLUSTER * outward[None], 1.2)
        if element == "B" or count == 0 or count == 4:
            return None
        if count == 3:
            height = abs(float(np.linalg.det(unit))) / _area(unit)
            if height * float(distance.mean()) < _PYRAMID:
                return None
            return _Group(site, -_TERTIARY * _normalised(unit.sum(axis=0))[None], 1.2)
        if count == 2:
            return self._between_two(site, unit, self.shortening(distance, neighbours))
        if (self.metal_bonds.site == site).any() and distance[0] < _TRIPLE:
            return None
        return self._terminal(site, unit[0], float(distance[0]), neighbours[0])

    def _between_two(self, site: int, unit: FloatArray, shortening: FloatArray) -> _Group | None:
        """Place the hydrogens of CH2 or of CH with one double bond."""
        cosine = float(unit[0] @ unit[1])
        if cosine < _LINEAR:
            return None
        middle = _normalised(-unit.sum(axis=0))
        total = float(shortening.sum())
        is_double = total > _DOUBLE or (total > _SINGLE and cosine < _WIDE_ANGLE)
        if is_double:
            return _Group(site, _AROMATIC * middle[None], 1.2)
        normal = _normalised(np.cross(unit[0], unit[1]))
        half_angle = np.radians(107.8 / 2.0)
        inward = np.cos(half_angle) * middle
        outward = np.sin(half_angle) * normal
        vectors = _SECONDARY * np.stack([inward + outward, inward - outward])
        return _Group(site, vectors, 1.2)

    def _terminal(self, site: int, bond: FloatArray, length: float, neighbour: int) -> _Group | None:
        """Place the hydrogens of an atom with one bond (3,), a unit vector."""
        if atom_type(self.crystal.types[neighbour]).element in ("O", "N") and length < 1.3:
            return None
        if length < _TRIPLE:
            return _Group(site, -_AROMATIC * bond[None], 1.2)
        others, _, _ = self.of(neighbour)
        beyond = [vector for vector in others if abs(float(vector @ bond)) < 0.99]
        reference = beyond[0] if beyond else np.array([0.31, 0.52, 0.79])
        across = _normalised(reference - float(reference @ bond) * bond)
        sideways = np.cross(bond, across)
        single = _SINGLE_BONDS.get(atom_type(self.crystal.types[neighbour]).element, 1.8)
        if length < _VINYL and single - length > _DOUBLE and len(beyond) == 2:
            along = -np.cos(np.radians(120.0)) * -bond
            across = np.sin(np.radians(120.0)) * across
            return _Group(site, _AROMATIC * np.stack([along + across, along - across]), 1.2)
        angle = np.arange(_TORSIONS) * (2.0 * np.pi / 3.0 / _TORSIONS)
        thirds = angle[:, None] + 2.0 * np.pi / 3.0 * np.arange(3)
        ring = np.cos(thirds)[..., None] * across + np.sin(thirds)[..., None] * sideways
        tilt = np.radians(109.5)
        vectors = _METHYL * (np.cos(tilt) * bond + np.sin(tilt) * ring)
        best = self.density(site, vectors).sum(axis=1).argmax()
        return _Group(site, vectors[best], 1.5)


def _by_density(
    environment: _Environment, groups: list[_Group], quota: float | None
) -> list[_Group]:
    """Find the hydrogens of nitrogen and oxygen in the difference map, the clearest first."""
    crystal = environment.crystal
    multiplicity = crystal.multiplicity()
    placed = 0.0
    on_carbon = []
    for group in groups:
        placed += float(multiplicity[group.carrier]) * len(group.vectors)
        on_carbon += environment.density(group.carrier, group.vectors).tolist()
    typical = float(np.median(on_carbon)) if len(on_carbon) > 2 else 0.0
    noise = float(environment.difference.std())
    lowest = max(_LEAST_DENSITY * typical, 3.5 * noise)
    if quota is not None:
        # A known number of hydrogens allows less clear ones.
        lowest = max(0.35 * typical, 2.5 * noise)
    candidates: list[tuple[float, int, FloatArray]] = []
    for site, name in enumerate(crystal.types):
        element = atom_type(name).element
        if element in _MOST_NEIGHBOURS and crystal.occ[site] > 0.9:
            for height, vector in _peaks_around(environment, site, element, lowest):
                candidates.append((height, site, vector))
    candidates.sort(key=lambda candidate: -candidate[0])
    chosen: list[_Group] = []
    for _, site, vector in candidates:
        share = float(multiplicity[site])
        if quota is not None and placed + share > quota + 0.5:
            continue
        if _is_crowded(environment, groups + chosen, site, vector):
            continue
        placed += share
        element = atom_type(crystal.types[site]).element
        factor = 1.5 if element == "O" else 1.2
        chosen.append(_Group(site, vector[None], factor))
    return chosen


def _peaks_around(
    environment: _Environment, site: int, element: str, lowest: float
) -> list[tuple[float, FloatArray]]:
    """Return density and vector of the hydrogens that may be on a nitrogen or oxygen."""
    unit, distance, _ = environment.of(site)
    free_places = _MOST_NEIGHBOURS[element] - len(unit)
    if free_places <= 0 or (len(unit) == 1 and distance[0] < 1.20):
        return []
    sphere = _sphere(_SPHERE_POINTS)
    length = _NITROGEN if element == "N" else _OXYGEN
    radii = np.array([length - 0.12, length, length + 0.12])
    density = environment.density(site, radii[:, None, None] * sphere).mean(axis=0)
    if len(unit):
        density[(sphere @ unit.T > _LEAST_ANGLE).any(axis=1)] = -np.inf
    metal = environment.metal_bonds.vector[environment.metal_bonds.site == site]
    if len(metal):
        density[(sphere @ metal.T > 0.0).any(axis=1)] = -np.inf
    peaks: list[tuple[float, FloatArray]] = []
    for _ in range(free_places):
        best = int(density.argmax())
        if density[best] < lowest:
            break
        peaks.append((float(density[best]), length * sphere[best]))
        # Two hydrogens of one atom are 90 degrees apart at least.
        density[sphere @ sphere[best] > 0.1] = -np.inf
    return peaks


def _is_crowded(
    environment: _Environment, groups: list[_Group], site: int, vector: FloatArray
) -> bool:
    """Tell whether a hydrogen at a vector from a site is too near to another one or to an atom."""
    crystal = environment.crystal
    frac = [crystal.frac[site] + vector @ environment.to_frac]
    for group in groups:
        frac += list(crystal.frac[group.carrier] + group.vectors @ environment.to_frac)
    hydrogens = Crystal(
        cell=crystal.cell,
        spacegroup=crystal.spacegroup,
        symops=crystal.symops,
        types=("H",) * len(frac),
        frac=np.array(frac),
    )
    contacts = find_contacts(hydrogens, _SHORTEST)
    return bool((contacts.site == 0).any())


def _sphere(points: int) -> FloatArray:
    """Return unit vectors (points, 3) spread evenly over a sphere."""
    number = np.arange(points) + 0.5
    height = 1.0 - 2.0 * number / points
    azimuth = np.pi * (1.0 + np.sqrt(5.0)) * number
    radius = np.sqrt(1.0 - height**2)
    return np.column_stack([radius * np.cos(azimuth), radius * np.sin(azimuth), height])


def _area(unit: FloatArray) -> float:
    """Return twice the area of the triangle at the ends of three unit vectors (3, 3)."""
    return max(float(np.linalg.norm(np.cross(unit[1] - unit[0], unit[2] - unit[0]))), 1e-6)


def _normalised(vector: FloatArray) -> FloatArray:
    """Return a vector (3,) with length 1."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))
