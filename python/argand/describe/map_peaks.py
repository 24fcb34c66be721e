"""Describe the peaks and holes of a difference map, each with the atom that is nearest to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from argand.cell import Cell
from argand.crystal import Crystal
from argand.peaks import find_peaks, nearest_sites

__all__ = ["MapPeak", "describe_peaks"]


@dataclass(frozen=True)
class MapPeak:
    """Describe a peak or a hole of a map.

    Parameters
    ----------
    frac
        Fractional coordinates, of the symmetry image beside the nearest atom.
    height
        Density, in the unit of the map; a hole is negative.
    sigmas
        Height in root mean square deviations of the map.
    content
        Density integrated over a sphere of .6 A, in the unit of the map times A^3.
    multiplicity
        Equivalents in the unit cell.
    atom
        Label of the nearest site; None without a structure.
    distance
        Distance to it in angstrom; None without a structure.
    """

    frac: tuple[float, float, float]
    height: float
    sigmas: float
    content: float
    multiplicity: int
    atom: str | None
    distance: float | None


def describe_peaks(
    rho: NDArray[np.floating],
    cell: Cell,
    spacegroup: str,
    crystal: Crystal | None = None,
    *,
    most: int = 10,
) -> tuple[tuple[MapPeak, ...], tuple[MapPeak, ...]]:
    """Describe the highest peaks and the deepest holes of a map, the most extreme ones first.

    Parameters
    ----------
    rho : (na, nb, nc)
        The map over the whole cell.
    cell, spacegroup
        Unit cell in angstrom and degrees; name or operations of the space group.
    crystal
        Structure that names the nearest atoms.
    most
        Largest number of peaks, and of holes.
    """
    peaks = _described(rho, 1.0, cell, spacegroup, crystal, most)
    holes = _described(-rho, -1.0, cell, spacegroup, crystal, most)
    return peaks, holes


def _described(
    rho: NDArray[np.floating],
    sign: float,
    cell: Cell,
    spacegroup: str,
    crystal: Crystal | None,
    most: int,
) -> tuple[MapPeak, ...]:
    """Describe the peaks of a map that is `sign` times the one that is asked for."""
    if most < 1:
        return ()
    peaks = find_peaks(rho, cell, spacegroup, most=most)
    rms = float(rho.std())
    frac = peaks.frac
    labels: list[str | None] = [None] * len(frac)
    distances: list[float | None] = [None] * len(frac)
    if crystal is not None and crystal.types and len(frac):
        sites, distance, frac = nearest_sites(frac, crystal)
        labels = [crystal.labels[site] for site in sites]
        distances = distance.tolist()
    described: list[MapPeak] = []
    for row, (x, y, z) in enumerate(frac.tolist()):
        described.append(
            MapPeak(
                frac=(x, y, z),
                height=sign * float(peaks.height[row]),
                sigmas=sign * float(peaks.height[row]) / rms,
                content=sign * float(peaks.content[row]),
                multiplicity=int(peaks.multiplicity[row]),
                atom=labels[row],
                distance=distances[row],
            )
        )
    return tuple(described)
