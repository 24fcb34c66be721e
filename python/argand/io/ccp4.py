"""Read and write electron density maps in CCP4 format."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gemmi
import numpy as np
import numpy.typing as npt

from argand._memory import demand
from argand.cell import Cell, FloatArray, cell_parameters
from argand.errors import ArgandError
from argand.files import PathLike, replacing
from argand.symmetry import named_spacegroup

__all__ = ["read_ccp4", "write_map"]

# The space groups with most operations fill the cell with so many copies of the stored part.
_MOST_OPERATIONS = 192


# Bytes of a point of a map that is read or written: in gemmi's grid, and in the array.
_BYTES_OF_POINT = 12


def write_map(
    path: PathLike, rho: npt.ArrayLike, cell: Sequence[float] | FloatArray, spacegroup: str = "P 1"
) -> None:
    """Write a density over the whole unit cell as a CCP4 map (float32), complete or not at all.

    Parameters
    ----------
    path
        File to write.
    rho : (na, nb, nc)
        Density, indexed [ia, ib, ic] along a, b, c.
    cell, spacegroup
        Unit cell in angstrom and degrees; Hermann-Mauguin name.

    Raises
    ------
    ArgandError
        Names the argument that does not fit, or the file that cannot be written.
    """
    values = np.asarray(rho)
    group = named_spacegroup(spacegroup)
    if values.ndim != 3 or 0 in values.shape:
        raise ArgandError(f"rho has shape {values.shape}, needs (na, nb, nc)")
    unit_cell = gemmi.UnitCell(*cell_parameters(cell))
    demand(f"a map of {values.size:,} points", _BYTES_OF_POINT * values.size, "write a coarser one")
    out = gemmi.Ccp4Map()
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
    stored: int = math.prod(header.header_i32(word) for word in (1, 2, 3))
    whole: int = math.prod(header.header_i32(word) for word in (8, 9, 10))
    if not 0 < stored <= size or not 0 < whole <= _MOST_OPERATIONS * stored:
        raise ValueError(
            f"its header speaks of {stored} values and a grid of {whole}, its size is {size} bytes"
        )
    return whole
