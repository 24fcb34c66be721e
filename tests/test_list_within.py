"""Reflections within a resolution, of many cells at once."""

from __future__ import annotations

import numpy as np
import pytest

from argand import _seam

SEED = 3


@pytest.mark.parametrize("thinned", [False, True])
def test_lists_are_those_of_every_reflection_by_itself(thinned: bool) -> None:
    """Rows (h, k) begin anywhere along l, and some have gaps, as those of a glide plane have."""
    rng = np.random.default_rng(SEED)
    print(f"seed {SEED}")
    axes = (np.arange(-6, 7), np.arange(-5, 6), np.arange(-9, 10))
    hkl = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.int32)
    if thinned:
        hkl = np.ascontiguousarray(hkl[rng.random(len(hkl)) < 0.5])
    is_new = np.diff(hkl[:, :2], axis=0).any(axis=1)
    columns = np.flatnonzero(np.concatenate([[True], is_new, [True]]))
    vectors = rng.normal(scale=0.1, size=(7, 3, 3)) + 0.15 * np.eye(3)
    metrics = vectors @ vectors.transpose(0, 2, 1)
    limit = 0.12
    expected = np.einsum("mi,bij,mj->bm", hkl, metrics, hkl) / 4.0
    first = np.empty(8, np.int64)
    rows = np.empty(7 * len(hkl), np.int64)
    squares = np.empty(7 * len(hkl))
    _seam.list_within(hkl, columns, metrics, limit, first, rows, squares)
    assert first[-1] > 100
    for cell in range(7):
        listed = slice(first[cell], first[cell + 1])
        np.testing.assert_array_equal(rows[listed], np.flatnonzero(expected[cell] <= limit))
        np.testing.assert_allclose(squares[listed], expected[cell, rows[listed]], rtol=1e-10)
