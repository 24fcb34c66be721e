"""Difference maps of data sets: where electrons are that the model lacks, and how much of them.

    D(x) = (1/V) sum_h (|Fo|_h - |Fc|_h) exp(i phi_c) exp(-2 pi i h.x)

An atom that sits in a wrong place leaves a hole there and a peak in the right one; an atom that the model does not have
leaves a peak. All positions are fractional, all distances are those to the nearest image.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, maximum_filter

from argand.cell import FloatArray
from argand.density import grid_shape, map_from_structure_factors
from argand.maps import difference_coefficients
from argand.refine import Model
from argand.reflections import in_p1
from argand.site_symmetry import cartesian_axes
from argand.symmetry import operations

__all__ = ["Difference", "Peaks"]

_LEAST, _MOST = (
    2.5,
    150,
)  # a peak has so many standard deviations of the map; how many are looked at
_APART = 0.5  # angstrom, of two peaks


class Peaks(NamedTuple):
    """The maxima of a difference map, the highest first, and what it is at the sites of the model."""

    frac: FloatArray  # (q, 3)
    height: FloatArray  # (q,), standard deviations of the map
    at_sites: FloatArray  # (n,), the same unit


class Difference:
    """Difference maps of a model, of one data set at a time."""

    def __init__(self, model: Model) -> None:
        self.model, self.cell = model, model.crystal.cell
        self.axes = cartesian_axes(model.crystal)
        self._to_frac = np.linalg.inv(self.axes).T
        self._operations = operations(model.crystal.symops)
        self._hkl, self._turn = in_p1(
            model.hkl, model.crystal.symops
        )  # any setting, one with no name as well
        self._shape = grid_shape(self.cell, "P 1", 0.5 / float(model.stol.max()))

    def __call__(self, observed: FloatArray, p: FloatArray) -> Peaks:
        """Of amplitudes (m,), NaN where not measured, and parameters p (k,)."""
        f = self.model.structure_factors(p)
        seen, size = np.isfinite(observed), np.abs(f)
        scale = float(observed[seen] @ size[seen]) / max(float(size[seen] @ size[seen]), 1e-300)
        off = difference_coefficients(observed / max(scale, 1e-300), f)
        rho = map_from_structure_factors(
            self._hkl, self._turn(off), self._shape, cell=self.cell
        ).astype(np.float64)
        rho = rho / max(float(rho.std()), 1e-300)
        top = np.argwhere((rho == maximum_filter(rho, size=5, mode="wrap")) & (rho > _LEAST))
        height = rho[tuple(top.T)]
        order = self._unique(
            top / np.array(self._shape), np.argsort(-height, kind="stable")[:_MOST]
        )
        here = self.sites(p) % 1.0 * self._shape
        return Peaks(
            top[order] / np.array(self._shape),
            height[order],
            map_coordinates(rho, here.T, order=1, mode="grid-wrap"),
        )

    def _unique(self, frac: FloatArray, order: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those of places (q, 3), in an order, that are no images of one before them."""
        _, distance = self.nearest(frac[order], frac[order])
        kept: list[int] = []
        for i in range(len(order)):
            if not kept or distance[i, kept].min() > _APART:
                kept.append(i)
        return order[kept]

    def sites(self, p: FloatArray) -> FloatArray:
        """(n, 3) where p (k,) takes the sites."""
        return np.asarray(self.model.crystal.frac + self.model.displacements(p) @ self._to_frac)

    def nearest(self, frac: FloatArray, sites: FloatArray) -> tuple[FloatArray, FloatArray]:
        """From sites (n, 3) to the nearest image of places (q, 3): Cartesian (q, n, 3) and its length (q, n)."""
        best = np.zeros((len(frac), len(sites), 3))
        length = np.full(best.shape[:2], np.inf)
        for rotation, shift in self._operations:
            off = (frac @ rotation.T + shift)[:, None] - sites
            off = (off - np.rint(off)) @ self.axes.T
            distance = np.linalg.norm(off, axis=2)
            nearer = distance < length
            best[nearer], length[nearer] = off[nearer], distance[nearer]
        return best, length
