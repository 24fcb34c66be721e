"""Choose between the direct sum and non-uniform transforms by what they cost.

The cost model gives seconds of one core and bytes of memory before a sum is begun. Its constants
were measured on one core of an AMD EPYC of the fourth generation by
`python tools/calibrate_nufft.py`; only their ratios decide.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand._config import num_threads
from argand._memory import demand, memory_limit
from argand.crystal import Crystal
from argand.nufft.basis import LARGEST_DEGREE, chebyshev_degree
from argand.reflections import as_hkl, survey

INSTALL = (
    "method='nufft' needs finufft 2.5 or later: pip install \".[nufft]\" in argand's source folder"
)

# The smallest `eps` that transforms keep: rounding alone is up to 5e-12 of S.
SMALLEST_EPS = 1e-11
# The largest `eps`: fewer digits are hardly faster.
LARGEST_EPS = 1e-2

# One term of the direct sum: one atom at one reflection.
DIRECT_SECONDS = 0.42e-9
# One transform, to sort its points.
PLAN_SECONDS = 0.5e-3
# One point of the fine grid times log2 of their number, in double and in single precision.
GRID_SECONDS = {False: 0.53e-9, True: 0.29e-9}
# One point of the fine grid, to clear it before points are spread to it.
CLEAR_SECONDS = {False: 7e-9, True: 2.7e-9}
# One point and one grid point that it is spread to.
SPREAD_SECONDS = {False: 0.35e-9, True: 0.21e-9}
# One reflection in one transform.
REFLECTION_SECONDS = 7e-9
# One atom, to compute its strengths.
ATOM_SECONDS = 100e-9
# Everything that does not depend on the size.
START_SECONDS = 4e-3

# A plan of finufft fills a second grid beside the one that it is given.
GRIDS_OF_PLAN = 2

# Ratios of the fine grid to the orders that are wanted; others were no faster.
_UPSAMPLING = (1.25, 2.0)
# The smallest eps that an upsampling of 1.25 reaches.
_SMALLEST_EPS_OF_NARROW = 1e-9
# More than the B (A^2) of the sharpest Gaussian in any table of form factors.
_SHARPEST_FORM = 1000.0
# Below so many atoms x reflections (ten milliseconds of the direct sum) no estimate is made.
_SMALL = 2e7
# Accuracy from which on a pair is transformed in single precision.
_SINGLE_EPS = 2e-5

Shape = tuple[int, int, int]


class NufftCost(NamedTuple):
    """State the estimated cost of a sum over the atoms of a crystal in P 1, on one core."""

    direct_seconds: float
    nufft_seconds: float
    nufft_bytes: int


@lru_cache(maxsize=1)
def installed() -> bool:
    """Tell whether finufft and threadpoolctl are installed.

    Versions of finufft before 2.5 cannot spread without transforming, and are less accurate than
    they promise.
    """
    for name in ("finufft", "threadpoolctl"):
        if importlib.util.find_spec(name) is None:
            return False
    major, minor = importlib.metadata.version("finufft").split(".")[:2]
    return [int(major), int(minor)] >= [2, 5]


def estimate(
    crystal: Crystal, hkl: NDArray[np.int32], eps: float = 1e-6, dispersion: bool = False
) -> NufftCost:
    """Estimate what the direct sum and the transforms cost for a crystal in P 1 at hkl (m, 3)."""
    atoms = len(crystal.types)
    points = _count_points(crystal, eps)
    _, reach, _ = survey(as_hkl(hkl), crystal.cell)
    shape = orders(reach)
    return NufftCost(
        DIRECT_SECONDS * atoms * len(hkl),
        nufft_seconds(atoms, points, len(hkl), shape, eps, dispersion),
        nufft_bytes(points, len(hkl), shape, eps, num_threads()),
    )


def pays(crystal: Crystal, hkl: NDArray[Any], eps: float, dispersion: bool) -> bool:
    """Tell whether transforms save more than half of the time for a crystal in P 1 at hkl (m, 3).

    The direct sum has no error, so a small gain is no reason to leave it. The answer is False where
    transforms cannot be used: without finufft, at orders that are not integers, for an eps that is
    too small.
    """
    if len(crystal.types) * len(hkl) < _SMALL or eps < SMALLEST_EPS:
        return False
    if not np.issubdtype(hkl.dtype, np.integer) or not installed():
        return False
    _, _, (least, most) = survey(as_hkl(hkl), crystal.cell)
    sharpest = _SHARPEST_FORM + float(crystal.b_iso.max(initial=0.0))
    if chebyshev_degree(sharpest * (most - least), eps) > LARGEST_DEGREE:
        return False
    cost = estimate(crystal, hkl, eps, dispersion)
    return 2.0 * cost.nufft_seconds < cost.direct_seconds and cost.nufft_bytes < memory_limit()


def require_usable(
    crystal: Crystal, reflections: int, reach: tuple[int, int, int], eps: float
) -> None:
    """Raise an error where transforms cannot be used for a crystal in P 1.

    Parameters
    ----------
    crystal : Crystal
        Atoms of the sum.
    reflections : int
        Number of reflections.
    reach : (3,)
        Largest |h|, |k|, |l|.
    eps : float
        Accuracy asked for.

    Raises
    ------
    ValueError
        eps is out of range.
    ImportError
        finufft is not installed.
    MemoryLimitError
        The grids would be larger than `argand.memory_limit` allows.
    """
    if not SMALLEST_EPS <= eps <= LARGEST_EPS:
        raise ValueError(f"eps is {eps}, needs {SMALLEST_EPS:g} to {LARGEST_EPS:g}")
    if not installed():
        raise ImportError(INSTALL)
    if not reflections:
        return
    points = _count_points(crystal, eps)
    needed = nufft_bytes(points, reflections, orders(reach), eps, num_threads())
    demand_grids(reach, needed)


def demand_grids(reach: Sequence[int], needed: float) -> None:
    """Raise where grids for hkl to `reach` (3,) need more bytes than a call may take."""
    h, k, l = reach
    demand(f"method='nufft' for hkl to {h} {k} {l}", needed, "use method='direct'")


def orders(reach: tuple[int, int, int]) -> Shape:
    """Return how many orders -reach .. reach there are along each axis."""
    h, k, l = (2 * n + 1 for n in reach)
    return h, k, l


def kernel_width(eps: float, upsampling: float) -> int:
    """Return how many grid points finufft spreads a point to, along one axis."""
    if upsampling == 2.0:
        width = np.log10(10.0 / eps)
    else:
        width = -np.log(eps) / (np.pi * np.sqrt(1.0 - 1.0 / upsampling))
    return max(2, int(np.ceil(width)))


@lru_cache(maxsize=1024)
def fine_grid(shape: Shape, eps: float, upsampling: float) -> Shape:
    """Return the shape of the grid that points are spread to, for orders of a given shape."""
    from scipy.fft import next_fast_len

    # finufft refuses grids shorter than two kernels, and may take a wider kernel than expected.
    smallest = 2 * kernel_width(eps, upsampling) + 4

    def edge(orders: int) -> int:
        needed = max(smallest, math.ceil(upsampling * orders))
        return int(next_fast_len(needed))

    h, k, l = shape
    return edge(h), edge(k), edge(l)


@lru_cache(maxsize=1024)
def best_upsampling(points: int, shape: Shape, eps: float, single: bool) -> float:
    """Return the ratio of grid to orders with which a transform is fastest."""
    fastest = 2.0
    fastest_seconds = math.inf
    for upsampling in _UPSAMPLING:
        if upsampling != 2.0 and eps < _SMALLEST_EPS_OF_NARROW:
            continue
        seconds = sum(parts_of_transform(points, shape, eps, single, upsampling))
        if seconds < fastest_seconds:
            fastest, fastest_seconds = upsampling, seconds
    return fastest


def parts_of_transform(
    points: int, shape: Shape, eps: float, single: bool, upsampling: float
) -> tuple[float, float]:
    """Return the seconds of a transform: between its points and its grid, and for the rest."""
    grid_points = math.prod(fine_grid(shape, eps, upsampling))
    point_seconds = SPREAD_SECONDS[single] * kernel_width(eps, upsampling) ** 3
    spreading = PLAN_SECONDS + CLEAR_SECONDS[single] * grid_points + points * point_seconds
    return spreading, float(GRID_SECONDS[single] * grid_points * np.log2(grid_points))


def nufft_seconds(
    atoms: int, points: int, reflections: int, shape: Shape, eps: float, dispersion: bool = False
) -> float:
    """Return the seconds of a sum by transforms, whose anisotropic atoms are several points."""
    seconds = START_SECONDS + ATOM_SECONDS * atoms + REFLECTION_SECONDS * reflections
    for pair in range(expected_pairs(eps)):
        # Strengths fall tenfold from one function to the next: a hundredfold from pair to pair.
        accuracy = min(LARGEST_EPS, 0.3 * eps * 100.0**pair)
        single = accuracy >= _SINGLE_EPS
        upsampling = best_upsampling(points, shape, accuracy, single)
        transform = sum(parts_of_transform(points, shape, accuracy, single, upsampling))
        seconds += transform + REFLECTION_SECONDS * reflections
    return 2.0 * seconds if dispersion else seconds


def nufft_bytes(points: int, reflections: int, shape: Shape, eps: float, threads: int) -> int:
    """Return the peak memory in bytes of a sum by transforms: grids, points, reflections."""
    upsampling = best_upsampling(points, shape, eps, False)
    n1, n2, n3 = fine_grid(shape, eps, upsampling)
    planes = min(threads, expected_pairs(eps)) * n1
    if threads > 1:
        # Threads that spread a slab of the points each have planes of their own.
        width = kernel_width(eps, upsampling)
        planes += n1 + min(threads, n1 // width) * (width + 4)
    # A point has its position in two precisions, its weight, atom and order, and the strengths of
    # all pairs; a reflection has F, q and indices.
    bytes_a_point = 140 + 16 * expected_pairs(eps)
    grids = GRIDS_OF_PLAN * 16 * planes * n2 * n3
    return grids + bytes_a_point * points + 60 * reflections


def expected_pairs(eps: float) -> int:
    """Return how many transforms a sum takes: 3 at an eps of 1e-4, 4 at 1e-6, 6 at 1e-9.

    Measured with B of 5 to 80 A^2.
    """
    return int(np.ceil(0.5 + 0.6 * np.log10(1.0 / eps)))


def points_of_a_tensor(eps: float) -> int:
    """Return how many points stand for an anisotropic atom: 27 at 1e-4, 50 at 1e-6, 92 at 1e-9."""
    return int(4.0 * np.log10(1.0 / eps) ** 1.4)


def _count_points(crystal: Crystal, eps: float) -> int:
    """Return the expected number of points of all atoms of a crystal."""
    atoms = len(crystal.types)
    if crystal.u_aniso is None:
        return atoms
    has_tensor = ~np.isnan(crystal.u_aniso[:, 0])
    tensors = int(np.count_nonzero(has_tensor))
    return atoms - tensors + tensors * points_of_a_tensor(eps)
