"""Derivatives of every reflection by the coordinates of every site, for normal matrices."""

from __future__ import annotations

from typing import NamedTuple

from argand import _core
from argand._seam.arrays import Array, address
from argand._seam.checks import BITS, check_array, check_real

# The kernel walks whole lanes: it takes a multiple of so many reflections.
_LANES = 16
# Numbers of derivatives of a site by x y z, by beta, by B and by the occupancy.
_COLUMN_WIDTHS = (3, 6, 1, 1)


class JacobianSites(NamedTuple):
    """Hold the sites of crystals and which derivatives are wanted; `real` is float32 or float64."""

    # (crystals, sites, 3) float64, fractional coordinates
    frac: Array
    # (crystals, sites, 6) real
    beta: Array
    # (crystals, sites) real
    occ: Array
    # (sites,) real, the part of the occupancy that the image under one operation has
    share: Array
    # (sites,) int32, row of u
    scatterer: Array
    # (sites, 4) int32, first column of x y z, of beta, of B, of the occupancy; -1: not wanted
    columns: Array


class JacobianOrders(NamedTuple):
    """Hold reflections as each symmetry operation (R|t) turns them, padded to a multiple of 16."""

    # (operations, 3, reflections) real, hR
    orders: Array
    # (operations, reflections) real, h.t
    turns: Array
    # (reflections,) real, stol^2 in 1/A^2
    squares: Array


def jacobian(
    sites: JacobianSites,
    reflections: JacobianOrders,
    u: Array,
    out: Array,
) -> None:
    """Write Re(u dF/dq) for every wanted coordinate q of every site; jacobian.hpp has the formula.

    All arguments are checked.

    Parameters
    ----------
    sites, reflections
        Sites of the crystals, and the reflections as their operations turn them.
    u
        Factors (crystals, scatterers, 2, reflections), real and imaginary part, in the dtype of
        `out`.
    out
        Array (crystals, width, reflections) to write to, float32 or float64.

    Raises
    ------
    ValueError, TypeError
        Name the array, what it is and what it must be.
    """
    real = check_real("out", out)
    crystals, site_count = sites.occ.shape
    operations, size = reflections.turns.shape
    scatterers, width = u.shape[1], out.shape[1]
    if size % _LANES:
        raise ValueError(f"turns has {size} reflections, needs a multiple of {_LANES}")
    _check_sites(sites, real)
    check_array("orders", reflections.orders, (operations, 3, size), real)
    check_array("turns", reflections.turns, (operations, size), real)
    check_array("squares", reflections.squares, (size,), real)
    check_array("u", u, (crystals, scatterers, 2, size), real)
    check_array("out", out, (crystals, width, size), real, written=True)
    if site_count:
        _check_scatterers(sites.scatterer, scatterers)
        _check_columns(sites.columns, width)
    extents = (crystals, site_count, operations, size, scatterers, width)
    frac, beta, occ, share, scatterer, columns = map(address, sites)
    orders, turns, squares = map(address, reflections)
    _core.jacobian(
        BITS[real],
        extents,
        (frac, beta, occ, share, scatterer, columns),
        (orders, turns, squares),
        address(u),
        address(out),
    )


def _check_sites(sites: JacobianSites, real: str) -> None:
    crystals, site_count = sites.occ.shape
    check_array("frac", sites.frac, (crystals, site_count, 3), "float64")
    check_array("beta", sites.beta, (crystals, site_count, 6), real)
    check_array("occ", sites.occ, (crystals, site_count), real)
    check_array("share", sites.share, (site_count,), real)
    check_array("scatterer", sites.scatterer, (site_count,), "int32")
    check_array("columns", sites.columns, (site_count, 4), "int32")


def _check_scatterers(scatterer: Array, rows: int) -> None:
    lowest, highest = int(scatterer.min()), int(scatterer.max())
    if lowest < 0 or highest >= rows:
        raise ValueError(
            f"scatterer runs from {lowest} to {highest}, needs 0 to {rows - 1}: the rows of u"
        )


def _check_columns(columns: Array, width: int) -> None:
    needed = 0
    for first, column_width in zip(columns.max(axis=0), _COLUMN_WIDTHS, strict=True):
        if first >= 0:
            needed = max(needed, int(first) + column_width)
    if needed > width:
        raise ValueError(f"out has {width} columns, needs {needed}")
