"""What a sum will cost, before it is begun: seconds of one core, and bytes.

The constants were measured on one core of an AMD EPYC of the fourth generation by
`python -m argand.nufft._measure`; only their ratios decide.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import scipy.fft

DIRECT = 0.42e-9  # a term of the direct sum: one atom at one reflection
PLAN = 0.5e-3  # per transform: points are sorted
# In double and in single precision:
GRID = {False: 0.53e-9, True: 0.29e-9}  # per n log2 n of the fine grid
CLEAR = {False: 7e-9, True: 2.7e-9}  # per point of the fine grid, before others are spread to it
SPREAD = {False: 0.35e-9, True: 0.21e-9}  # per point and grid point that it is spread to
REFLECTION = 7e-9  # per reflection and transform
ATOM = 100e-9  # per atom: its strengths
START = 4e-3

Shape = tuple[int, int, int]  # orders along each axis

SMALLEST_EPS, LARGEST_EPS = 1e-12, 1e-2
UPSAMPLING = (1.25, 2.0)  # others were no quicker
_NARROWEST = 1e-9  # the smallest eps that 1.25 reaches


def orders(reach: tuple[int, int, int]) -> Shape:
    """From -reach to reach along each axis."""
    h, k, l = (2 * n + 1 for n in reach)
    return h, k, l


def kernel_width(eps: float, upsampling: float) -> int:
    """Grid points that finufft spreads a point to, along one axis."""
    if upsampling == 2.0:
        return max(2, int(np.ceil(np.log10(10.0 / eps))))
    return max(2, int(np.ceil(-np.log(eps) / (np.pi * np.sqrt(1.0 - 1.0 / upsampling)))))


@lru_cache(maxsize=1024)
def fine_grid(shape: Shape, eps: float, upsampling: float) -> tuple[int, int, int]:
    """The grid that points are spread to, for that many orders along each axis."""
    least = (
        2 * kernel_width(eps, upsampling) + 4
    )  # finufft refuses less than two kernels, and may take wider ones
    n1, n2, n3 = (
        int(scipy.fft.next_fast_len(max(least, math.ceil(upsampling * n)))) for n in shape
    )
    return n1, n2, n3


def parts_of_transform(
    points: int, shape: Shape, eps: float, single: bool, upsampling: float
) -> tuple[float, float]:
    """Seconds of a transform: between its points and its grid, and the rest."""
    grid = math.prod(fine_grid(shape, eps, upsampling))
    spread = (
        PLAN + CLEAR[single] * grid + points * SPREAD[single] * kernel_width(eps, upsampling) ** 3
    )
    return spread, float(GRID[single] * grid * np.log2(grid))


def transform_seconds(
    points: int, shape: Shape, eps: float, single: bool, upsampling: float
) -> float:
    """One non-uniform transform."""
    return sum(parts_of_transform(points, shape, eps, single, upsampling))


@lru_cache(maxsize=1024)
def best_upsampling(points: int, shape: Shape, eps: float, single: bool) -> float:
    able = [u for u in UPSAMPLING if u == 2.0 or eps >= _NARROWEST]
    return min(able, key=lambda u: transform_seconds(points, shape, eps, single, u))


def direct_seconds(atoms: int, reflections: int) -> float:
    """The direct sum."""
    return DIRECT * atoms * reflections


def pair_seconds(points: int, shape: Shape, eps: float, single: bool) -> float:
    """A transform at its best."""
    return transform_seconds(
        points, shape, eps, single, best_upsampling(points, shape, eps, single)
    )


def nufft_seconds(
    atoms: int, points: int, reflections: int, shape: Shape, eps: float, dispersion: bool = False
) -> float:
    """The sum by a low-rank basis and non-uniform transforms; anisotropic atoms are several points."""
    seconds = START + ATOM * atoms + REFLECTION * reflections
    for pair in range(pairs(eps)):
        accuracy = min(LARGEST_EPS, 0.3 * eps * 100.0**pair)
        seconds += (
            pair_seconds(points, shape, accuracy, accuracy >= 2e-5) + REFLECTION * reflections
        )
    return 2.0 * seconds if dispersion else seconds


def nufft_bytes(points: int, reflections: int, shape: Shape, eps: float, threads: int) -> int:
    """Memory of that sum at its peak: grids, points, reflections."""
    upsampling = best_upsampling(points, shape, eps, False)
    n1, n2, n3 = fine_grid(shape, eps, upsampling)
    width = kernel_width(eps, upsampling)
    planes = min(threads, pairs(eps)) * n1
    if threads > 1:  # slabs of the grid that others have spread to
        planes += n1 + min(threads, n1 // width) * (width + 4)
    # points: place in two precisions, weight, atom, strengths of all pairs, order; reflections: F, q, indices
    return 16 * planes * n2 * n3 + (140 + 16 * pairs(eps)) * points + 60 * reflections


def pairs(eps: float) -> int:
    """Transforms, of two real strengths each: 3 at 1e-4, 4 at 1e-6, 6 at 1e-9 (B of 5 to 80 A^2)."""
    return int(np.ceil(0.5 + 0.6 * np.log10(1.0 / eps)))


def points_of_a_tensor(eps: float) -> int:
    """Points that stand for an anisotropic atom: 27 at 1e-4, 50 at 1e-6, 92 at 1e-9."""
    return int(4.0 * np.log10(1.0 / eps) ** 1.4)
