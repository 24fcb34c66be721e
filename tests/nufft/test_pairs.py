"""Pairs of functions share a transform that is as accurate as it needs to be."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand import _seam
from argand.nufft.pairs import choose_accuracies


def test_later_pairs_need_fewer_digits():
    """Accuracy falls with the contribution; high orders need double precision."""
    pairs = choose_accuracies(np.array([1.0, 1e-2, 1e-4, 1e-6]), 1e-6, (30, 30, 30))
    assert [pair.single for pair in pairs] == [False, True, True, True]
    assert pairs[0].eps < 1e-6 < 1e-5 < pairs[1].eps < pairs[2].eps <= 1e-2
    high_orders = choose_accuracies(np.array([1.0, 1e-2]), 1e-6, (30, 30, 30_000))
    assert not any(pair.single for pair in high_orders)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_reflections_to_box_is_the_adjoint_of_box_to_reflections(dtype):
    """Re <add_box(A), a> is half of Re <A, add_reflections(a)>, and F is v1 A1 + v2 A2."""
    rng = np.random.default_rng(33)
    reach = np.array([3, 4, 2])
    shape = tuple(2 * reach + 1)
    steps = (shape[1] * shape[2], shape[2], 1)
    axes = []
    for edge, step in zip(shape, steps, strict=True):
        half = rng.uniform(0.5, 2.0, edge // 2 + 1)
        axes.append((np.arange(edge) * step, np.concatenate([half[:0:-1], half])))
    hkl = argand.miller_indices((3.0, 4.0, 2.0, 90.0, 90.0, 90.0), "P 1", d_min=1.0)
    q = rng.uniform(0.0, 0.1, len(hkl))
    series = rng.normal(size=(5, 2))
    interval = (0.0, 0.1)

    def random_complex(*size: int) -> np.ndarray:
        return rng.normal(size=size) + 1j * rng.normal(size=size)

    box = random_complex(*shape).astype(dtype)
    a = random_complex(len(hkl))
    f = np.zeros(len(hkl), complex)
    _seam.add_box_to_reflections(hkl, q, axes, series, interval, box, f, 0, len(hkl))
    adjoint = np.zeros(shape, dtype)
    _seam.add_reflections_to_box(hkl, q, axes, series, interval, a, adjoint)
    by_reflections = np.vdot(a, f).real
    by_box = np.vdot(adjoint, box).real
    tolerance = 1e-5 if dtype == "complex64" else 1e-13
    norms = np.linalg.norm(a) * np.linalg.norm(f)
    assert abs(by_reflections - 0.5 * by_box) < tolerance * norms

    v1, v2 = np.polynomial.chebyshev.chebval(20.0 * q - 1.0, series)
    h, k, l = (hkl + reach).T
    factor = axes[0][1][h] * axes[1][1][k] * axes[2][1][l]
    here = box[h, k, l].astype(complex)
    mate = box[tuple((reach - hkl).T)].astype(complex)
    a1 = 0.5 * (here + mate.conj())
    a2 = -0.5j * (here - mate.conj())
    np.testing.assert_allclose(f, factor * (v1 * a1 + v2 * a2), rtol=0, atol=tolerance * norms)
