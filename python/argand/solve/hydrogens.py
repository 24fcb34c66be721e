"""Place hydrogens: on carbon by geometry, on nitrogen and oxygen where density shows them.

Their U is 1.2 times that of their carrier, 1.5 times for methyl and hydroxyl.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atom_type
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.peaks import nearest_image
from argand.solve.contacts import find_contacts
from argand.solve.hydrogen_geometry import Carriers, HydrogenGroup

__all__ = ["Hydrogens", "place_hydrogens", "with_hydrogens"]

# Distances to hydrogen in angstrom.
_NITROGEN = 0.87
_OXYGEN = 0.83

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

# Cosine of the angle from the highest point within which the density belongs to one hydrogen.
_CAP = np.cos(np.radians(40.0))

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
    carriers = Carriers(crystal, difference)
    groups: list[HydrogenGroup] = []
    for site, name in enumerate(crystal.types):
        element = atom_type(name).element
        if element in ("C", "B") and crystal.occ[site] > 0.9:
            group = carriers.on_carbon(site, element)
            if group is not None:
                groups.append(group)
    groups += _by_density(carriers, groups, quota)
    to_frac = np.linalg.inv(carriers.axes).T
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
    return Hydrogens(hydrogens.frac[chosen], hydrogens.carrier[chosen], hydrogens.factor[chosen])


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


def _hydrogen_label(crystal: Crystal, site: int, number: int, count: int, used: set[str]) -> str:
    """Name a hydrogen after its carrier, and differently from all others."""
    element = atom_type(crystal.types[site]).element
    digits = crystal.labels[site].removeprefix(element)
    letter = chr(ord("A") + number) if count > 1 else ""
    middle = "" if element == "C" else element
    label = f"H{digits}{middle}{letter}"
    while label in used:
        label += "x"
    return label


def _by_density(
    carriers: Carriers, groups: list[HydrogenGroup], quota: float | None
) -> list[HydrogenGroup]:
    """Find the hydrogens of nitrogen and oxygen in the difference map, the clearest first."""
    crystal = carriers.crystal
    multiplicity = crystal.multiplicity()
    placed = 0.0
    on_carbon = []
    for group in groups:
        placed += float(multiplicity[group.carrier]) * len(group.vectors)
        on_carbon += carriers.density(group.carrier, group.vectors).tolist()
    typical = float(np.median(on_carbon)) if len(on_carbon) > 2 else 0.0
    noise = float(carriers.difference.std())
    lowest = max(_LEAST_DENSITY * typical, 3.5 * noise)
    if quota is not None:
        # A known number of hydrogens allows less clear ones.
        lowest = max(0.35 * typical, 2.5 * noise)
    if lowest <= 0.0:
        return []
    candidates: list[tuple[float, int, FloatArray]] = []
    for site, name in enumerate(crystal.types):
        element = atom_type(name).element
        if element in _MOST_NEIGHBOURS and crystal.occ[site] > 0.9:
            for height, vector in _peaks_around(carriers, site, element, lowest):
                candidates.append((height, site, vector))
    candidates.sort(key=lambda candidate: -candidate[0])
    chosen: list[HydrogenGroup] = []
    for _, site, vector in candidates:
        share = float(multiplicity[site])
        if quota is not None and placed + share > quota + 0.5:
            continue
        if _is_crowded(carriers, groups + chosen, site, vector):
            continue
        placed += share
        element = atom_type(crystal.types[site]).element
        factor = 1.5 if element == "O" else 1.2
        chosen.append(HydrogenGroup(site, vector[None], factor))
    return chosen


def _peaks_around(
    carriers: Carriers, site: int, element: str, lowest: float
) -> list[tuple[float, FloatArray]]:
    """Return density and vector of the hydrogens that may be on a nitrogen or oxygen."""
    unit, distance, _ = carriers.of(site)
    free_places = _MOST_NEIGHBOURS[element] - len(unit)
    if free_places <= 0 or (len(unit) == 1 and distance[0] < 1.20):
        return []
    sphere = _sphere(_SPHERE_POINTS)
    length = _NITROGEN if element == "N" else _OXYGEN
    radii = np.array([length - 0.12, length, length + 0.12])
    density = carriers.density(site, radii[:, None, None] * sphere).mean(axis=0)
    if len(unit):
        density[(sphere @ unit.T > _LEAST_ANGLE).any(axis=1)] = -np.inf
    metal = carriers.metal_bonds.vector[carriers.metal_bonds.site == site]
    if len(metal):
        density[(sphere @ metal.T > 0.0).any(axis=1)] = -np.inf
    peaks: list[tuple[float, FloatArray]] = []
    for _ in range(free_places):
        best = int(density.argmax())
        if density[best] < lowest:
            break
        height = float(density[best])
        # The points of the sphere are coarse: the direction is the mean of those above half height.
        cap = np.maximum(density - 0.5 * height, 0.0) * (sphere @ sphere[best] > _CAP)
        direction = cap @ sphere
        peaks.append((height, length * direction / float(np.linalg.norm(direction))))
        # Two hydrogens of one atom are 90 degrees apart at least.
        density[sphere @ sphere[best] > 0.1] = -np.inf
    return peaks


def _is_crowded(
    carriers: Carriers, groups: list[HydrogenGroup], site: int, vector: FloatArray
) -> bool:
    """Tell whether a hydrogen at a vector from a site is too near to another one or to an atom."""
    crystal = carriers.crystal
    frac = [crystal.frac[site] + vector @ carriers.to_frac]
    for group in groups:
        frac += list(crystal.frac[group.carrier] + group.vectors @ carriers.to_frac)
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
