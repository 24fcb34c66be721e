"""Lists of Miller indices: stol^2, extremes, and how the list is arranged."""

from __future__ import annotations

from argand import _core
from argand._seam.arrays import Array, address, dtype_name


def stol_squares(hkl: Array, metric: Array, out: Array) -> None:
    """Write stol^2 = h^T G* h / 4 of each reflection to `out`.

    Arguments are not checked: only argand calls this.

    Parameters
    ----------
    hkl
        Miller indices (m, 3) int32 or float64.
    metric
        Reciprocal metric G* (3, 3) float64 in 1/A^2.
    out
        Array (m,) float64 to write to, in 1/A^2.
    """
    is_int32 = dtype_name(hkl) == "int32"
    count = hkl.shape[0]
    _core.stol_squares(is_int32, count, address(hkl), address(metric), address(out))


def list_within(
    hkl: Array,
    begins: Array,
    metrics: Array,
    limit: float,
    first: Array,
    rows: Array,
    squares: Array,
) -> None:
    """List the reflections with stol^2 <= limit of each of several cells.

    Arguments are not checked: only argand calls this.

    Parameters
    ----------
    hkl
        Miller indices (m, 3) int32, sorted, l fastest.
    begins
        Where each h and k begins in `hkl` (columns + 1,) int64; m at last.
    metrics
        Reciprocal metrics G* (b, 3, 3) float64 in 1/A^2.
    limit
        Largest stol^2 in 1/A^2.
    first
        Array (b + 1,) int64 to write to: where the list of each cell begins.
    rows, squares
        Arrays (b m,) int64 and float64 to write to: rows of `hkl`, one list after another, and
        their stol^2 in 1/A^2. What follows the last list has no meaning.
    """
    columns, cells = begins.shape[0] - 1, metrics.shape[0]
    where = (address(begins), address(hkl))
    to = (address(first), address(rows), address(squares))
    _core.list_within(columns, *where, cells, address(metrics), limit, *to)


def survey(
    hkl: Array,
    metric: Array,
    out: Array,
) -> tuple[tuple[int, int, int], tuple[float, float]]:
    """Write stol^2 of each reflection to `out`, and return how far the list reaches.

    Arguments are not checked: only argand calls this.

    Parameters
    ----------
    hkl
        Miller indices (m, 3) int32.
    metric
        Reciprocal metric G* (3, 3) float64 in 1/A^2.
    out
        Array (m,) float64 to write to, in 1/A^2.

    Returns
    -------
    The largest |h|, |k|, |l|; the smallest and the largest stol^2 in 1/A^2.
    """
    count = hkl.shape[0]
    return _core.survey(count, address(hkl), address(metric), address(out))


def largest_order(hkl: Array) -> float:
    """Return the largest modulus of the orders of a list (m, 3), int32 or float64; 0 of none.

    Arguments are not checked: only argand calls this.
    """
    is_int32 = dtype_name(hkl) == "int32"
    return _core.largest_order(is_int32, hkl.shape[0], address(hkl))


def arrangement(hkl: Array) -> tuple[int, int]:
    """Count the rows of a list of reflections, and recognise the list of `hkl_cube(n)`.

    Arguments are not checked: only argand calls this.

    Parameters
    ----------
    hkl
        Miller indices (m, 3) int32 or float64.

    Returns
    -------
    The number of rows, runs of neighbours that share h and k and rise by one in l; and n where the
    list is `hkl_cube(n)` in its order, else -1.
    """
    is_int32 = dtype_name(hkl) == "int32"
    return _core.arrangement(is_int32, hkl.shape[0], address(hkl))
