"""Make small structures for tests of refinement: many groups, special positions, U and B."""

from __future__ import annotations

import numpy as np

import argand

# General positions of F d -3 m far from its mirror planes, which leave little room.
GENERAL = [(0.44, 0.23, 0.14), (0.76, 0.34, 0.94)]

# Cell, and sites on special positions, of each space group: inversion centres, axes, mirror planes,
# corners of the cube.
STRUCTURES = {
    "P 1": ((6, 7, 8, 80, 95, 105), []),
    "P -1": ((6, 7, 8, 80, 95, 105), [(0, 0, 0.5)]),
    "P 1 21 1": ((6, 7, 8, 90, 95, 90), []),
    "P 1 21/c 1": ((6, 7, 8, 90, 95, 90), [(0.5, 0, 0)]),
    "C m c 21": ((6, 7, 8, 90, 90, 90), [(0, 0.2, 0.3)]),
    "P 41 21 2": ((7, 7, 9, 90, 90, 90), [(0.2, 0.2, 0)]),
    "R -3 c:H": ((8, 8, 12, 90, 90, 120), [(0.3, 0, 0.25), (0, 0, 0.25)]),
    "F d -3 m:1": (
        (8, 8, 8, 90, 90, 90),
        [(0, 0, 0), (0.125, 0.125, 0.125), (0.2, 0.2, 0.2), *GENERAL],
    ),
}


def structure(spacegroup: str, seed: int = 1, sites: int = 5) -> argand.Crystal:
    """Return a crystal with special positions first, then general ones.

    Sites 0 and 2 are anisotropic, within their symmetry.
    """
    cell, special = STRUCTURES[spacegroup]
    rng = np.random.default_rng(seed)
    frac = rng.random((sites, 3))
    frac[: len(special)] = np.reshape(special, (-1, 3))
    types = ("C", "O", "Fe", "C", "N", "S", "C", "O")[:sites]
    labels = tuple(f"{symbol}{i + 1}" for i, symbol in enumerate(types))
    b_iso = np.linspace(1.0, 3.0, sites)
    # An isotropic tensor fits every site symmetry, and is U = B / (8 pi^2) in a cell of any shape.
    u_aniso = argand.cell.u_aniso_from_beta(argand.cell.beta_from_b_iso(b_iso, cell), cell)
    anisotropic = np.isin(np.arange(sites), [0, 2])
    u_aniso[~anisotropic] = np.nan
    return argand.Crystal(
        cell=cell,
        spacegroup=spacegroup,
        types=types,
        labels=labels,
        frac=frac,
        b_iso=b_iso,
        u_aniso=u_aniso,
    )


def some_reflections(
    crystal: argand.Crystal, d_min: float = 1.0, count: int = 60, seed: int = 2
) -> np.ndarray:
    """Return unique reflections in no order, int32 (count, 3) or fewer."""
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min)
    shuffled = np.random.default_rng(seed).permutation(len(hkl))
    return hkl[shuffled[:count]]


def relative_error(values: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference over the largest modulus of the expected values."""
    return float(np.abs(values - expected).max() / np.abs(expected).max())


def random_complex(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return complex numbers with normal real and imaginary parts."""
    rng = np.random.default_rng(seed)
    real = rng.normal(size=shape)
    return real + 1j * rng.normal(size=shape)
