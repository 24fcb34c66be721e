"""What a sum will cost, before it is begun: seconds of one core, and bytes.

The constants were measured on one core (2.7 GHz, AVX-512) by `python -m argand.large_cells._measure`; only their ratios
decide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy.fft

DIRECT = 0.8e-9  # a term of the direct sum: one atom at one reflection
GRID = {False: 1.6e-9, True: 0.8e-9}  # per n log2 n of the fine grid, in double and in single precision
POINT = 70e-9  # per point and transform
SPREAD = {False: 0.7e-9, True: 0.45e-9}  # per point and grid point that it is spread to
REFLECTION = 25e-9  # per reflection and transform
ATOM = 500e-9  # per atom: its strengths
START = 6e-3

SMALLEST_EPS, LARGEST_EPS = 1e-12, 1e-2
UPSAMPLING = (1.25, 2.0)  # those that every finufft since 2.3 can do
_NARROWEST = 1e-9  # the smallest eps that 1.25 reaches


def kernel_width(eps: float, upsampling: float) -> int:
    """Grid points that finufft spreads a point to, along one axis."""
    if upsampling == 2.0:
        return max(2, int(np.ceil(np.log10(10.0 / eps))))
    return max(2, int(np.ceil(-np.log(eps) / (np.pi * np.sqrt(1.0 - 1.0 / upsampling)))))


def fine_grid(shape: Sequence[int], eps: float, upsampling: float) -> int:
    """Points of the grid that is transformed."""
    least = 2 * kernel_width(eps, upsampling)
    return math.prod(scipy.fft.next_fast_len(max(least, math.ceil(upsampling * n))) for n in shape)


def transform_seconds(points: int, shape: Sequence[int], eps: float, single: bool, upsampling: float) -> float:
    """One non-uniform transform."""
    grid = fine_grid(shape, eps, upsampling)
    spread = POINT + SPREAD[single] * kernel_width(eps, upsampling) ** 3
    return float(GRID[single] * grid * np.log2(grid) + points * spread)


def best_upsampling(points: int, shape: Sequence[int], eps: float, single: bool) -> float:
    able = [u for u in UPSAMPLING if u == 2.0 or eps >= _NARROWEST]
    return min(able, key=lambda u: transform_seconds(points, shape, eps, single, u))


def direct_seconds(atoms: int, reflections: int) -> float:
    """The direct sum."""
    return DIRECT * atoms * reflections


def pair_seconds(points: int, shape: Sequence[int], eps: float, single: bool) -> float:
    """A transform at its best."""
    return transform_seconds(points, shape, eps, single, best_upsampling(points, shape, eps, single))


def nufft_seconds(
    atoms: int, points: int, reflections: int, shape: Sequence[int], eps: float, dispersion: bool = False
) -> float:
    """The sum by a low-rank basis and non-uniform transforms; anisotropic atoms are several points."""
    seconds = START + ATOM * atoms + REFLECTION * reflections
    for pair in range(pairs(eps)):
        accuracy = min(LARGEST_EPS, 0.3 * eps * 100.0**pair)
        seconds += pair_seconds(points, shape, accuracy, accuracy >= 2e-5) + REFLECTION * reflections
    return 2.0 * seconds if dispersion else seconds


def nufft_bytes(points: int, reflections: int, shape: Sequence[int], eps: float, workers: int) -> int:
    """Memory of that sum at its peak: a box and a grid for each worker, the basis at all reflections, the points."""
    transform = 16 * (fine_grid(shape, eps, best_upsampling(points, shape, eps, False)) + math.prod(shape))
    # points: place in two precisions, weight, atom, strengths in two precisions, order; reflections: basis, F, indices
    return workers * (transform + 32 * points + 16 * reflections) + 68 * points + (16 * pairs(eps) + 140) * reflections


def pairs(eps: float) -> int:
    """Transforms, of two real strengths each: 3 at 1e-4, 4 at 1e-6, 6 at 1e-9 (B of 5 to 80 A^2)."""
    return int(np.ceil(0.5 + 0.6 * np.log10(1.0 / eps)))


def points_of_a_tensor(eps: float) -> int:
    """Points that stand for an anisotropic atom: 27 at 1e-4, 50 at 1e-6, 92 at 1e-9."""
    return int(4.0 * np.log10(1.0 / eps) ** 1.4)
