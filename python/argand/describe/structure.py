"""Describe a crystal structure: content, unit cell, density and displacements."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np

from argand.cell import Cell
from argand.crystal import Crystal
from argand.symmetry import find_spacegroup

__all__ = ["StructureDescription", "density", "describe_structure", "volume_per_atom"]

# One dalton per cubic angstrom in g/cm^3.
_DALTON_PER_CUBIC_ANGSTROM = 1.66053906660


@dataclass(frozen=True)
class StructureDescription:
    """Describe a crystal structure in numbers.

    Parameters
    ----------
    formula
        Atoms of each element in the unit cell.
    sites, atoms
        Sites of the asymmetric unit, and atoms in the unit cell.
    spacegroup, operations
        Name of the space group, None where its setting has none, and number of its operations.
    cell, volume
        Unit cell in angstrom and degrees; A^3.
    density
        g/cm^3.
    f000
        Electrons in the unit cell.
    volume_per_atom
        A^3 for each atom that is no hydrogen; None where all are.
    b_min, b_max, b_mean
        Smallest, largest and mean isotropic, or equivalent, B of the sites, A^2.
    anisotropic, partly_occupied
        Number of sites that move anisotropically, and that are not fully occupied.
    without_displacement
        Number of sites with B = 0.
    """

    formula: str
    sites: int
    atoms: int
    spacegroup: str | None
    operations: int
    cell: Cell
    volume: float
    density: float
    f000: float
    volume_per_atom: float | None
    b_min: float
    b_max: float
    b_mean: float
    anisotropic: int
    partly_occupied: int
    without_displacement: int


def describe_structure(crystal: Crystal) -> StructureDescription:
    """Describe a crystal structure; `structure_doubts` finds what is odd about it."""
    is_named = find_spacegroup(crystal.spacegroup) is not None
    anisotropic = 0
    if crystal.u_aniso is not None:
        anisotropic = int((~np.isnan(crystal.u_aniso[:, 0])).sum())
    moving = crystal.beta().any(axis=1)
    return StructureDescription(
        formula=crystal.formula,
        sites=len(crystal.types),
        atoms=int(crystal.multiplicity().sum()),
        spacegroup=crystal.spacegroup if is_named else None,
        operations=len(crystal.symops),
        cell=crystal.cell,
        volume=crystal.volume,
        density=density(crystal),
        f000=crystal.f000(),
        volume_per_atom=volume_per_atom(crystal),
        b_min=float(crystal.b_iso.min()),
        b_max=float(crystal.b_iso.max()),
        b_mean=float(crystal.b_iso.mean()),
        anisotropic=anisotropic,
        partly_occupied=int((crystal.occ != 1).sum()),
        without_displacement=int((~moving).sum()),
    )


def density(crystal: Crystal) -> float:
    """Return the mass of the unit cell over its volume, g/cm^3."""
    mass = 0.0
    for element, number in crystal.composition().items():
        mass += gemmi.Element(element).weight * number
    return float(_DALTON_PER_CUBIC_ANGSTROM * mass / crystal.volume)


def volume_per_atom(crystal: Crystal) -> float | None:
    """Return the volume for each atom that is no hydrogen, A^3; None where all are hydrogens."""
    count = 0.0
    for element, number in crystal.composition().items():
        if element not in ("H", "D"):
            count += number
    return crystal.volume / count if count else None
