"""Read electron density maps in CCP4 format, and write them in the format of their name."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import gemmi
import numpy as np
import numpy.typing as npt

from argand._memory import demand
from argand.cell import Cell, FloatArray, cell_parameters
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.files import PathLike, replacing
from argand.io.map_text import write_cube, write_grd
from argand.symmetry import named_spacegroup

__all__ = ["read_ccp4", "write_map"]

# The space groups with most operations fill the cell with so many copies of the stored part.
_MOST_OPERATIONS = 192


# Bytes of a point of a map that is read or written: in gemmi's grid, and in the array.
_BYTES_OF_POINT = 12


def write_map(
    path: PathLike,
    rho: npt.ArrayLike,
    cell: Sequence[float] | FloatArray,
    spacegroup: str = "P 1",
    *,
    crystal: Crystal | None = None,
) -> None:
    """Write a density over the whole unit cell, complete or not at all.

    A name that ends in .cube is written as a Gaussian cube, whose density is per cubic bohr; .grd
    as text with the density per cubic angstrom; every other name as a CCP4 map (float32).

    Parameters
    ----------
    path
        File to write.
    rho : (na, nb, nc)
        Density, indexed [ia, ib, ic] along a, b, c.
    cell, spacegroup
        Unit cell in angstrom and degrees; Hermann-Mauguin name. Only a CCP4 map names a group.
    crystal
        Structure whose atoms a cube lists; other formats have no atoms.

    Raises
    ------
    ArgandError
        Names the argument that does not fit, or the file that cannot be written.
    """
    values = np.asarray(rho)
    group = named_spacegroup(spacegroup)
    if values.ndim != 3 or 0 in values.shape:
        raise ArgandError(f"rho has shape {values.shape}, needs (na, nb, nc)")
    parameters = cell_parameters(cell)
    demand(f"a map of {values.size:,} points", _BYTES_OF_POINT * values.size, "write a coarser one")
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix == ".cube":
        write_cube(path, values.astype(np.float64), parameters, crystal)
        return
    if suffix == ".grd":
        write_grd(path, values.astype(np.float64), parameters)
        return
    out = gemmi.Ccp4Map()
    unit_cell = gemmi.UnitCell(*parameters)
    out.grid = gemmi.FloatGrid(values.astype(np.float32), unit_cell, group)
    # Mode 2 stores float32.
    out.update_ccp4_header(2)
    with replacing(path) as temporary:
        out.write_ccp4_map(temporary)


def read_ccp4(source: str, data: bytes) -> tuple[npt.NDArray[np.float32], Cell, str]:
    """Read the density (na, nb, nc) of a CCP4 map over the whole cell, its cell and space group.

    Parameters
    ----------
    source
        Path of the file.
    data
        Bytes of the file, to check its header.

    Raises
    ------
    ArgandError
        Names a file that is no valid CCP4 map, or that does not fill the unit cell.
    """
    try:
        points = _checked_points(gemmi.read_ccp4_header(source), len(data))
    except (RuntimeError, ValueError) as error:
        raise ArgandError(f"{source}: no valid CCP4 map: {error}") from None
    demand(f"{source}: a map of {points:,} points", _BYTES_OF_POINT * points, "read a coarser one")
    try:
        grid = gemmi.read_ccp4_map(source, setup=True).grid
        values = np.array(grid, dtype=np.float32)
        cell = cell_parameters(grid.unit_cell.parameters)
    except (RuntimeError, ValueError, MemoryError) as error:
        raise ArgandError(f"{source}: no valid CCP4 map: {error}") from None
    if not np.isfinite(values).all():
        raise ArgandError(
            f"{source}: the map does not fill the cell, or holds values that are no numbers"
        )
    spacegroup = grid.spacegroup.xhm() if grid.spacegroup else "P 1"
    return values, cell, spacegroup


def _checked_points(header: Any, size: int) -> int:
    """Return the number of points of the unit cell that a header states.

    Refuse a damaged header, before gemmi allocates what it asks for, by a ValueError.

    Words 1 to 3 are the grid that is stored, which has to fit the file of `size` bytes; words 8 to
    10 are the grid of the unit cell, which symmetry fills with copies of the stored one.
    """
    counts = [header.header_i32(word) for word in (1, 2, 3, 8, 9, 10)]
    stored = math.prod(counts[:3])
    whole = math.prod(counts[3:])
    if min(counts) < 1 or stored > size or whole > _MOST_OPERATIONS * stored:
        stored_grid, cell_grid = (" x ".join(map(str, part)) for part in (counts[:3], counts[3:]))
        raise ValueError(
            f"its header speaks of {stored_grid} values in a cell of {cell_grid}, "
            f"its size is {size} bytes"
        )
    return whole
