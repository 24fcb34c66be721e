"""Describe an electron density map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from argand.cell import Cell

__all__ = ["MapDescription", "describe_map"]


@dataclass(frozen=True)
class MapDescription:
    """Describe a density map over the unit cell in numbers.

    Parameters
    ----------
    shape
        Points along a, b and c.
    cell, spacegroup
        Unit cell in angstrom and degrees; name of the space group.
    minimum, maximum, mean, rms_deviation
        Smallest, largest and mean value, and root mean square deviation from the mean.
    """

    shape: tuple[int, ...]
    cell: Cell
    spacegroup: str
    minimum: float
    maximum: float
    mean: float
    rms_deviation: float


def describe_map(
    rho: npt.NDArray[np.floating], cell: Cell, spacegroup: str = "P 1"
) -> MapDescription:
    """Describe a density map.

    Parameters
    ----------
    rho : (na, nb, nc)
        Density over the whole unit cell.
    cell, spacegroup
        Unit cell in angstrom and degrees; name of the space group.
    """
    # Squares of single precision numbers may overflow.
    values = rho.astype(np.float64)
    return MapDescription(
        shape=values.shape,
        cell=cell,
        spacegroup=spacegroup,
        minimum=float(values.min()),
        maximum=float(values.max()),
        mean=float(values.mean()),
        rms_deviation=float(values.std()),
    )
