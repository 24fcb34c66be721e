"""Sums of Gaussians, of which tabulated form factors consist."""

from __future__ import annotations

from argand import _core
from argand._seam.arrays import Array, address


def gaussian_sums(a: Array, b: Array, squares: Array, out: Array) -> None:
    """Write out[r, i] = sum_t a[r, t] exp(-b[r, t] squares[i]).

    Arguments are not checked: only argand calls this.

    Parameters
    ----------
    a, b
        Amplitudes and widths (rows, terms) float64; no width is negative.
    squares
        stol^2 (points,) float64 in 1/A^2, none negative.
    out
        Array (rows, points) float64 to write to.
    """
    rows, terms = a.shape
    points = squares.shape[0]
    gaussian_addresses = (address(a), address(b))
    _core.gaussian_sums(rows, terms, *gaussian_addresses, points, address(squares), address(out))
