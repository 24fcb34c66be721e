"""Find the peaks of a density map: where its atoms are, one of each set of symmetry images.

A maximum of the grid is moved to the vertex of the parabola through its 27 points. Images of a
peak that nearly coincide show that it lies on a special position; it is moved to their mean, which
the symmetry leaves in place.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from argand.cell import Cell, FloatArray, metric
from argand.crystal import Crystal
from argand.symmetry import SpaceGroup, operation_arrays

__all__ = ["Peaks", "find_peaks", "grid_maxima", "nearest_image", "nearest_sites"]

# Images of a peak nearer to each other, in angstrom, are one atom on a special position. Noise
# moves a peak by .1 or .2 A, and no two whole atoms are so near.
_SPECIAL_DISTANCE = 0.6

# Peaks nearer to each other, in angstrom, belong to one atom.
_PEAK_DISTANCE = 0.6

# Radius in angstrom of the sphere over which the density of a peak is integrated: most of an atom
# at any resolution, and less than half a bond.
_INTEGRATION_RADIUS = 0.6

# Points along the radius of that sphere, and on each of its shells.
_SHELLS = (0.2, 0.4, 0.6)
_POINTS_OF_SHELL = 14

# The vertex of a parabola lies at most so many grid steps from the highest point.
_LARGEST_SHIFT = 0.75

# Fractional coordinates are told apart in steps of 1 / 10000, so that rounding decides nothing.
_STEPS = 10000

# Squares of distances, in A^2, that differ by less are equal.
_SAME_SQUARE = 1e-9


@dataclass(frozen=True, eq=False)
class Peaks:
    """Hold the distinct peaks of a map, the highest first.

    Attributes
    ----------
    frac : (n, 3) fractional coordinates, on special positions exactly
    height : (n,) density at the peak, in the unit of the map
    content : (n,) density integrated over a sphere of .6 A, in the unit of the map times A^3
    multiplicity : (n,) peaks of the cell for which each stands
    """

    frac: FloatArray
    height: FloatArray
    content: FloatArray
    multiplicity: NDArray[np.int64]


def find_peaks(
    rho: NDArray[np.floating],
    cell: Cell,
    spacegroup: SpaceGroup,
    *,
    lowest: float = 0.0,
    most: int | None = None,
) -> Peaks:
    """Find the distinct peaks of a map over the whole cell.

    Parameters
    ----------
    rho : (na, nb, nc)
        The map, with the symmetry of the space group.
    cell
        Unit cell, angstrom and degrees.
    spacegroup
        Name or operations.
    lowest
        Least density of a peak.
    most
        The largest number of peaks in the asymmetric unit.

    Returns
    -------
    Peaks
        No two peaks, or images of peaks, are nearer than .6 A. Of the images of a peak inside the
        cell, the one of least x, then y, then z stands for all.
    """
    grid_points = grid_maxima(rho, lowest, size=3)
    if not len(grid_points):
        return Peaks(np.empty((0, 3)), np.empty(0), np.empty(0), np.empty(0, np.int64))
    frac, height = _vertices(rho, grid_points)
    highest_first = np.argsort(-height, kind="stable")
    frac = frac[highest_first]
    height = height[highest_first]
    g = metric(cell)
    rotations, translations = operation_arrays(spacegroup)
    remaining = np.ones(len(frac), bool)
    chosen: list[int] = []
    positions: list[FloatArray] = []
    multiplicities: list[int] = []
    for number in range(len(frac)):
        if not remaining[number]:
            continue
        images = rotations @ frac[number] + translations
        shift = images - frac[number]
        shift -= np.rint(shift)
        in_place = np.einsum("oi,ij,oj->o", shift, g, shift) < _SPECIAL_DISTANCE**2
        position: FloatArray = frac[number] + shift[in_place].mean(axis=0)
        images = (rotations @ position + translations) % 1.0
        candidates = np.flatnonzero(remaining)
        near = _are_near(frac[candidates], images, g)
        remaining[candidates[near]] = False
        remaining[number] = False
        chosen.append(number)
        positions.append(images[_first_image(images)])
        multiplicities.append(len(rotations) // int(in_place.sum()))
        if most is not None and len(chosen) >= most:
            break
    distinct = np.array(positions)
    content = _integrate(rho, distinct, cell)
    return Peaks(distinct, height[chosen], content, np.array(multiplicities, np.int64))


def grid_maxima(rho: NDArray[np.floating], lowest: float, size: int) -> NDArray[np.intp]:
    """Return the grid points (q, 3) that are above `lowest` and highest in a cube of `size`."""
    is_high = rho > lowest
    for axis in range(3):
        is_high &= rho >= np.roll(rho, 1, axis)
        is_high &= rho >= np.roll(rho, -1, axis)
    # Few points are higher than their six nearest: all neighbours of these are looked up.
    points = np.argwhere(is_high)
    height = rho[tuple(points.T)]
    shape = np.array(rho.shape)
    reach = size // 2
    for step in itertools.product(range(-reach, reach + 1), repeat=3):
        is_highest = height >= rho[tuple(((points + step) % shape).T)]
        points = points[is_highest]
        height = height[is_highest]
    return points


def nearest_image(
    points: FloatArray, sites: FloatArray, cell: Cell, spacegroup: SpaceGroup
) -> FloatArray:
    """Measure the distances (q, n), angstrom, from points (q, 3) to the nearest images of sites.

    `sites` (n, 3) and points are fractional.
    """
    rotations, translations = operation_arrays(spacegroup)
    g = metric(cell)
    squared = np.full((len(points), len(sites)), np.inf)
    for rotation, translation in zip(rotations, translations, strict=True):
        shift = points[:, None] - (sites @ rotation.T + translation)
        shift -= np.rint(shift)
        np.minimum(squared, np.einsum("qni,ij,qnj->qn", shift, g, shift), out=squared)
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def nearest_sites(
    points: FloatArray, crystal: Crystal
) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
    """Find the site of a crystal that is nearest to each point, and move the point beside it.

    Parameters
    ----------
    points : (q, 3)
        Fractional coordinates.
    crystal
        Structure with at least one site.

    Returns
    -------
    The number (q,) of the site, its distance (q,) in angstrom, and the symmetry image (q, 3) of
    the point which is that near to the site where the crystal lists it.
    """
    rotations, translations = operation_arrays(crystal.symops)
    g = metric(crystal.cell)
    rows = np.arange(len(points))
    nearest = np.zeros(len(points), np.intp)
    squared = np.full(len(points), np.inf)
    moved = np.array(points, np.float64)
    for rotation, translation in zip(rotations, translations, strict=True):
        shift = (points @ rotation.T + translation)[:, None] - crystal.frac
        shift -= np.rint(shift)
        squares = np.einsum("qni,ij,qnj->qn", shift, g, shift)
        site = squares.argmin(axis=1)
        # Images by operations of a special position are equally near but for rounding.
        is_nearer = squares[rows, site] < squared - _SAME_SQUARE
        nearest[is_nearer] = site[is_nearer]
        squared[is_nearer] = squares[rows, site][is_nearer]
        moved[is_nearer] = (crystal.frac[site] + shift[rows, site])[is_nearer]
    return nearest, np.sqrt(np.maximum(squared, 0.0)), moved


def _first_image(images: FloatArray) -> int:
    """Return the row of the image (o, 3) whose coordinates come first: least x, then y, then z.

    Images of a peak are equally high but for rounding, so that its height cannot choose.
    """
    x, y, z = np.rint(images * _STEPS).astype(np.int64).T % _STEPS
    return int(((x * _STEPS + y) * _STEPS + z).argmin())


def _are_near(frac: FloatArray, images: FloatArray, g: FloatArray) -> NDArray[np.bool_]:
    """Tell which points (q, 3) lie nearer to one of the images (o, 3) than two atoms do."""
    shift = frac[:, None] - images
    shift -= np.rint(shift)
    squared = np.einsum("qoi,qoi->qo", shift @ g, shift)
    near: NDArray[np.bool_] = (squared < _PEAK_DISTANCE**2).any(axis=1)
    return near


def _vertices(
    rho: NDArray[np.floating], grid_points: NDArray[np.intp]
) -> tuple[FloatArray, FloatArray]:
    """Return positions (q, 3), fractional, and heights (q,) of parabolas through maxima (q, 3)."""
    shape = np.array(rho.shape)

    def at(*step: int) -> FloatArray:
        index = (grid_points + np.array(step)) % shape
        return np.asarray(rho[tuple(index.T)], np.float64)

    unit = np.eye(3, dtype=int)
    centre = at(0, 0, 0)
    gradient = np.empty((len(grid_points), 3))
    hessian = np.empty((len(grid_points), 3, 3))
    for i in range(3):
        ahead = at(*unit[i])
        behind = at(*-unit[i])
        gradient[:, i] = (ahead - behind) / 2.0
        hessian[:, i, i] = ahead + behind - 2.0 * centre
        for j in range(i):
            same = at(*(unit[i] + unit[j])) + at(*-(unit[i] + unit[j]))
            opposite = at(*(unit[i] - unit[j])) + at(*(unit[j] - unit[i]))
            hessian[:, i, j] = hessian[:, j, i] = (same - opposite) / 4.0
    # A plateau has no vertex: a little curvature keeps the matrix regular.
    flat = 1e-6 * np.abs(centre) + 1e-30
    hessian -= flat[:, None, None] * np.eye(3)
    shift = -np.linalg.solve(hessian, gradient[..., None])[..., 0]
    is_vertex = np.abs(shift).max(axis=1) <= _LARGEST_SHIFT
    shift = np.where(is_vertex[:, None], shift, 0.0)
    height = centre + 0.5 * np.einsum("qi,qi->q", gradient, shift)
    return (grid_points + shift) / shape, height


def _integrate(rho: NDArray[np.floating], frac: FloatArray, cell: Cell) -> FloatArray:
    """Integrate a map over spheres around points (n, 3): shells of points spread evenly."""
    number = np.arange(_POINTS_OF_SHELL) + 0.5
    polar = np.arccos(1.0 - 2.0 * number / _POINTS_OF_SHELL)
    azimuth = np.pi * (1.0 + np.sqrt(5.0)) * number
    circle = np.stack([np.cos(azimuth), np.sin(azimuth)], axis=1) * np.sin(polar)[:, None]
    sphere = np.column_stack([circle, np.cos(polar)])
    # Cartesian vectors to fractional ones, by any axes with the metric of the cell.
    to_frac = np.linalg.inv(np.linalg.cholesky(metric(cell)))
    content = np.zeros(len(frac))
    thickness = _SHELLS[1] - _SHELLS[0]
    for radius in _SHELLS:
        points = frac[:, None] + radius * sphere @ to_frac
        index = (points % 1.0 * rho.shape).reshape(-1, 3).T
        values = map_coordinates(rho, index, order=1, mode="grid-wrap")
        mean = values.reshape(len(frac), _POINTS_OF_SHELL).mean(axis=1)
        content += 4.0 * np.pi * radius**2 * thickness * mean
    return content
