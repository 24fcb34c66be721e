"""Transform the grid between points and orders, and divide out the kernel that spreads points.

    A(h) = (-1)^(h+k+l) G(h) / (phi(h) phi(k) phi(l)),

where G is the transform of the grid and phi that of the spreading kernel along one axis. The sign
is there because x = 0 lies in the middle of finufft's grids. A grid is finer than its orders need:
planes are transformed first, along two axes, and then along the third axis only the columns that
are wanted.

finufft spreads points to a grid and interpolates at points from a grid, in fractions of a
millisecond a thousand. The fast Fourier transform and the division are done here, because scipy's
transform is twice as fast and a list of reflections needs only some of the columns. finufft keeps
its kernel to itself, so the kernel is measured: points at some fractions of a grid step are spread
to a small grid.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.nufft import choice
from argand.nufft.pairs import BoxAxes, Complex, Pair, Reach

# finufft's numbers for its two types of plans.
SPREAD = 1
INTERPOLATE = 2

# Bytes of data that stay in the cache of one core.
_CACHE_BYTES = 3 << 19
# Edge of the grid that the kernel is measured on: at least twice the widest kernel.
_KERNEL_GRID = 40
# Fractions of a grid step at which the kernel is measured: its spectrum falls off long before
# half of their number.
_FRACTIONS = 8
# Points that finufft spreads to a box of their own before it is added to the grid.
_POINTS_A_BOX = 4096


class SpreadingKernel:
    """Tabulate the even kernel phi(t) that finufft spreads a point with.

    Parameters
    ----------
    offset : (n,)
        Distances t, in steps of the grid.
    weight : (n,)
        phi(t) dt.
    """

    def __init__(self, offset: FloatArray, weight: FloatArray) -> None:
        self.offset = offset
        self.weight = weight
        # No point is spread to planes that are farther away than this.
        self.half_width = int(np.ceil(np.abs(offset).max()))

    def transform(self, orders: NDArray[np.intp], steps: int) -> FloatArray:
        """Return the integral of phi(t) exp(2 pi i h t / steps) dt at orders h (n,)."""
        turns = np.outer(self.offset, orders)
        waves = np.cos(2.0 * np.pi / steps * turns)
        return np.asarray(self.weight @ waves)


class Grid:
    """Describe the grid of one transform, with the upsampling that makes it fastest.

    Parameters
    ----------
    points : int
        Points that are spread to the grid.
    reach : (3,)
        Largest |h|, |k|, |l| that are wanted.
    pair : Pair
        Accuracy of the transform.
    """

    def __init__(self, points: int, reach: Reach, pair: Pair) -> None:
        orders = choice.orders(reach)
        self.pair = pair
        self.reach = reach
        self.upsampling = choice.best_upsampling(points, orders, pair.eps, pair.single)
        self.shape = choice.fine_grid(orders, pair.eps, self.upsampling)

    @property
    def size(self) -> int:
        """Return the number of grid points."""
        n1, n2, n3 = self.shape
        return n1 * n2 * n3

    @property
    def kernel(self) -> SpreadingKernel:
        """Return the kernel that points are spread with."""
        return spreading_kernel(self.pair.eps, self.pair.single, self.upsampling)

    def axes(self) -> BoxAxes:
        """Return where the wanted orders lie in the flat grid, and their correction factors."""
        _, n2, n3 = self.shape
        eps, single = self.pair.eps, self.pair.single
        axes = []
        steps = (n2 * n3, n3, 1)
        for reach, n, step in zip(self.reach, self.shape, steps, strict=True):
            factors = _correction(reach, n, eps, single, self.upsampling)
            axes.append((_places(reach, n, step), factors))
        return axes

    def planes_to_orders(self, planes: Complex) -> None:
        """Transform planes (p, n2, n3) in place; only the wanted columns become right."""
        transform(planes, 2)
        for wanted in self._wanted(2):
            transform(planes[:, :, wanted], 1)

    def orders_to_planes(self, planes: Complex) -> None:
        """Transform planes (p, n2, n3) in place that are 0 outside the wanted columns."""
        for wanted in self._wanted(2):
            transform(planes[:, :, wanted], 1)
        transform(planes, 2)

    def column_bundles(self, values: Complex) -> list[Complex]:
        """Return views of the wanted columns (n1, some k, some l) that fit into a core's cache."""
        bundles = []
        for k, l in product(self._wanted(1), self._wanted(2)):
            columns = count_in_cache(values[:, 0, l].nbytes)
            for part in slices(k.start, k.stop, columns):
                bundles.append(values[:, part, l])
        return bundles

    def _wanted(self, axis: int) -> list[slice]:
        """Return where the orders 0 to reach, and -reach to -1, lie along an axis."""
        n, reach = self.shape[axis], self.reach[axis]
        return [slice(0, reach + 1), slice(n - reach, n)]


def transform(values: Complex, axis: int) -> None:
    """Replace values by their sums with exp(2 pi i h n / N) along an axis."""
    import scipy.fft

    if values.size:
        result = scipy.fft.ifft(values, axis=axis, norm="forward", overwrite_x=True)
        if not np.may_share_memory(result, values):
            values[...] = result


def count_in_cache(size: int) -> int:
    """Return how many objects of `size` bytes stay in the cache of one core."""
    return max(1, _CACHE_BYTES // max(1, size))


def slices(begin: int, end: int, most: int) -> list[slice]:
    """Cut the numbers from begin to end into slices of at most `most`."""
    parts = []
    for first in range(begin, end, most):
        parts.append(slice(first, min(first + most, end)))
    return parts


def finufft_plan(
    sort: int, shape: tuple[int, int, int], eps: float, single: bool, upsampling: float, count: int
) -> Any:
    """Make a finufft plan that only spreads points to a grid, or only interpolates from it.

    Parameters
    ----------
    sort : int
        `SPREAD` or `INTERPOLATE`.
    shape : (3,)
        Shape of the grid.
    eps, single, upsampling
        Accuracy, precision and upsampling of the transform, which decide the kernel.
    count : int
        How many sets of strengths are spread at once.
    """
    import finufft

    return finufft.Plan(
        sort,
        shape,
        count,
        eps,
        1,
        dtype="complex64" if single else "complex128",
        nthreads=1,
        upsampfac=upsampling,
        spreadinterponly=1,
        spread_max_sp_size=_POINTS_A_BOX,
    )


@lru_cache(maxsize=256)
def spreading_kernel(eps: float, single: bool, upsampling: float) -> SpreadingKernel:
    """Measure the kernel of finufft, which is the same for every grid and every axis."""
    shape = (_KERNEL_GRID, _KERNEL_GRID, _KERNEL_GRID)
    plan = finufft_plan(SPREAD, shape, eps, single, upsampling, _FRACTIONS)
    real = np.float32 if single else np.float64
    fraction = np.arange(_FRACTIONS) / _FRACTIONS
    # x = 0 lies in the middle of the grid.
    middle = np.zeros(_FRACTIONS, real)
    angle = 2.0 * np.pi / _KERNEL_GRID * fraction
    plan.setpts(angle.astype(real), middle, middle)
    # Each set of strengths has one point. Its sum along the two other axes is a constant factor,
    # which the values at whole steps give.
    strengths = np.eye(_FRACTIONS, dtype=np.complex64 if single else np.complex128)
    values = plan.execute(strengths).real.astype(np.float64)
    spread = values.sum(axis=(2, 3))
    total = np.cbrt(spread[0].sum())
    offset = np.arange(_KERNEL_GRID) - _KERNEL_GRID // 2 - fraction[:, None]
    inside = spread != 0.0
    weight = spread[inside] / (np.square(total) * _FRACTIONS)
    return SpreadingKernel(offset[inside], weight)


@lru_cache(maxsize=1024)
def _places(reach: int, n: int, step: int) -> NDArray[np.int64]:
    """Return where the orders -reach to reach of an axis with n grid points lie (2 reach + 1,)."""
    places = np.arange(-reach, reach + 1) % n * step
    places.setflags(write=False)
    return places


@lru_cache(maxsize=1024)
def _correction(reach: int, n: int, eps: float, single: bool, upsampling: float) -> FloatArray:
    """Return the factors that turn G into A at orders -reach to reach of an axis (2 reach + 1,)."""
    h = np.arange(-reach, reach + 1)
    sign = 1 - 2 * (h % 2)
    factors = sign / spreading_kernel(eps, single, upsampling).transform(h, n)
    factors.setflags(write=False)
    return np.asarray(factors)
