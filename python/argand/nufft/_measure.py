"""The constants of `_cost` on this machine: `python -m argand.nufft._measure`, a minute, one core."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from argand._config import set_num_threads
from argand.crystal import Crystal
from argand.nufft import _cost
from argand.nufft._grid import Grid, at_a_time, parts_of, transform
from argand.nufft._pairs import Pair
from argand.nufft._spread import plan
from argand.nufft._sums import structure_factors
from argand.nufft._threads import keep_pages
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


def parts_of_transform(
    points: int, reach: tuple[int, int, int], pair: Pair
) -> tuple[float, float, Grid]:
    """Seconds between points and their grid, and of the transform of that."""
    rng = np.random.default_rng(1)
    grid = Grid.of(points, reach, pair)
    values, strengths = np.empty(grid.shape, pair.dtype), rng.random(points).astype(pair.dtype)
    angle = 2.0 * np.pi * (rng.random((3, points)) - 0.5)

    def to_orders() -> None:
        for planes in parts_of(0, len(values), at_a_time(values[0].nbytes)):
            grid.planes_to_orders(values[planes])
        for columns in grid.columns(values):
            transform(columns, 0)

    spread = seconds(lambda: plan(1, grid, pair, angle).execute(strengths, out=values))
    return spread, seconds(to_orders), grid


def main() -> None:
    set_num_threads(1)
    keep_pages()
    hkl = hkl_cube(12)[:-1]  # a list, not the cube, which has a way of its own
    print(
        f"DIRECT {seconds(lambda: choose(crystal(2000), hkl, method='direct')) / 2000 / len(hkl):.2g}"
    )
    points, reach = 20_000, (30, 35, 40)  # a protein at 2 angstrom
    for single, tight, loose in ((False, 1.3e-7, 1e-3), (True, 3e-5, 5e-3)):
        (more, rest, grid), (less, _, _) = (
            parts_of_transform(points, reach, Pair(0, eps, single)) for eps in (tight, loose)
        )
        wide, narrow = (
            points * _cost.kernel_width(eps, grid.upsampling) ** 3 for eps in (tight, loose)
        )
        spread = (more - less) / (wide - narrow)
        print(f"SPREAD {single} {spread:.2g}")
        print(f"CLEAR {single} {(less - _cost.PLAN - spread * narrow) / grid.size:.2g}")
        print(f"GRID {single} {rest / (grid.size * np.log2(grid.size)):.2g}")
    long, small = np.tile(hkl, (21, 1)), crystal(100)
    few, many = (
        seconds(lambda: structure_factors(small, hkl)),
        seconds(lambda: structure_factors(small, long)),
    )
    print(f"REFLECTION {(many - few) / (20 * len(hkl)) / (1 + _cost.pairs(1e-6)):.2g}")
    print(f"START {few:.2g}")


if __name__ == "__main__":
    main()
