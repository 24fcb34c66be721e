"""Transform structure factors of a list of reflections to maps by a real FFT.

rho(x) = (1/V) sum_h F(h) exp(-2 pi i h.x) runs over the list, its symmetry equivalents and their
Friedel mates. A real FFT takes one reflection of each Friedel pair, from half a grid.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand.symmetry import SpaceGroup, operations

__all__ = ["MapTransform", "half_grid", "symmetry_equivalents"]

Complex = NDArray[np.complexfloating[Any, Any]]
IntArray = NDArray[np.integer[Any]]
Sides = tuple[int, int, int]


class MapTransform:
    """Transform structure factors (m,) of one list of reflections to maps on one grid.

    The places of the reflections in the half grid are found once: a map takes a gather and an FFT.

    Parameters
    ----------
    hkl : (m, 3)
        Miller indices.
    grid
        (na, nb, nc), any size. Orders beyond the grid are added to those they fall on.
    spacegroup
        Name or operations.
    dtype
        complex64 or complex128, in which the sum runs.
    """

    def __init__(self, hkl: IntArray, grid: Sides, spacegroup: SpaceGroup, dtype: Any) -> None:
        self._grid = grid
        self._dtype = np.dtype(dtype)
        orders, source, factor = symmetry_equivalents(hkl, spacegroup, self._dtype)
        count = len(orders)
        reach = np.abs(orders).max(axis=0, initial=0)
        self._is_aliased = bool((2 * reach + 1 > np.array(grid)).any())
        # The row of every order of a box, `count` more for that of its Friedel mate, or -1. A row
        # that is written later prevails.
        box = np.full(2 * reach + 1, -1, np.int64)
        box[tuple((reach - orders).T)] = np.arange(count, 2 * count)
        box[tuple((reach + orders).T)] = np.arange(count)
        rows = box.ravel()
        listed = np.flatnonzero(rows >= 0)
        listed_orders = np.stack(np.unravel_index(listed, box.shape), axis=1) - reach
        index, is_mate = half_grid(listed_orders, grid)
        # The half grid holds one reflection of each pair, but both on the planes that are their own
        # mates.
        taken = ~is_mate
        self._place = tuple(axis_index[taken] for axis_index in index)
        row = rows[listed[taken]]
        mate_row = rows[len(rows) - 1 - listed[taken]]
        # The FFT sums exp(+2 pi i h.x): it gets conj F, which is what the mate has.
        self._terms = [_Gather(row, source, factor)]
        if (row % max(count, 1) != mate_row % max(count, 1)).any():
            mates = np.where(mate_row < count, mate_row + count, mate_row - count)
            self._terms.append(_Gather(mates, source, factor))

    def __call__(self, f: Complex, scale: float) -> NDArray[Any]:
        """Return the map (na, nb, nc) of structure factors (m,), multiplied by a scale."""
        import scipy.fft

        na, nb, nc = self._grid
        half = np.zeros((na, nb, nc // 2 + 1), self._dtype)
        values = self._terms[0](f)
        # The Hermitian part of F transforms to the real part of the map.
        if len(self._terms) > 1:
            values = (values + self._terms[1](f)) / 2
        if self._is_aliased:
            np.add.at(half, self._place, values)
        else:
            half[self._place] = values
        unscaled = scipy.fft.irfftn(half, s=self._grid, norm="forward", overwrite_x=True)
        unscaled *= half.real.dtype.type(scale)
        return np.asarray(unscaled)


class _Gather:
    """Take conj F of equivalents, or F of mates, from the structure factors of a list.

    Parameters
    ----------
    row : (t,)
        Rows of the equivalents; `len(source)` more stands for the Friedel mate.
    source, factor
        Values of `symmetry_equivalents`.
    """

    def __init__(self, row: NDArray[np.int64], source: IntArray, factor: Complex) -> None:
        is_mate = row >= len(source)
        equivalent = np.where(is_mate, row - len(source), row)
        self._source = source[equivalent]
        self._factor = factor[equivalent]
        self._sign = np.where(is_mate, 1.0, -1.0).astype(factor.real.dtype)

    def __call__(self, f: Complex) -> Complex:
        """Return the values (t,) of structure factors (m,)."""
        values: Complex = f[self._source] * self._factor
        values.imag *= self._sign
        return values


def symmetry_equivalents(
    hkl: IntArray, spacegroup: SpaceGroup, dtype: Any
) -> tuple[IntArray, IntArray, Complex]:
    """List reflections with all of their symmetry equivalents, those that prevail last.

    x -> R x + t leaves the density as it is, so F(h R) = F(h) exp(-2 pi i h.t). The reflections of
    the list stand last.

    Parameters
    ----------
    hkl : (m, 3)
        Miller indices.
    spacegroup
        Name or operations.
    dtype
        complex64 or complex128, type of the factors.

    Returns
    -------
    Miller indices (q, 3), the reflection of the list (q,) that each is an equivalent of, and
    F(h R) / F(h) (q,).
    """
    orders = []
    factors = []
    for rotation, translation in reversed(operations(spacegroup)):
        orders.append(hkl @ rotation)
        factors.append(np.exp(-2j * np.pi * (hkl @ translation)).astype(dtype))
    source = np.tile(np.arange(len(hkl)), len(orders))
    return np.concatenate(orders), source, np.concatenate(factors)


def half_grid(hkl: IntArray, grid: Sides) -> tuple[tuple[NDArray[Any], ...], NDArray[np.bool_]]:
    """Locate reflections in the half grid of a real FFT.

    Returns
    -------
    Three index arrays (m,) into the half grid, and which reflections (m,) stand there as their
    Friedel mates.
    """
    index = hkl % np.array(grid)
    is_mate = index[:, 2] > grid[2] // 2
    index[is_mate] = -hkl[is_mate] % np.array(grid)
    return tuple(index.T), is_mate
