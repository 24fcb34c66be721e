"""Write an electron density from structure factors, and say what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import argand
from argand.cell import Cell
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.reflections import SMALLEST_D_MIN, HklArray

__all__ = ["density_of", "write_density"]


def density_of(
    hkl: HklArray,
    f: NDArray[Any],
    cell: Cell,
    spacegroup: str,
    *,
    sample_rate: float = 3.0,
    shape: tuple[int, int, int] | None = None,
) -> NDArray[np.floating[Any]]:
    """Compute the density (na, nb, nc) of structure factors on the grid that is asked for.

    Parameters
    ----------
    hkl, f : (m, 3), (m,)
        Reflections, F(000) not alone, and their complex structure factors.
    cell : (a, b, c, alpha, beta, gamma)
        Unit cell, angstrom and degrees.
    spacegroup : str
        Space group that completes the reflections.
    sample_rate : float
        Grid points for each d_min, where `shape` is None.
    shape : (na, nb, nc), optional
        Grid points along a, b, c.

    Raises
    ------
    ArgandError
        The reflections reach a resolution that no measurement has.
    """
    d_min = 0.5 / float(argand.stol(hkl, cell).max())
    if d_min < SMALLEST_D_MIN:
        raise ArgandError(
            f"holds reflections to {d_min:.2g} Å, needs a resolution of {SMALLEST_D_MIN:g} Å or "
            "more"
        )
    grid = shape or argand.grid_shape(cell, spacegroup, d_min, sample_rate)
    return argand.map_from_structure_factors(hkl, f, grid, cell=cell, spacegroup=spacegroup)


def write_density(
    path: Path,
    hkl: HklArray,
    f: NDArray[Any],
    cell: Cell,
    spacegroup: str,
    *,
    sample_rate: float = 3.0,
    shape: tuple[int, int, int] | None = None,
    unit: str = "e/Å³",
    crystal: Crystal | None = None,
) -> str:
    """Write the density of structure factors as a map, and return a line that says what it is.

    Parameters
    ----------
    path : Path
        File to write, in the format of its name.
    hkl, f, cell, spacegroup, sample_rate, shape
        See `density_of`.
    unit : str
        Unit of the density.
    crystal : Crystal, optional
        Structure whose atoms a cube lists.
    """
    density = density_of(hkl, f, cell, spacegroup, sample_rate=sample_rate, shape=shape)
    argand.write_map(path, density, cell, spacegroup, crystal=crystal)
    size = " x ".join(str(points) for points in density.shape)
    d_min = 0.5 / float(argand.stol(hkl, cell).max())
    return (
        f"{path}: {size} points from {len(hkl)} reflections to {d_min:.2f} Å, "
        f"{density.min():.3g} to {density.max():.3g} {unit}, rms {density.std():.3g}"
    )
