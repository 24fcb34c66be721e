"""Find what is odd about a crystal structure: its content, displacements and short contacts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from argand.atom_types import atomic_number
from argand.cell import FloatArray, b_iso_from_u_aniso, metric, sym_to_matrix
from argand.crystal import Crystal
from argand.describe.structure import volume_per_atom
from argand.io.site_checks import structure_notes

__all__ = ["close_contacts", "content_doubts", "structure_doubts"]

# Distance in angstrom that is shorter than any bond.
_TOO_CLOSE = 0.6

# Images of an atom nearer than this, in angstrom, are the atom itself on a special position.
_SAME_SITE = 0.01

# Occupancies of two sites that add up to more than this, with rounding, cannot share a place.
_SHARED_OCCUPANCY = 1.01

# B in A^2 above that of any atom that is well described.
_LARGE_B = 25.0

# A^3 for each atom that is no hydrogen, in the densest metals.
_LEAST_VOLUME = 5.0

# A^3 for each atom that is no hydrogen, in the most open frameworks.
_MOST_VOLUME = 60.0

# Pairs of atoms beyond which contacts are not looked for.
_MOST_PAIRS = 40_000_000

# F(000) may differ from the stated content by this share without a doubt.
_F000_TOLERANCE = 0.005

# Eigenvalues of beta above this are positive but for rounding.
_ROUNDING = -1e-9

# Names of sites, and of pairs, in a doubt before the rest is only counted.
_NAMES_SHOWN = 5


def structure_doubts(crystal: Crystal) -> list[str]:
    """Name in words what deserves a second look in a structure that can be read."""
    doubts: list[str] = []
    volume = volume_per_atom(crystal)
    if volume is not None and not _LEAST_VOLUME < volume < _MOST_VOLUME:
        doubts.append(
            f"{volume:.3g} Å³ for each atom that is no hydrogen: is the content complete?"
        )
    negative = crystal.b_iso < 0
    if negative.any():
        doubts.append(f"negative displacement: {_names(crystal, negative)}")
    large = crystal.b_iso > _LARGE_B
    if large.any():
        doubts.append(f"B above {_LARGE_B:g} Å²: {_names(crystal, large)}")
    indefinite = _indefinite(crystal)
    if indefinite.any():
        names = _names(crystal, indefinite)
        doubts.append(f"displacement not positive in every direction: {names}")
    doubts.extend(structure_notes(crystal))
    pairs: list[str] = []
    for first, second in close_contacts(crystal)[:_NAMES_SHOWN]:
        if first != second:
            pairs.append(f"{first}-{second}")
    if pairs:
        doubts.append(f"atoms nearer than {_TOO_CLOSE} Å: {', '.join(pairs)}")
    return doubts


def content_doubts(crystal: Crystal, content: Mapping[str, float]) -> list[str]:
    """Doubt a structure whose electrons are not those of SFAC and UNIT, which its author expects.

    Parameters
    ----------
    crystal
        Structure.
    content
        Atoms of each element in the unit cell, as stated.
    """
    stated = 0.0
    for element, number in content.items():
        stated += atomic_number(element) * number
    f000 = crystal.f000()
    if abs(f000 - stated) <= _F000_TOLERANCE * stated:
        return []
    doubt = (
        f"F(000) of the sites is {f000:.6g}, of UNIT {stated:.6g}: the sites hold {crystal.formula}"
    )
    return [doubt]


def close_contacts(crystal: Crystal) -> list[tuple[str, str]]:
    """List the labels of pairs of atoms that lie in each other, sorted; equal for images of a site.

    Atoms that share a place between them, by their occupancies, are no contacts. The list is empty
    for structures so large that it would take too long.
    """
    whole = crystal.to_p1()
    if 27 * len(crystal.types) * len(whole.types) > _MOST_PAIRS:
        return []
    g = metric(crystal.cell)
    pairs: set[tuple[str, str]] = set()
    for site, label in enumerate(crystal.labels):
        squared = _least_squared_distances(crystal.frac[site], whole.frac, g)
        together = crystal.occ[site] + whole.occ > _SHARED_OCCUPANCY
        close = (squared < _TOO_CLOSE**2) & (squared > _SAME_SITE**2) & together
        for atom in np.flatnonzero(close).tolist():
            first, second = sorted((label, whole.labels[atom]))
            pairs.add((first, second))
    return sorted(pairs)


def _least_squared_distances(frac: FloatArray, image_frac: FloatArray, g: FloatArray) -> FloatArray:
    """Return squared distances (m,), A^2, of an atom to the nearest lattice images of m others.

    Positions (3,) and (m, 3) are fractional, g (3, 3) is the metric of the unit cell.
    """
    difference = image_frac - frac
    difference -= np.rint(difference)
    neighbours = np.meshgrid([-1, 0, 1], [-1, 0, 1], [-1, 0, 1], indexing="ij")
    translations = np.stack(neighbours, axis=-1).reshape(-1, 3)
    steps = difference + translations[:, None]
    squared = np.einsum("tmi,tmi->tm", steps @ g, steps)
    least: FloatArray = squared.min(axis=0)
    return least


def _indefinite(crystal: Crystal) -> npt.NDArray[np.bool_]:
    """Tell which sites (n,) have a tensor that is not positive, though its equivalent B is."""
    indefinite = np.zeros(len(crystal.types), dtype=bool)
    if crystal.u_aniso is None:
        return indefinite
    has_tensor = ~np.isnan(crystal.u_aniso[:, 0])
    tensors = sym_to_matrix(crystal.beta()[has_tensor])
    indefinite[has_tensor] = np.linalg.eigvalsh(tensors)[:, 0] < _ROUNDING
    equivalent_b = b_iso_from_u_aniso(np.nan_to_num(crystal.u_aniso), crystal.cell)
    return np.asarray(indefinite & (equivalent_b >= 0))


def _names(crystal: Crystal, chosen: npt.NDArray[np.bool_]) -> str:
    """List the labels of the chosen sites (n,), the first few by name."""
    names = [crystal.labels[site] for site in np.flatnonzero(chosen)]
    shown = ", ".join(names[:_NAMES_SHOWN])
    if len(names) > _NAMES_SHOWN:
        return f"{shown} and {len(names) - _NAMES_SHOWN} more"
    return shown
