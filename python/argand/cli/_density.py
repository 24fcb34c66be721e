"""Write an electron density from structure factors, and print what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

import argand
from argand.cell import Cell
from argand.reflections import HklArray

__all__ = ["write_density"]


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
) -> None:
    """Write the density of structure factors as a CCP4 map, and print its grid and its range.

    Parameters
    ----------
    path : Path
        File to write.
    hkl, f : (m, 3), (m,)
        Reflections, F(000) not alone, and their complex structure factors in electrons.
    cell : (a, b, c, alpha, beta, gamma)
        Unit cell, angstrom and degrees.
    spacegroup : str
        Space group that completes the reflections.
    sample_rate : float
        Grid points for each d_min, where `shape` is None.
    shape : (na, nb, nc), optional
        Grid points along a, b, c.
    unit : str
        Unit of the density, which is printed.
    """
    d_min = 0.5 / float(argand.stol(hkl, cell).max())
    grid = shape or argand.grid_shape(cell, spacegroup, d_min, sample_rate)
    density = argand.map_from_structure_factors(hkl, f, grid, cell=cell, spacegroup=spacegroup)
    argand.write_map(path, density, cell, spacegroup)
    size = " x ".join(str(points) for points in grid)
    print(
        f"{path}: {size} points from {len(hkl)} reflections to {d_min:.2f} Å, "
        f"{density.min():.3g} to {density.max():.3g} {unit}, rms {density.std():.3g}"
    )
