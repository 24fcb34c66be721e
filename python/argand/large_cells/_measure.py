"""The constants of `_cost` on this machine: `python -m argand.large_cells._measure`, a minute, one core."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from argand._config import set_num_threads
from argand.crystal import Crystal
from argand.large_cells import _cost
from argand.large_cells._basis import Basis, Family
from argand.large_cells._pairs import Pair, Reflections
from argand.large_cells._sums import structure_factors
from argand.large_cells._transforms import forward
from argand.reflections import hkl_cube
from argand.structure_factors import structure_factors as choose

CELL = (60.0, 70.0, 80.0, 90.0, 90.0, 90.0)


def seconds(work: Callable[[], Any], repeats: int = 5) -> float:
    """Median processor time."""
    taken = []
    for _ in range(repeats + 1):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return float(np.median(taken[1:]))


def crystal(atoms: int) -> Crystal:
    rng = np.random.default_rng(1)
    frac, b_iso = rng.random((atoms, 3)), rng.uniform(8, 45, atoms)
    return Crystal(CELL, types=("C", "N", "O", "S") * (atoms // 4), frac=frac, b_iso=b_iso)


def transform(points: int, reach: tuple[int, int, int], eps: float, single: bool) -> float:
    rng = np.random.default_rng(1)
    basis = Basis(Family(np.zeros(1), np.ones((1, 1))), np.ones((1, 2)), np.ones((1, 2)), (0.0, 0.0))
    reflections = Reflections(np.array([reach], np.int32), np.zeros(1), reach)
    frac, strengths = rng.random((points, 3)), [(Pair(0, eps, single), rng.random(points) + 0j)]
    return seconds(lambda: forward(frac, strengths, basis, reflections))


def main() -> None:
    set_num_threads(1)
    hkl = hkl_cube(12)[:-1]  # a list, not the cube, which has a way of its own
    print(f"DIRECT {seconds(lambda: choose(crystal(2000), hkl, method='direct')) / 2000 / len(hkl):.2g}")
    reach = (50, 58, 66)
    shape = [2 * n + 1 for n in reach]
    for single, eps in ((False, 1e-6), (True, 1e-4)):
        few, many = transform(100, reach, eps, single), transform(200_000, reach, eps, single)
        upsampling = _cost.best_upsampling(100, shape, eps, single)
        grid = math.prod(_cost.fine_grid(shape, eps, upsampling))
        print(f"GRID {single} {few / (grid * np.log2(grid)):.2g}")
        width = _cost.kernel_width(eps, _cost.best_upsampling(200_000, shape, eps, single))
        print(f"SPREAD {single} {((many - few) / 199_900 - _cost.POINT) / width**3:.2g} (width {width})")
    long, small = np.tile(hkl, (21, 1)), crystal(100)
    few, many = seconds(lambda: structure_factors(small, hkl)), seconds(lambda: structure_factors(small, long))
    print(f"REFLECTION {(many - few) / (20 * len(hkl)) / (1 + _cost.pairs(1e-6)):.2g}")
    print(f"START {few:.2g}")


if __name__ == "__main__":
    main()
