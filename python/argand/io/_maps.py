"""CCP4 maps."""

from __future__ import annotations

import os
from typing import Any

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import Cell, cell_parameters
from argand.errors import ArgandError
from argand.io._files import PathLike, read_bytes, replacing
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
    out.grid = gemmi.FloatGrid(values.astype(np.float32), gemmi.UnitCell(*cell_parameters(cell)), group)
    out.update_ccp4_header(2)
    with replacing(path) as name:
        out.write_ccp4_map(name)


def read_map(path: PathLike) -> tuple[npt.NDArray[np.float32], Cell, str]:
    """Read a CCP4 map: density (na, nb, nc) over the whole cell, indexed [ia, ib, ic], its cell and space group."""
    read_bytes(path)
    try:
        found = gemmi.read_ccp4_map(os.fspath(path), setup=True)
        values = np.array(found.grid, dtype=np.float32)
    except (RuntimeError, ValueError, MemoryError) as error:
        raise ArgandError(f"{os.fspath(path)}: no valid CCP4 map: {error}") from None
    if np.isnan(values).any():
        raise ArgandError(f"{os.fspath(path)}: the map does not fill the cell")
    grid = found.grid
    return values, cell_parameters(grid.unit_cell.parameters), grid.spacegroup.xhm() if grid.spacegroup else "P 1"
