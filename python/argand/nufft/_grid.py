"""The grid between points and orders: its transform, and what the kernel that points are spread with leaves behind.

    A(h) = (-1)^(h+k+l) G(h) / (phi(h) phi(k) phi(l)),

G the transform of the grid and phi(h) that of the kernel; the sign is there because x = 0 lies in the middle of
finufft's grids. A grid is finer than its orders need: planes are transformed first, along two axes, and then along the
third only the columns that are wanted.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.nufft import _cost
from argand.nufft._kernel import kernel
from argand.nufft._pairs import Box, Complex, Pair

_CACHED = 3 << 19  # bytes a core


class Grid(NamedTuple):
    shape: tuple[int, int, int]
    upsampling: float
    reach: tuple[int, int, int]

    @classmethod
    def of(cls, points: int, reach: tuple[int, int, int], pair: Pair) -> Grid:
        """The one that is transformed soonest."""
        orders = _cost.orders(reach)
        upsampling = _cost.best_upsampling(points, orders, pair.eps, pair.single)
        return cls(_cost.fine_grid(orders, pair.eps, upsampling), upsampling, reach)

    @property
    def size(self) -> int:
        n1, n2, n3 = self.shape
        return n1 * n2 * n3

    def box(self, pair: Pair) -> Box:
        steps = (self.shape[1] * self.shape[2], self.shape[2], 1)
        axes = list(zip(self.reach, self.shape, steps, strict=True))
        return Box(
            [_place(reach, n, step) for reach, n, step in axes],
            [_factor(reach, n, pair.eps, pair.single, self.upsampling) for reach, n, _ in axes],
        )

    def planes_to_orders(self, planes: Complex) -> None:
        """Transforms of planes (p, n2, n3) in their place, right in the columns that are wanted."""
        transform(planes, 2)
        for l in self._ends(2):
            transform(planes[:, :, l], 1)

    def orders_to_planes(self, planes: Complex) -> None:
        """Transforms of planes that are 0 but in these columns, right everywhere."""
        for l in self._ends(2):
            transform(planes[:, :, l], 1)
        transform(planes, 2)

    def columns(self, values: Complex) -> list[Complex]:
        """Those of the grid that are wanted, (n1, some k, some l), in bundles that stay in the cache of a core."""
        bundles = []
        for k, l in product(self._ends(1), self._ends(2)):
            most = at_a_time(values[:, 0, l].nbytes)
            bundles += [values[:, some, l] for some in parts_of(k.start, k.stop, most)]
        return bundles

    def _ends(self, axis: int) -> list[slice]:
        """Where the orders 0 to reach, and -reach to -1, lie along an axis."""
        n, reach = self.shape[axis], self.reach[axis]
        return [slice(0, reach + 1), slice(n - reach, n)]


def transform(values: Complex, axis: int) -> None:
    """Sums of values times exp(2 pi i h n / N) along an axis, in their place."""
    if values.size:
        found = scipy.fft.ifft(values, axis=axis, norm="forward", overwrite_x=True)
        if not np.may_share_memory(found, values):
            values[...] = found


def at_a_time(size: int) -> int:
    """How many things of so many bytes stay in the cache of a core."""
    return max(1, _CACHED // max(1, size))


def parts_of(begin: int, end: int, most: int) -> list[slice]:
    """The numbers from begin to end in parts of at most so many."""
    return [slice(first, min(first + most, end)) for first in range(begin, end, most)]


@lru_cache(maxsize=1024)
def _place(reach: int, n: int, step: int) -> NDArray[np.int64]:
    """Where the orders -reach to reach of an axis with n grid points lie."""
    place = np.arange(-reach, reach + 1) % n * step
    place.setflags(write=False)
    return place


@lru_cache(maxsize=1024)
def _factor(reach: int, n: int, eps: float, single: bool, upsampling: float) -> FloatArray:
    """What the orders -reach to reach of an axis with n grid points are multiplied with."""
    h = np.arange(-reach, reach + 1)
    factor = (1 - 2 * (h % 2)) / kernel(eps, single, upsampling).transform(h, n)
    factor.setflags(write=False)
    return np.asarray(factor)
