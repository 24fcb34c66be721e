"""Groups of atoms that fit into crystals which are being filled, with all their images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand import _core
from argand._seam.arrays import address
from argand._seam.checks import check_array

FloatArray = NDArray[np.float64]


class Filling(NamedTuple):
    """Hold the sites that crystals of one group have, and its operations."""

    # (all, 6) metrics, A^2, 11 22 33 12 13 23
    metric: FloatArray
    # (all, slots, operations, 3) fractional coordinates of the images of sites, identity first
    images: FloatArray
    # (all,) int64, sites of each crystal
    sites: NDArray[np.int64]
    # (operations, 3, 4) rotation and translation of each operation, identity first
    operation: FloatArray


def find_free(
    filling: Filling,
    row: NDArray[np.int64],
    size: NDArray[np.int64],
    points: FloatArray,
    between: FloatArray,
    within: FloatArray,
    own: FloatArray | None = None,
) -> NDArray[np.bool_]:
    """Tell which groups of atoms keep their distances to all images of the sites of crystals.

    All arguments are checked. The nearest image by lattice is found by rounding: distances must be
    below half of the widths of the cell.

    Parameters
    ----------
    filling
        The crystals.
    row : (r,)
        Number of each crystal that has candidates.
    size : (r,)
        Atoms of its candidates.
    points : (r, c, k, 3)
        Fractional coordinates of the atoms of c candidates.
    between : (r, k, n)
        Least squared distance of an atom to images of the first n sites, A^2.
    within : (r, c, k, n)
        Least squared distance of an atom to the site itself, in the same cell, A^2.
    own : (r, k, k)
        Least squared distance of an atom to images of the atoms of its group, A^2; None: they are
        not looked at.

    Returns
    -------
    Whether (r, c) all atoms of a candidate keep all distances.

    Raises
    ------
    ValueError, TypeError
        Name the array, what it is and what it must be.
    """
    crystals, candidates, atoms, _ = points.shape
    sites = between.shape[-1]
    total, slots, operations, _ = filling.images.shape
    check_array("metric", filling.metric, (total, 6), "float64")
    check_array("images", filling.images, (total, slots, operations, 3), "float64")
    check_array("sites", filling.sites, (total,), "int64")
    check_array("operation", filling.operation, (operations, 3, 4), "float64")
    check_array("row", row, (crystals,), "int64")
    check_array("size", size, (crystals,), "int64")
    check_array("points", points, (crystals, candidates, atoms, 3), "float64")
    check_array("between", between, (crystals, atoms, sites), "float64")
    check_array("within", within, (crystals, candidates, atoms, sites), "float64")
    if own is not None:
        check_array("own", own, (crystals, atoms, atoms), "float64")
    if sites > slots:
        raise ValueError(f"between has {sites} sites, needs up to {slots}: those of images")
    if crystals and not (row.min() >= 0 and row.max() < total):
        raise ValueError(f"row runs from {row.min()} to {row.max()}, needs 0 to {total - 1}")
    if crystals and not (size.min() >= 0 and size.max() <= atoms):
        raise ValueError(f"size runs from {size.min()} to {size.max()}, needs 0 to {atoms}")
    is_free = np.empty((crystals, candidates), np.bool_)
    extents = (crystals, candidates, atoms, sites, slots, operations)
    crystal_arrays = (
        address(row),
        address(filling.metric),
        address(filling.images),
        address(filling.sites),
    )
    candidate_arrays = (
        address(size),
        address(points),
        address(between),
        address(within),
        address(own),
        address(filling.operation),
    )
    _core.find_free(extents, crystal_arrays, candidate_arrays, address(is_free))
    return is_free
