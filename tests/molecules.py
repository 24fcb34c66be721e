"""Make a small molecular crystal with measured-like data for tests of the solution."""

from __future__ import annotations

import gemmi
import numpy as np

from argand import Crystal, miller_indices, structure_factors
from argand.io import Reflections

# A ring of six atoms with three substituents, angstrom, in a plane: no symmetry but the mirror.
_RING = [(1.39 * np.cos(angle), 1.39 * np.sin(angle)) for angle in np.radians(range(0, 360, 60))]
_SUBSTITUENTS = [(2.75, 0.1), (-1.4, 2.42), (-2.8, -0.05)]
_TYPES = ("C", "C", "C", "N", "C", "C", "O", "C", "Cl")
_CELLS = {
    "P -1": (6.9, 7.4, 8.3, 81.0, 97.0, 105.0),
    "P 1 21/c 1": (8.2, 9.1, 10.9, 90.0, 104.0, 90.0),
    "P 21 21 21": (7.1, 9.4, 11.8, 90.0, 90.0, 90.0),
    "C 1 2/c 1": (15.2, 8.6, 12.1, 90.0, 112.0, 90.0),
    "P 41": (9.0, 9.0, 10.4, 90.0, 90.0, 90.0),
    "R 3:H": (13.6, 13.6, 9.0, 90.0, 90.0, 120.0),
}
GROUPS = tuple(_CELLS)


def molecule(spacegroup: str) -> Crystal:
    """Return a crystal of a tilted molecule of nine atoms in a space group."""
    cell = _CELLS[spacegroup]
    flat = np.array([(x, y, 0.0) for x, y in [*_RING, *_SUBSTITUENTS]])
    tilt = np.array(gemmi.Mat33([[0.6, 0.64, 0.48], [-0.8, 0.48, 0.36], [0.0, -0.6, 0.8]]).tolist())
    to_frac = np.linalg.inv(np.array(gemmi.UnitCell(*cell).orth.mat.tolist()))
    frac = (flat @ tilt.T) @ to_frac.T + (0.21, 0.27, 0.24)
    labels = tuple(f"{symbol}{number + 1}" for number, symbol in enumerate(_TYPES))
    b_iso = np.linspace(1.8, 3.0, len(_TYPES))
    return Crystal(
        cell=cell, spacegroup=spacegroup, types=_TYPES, labels=labels, frac=frac, b_iso=b_iso
    )


def measured(
    crystal: Crystal, d_min: float = 0.85, noise: float = 0.02, seed: int = 1
) -> Reflections:
    """Return intensities of all unique reflections with errors of a share of each and the mean."""
    hkl = miller_indices(crystal.cell, crystal.spacegroup, d_min=d_min)
    hkl = hkl[hkl.any(axis=1)]
    intensity = np.abs(structure_factors(crystal, hkl)) ** 2
    sigma = noise * (intensity + 0.5 * intensity.mean())
    errors = np.random.default_rng(seed).normal(size=len(hkl))
    return Reflections(
        hkl=hkl,
        intensity=intensity + sigma * errors,
        sigma=sigma,
        cell=crystal.cell,
        spacegroup=crystal.spacegroup,
    )
