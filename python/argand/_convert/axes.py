"""Bring structures in any Cartesian axes to the unit cell that Crystal has."""

from __future__ import annotations

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import Cell, FloatArray, cell_parameters
from argand.errors import ArgandError

__all__ = ["cell_of_axes", "check_volume", "standard_axes"]

# A cell of less volume than this share of the product of its edges is flat.
_FLAT = 1e-6


def check_volume(axes: FloatArray, source: str) -> None:
    """Raise an `ArgandError` that names the source where axes (3, 3) span no volume."""
    lengths = np.linalg.norm(axes, axis=1)
    if not abs(float(np.linalg.det(axes))) > _FLAT * float(np.prod(lengths)):
        raise ArgandError(f"{source} has a cell without volume, needs a crystal")


def cell_of_axes(axes: FloatArray, frac: npt.ArrayLike) -> tuple[Cell, FloatArray]:
    """Return the unit cell of three axes, and fractional coordinates on right-handed axes.

    Left-handed axes a, b, c are replaced by -a, -b, -c: the unit cell stays what it is, and the
    structure is not turned into its mirror image.

    Parameters
    ----------
    axes : (3, 3)
        Cartesian axes as rows, angstrom.
    frac : (n, 3)
        Fractional coordinates along these axes.
    """
    rows = np.asarray(axes, np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    positions = np.asarray(frac, np.float64).reshape(-1, 3)
    if np.linalg.det(rows) < 0.0:
        positions = -positions
    cosines = (rows @ rows.T) / np.outer(lengths, lengths)
    pairs = (cosines[1, 2], cosines[0, 2], cosines[0, 1])
    angles = np.degrees(np.arccos(np.clip(pairs, -1.0, 1.0)))
    return cell_parameters([*lengths.tolist(), *angles.tolist()]), positions


def standard_axes(cell: Cell) -> FloatArray:
    """Return the axes (3, 3) of a unit cell as rows: a along x, b in the plane of x and y."""
    return np.array(gemmi.UnitCell(*cell).orth.mat.tolist()).T
