"""A square window in a plane through a crystal, on which densities and atoms are shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from argand.cell import FloatArray
from argand.viz.density import orthogonal

__all__ = ["Plane", "plane_through"]

# A neighbour nearer to the line of motion than this, in angstrom, does not define a plane with it.
_IN_LINE = 0.3


class Plane:
    """Look at a crystal through a square window.

    Parameters
    ----------
    centre : (3,)
        Centre of the window, fractional.
    right, up : (3,)
        Perpendicular unit vectors, Cartesian, to the right and upwards.
    half : float
        Half the edge of the window, angstrom.
    points : int
        Grid points along each edge.
    """

    def __init__(
        self,
        centre: ArrayLike,
        right: ArrayLike,
        up: ArrayLike,
        half: float = 4.0,
        points: int = 61,
    ) -> None:
        self.centre = np.asarray(centre, float)
        self.right, self.up = np.asarray(right, float), np.asarray(up, float)
        self.half, self.axis = half, np.linspace(-half, half, points)

    def frac(self, cell: Sequence[float]) -> FloatArray:
        """Return the fractional coordinates (points, points, 3) of the grid, up along axis 0."""
        offset = self.axis[:, None, None] * self.up + self.axis[None, :, None] * self.right
        to_frac = np.linalg.inv(orthogonal(cell)).T
        return np.asarray(self.centre + offset @ to_frac)

    def density(self, rho: ArrayLike, cell: Sequence[float]) -> FloatArray:
        """Interpolate a map (na, nb, nc) over the unit cell on the grid (points, points)."""
        from scipy.ndimage import map_coordinates

        grid = np.asarray(rho, float)
        positions = self.frac(cell) * grid.shape
        coordinates = np.moveaxis(positions, -1, 0)
        return np.asarray(map_coordinates(grid, coordinates, order=3, mode="grid-wrap"))

    def project(self, frac: ArrayLike, cell: Sequence[float]) -> FloatArray:
        """Project the nearest images of sites (n, 3) onto the plane.

        Returns (n, 3) in angstrom: along `right`, along `up`, and the height above the plane.
        """
        vectors = _nearest_images(np.asarray(frac, float), self.centre, cell)
        normal = np.cross(self.right, self.up)
        return np.stack([vectors @ self.right, vectors @ self.up, vectors @ normal], axis=1)


def plane_through(frac: ArrayLike, cell: Sequence[float], site: int, direction: ArrayLike) -> Plane:
    """Lay a plane through a site, its direction of motion, and the nearest other site.

    Parameters
    ----------
    frac : (n, 3)
        Fractional coordinates of all sites.
    cell : (a, b, c, alpha, beta, gamma)
        Unit cell, angstrom and degrees.
    site : int
        Number of the site at the centre.
    direction : (3,)
        Cartesian direction of motion, which lies in the plane; zero stands for x.
    """
    sites = np.asarray(frac, float)
    right = np.asarray(direction, float)
    length = np.linalg.norm(right)
    right = right / length if length > 1e-9 else np.array([1.0, 0.0, 0.0])
    vectors = _nearest_images(sites, sites[site], cell)
    across = vectors - np.outer(vectors @ right, right)
    is_aside = np.linalg.norm(across, axis=1) > _IN_LINE
    distance = np.where(is_aside, np.linalg.norm(vectors, axis=1), np.inf)
    if is_aside.any():
        up = across[distance.argmin()]
    else:
        up = np.cross(right, [0.0, 0.0, 1.0] if abs(right[2]) < 0.9 else [1.0, 0.0, 0.0])
    return Plane(sites[site], right, up / np.linalg.norm(up))


def _nearest_images(frac: FloatArray, centre: FloatArray, cell: Sequence[float]) -> FloatArray:
    """Return Cartesian vectors (n, 3) from a centre to the nearest lattice images of sites."""
    shift = frac - centre
    shift -= np.rint(shift)
    return np.asarray(shift @ orthogonal(cell).T)
