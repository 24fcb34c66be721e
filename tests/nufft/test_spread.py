"""Slabs of points, blocks of planes and pieces of the grid lose nothing and count nothing twice."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand import nufft
from argand.nufft import choice, spread, transforms
from argand.nufft.grid import SPREAD, Grid
from argand.nufft.pairs import Pair
from large_crystals import random_crystal, scale

pytest.importorskip("finufft", reason="finufft is not installed")


@pytest.mark.parametrize("middle", [-0.5, -0.2, 0.0, 0.37, 0.5])
@pytest.mark.parametrize("width", [0.0, 0.1, 0.45, 1.0])
@pytest.mark.parametrize(("eps", "single"), [(1e-7, False), (1e-4, True)])
def test_planes_hold_all_that_their_points_are_spread_to(middle, width, eps, single):
    """Planes around points hold their values, across the ends of the grid and for all widths."""
    rng = np.random.default_rng(19)
    pair = Pair(0, eps, single)
    grid = Grid(300, (17, 9, 8), pair)
    angle = 2 * np.pi * rng.uniform(-0.5, 0.5, (3, 300))
    angle[0] = 2 * np.pi * middle + width * angle[0]
    strengths = rng.normal(size=300) + 1j * rng.normal(size=300)
    strengths = strengths.astype(pair.dtype)
    expected = np.empty(grid.shape, pair.dtype)
    spread.plan_points(SPREAD, grid, angle).execute(strengths, out=expected)

    first, size = spread.planes_around(angle[0], grid)
    assert size == grid.shape[0] or width < 1.0
    block = np.empty((size, *grid.shape[1:]), pair.dtype)
    spread.plan_points(SPREAD, grid, angle, (first, size)).execute(strengths, out=block)
    values = np.zeros_like(expected)
    for row, plane in enumerate(block):
        values[(first + row) % len(values)] += plane
    tolerance = (1e-5 if single else 1e-13) * np.abs(expected).max()
    np.testing.assert_allclose(values, expected, rtol=0, atol=tolerance)


def test_pieces_have_every_plane_of_every_block_once():
    """Pieces of the grid cover all planes, and all rows of all blocks, without repetition."""
    rng = np.random.default_rng(21)
    for _ in range(200):
        n = int(rng.integers(5, 30))
        blocks = []
        for _ in range(4):
            blocks.append((int(rng.integers(-n, 2 * n)), int(rng.integers(1, n + 1))))
        if rng.random() < 0.3:
            blocks[0] = (0, n)
        most = int(rng.integers(1, 8))
        all_planes = []
        all_rows = []
        for piece, rows_of_blocks in spread.pieces_of_grid(blocks, n, most):
            planes = range(piece.start, piece.stop)
            assert 1 <= len(planes) <= most
            all_planes += planes
            for number, rows in rows_of_blocks:
                first, _ = blocks[number]
                for plane, row in zip(planes, range(rows.start, rows.stop), strict=True):
                    assert (first + row - plane) % n == 0
                    all_rows.append((number, row))
        assert all_planes == list(range(n))
        expected = []
        for number, (_, size) in enumerate(blocks):
            expected += [(number, row) for row in range(size)]
        assert sorted(all_rows) == expected


@pytest.mark.parametrize("threads", [1, 8, 16])
@pytest.mark.parametrize("positions", [(0.0, 1.0), (0.45, 0.5), (0.9, 1.15), (0.3, 0.3)])
def test_slabs_of_points_wherever_they_are(monkeypatch, threads, positions):
    """F is right for points all over the axis, in a part of it, across its end, or in a plane."""
    monkeypatch.setattr(transforms, "_FEWEST_POINTS", 1)
    # As if all the time went into spreading points.
    monkeypatch.setattr(choice, "parts_of_transform", lambda *_: (1.0, 0.0))
    counts: list[int] = []
    cut_into_slabs = transforms.cut_into_slabs

    def counting(sources, count):
        counts.append(count)
        return cut_into_slabs(sources, count)

    monkeypatch.setattr(transforms, "cut_into_slabs", counting)
    rng = np.random.default_rng(22)
    crystal = random_crystal(rng, atoms=300, anisotropic=0.1)
    frac = crystal.frac.copy()
    frac[:, 0] = rng.uniform(*positions, 300)
    crystal = crystal.replace(frac=frac)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=0.9)[::7]
    threads_before = argand.num_threads()
    try:
        argand.set_num_threads(threads)
        f = nufft.structure_factors(crystal, hkl)
    finally:
        argand.set_num_threads(threads_before)
    expected = argand.structure_factors(crystal, hkl, method="direct")
    assert np.abs(f - expected).max() < 1e-6 * scale(crystal, hkl)
    assert max(counts) > 1 or threads == 1
