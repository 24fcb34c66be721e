"""CCP4 maps."""

from __future__ import annotations

import math
import os
from typing import Any

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import Cell, cell_parameters
from argand.errors import ArgandError
from argand.files import PathLike, read_bytes, replacing
from argand.symmetry import named_spacegroup

__all__ = ["read_map", "write_map"]


def write_map(path: PathLike, rho: npt.ArrayLike, cell: Any, spacegroup: str = "P 1") -> None:
    """Write a density (na, nb, nc) over the whole cell, indexed [ia, ib, ic], as a CCP4 map (float32).

    The file appears when it is complete. An `ArgandError` names what cannot be written.
    """
    values, group = np.asarray(rho), named_spacegroup(spacegroup)
    if values.ndim != 3 or 0 in values.shape:
        raise ArgandError(f"rho has shape {values.shape}, needs (na, nb, nc)")
    out = gemmi.Ccp4Map()
    out.grid = gemmi.FloatGrid(
        values.astype(np.float32), gemmi.UnitCell(*cell_parameters(cell)), group
    )
    out.update_ccp4_header(2)
    with replacing(path) as name:
        out.write_ccp4_map(name)


def read_map(path: PathLike) -> tuple[npt.NDArray[np.float32], Cell, str]:
    """Read a CCP4 map: density (na, nb, nc) over the whole cell, indexed [ia, ib, ic], its cell and space group."""
    source = os.fspath(path)
    size = len(read_bytes(path))
    try:
        _check_header(gemmi.read_ccp4_header(source), size)
        found = gemmi.read_ccp4_map(source, setup=True)
        values = np.array(found.grid, dtype=np.float32)
    except (RuntimeError, ValueError, MemoryError) as error:
        raise ArgandError(f"{source}: no valid CCP4 map: {error}") from None
    if not np.isfinite(values).all():
        raise ArgandError(
            f"{source}: the map does not fill the cell, or holds values that are no numbers"
        )
    grid = found.grid
    return (
        values,
        cell_parameters(grid.unit_cell.parameters),
        grid.spacegroup.xhm() if grid.spacegroup else "P 1",
    )


def _check_header(header: Any, size: int) -> None:
    """Before gemmi allocates what a damaged header asks for: the numbers have to fit the file.

    Words 1-3 are the grid that is stored, 8-10 the grid of the cell, which symmetry fills at most 192-fold.
    """
    stored, whole = (
        math.prod(header.header_i32(word) for word in words) for words in ((1, 2, 3), (8, 9, 10))
    )
    if not 0 < stored <= size or not 0 < whole <= 192 * stored:
        raise ValueError(
            f"its header speaks of {stored} values and a grid of {whole}, its size is {size} bytes"
        )
