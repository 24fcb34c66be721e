"""Make crystals of every space group for tests: a cell that fits, special and general positions."""

from __future__ import annotations

import gemmi
import numpy as np

import argand

EVERY_GROUP = [gemmi.SpaceGroup(number).xhm() for number in range(1, 231)]

# A cell of each crystal system, in angstrom and degrees.
CELLS = {
    "triclinic": (7.0, 8.0, 9.0, 81.0, 95.0, 103.0),
    "monoclinic": (7.0, 8.0, 9.0, 90.0, 97.0, 90.0),
    "orthorhombic": (7.0, 8.0, 9.0, 90.0, 90.0, 90.0),
    "tetragonal": (7.0, 7.0, 9.0, 90.0, 90.0, 90.0),
    "trigonal": (7.0, 7.0, 9.0, 90.0, 90.0, 120.0),
    "hexagonal": (7.0, 7.0, 9.0, 90.0, 90.0, 120.0),
    "cubic": (7.0, 7.0, 7.0, 90.0, 90.0, 90.0),
}


def random_crystal(
    rng: np.random.Generator, spacegroup: str = "P 1", sites: int = 4
) -> argand.Crystal:
    """Return isotropic sites on general and special positions: ions, partly occupied."""
    system = gemmi.SpaceGroup(spacegroup).crystal_system_str()
    frac = rng.random((sites, 3))
    # The origin is an inversion centre, on a rotation axis, ... of most groups.
    frac[0] = 0
    occ = rng.uniform(0.3, 1, sites)
    b_iso = rng.uniform(0.5, 4, sites)
    return argand.Crystal(
        cell=CELLS[system],
        spacegroup=spacegroup,
        types=("Fe3+", "O2-", "C", "H")[:sites],
        frac=frac,
        occ=occ,
        b_iso=b_iso,
    )


def with_tensors(crystal: argand.Crystal, rng: np.random.Generator) -> argand.Crystal:
    """Return a crystal whose sites on general positions are anisotropic, all but the last."""
    root = rng.normal(size=(len(crystal.types), 3, 3)) * 0.15
    matrix = root @ root.transpose(0, 2, 1)
    u_aniso = argand.cell.matrix_to_sym(matrix)
    isotropic = crystal.multiplicity() < len(crystal.symops)
    isotropic[-1] = True
    u_aniso[isotropic] = np.nan
    return crystal.replace(u_aniso=u_aniso)
