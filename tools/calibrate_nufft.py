"""Measure the constants of `argand.nufft.choice` on this machine, in a minute on one core.

python tools/calibrate_nufft.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from argand._config import set_num_threads
from argand.crystal import Crystal
from argand.nufft import choice
from argand.nufft.grid import SPREAD, Grid, count_in_cache, slices, transform
from argand.nufft.pairs import Pair, Reach
from argand.nufft.spread import plan_points
from argand.nufft.sums import structure_factors
from argand.nufft.threads import keep_pages
from argand.reflections import hkl_cube
from argand.structure_factors import structure_factors as choose_and_sum

CELL = (60.0, 70.0, 80.0, 90.0, 90.0, 90.0)
# Points and reach of a protein at 2 angstrom.
POINTS = 20_000
REACH = (30, 35, 40)
# Precision, and a tight and a loose accuracy that it is used at.
PRECISIONS = ((False, 1.3e-7, 1e-3), (True, 3e-5, 5e-3))


def seconds(work: Callable[[], Any], repeats: int = 5) -> float:
    """Return the median processor time of a call, the first call left out."""
    times = []
    for _ in range(repeats + 1):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return float(np.median(times[1:]))


def random_crystal(atoms: int) -> Crystal:
    """Make a crystal in P 1 with a multiple of four atoms at random positions."""
    rng = np.random.default_rng(1)
    frac = rng.random((atoms, 3))
    b_iso = rng.uniform(8, 45, atoms)
    types = ("C", "N", "O", "S") * (atoms // 4)
    return Crystal(CELL, types=types, frac=frac, b_iso=b_iso)


def parts_of_transform(points: int, reach: Reach, pair: Pair) -> tuple[float, float, Grid]:
    """Measure the seconds to spread points to a grid and to transform it; return the grid too."""
    rng = np.random.default_rng(1)
    grid = Grid(points, reach, pair)
    values = np.empty(grid.shape, pair.dtype)
    strengths = rng.random(points).astype(pair.dtype)
    angle = 2.0 * np.pi * (rng.random((3, points)) - 0.5)

    def spread() -> None:
        plan_points(SPREAD, grid, angle).execute(strengths, out=values)

    def to_orders() -> None:
        for planes in slices(0, len(values), count_in_cache(values[0].nbytes)):
            grid.planes_to_orders(values[planes])
        for columns in grid.column_bundles(values):
            transform(columns, 0)

    return seconds(spread), seconds(to_orders), grid


def print_transform_constants(single: bool, tight: float, loose: float) -> None:
    """Print the constants of transforms in one precision, from two accuracies."""
    tight_spread, grid_seconds, grid = parts_of_transform(POINTS, REACH, Pair(0, tight, single))
    loose_spread, _, _ = parts_of_transform(POINTS, REACH, Pair(0, loose, single))
    wide = POINTS * choice.kernel_width(tight, grid.upsampling) ** 3
    narrow = POINTS * choice.kernel_width(loose, grid.upsampling) ** 3
    spread = (tight_spread - loose_spread) / (wide - narrow)
    clear = (loose_spread - choice.PLAN_SECONDS - spread * narrow) / grid.size
    print(f"SPREAD_SECONDS single={single} {spread:.2g}")
    print(f"CLEAR_SECONDS single={single} {clear:.2g}")
    print(f"GRID_SECONDS single={single} {grid_seconds / (grid.size * np.log2(grid.size)):.2g}")


def main() -> None:
    """Measure and print all constants."""
    set_num_threads(1)
    keep_pages()
    # Not the whole cube, for which the direct sum has a faster way than for a list.
    hkl = hkl_cube(12)[:-1]
    large = random_crystal(2000)
    direct = seconds(lambda: choose_and_sum(large, hkl, method="direct"))
    print(f"DIRECT_SECONDS {direct / 2000 / len(hkl):.2g}")
    for single, tight, loose in PRECISIONS:
        print_transform_constants(single, tight, loose)
    small = random_crystal(100)
    long_list = np.tile(hkl, (21, 1))
    short = seconds(lambda: structure_factors(small, hkl))
    long = seconds(lambda: structure_factors(small, long_list))
    transforms = 1 + choice.expected_pairs(1e-6)
    print(f"REFLECTION_SECONDS {(long - short) / (20 * len(hkl)) / transforms:.2g}")
    print(f"START_SECONDS {short:.2g}")


if __name__ == "__main__":
    main()
