"""Sites that fill many unit cells of one space group, and their distances across all images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand import _seam
from argand.cell import FloatArray
from argand.simulate.artificial.lattice import orthogonal, widths
from argand.simulate.artificial.space_groups import GroupOperations

__all__ = ["Packing", "moved_onto_elements", "quadratic_form", "wrapped_squares"]

# An image nearer than this (angstrom) is the atom itself, on a special position.
_SAME_PLACE = 1e-3

# Means over near images until a point lies on its symmetry element: the first mean may use the
# nearest images alone, the last finds all of them.
_MEANS = 4


def wrapped_squares(difference: NDArray[Any], metric: NDArray[Any]) -> NDArray[Any]:
    """Return squared lengths (...), A^2, of differences (3, ...) less their nearest lattice vector.

    `difference` is overwritten. `metric` (6, ...), 11 22 33 12 13 23, must broadcast.
    """
    difference -= np.rint(difference)
    return quadratic_form(difference, metric)


def quadratic_form(difference: NDArray[Any], metric: NDArray[Any]) -> NDArray[Any]:
    """Return squared lengths (...), A^2, of fractional differences (3, ...), overwritten."""
    x, y, z = difference
    m11, m22, m33, m12, m13, m23 = metric
    along_x = m11 * x
    along_x += (2.0 * m12) * y
    along_x += (2.0 * m13) * z
    along_x *= x
    along_y = m22 * y
    along_y += (2.0 * m23) * z
    along_y *= y
    along_x += along_y
    np.multiply(z, z, out=z)
    z *= m33
    along_x += z
    squares: NDArray[Any] = along_x
    return squares


class Packing:
    """Hold the sites of b crystals of one group as they are added, with all their images.

    Attributes
    ----------
    frac : (3, b, n) float64
        Fractional coordinates of the sites, as they were added.
    code : (b, n) int64
        Number of the element of each site.
    share : (b, n) float64
        1 over the number of operations that keep a site in place; 0 for missing sites.
    count : (b,) int64
        Number of sites.
    """

    def __init__(self, operations: GroupOperations, metric: FloatArray, sites: int) -> None:
        crystals = metric.shape[1]
        self.operations = operations
        self.metric = metric
        self.to_frac = orthogonal(metric)
        self.frac = np.zeros((3, crystals, sites))
        self.code = np.zeros((crystals, sites), np.int64)
        self.share = np.zeros((crystals, sites))
        self.count = np.zeros(crystals, np.int64)
        order = len(operations.rotations)
        self._filling = _seam.Filling(
            metric=np.ascontiguousarray(metric.T),
            images=np.zeros((crystals, sites, order, 3)),
            sites=self.count,
        )

    def add(
        self,
        rows: NDArray[np.intp],
        frac: FloatArray,
        code: NDArray[np.int64],
        share: FloatArray,
    ) -> None:
        """Add one site to each of some crystals.

        Parameters
        ----------
        rows : (r,)
            The crystals.
        frac : (3, r)
            Fractional coordinates.
        code, share : (r,)
            Numbers of the elements, and 1 over the number of operations that keep the site in
            place.
        """
        slot = self.count[rows]
        self.frac[:, rows, slot] = frac
        self.code[rows, slot] = code
        self.share[rows, slot] = share
        images = self.operations.images(frac)
        self._filling.images[rows, slot] = np.moveaxis(images, 0, -1)
        self.count[rows] += 1

    def find_free(
        self, rows: NDArray[np.intp], points: FloatArray, nearest: FloatArray
    ) -> NDArray[np.bool_]:
        """Tell which points (r, c) keep their distances to all images of the sites.

        Parameters
        ----------
        rows : (r,)
            Crystals.
        points : (3, r, c)
            Fractional coordinates of c candidates for each.
        nearest : (r, n)
            Least squared distance of a point to images of the first n sites, A^2.
        """
        listed = np.ascontiguousarray(np.moveaxis(points, 0, -1))
        return _seam.find_free(self._filling, rows, listed, np.ascontiguousarray(nearest))

    def is_apart(self, shortest: FloatArray) -> NDArray[np.bool_]:
        """Tell in which crystals (b,) every image that is no site itself is far from all sites.

        `find_free` looks at the nearest image by lattice alone, which is enough where the cell is
        wider than twice the distance. Narrower cells are looked at here, with all neighbours.
        `shortest` (b, n, n) is the least distance of sites i and j, angstrom.
        """
        apart = np.ones(len(self.count), np.bool_)
        exists = self.share > 0.0
        pairs = exists[:, :, None] & exists[:, None]
        longest = np.where(pairs, shortest, 0.0).max(axis=(1, 2))
        offsets = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        for row in np.flatnonzero(widths(self.metric).min(axis=0) < 2.0 * longest):
            sites = np.flatnonzero(exists[row])
            frac = self.frac[:, row, sites]
            difference = self.operations.images(frac)[:, None] - frac[:, :, None, None]
            nearest = difference - np.rint(difference)
            limit = np.square(shortest[row][np.ix_(sites, sites)])[..., None]
            for offset in offsets:
                shifted = nearest + offset[:, None, None, None]
                # Sites of one asymmetric unit were compared when they were placed.
                is_pair = (np.abs(shifted - difference) < 0.5).all(axis=0)
                is_pair[..., 1:] = False
                squares = quadratic_form(shifted, self.metric[:, row])
                is_same = squares < _SAME_PLACE**2
                if ((squares < limit) & ~is_same & ~is_pair).any():
                    apart[row] = False
                    break
        return apart


def moved_onto_elements(
    operations: GroupOperations,
    metric: FloatArray,
    points: FloatArray,
    nearest: FloatArray,
    limit: FloatArray,
) -> tuple[FloatArray, NDArray[np.int64], NDArray[np.bool_]]:
    """Move points whose own images are too near onto the symmetry elements between them.

    A point goes to the mean of itself and of its near images, again and again: it ends where all
    near images coincide.

    Parameters
    ----------
    operations
        The group.
    metric : (6, b)
        Metrics of the cells, A^2.
    points : (3, b, c)
        Fractional coordinates.
    nearest : (b, c)
        Own images nearer than this are merged, angstrom.
    limit : (b, c)
        Own images that do not coincide must be at least so far away, angstrom.

    Returns
    -------
    Points (3, b, c), the number (b, c) of operations that keep each in place, and whether (b, c)
    its other images are far enough away.
    """
    if len(operations.rotations) == 1:
        coincident = np.ones(points.shape[1:], np.int64)
        return points, coincident, np.ones(points.shape[1:], np.bool_)
    wide_metric = metric[:, :, None, None]
    near_square = np.square(nearest)[..., None]
    points = points.copy()
    squares = _own_squares(operations, wide_metric, points)[1]
    moving = (squares[..., 1:] < near_square).any(axis=-1)
    rows, columns = np.nonzero(moving)
    if len(rows):
        some_points = points[:, rows, columns][..., None]
        some_metric = metric[:, rows][:, :, None, None]
        some_near = near_square[rows, columns][:, None]
        for _ in range(_MEANS):
            shift, some_squares = _own_squares(operations, some_metric, some_points)
            is_near = some_squares < some_near
            count = is_near.sum(axis=-1)
            for axis in range(3):
                some_points[axis] += np.where(is_near, shift[axis], 0.0).sum(axis=-1) / count
        points[:, rows, columns] = some_points[..., 0]
        squares[rows, columns] = _own_squares(operations, some_metric, some_points)[1][:, 0]
    is_same = squares < _SAME_PLACE**2
    is_far = squares >= np.square(limit)[..., None]
    is_free: NDArray[np.bool_] = np.asarray((is_same | is_far).all(axis=-1))
    return points, np.asarray(is_same.sum(axis=-1)), is_free


def _own_squares(
    operations: GroupOperations, metric: FloatArray, points: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return shifts (3, b, c, o) from points (3, b, c) to their images, and squared lengths."""
    difference = operations.images(points) - points[..., None]
    shift = difference - np.rint(difference)
    squares = wrapped_squares(difference, metric)
    return np.asarray(shift), squares
