"""A crystal structure in words, and what is odd about it."""

from __future__ import annotations

import gemmi
import numpy as np

from argand.cell import b_iso_from_u_aniso, cell_volume, metric, sym_to_matrix
from argand.crystal import Crystal
from argand.symmetry import find_spacegroup

__all__ = ["density", "odd_about", "structure_lines", "summary_lines"]

_DALTON_PER_CUBIC_ANGSTROM = 1.66053906660  # g/cm^3
_TOO_CLOSE = 0.6  # angstrom, shorter than any bond
_LARGE_B = 25.0
_ROOM = (5.0, 60.0)  # A^3 for an atom that is no hydrogen: metals to open frameworks
_MOST_PAIRS = 40_000_000


def summary_lines(crystal: Crystal) -> list[str]:
    """Content, space group, cell, and sites at rest."""
    a, b, c, alpha, beta, gamma = crystal.cell
    atoms = int(crystal.multiplicity().sum())
    named = find_spacegroup(crystal.spacegroup) is not None
    group = (
        f"space group {crystal.spacegroup}"
        if named
        else f"{len(crystal.symops)} operations without a name"
    )
    still = int((~crystal.beta().any(axis=1)).sum())
    lines = [
        f"{crystal.formula}: {len(crystal.types)} sites, {atoms} in the cell, {group}",
        f"cell {a:g} {b:g} {c:g} Å, {alpha:g} {beta:g} {gamma:g}°, {cell_volume(crystal.cell):.5g} Å³",
    ]
    if still:
        lines.append(f"{still} sites without displacement: B = 0")
    return lines


def density(crystal: Crystal) -> float:
    """Mass over volume of the cell, g/cm^3."""
    mass = sum(
        gemmi.Element(element).weight * number for element, number in crystal.composition().items()
    )
    return float(_DALTON_PER_CUBIC_ANGSTROM * mass / crystal.volume)


def structure_lines(crystal: Crystal) -> list[str]:
    content = crystal.composition()
    heavy = sum(number for element, number in content.items() if element not in ("H", "D"))
    room = f", {crystal.volume / heavy:.1f} Å³ for each atom that is no hydrogen" if heavy else ""
    anisotropic = 0 if crystal.u_aniso is None else int((~np.isnan(crystal.u_aniso[:, 0])).sum())
    partly = int((crystal.occ != 1).sum())
    b = crystal.b_iso
    kinds = f"{anisotropic} sites anisotropic, {partly} partly occupied"
    return [
        *summary_lines(crystal),
        f"density {density(crystal):.4g} g/cm³, F(000) = {crystal.f000():.6g}{room}",
        f"B {b.min():.2f} to {b.max():.2f} Å², mean {b.mean():.2f}; {kinds}",
    ]


def odd_about(crystal: Crystal) -> list[str]:
    """What deserves a second look in a structure that can be read."""
    said = []
    heavy = sum(
        number for element, number in crystal.composition().items() if element not in ("H", "D")
    )
    if heavy and not _ROOM[0] < crystal.volume / heavy < _ROOM[1]:
        said.append(
            f"{crystal.volume / heavy:.3g} Å³ for each atom that is no hydrogen: is the content complete?"
        )
    if (crystal.b_iso < 0).any():
        said.append(f"negative displacement: {_names(crystal, crystal.b_iso < 0)}")
    if (crystal.b_iso > _LARGE_B).any():
        said.append(f"B above {_LARGE_B:g} Å²: {_names(crystal, crystal.b_iso > _LARGE_B)}")
    if crystal.u_aniso is not None:
        known = ~np.isnan(crystal.u_aniso[:, 0])
        least = np.zeros(len(known))
        least[known] = np.linalg.eigvalsh(sym_to_matrix(crystal.beta()[known]))[:, 0]
        bad = (least < -1e-9) & (
            b_iso_from_u_aniso(np.nan_to_num(crystal.u_aniso), crystal.cell) >= 0
        )
        if bad.any():
            said.append(f"displacement not positive in every direction: {_names(crystal, bad)}")
    return said + _contacts(crystal)


def _contacts(crystal: Crystal) -> list[str]:
    """Atoms that lie in each other, unless they share a place between them."""
    whole = crystal.to_p1()
    if 27 * len(crystal.types) * len(whole.types) > _MOST_PAIRS:
        return []
    step = whole.frac[None] - crystal.frac[:, None]
    step -= np.rint(step)
    around = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    lengths = metric(crystal.cell)
    squared = np.min(
        [np.einsum("nmi,ij,nmj->nm", step + t, lengths, step + t) for t in around], axis=0
    )
    together = crystal.occ[:, None] + whole.occ[None] > 1.01
    # nearer than the radius of a special position an image is the site itself
    close = (squared < _TOO_CLOSE**2) & (squared > 1e-4) & together
    found = sorted(
        {tuple(sorted((crystal.labels[i], whole.labels[j]))) for i, j in np.argwhere(close)}
    )
    pairs = ", ".join(f"{a}-{b}" for a, b in found[:5] if a != b)
    return [f"atoms nearer than {_TOO_CLOSE} Å: {pairs}"] if pairs else []


def _names(crystal: Crystal, chosen: np.ndarray) -> str:
    names = [crystal.labels[i] for i in np.flatnonzero(chosen)]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
