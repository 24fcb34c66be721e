"""Difference maps of data sets: where electrons are that the model lacks, and how much of them.

    D(x) = (1/V) sum_h (|Fo|_h - |Fc|_h) exp(i phi_c) exp(-2 pi i h.x)

An atom in a wrong place leaves a hole there and a peak in the right place; an atom that the model
does not have leaves a peak. All positions are fractional, all distances are those to the nearest
image.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from argand.cell import FloatArray
from argand.density import grid_shape, map_from_structure_factors
from argand.maps import difference_coefficients
from argand.peaks import grid_maxima
from argand.refine import Model
from argand.reflections import in_p1
from argand.site_symmetry import cartesian_axes
from argand.symmetry import operations

__all__ = ["DifferenceMap", "DifferencePeaks"]

# Lower maxima, in standard deviations of the map, are noise.
_LOWEST_PEAK = 2.5

# Number of maxima that are compared with each other: more cost time and are noise.
_MOST_PEAKS = 150

# Maxima nearer to each other, in angstrom, belong to one atom.
_PEAK_DISTANCE = 0.5

# A maximum is larger than all points of a cube of so many grid points.
_NEIGHBOURHOOD = 5


class DifferencePeaks(NamedTuple):
    """Hold the maxima of a difference map, the highest first, and its values at the sites."""

    frac: FloatArray  # (q, 3)
    height: FloatArray  # (q,) standard deviations of the map
    at_sites: FloatArray  # (n,) standard deviations of the map


class DifferenceMap:
    """Make difference maps of a model and measure distances in its cell."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.axes = cartesian_axes(model.crystal)
        self._to_frac = np.linalg.inv(self.axes).T
        self._operations = operations(model.crystal.symops)
        # Maps are made in P 1, so that settings without a name work as well.
        self._hkl, self._to_p1 = in_p1(model.hkl, model.crystal.symops)
        cell = model.crystal.cell
        d_min = 0.5 / float(model.stol.max())
        self._shape = grid_shape(cell, "P 1", d_min)

    def peaks(self, amplitude: FloatArray, p: FloatArray) -> DifferencePeaks:
        """Find the peaks of |F| (m,), NaN where not measured, minus the model at p (k,)."""
        rho = self._map(amplitude, p)
        grid_points = grid_maxima(rho, _LOWEST_PEAK, _NEIGHBOURHOOD)
        height = rho[tuple(grid_points.T)]
        frac = grid_points / np.array(self._shape)
        highest_first = np.argsort(-height, kind="stable")
        highest_first = highest_first[:_MOST_PEAKS]
        chosen = self._without_images(frac, highest_first)
        site_points = self.sites(p) % 1.0 * self._shape
        at_sites = map_coordinates(rho, site_points.T, order=1, mode="grid-wrap")
        return DifferencePeaks(frac[chosen], height[chosen], at_sites)

    def sites(self, p: FloatArray) -> FloatArray:
        """Return the fractional coordinates (n, 3) of the sites at parameters p (k,)."""
        displacement = self.model.displacements(p)
        return np.asarray(self.model.crystal.frac + displacement @ self._to_frac)

    def nearest(self, frac: FloatArray, sites: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Measure from sites (n, 3) to the nearest images of points (q, 3), fractional.

        Returns
        -------
        vector, length
            Cartesian vectors (q, n, 3) and their lengths (q, n), angstrom.
        """
        vector = np.zeros((len(frac), len(sites), 3))
        length = np.full(vector.shape[:2], np.inf)
        for rotation, shift in self._operations:
            image = frac @ rotation.T + shift
            difference = image[:, None] - sites
            difference = (difference - np.rint(difference)) @ self.axes.T
            distance = np.linalg.norm(difference, axis=2)
            nearer = distance < length
            vector[nearer] = difference[nearer]
            length[nearer] = distance[nearer]
        return vector, length

    def _map(self, amplitude: FloatArray, p: FloatArray) -> FloatArray:
        """Calculate the map in units of its standard deviation."""
        f = self.model.structure_factors(p)
        measured = np.isfinite(amplitude)
        calculated = np.abs(f)[measured]
        square = float(calculated @ calculated)
        scale = float(amplitude[measured] @ calculated) / max(square, 1e-300)
        coefficients = difference_coefficients(amplitude / max(scale, 1e-300), f)
        cell = self.model.crystal.cell
        density = map_from_structure_factors(
            self._hkl, self._to_p1(coefficients), self._shape, cell=cell
        )
        rho = density.astype(np.float64)
        return np.asarray(rho / max(float(rho.std()), 1e-300))

    def _without_images(self, frac: FloatArray, order: NDArray[np.intp]) -> NDArray[np.intp]:
        """Drop points of `order` that lie at an image of one before them; frac (q, 3)."""
        _, distance = self.nearest(frac[order], frac[order])
        distinct: list[int] = []
        for number in range(len(order)):
            if not distinct or distance[number, distinct].min() > _PEAK_DISTANCE:
                distinct.append(number)
        return order[distinct]
