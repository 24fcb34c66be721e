"""Make crystals that nobody has measured: molecules and inorganic frameworks in common groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from argand import Crystal
from argand.cell import metric
from argand.site_symmetry import cartesian_axes
from argand.symmetry import operation_arrays

# How often the groups are found: those of organic crystals, and some of higher symmetry.
MOLECULAR_GROUPS = {
    "P 1 21/c 1": 0.34,
    "P -1": 0.22,
    "C 1 2/c 1": 0.09,
    "P 21 21 21": 0.09,
    "P 1 21 1": 0.06,
    "P b c a": 0.04,
    "P n a 21": 0.03,
    "P 1": 0.03,
    "C 1 2 1": 0.02,
    "P b c n": 0.02,
    "I 41/a": 0.02,
    "R -3": 0.02,
    "P 41": 0.01,
    "F d d 2": 0.01,
}
INORGANIC_GROUPS = {
    "P -1": 0.1,
    "P 1 21/c 1": 0.2,
    "C 1 2/m 1": 0.1,
    "P n m a": 0.2,
    "I 4/m": 0.05,
    "P 42/m n m": 0.05,
    "R -3 c": 0.1,
    "P 63/m": 0.05,
    "P m -3 m": 0.05,
    "P a -3": 0.05,
    "I 41/a m d": 0.05,
}

# Groups of molecules that a subgroup nearly has: the subgroup, and where its origin lies in them.
PSEUDO_GROUPS = {
    "P -1": ("P 1", (0.0, 0.0, 0.0)),
    "P 1 21/c 1": ("P 1 c 1", (0.0, 0.25, 0.0)),
    "C 1 2/c 1": ("P 1 2/c 1", (0.0, 0.0, 0.0)),
    "C 1 2 1": ("P 1 2 1", (0.0, 0.0, 0.0)),
}

# Root mean squares, angstrom, by which atoms miss the symmetry that a crystal nearly has, and the
# share of them that are another element in the second half.
_PSEUDO_SHIFTS = (0.03, 0.4)
_PSEUDO_CHANGED = 0.1

# Cations with the distance, angstrom, to the oxygen atoms around them.
_CATIONS = {"Si": 1.62, "P": 1.53, "Al": 1.8, "Ti": 1.95, "Fe": 2.0, "Ca": 2.35, "K": 2.75}

_LIGHT = ("C", "N", "O")
_LIGHT_SHARES = (0.78, 0.1, 0.12)
_HEAVY = ("S", "Cl", "Cu", "Br", "I")


class Packing:
    """Hold a growing set of sites, and refuse those that come too near to an image of another."""

    def __init__(self, cell: tuple[float, ...], spacegroup: str) -> None:
        self.cell = cell
        self.spacegroup = spacegroup
        self.metric = metric(cell)
        self.rotations, self.translations = operation_arrays(spacegroup)
        self.sites: list[NDArray[np.float64]] = []
        self.types: list[str] = []

    def images(self, site: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return all images (operations, 3) of a site."""
        return self.rotations @ site + self.translations

    def distances(self, site: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return distances (sites, operations), angstrom, of a site to all images of others."""
        images = np.array([self.images(other) for other in self.sites])
        shift = images - site
        shift -= np.rint(shift)
        squared = np.einsum("soi,ij,soj->so", shift, self.metric, shift)
        return np.sqrt(np.maximum(squared, 0.0))

    def is_special(self, site: NDArray[np.float64], nearest: float) -> bool:
        """Tell whether an image of the site itself is nearer than `nearest`, angstrom."""
        shift = self.images(site)[1:] - site
        shift -= np.rint(shift)
        squared = np.einsum("oi,ij,oj->o", shift, self.metric, shift)
        return bool((squared < nearest**2).any())


def cell_of(system: str, volume: float, generator: np.random.Generator) -> tuple[float, ...]:
    """Return a cell of a crystal system with a volume in A^3."""
    a, b, c = np.exp(generator.normal(0.0, 0.25, 3))
    angles = [90.0, 90.0, 90.0]
    if system == "triclinic":
        angles = list(generator.uniform(75.0, 110.0, 3))
    elif system == "monoclinic":
        angles[1] = float(generator.uniform(91.0, 118.0))
    elif system == "tetragonal":
        b = a
    elif system in ("trigonal", "hexagonal"):
        b = a
        angles[2] = 120.0
    elif system == "cubic":
        b = c = a
    ca, cb, cg = np.cos(np.radians(angles))
    factor = np.sqrt(1.0 - ca**2 - cb**2 - cg**2 + 2.0 * ca * cb * cg)
    scale = (volume / (a * b * c * factor)) ** (1.0 / 3.0)
    return (a * scale, b * scale, c * scale, *angles)


def choose(shares: dict[str, float], generator: np.random.Generator) -> str:
    """Draw a name by its share."""
    names = list(shares)
    weights = np.array(list(shares.values()))
    return str(generator.choice(names, p=weights / weights.sum()))


def molecular(
    generator: np.random.Generator, groups: dict[str, float] = MOLECULAR_GROUPS, most: int = 45
) -> Crystal | None:
    """Grow a chain-like molecule of fewer than `most` atoms; None where it does not fit its cell.

    `groups` are the space groups and how often they are drawn.
    """
    import gemmi

    group = choose(groups, generator)
    atoms = int(generator.integers(8, most))
    operations = len(operation_arrays(group)[0])
    volume = 18.0 * atoms * operations * float(generator.uniform(0.95, 1.15))
    system = gemmi.SpaceGroup(group).crystal_system_str()
    packing = Packing(cell_of(system, volume, generator), group)
    to_frac = np.linalg.inv(np.array(gemmi.UnitCell(*packing.cell).orth.mat.tolist()))
    types = generator.choice(_LIGHT, atoms, p=_LIGHT_SHARES).tolist()
    for row in range(int(generator.choice([0, 0, 1, 2]))):
        types[row] = str(generator.choice(_HEAVY))
    if not _grow(packing, types, to_frac, generator):
        return None
    return _crystal(packing, generator)


def _grow(
    packing: Packing, types: list[str], to_frac: NDArray[np.float64], generator: np.random.Generator
) -> bool:
    """Add atoms at bond lengths from atoms that have room; tell whether all found a place."""
    bonds: list[int] = []
    for symbol in types:
        for _ in range(400):
            if not packing.sites:
                site = generator.random(3)
                parent = -1
            else:
                parent = int(generator.integers(len(packing.sites)))
                if bonds[parent] >= 3:
                    continue
                direction = generator.normal(size=3)
                length = 1.42 if symbol in _LIGHT else 1.8
                step = direction / np.linalg.norm(direction) * length
                site = packing.sites[parent] + to_frac @ step
            if packing.is_special(site, 3.0):
                continue
            if packing.sites:
                distances = packing.distances(site)
                nearest_of_others = np.delete(distances, parent, axis=0).min(initial=9.0)
                images_of_parent = np.sort(distances[parent])[1:].min(initial=9.0)
                if nearest_of_others < 2.25 or images_of_parent < 2.9:
                    continue
            packing.sites.append(site)
            packing.types.append(symbol)
            bonds.append(1)
            if parent >= 0:
                bonds[parent] += 1
            break
        else:
            return False
    return True


def inorganic(generator: np.random.Generator) -> Crystal | None:
    """Place cations, often on special positions, and oxygen atoms; None where they do not fit."""
    import gemmi

    group = choose(INORGANIC_GROUPS, generator)
    operations = len(operation_arrays(group)[0])
    system = gemmi.SpaceGroup(group).crystal_system_str()
    sites = int(generator.integers(2, 7 if operations < 16 else 4))
    volume = 14.0 * sites * operations * float(generator.uniform(0.5, 1.0))
    packing = Packing(cell_of(system, volume, generator), group)
    cations = max(1, sites // 3)
    types = [str(generator.choice(list(_CATIONS))) for _ in range(cations)]
    types += ["O"] * (sites - cations)
    for symbol in types:
        for _ in range(500):
            site = generator.random(3)
            if generator.random() < 0.6:
                site = _snapped(packing, site, generator)
            nearest = 2.9 if symbol in _CATIONS else 2.2
            shift = packing.images(site) - site
            shift -= np.rint(shift)
            own = np.sqrt(np.einsum("oi,ij,oj->o", shift, packing.metric, shift))
            if ((own > 0.05) & (own < nearest)).any():
                continue
            if packing.sites:
                distances = packing.distances(site)
                limit = np.full(len(packing.sites), nearest)
                for row, other in enumerate(packing.types):
                    if (other in _CATIONS) != (symbol in _CATIONS):
                        limit[row] = 0.93 * _CATIONS[other if other in _CATIONS else symbol]
                if (distances < limit[:, None]).any():
                    continue
            packing.sites.append(site)
            packing.types.append(symbol)
            break
        else:
            return None
    return _crystal(packing, generator)


def pseudosymmetric(generator: np.random.Generator) -> Crystal | None:
    """Move the atoms of a molecular crystal a little from the symmetry that half of them have.

    The crystal has a subgroup of half the operations, and two molecules where the group had one.
    None where the molecule does not fit its cell.
    """
    shares = dict.fromkeys(PSEUDO_GROUPS, 1.0)
    whole = molecular(generator, shares, most=25)
    if whole is None:
        return None
    subgroup, origin = PSEUDO_GROUPS[whole.spacegroup]
    rotations, translations = operation_arrays(whole.spacegroup)
    lost = _lost_operation(whole.spacegroup, subgroup, np.array(origin))
    image = whole.frac @ rotations[lost].T + translations[lost]
    to_frac = np.linalg.inv(cartesian_axes(whole)).T
    rms = np.exp(generator.uniform(*np.log(_PSEUDO_SHIFTS)))
    step = generator.normal(0.0, rms / np.sqrt(3.0), (2, len(image), 3))
    first = whole.frac + step[0] @ to_frac
    second = image + step[1] @ to_frac
    types = list(whole.types)
    for row in np.flatnonzero(generator.random(len(types)) < _PSEUDO_CHANGED):
        types[row] = str(generator.choice(_LIGHT))
    names = (*whole.types, *types)
    return Crystal(
        cell=whole.cell,
        spacegroup=subgroup,
        types=names,
        frac=(np.concatenate([first, second]) - origin) % 1.0,
        b_iso=np.tile(whole.b_iso, 2),
        labels=tuple(f"{symbol}{number}" for number, symbol in enumerate(names, start=1)),
    )


def _lost_operation(group: str, subgroup: str, origin: NDArray[np.float64]) -> int:
    """Return the number of the first operation of a group that its subgroup does not have."""
    rotations, translations = operation_arrays(group)
    own_rotations, own_translations = operation_arrays(subgroup)
    # About the origin of the subgroup an operation has another translation.
    moved = translations + rotations @ origin - origin
    for number, rotation in enumerate(rotations):
        same = (own_rotations == rotation).all(axis=(1, 2))
        difference = own_translations[same] - moved[number]
        difference -= np.rint(difference)
        if not (np.abs(difference).max(axis=1, initial=0.0) < 1e-6).any():
            return number
    raise ValueError(f"{subgroup} is no subgroup of {group}")


def _snapped(
    packing: Packing, site: NDArray[np.float64], generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return the mean of a site and its image by an operation, where that maps it onto itself."""
    number = int(generator.integers(len(packing.rotations)))
    image = packing.rotations[number] @ site + packing.translations[number]
    shift = image - site
    middle = site + 0.5 * (shift - np.rint(shift))
    again = packing.rotations[number] @ middle + packing.translations[number] - middle
    again -= np.rint(again)
    return middle if np.abs(again).max() < 1e-9 else site


def _crystal(packing: Packing, generator: np.random.Generator) -> Crystal:
    """Return the crystal of a packing with B of 1 to 5 A^2, wandering about a common one."""
    overall = generator.uniform(1.2, 4.0)
    b_iso = overall * np.exp(generator.normal(0.0, 0.25, len(packing.sites)))
    labels = tuple(f"{symbol}{number + 1}" for number, symbol in enumerate(packing.types))
    return Crystal(
        cell=packing.cell,
        spacegroup=packing.spacegroup,
        types=tuple(packing.types),
        frac=np.array(packing.sites) % 1.0,
        b_iso=b_iso,
        labels=labels,
    )


def artificial_crystal(seed: int, *, pseudo: bool = False) -> Crystal:
    """Return the crystal of a seed: three of four are molecular; all of them where `pseudo`.

    `pseudo` asks for crystals that nearly have more symmetry than they have.
    """
    generator = np.random.default_rng([11, seed])
    make = molecular if generator.random() < 0.75 else inorganic
    if pseudo:
        make = pseudosymmetric
    crystal = None
    while crystal is None:
        crystal = make(generator)
    return crystal
