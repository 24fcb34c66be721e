"""Write maps as text: Gaussian cubes for programs of chemistry, .grd for FOX, DrawXTL and VESTA."""

from __future__ import annotations

from itertools import chain

import gemmi
import numpy as np
import numpy.typing as npt

from argand.atom_types import atom_type, atomic_number
from argand.cell import Cell
from argand.crystal import Crystal
from argand.files import PathLike, replacing

__all__ = ["write_cube", "write_grd"]

# Bohr radius in angstrom (CODATA 2018): cubes are in atomic units.
_BOHR = 0.529177210903

# Values on a line of a cube, which readers of fixed columns expect.
_PER_LINE = 6


def write_cube(
    path: PathLike, rho: npt.NDArray[np.floating], cell: Cell, crystal: Crystal | None
) -> None:
    """Write a density as a Gaussian cube in atomic units: lengths in bohr, density per bohr^3.

    The grid is periodic: its last point is one step before the end of the cell. Values follow each
    other with c fastest.

    Parameters
    ----------
    path
        File to write.
    rho : (na, nb, nc)
        Density per cubic angstrom over the whole cell.
    cell
        Unit cell in angstrom and degrees; a lies along x, b in the plane of x and y.
    crystal
        Structure whose atoms in the cell are listed; None lists none.
    """
    axes = np.array(gemmi.UnitCell(*cell).orth.mat.tolist()).T / _BOHR
    atoms: list[str] = []
    if crystal is not None:
        filled = crystal.to_p1()
        for symbol, position in zip(filled.types, filled.frac @ axes, strict=True):
            number = atomic_number(atom_type(symbol).element)
            x, y, z = position
            atoms.append(f"{number:5d}{number:12.6f}{x:12.6f}{y:12.6f}{z:12.6f}")
    header = [
        "density of a unit cell, per cubic bohr, written by argand",
        "periodic grid along a, b, c, c fastest",
        f"{len(atoms):5d}{0.0:12.6f}{0.0:12.6f}{0.0:12.6f}",
    ]
    for points, axis in zip(rho.shape, axes, strict=True):
        x, y, z = axis / points
        header.append(f"{points:5d}{x:12.6f}{y:12.6f}{z:12.6f}")
    per_bohr = rho * _BOHR**3
    with replacing(path) as temporary, open(temporary, "w", encoding="ascii") as stream:
        for line in chain(header, atoms):
            stream.write(f"{line}\n")
        for row in per_bohr.reshape(-1, rho.shape[2]):
            for first in range(0, len(row), _PER_LINE):
                values = row[first : first + _PER_LINE]
                stream.write("".join(f"{value:13.5E}" for value in values) + "\n")


def write_grd(path: PathLike, rho: npt.NDArray[np.floating], cell: Cell) -> None:
    """Write a density (na, nb, nc) as a text of title, unit cell, grid and values, c fastest.

    The unit cell is in angstrom and degrees, the density stays per cubic angstrom. GSAS-II writes
    this format, FOX, DrawXTL and VESTA read it.
    """
    lengths = " ".join(f"{value:.5f}" for value in cell[:3])
    angles = " ".join(f"{value:.4f}" for value in cell[3:])
    na, nb, nc = rho.shape
    with replacing(path) as temporary, open(temporary, "w", encoding="ascii") as stream:
        stream.write("density per cubic angstrom, written by argand\n")
        stream.write(f"{lengths} {angles}\n{na} {nb} {nc}\n")
        for row in rho.reshape(-1, nc):
            stream.write("".join(f"{value:.7E}\n" for value in row))
