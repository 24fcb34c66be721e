"""Points that have room for an atom in crystals which are being filled, with all their images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand import _core
from argand._seam.arrays import address
from argand._seam.checks import check_array

FloatArray = NDArray[np.float64]


class Filling(NamedTuple):
    """Hold the sites that crystals of one group have."""

    # (all, 6) metrics, A^2, 11 22 33 12 13 23
    metric: FloatArray
    # (all, slots, operations, 3) fractional coordinates of the images of sites, identity first
    images: FloatArray
    # (all,) int64, sites of each crystal
    sites: NDArray[np.int64]


def find_free(
    filling: Filling, row: NDArray[np.int64], points: FloatArray, nearest: FloatArray
) -> NDArray[np.bool_]:
    """Tell which points keep their distances to all images of the sites of crystals.

    All arguments are checked. The nearest image by lattice is found by rounding: distances must be
    below half of the widths of the cell.

    Parameters
    ----------
    filling
        The crystals.
    row : (r,)
        Number of each crystal that has candidates.
    points : (r, c, 3)
        Fractional coordinates of c candidates.
    nearest : (r, n)
        Least squared distance of a point to images of the first n sites, A^2.

    Returns
    -------
    Whether (r, c) a point keeps all distances.

    Raises
    ------
    ValueError, TypeError
        Name the array, what it is and what it must be.
    """
    crystals, candidates, _ = points.shape
    sites = nearest.shape[-1]
    total, slots, operations, _ = filling.images.shape
    check_array("metric", filling.metric, (total, 6), "float64")
    check_array("images", filling.images, (total, slots, operations, 3), "float64")
    check_array("sites", filling.sites, (total,), "int64")
    check_array("row", row, (crystals,), "int64")
    check_array("points", points, (crystals, candidates, 3), "float64")
    check_array("nearest", nearest, (crystals, sites), "float64")
    if sites > slots:
        raise ValueError(f"nearest has {sites} sites, needs up to {slots}: those of images")
    if crystals and not (row.min() >= 0 and row.max() < total):
        raise ValueError(f"row runs from {row.min()} to {row.max()}, needs 0 to {total - 1}")
    is_free = np.empty((crystals, candidates), np.bool_)
    crystal_arrays = (
        address(row),
        address(filling.metric),
        address(filling.images),
        address(filling.sites),
    )
    _core.find_free(
        (crystals, candidates, sites, slots, operations),
        crystal_arrays,
        address(points),
        address(nearest),
        address(is_free),
    )
    return is_free
