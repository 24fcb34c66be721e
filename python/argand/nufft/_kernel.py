"""The kernel that finufft spreads a point with, known by its values.

finufft spreads points to a grid, and interpolates at points from a grid, in fractions of a millisecond a thousand; what
lies between, a fast Fourier transform and the division by the transform of the kernel, is done by argand, since scipy
is twice as quick at the former and a list of reflections needs only some of the latter. finufft keeps its kernel to
itself, so it is asked: points at some fractions of a grid step are spread to a small grid.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray

_GRID = 40  # at least twice the widest kernel
_TOGETHER = 4096  # points that finufft spreads to a box of their own before it is added to the grid
_FRACTIONS = 8  # of a step at which it is asked: its spectrum falls off long before 8 / 2


class Kernel(NamedTuple):
    """phi(t) at many t, in steps of the grid."""

    place: FloatArray  # (p,) t
    weight: FloatArray  # (p,) phi(t) dt

    @property
    def half(self) -> int:
        """No point is spread to planes that are farther away than this many."""
        return int(np.ceil(np.abs(self.place).max()))

    def transform(self, orders: NDArray[np.intp], steps: int) -> FloatArray:
        """The integral of phi(t) exp(2 pi i h t / steps) dt at orders h; phi is even."""
        return np.asarray(self.weight @ np.cos(2.0 * np.pi / steps * np.outer(self.place, orders)))


def spreading(
    sort: int,
    shape: tuple[int, int, int],
    eps: float,
    single: bool,
    upsampling: float,
    many: int = 1,
) -> Any:
    """finufft's plan for spreading (sort 1) to a grid, or interpolation (sort 2) from it, and nothing else."""
    import finufft

    dtype = "complex64" if single else "complex128"
    return finufft.Plan(
        sort,
        shape,
        many,
        eps,
        1,
        dtype=dtype,
        nthreads=1,
        upsampfac=upsampling,
        spreadinterponly=1,
        spread_max_sp_size=_TOGETHER,
    )


@lru_cache(maxsize=256)
def kernel(eps: float, single: bool, upsampling: float) -> Kernel:
    """The same for every grid and every axis."""
    plan = spreading(1, (_GRID,) * 3, eps, single, upsampling, _FRACTIONS)
    real, number = (np.float32, np.complex64) if single else (np.float64, np.complex128)
    fraction = np.arange(_FRACTIONS) / _FRACTIONS
    middle = np.zeros(_FRACTIONS, real)  # x = 0 lies in the middle of the grid
    plan.setpts((2.0 * np.pi / _GRID * fraction).astype(real), middle, middle)
    # one point in each transform; along the other axes its sums are those of its values at whole steps
    value = plan.execute(np.eye(_FRACTIONS, dtype=number)).real.astype(np.float64).sum(axis=(2, 3))
    whole = np.cbrt(value[0].sum())
    place = np.arange(_GRID) - _GRID // 2 - fraction[:, None]
    inside = value != 0.0
    return Kernel(place[inside], value[inside] / (np.square(whole) * _FRACTIONS))
