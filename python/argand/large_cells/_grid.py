"""The grid between points and orders: its transform, and what the kernel that points are spread with leaves behind.

    A(h) = (-1)^(h+k+l) G(h) / (phi(h) phi(k) phi(l)),

G the transform of the grid and phi(h) that of the kernel; the sign is there because x = 0 lies in the middle of
finufft's grids. A grid is finer than its orders need, so that only some of the lines along its second and first axis
are transformed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.fft

from argand.cell import FloatArray
from argand.large_cells import _cost
from argand.large_cells._kernel import kernel
from argand.large_cells._pairs import Box, Complex, Pair

_CACHED = 1 << 20  # bytes a core


class Grid(NamedTuple):
    shape: tuple[int, int, int]
    upsampling: float
    reach: tuple[int, int, int]

    @classmethod
    def of(cls, points: int, reach: tuple[int, int, int], pair: Pair) -> Grid:
        """The one that is transformed soonest."""
        orders = [2 * n + 1 for n in reach]
        upsampling = _cost.best_upsampling(points, orders, pair.eps, pair.single)
        return cls(_cost.fine_grid(orders, pair.eps, upsampling), upsampling, reach)

    @property
    def size(self) -> int:
        n1, n2, n3 = self.shape
        return n1 * n2 * n3

    def box(self, pair: Pair) -> Box:
        steps = (self.shape[1] * self.shape[2], self.shape[2], 1)
        axes = list(zip(self.reach, self.shape, strict=True))
        return Box(
            [np.arange(-reach, reach + 1) % n * step for (reach, n), step in zip(axes, steps, strict=True)],
            [_factor(reach, n, pair.eps, pair.single, self.upsampling) for reach, n in axes],
        )

    def to_orders(self, values: Complex, workers: int) -> None:
        """Sums of values (shape) times exp(2 pi i h n / N), in their place, right at the orders of the box only."""
        _, k_halves, l_halves = self._halves()
        for planes in _that_fit(values, workers):
            _transform(planes, 2, workers)
            for l in l_halves:
                _transform(planes[:, :, l], 1, workers)
        for l in l_halves:
            for k in k_halves:
                _transform(values[:, k, l], 0, workers)

    def from_orders(self, values: Complex, workers: int) -> None:
        """The same sums of values that are 0 but at the orders of the box, right everywhere."""
        _, k_halves, l_halves = self._halves()
        for l in l_halves:
            for k in k_halves:
                _transform(values[:, k, l], 0, workers)
        for planes in _that_fit(values, workers):
            for l in l_halves:
                _transform(planes[:, :, l], 1, workers)
            _transform(planes, 2, workers)

    def _halves(self) -> list[list[slice]]:
        """Where the orders 0 to reach, and -reach to -1, lie along each axis."""
        return [[slice(0, r + 1), slice(n - r, n)] for r, n in zip(self.reach, self.shape, strict=True)]


def _that_fit(values: Complex, workers: int) -> Iterator[Complex]:
    """Planes that stay in the caches of the cores between two transforms."""
    some = max(1, workers * _CACHED // values[0].nbytes)
    return (values[first : first + some] for first in range(0, len(values), some))


@lru_cache(maxsize=1024)
def _factor(reach: int, n: int, eps: float, single: bool, upsampling: float) -> FloatArray:
    """What the orders -reach to reach of an axis with n grid points are multiplied with."""
    h = np.arange(-reach, reach + 1)
    factor = (1 - 2 * (h % 2)) / kernel(eps, single, upsampling).transform(h, n)
    factor.setflags(write=False)
    return np.asarray(factor)


def _transform(values: Complex, axis: int, workers: int) -> None:
    if values.size:
        found = scipy.fft.ifft(values, axis=axis, norm="forward", overwrite_x=True, workers=workers)
        if not np.may_share_memory(found, values):
            values[...] = found
