"""Data sets on one list of reflections, and the errors that explain them."""

from __future__ import annotations

import numpy as np
import pytest

from argand.estimate import Observed, noise
from argand.estimate.observed import find_reflections


def test_reflections_are_found_in_any_order() -> None:
    """The list is in no order; a reflection that it lacks has row -1."""
    rng = np.random.default_rng(1)
    drawn = rng.integers(-4, 5, (60, 3))
    indices = np.unique(drawn, axis=0).astype(np.int32)
    listed = rng.permutation(indices)
    rows = find_reflections(listed, indices)
    np.testing.assert_array_equal(listed[rows], indices)
    absent = np.array([[9, 0, 0], [0, -7, 2]], np.int32)
    np.testing.assert_array_equal(find_reflections(listed, absent), [-1, -1])
    np.testing.assert_array_equal(find_reflections(listed[:0], absent), [-1, -1])


def test_amplitudes_at_another_list() -> None:
    """Reflections that the data do not have are NaN."""
    hkl = np.array([[1, 0, 0], [0, 1, 0]], np.int32)
    amplitude = np.array([[5.0, 6.0]])
    observed = Observed(hkl, amplitude, np.ones((1, 2)))
    other = np.array([[0, 1, 0], [2, 2, 2]], np.int32)
    np.testing.assert_array_equal(observed.amplitudes_at(other), [[6.0, np.nan]])


def test_noise_is_the_r_of_gaussian_errors() -> None:
    """The mean over many reflections is that of draws."""
    rng = np.random.default_rng(2)
    amplitude = rng.gamma(2.0, 50.0, 20000)
    sigma = 0.05 * amplitude.mean() * np.ones_like(amplitude)
    residual = np.abs(sigma * rng.normal(size=amplitude.shape))
    r = residual.sum() / amplitude.sum()
    assert noise(amplitude, sigma) == pytest.approx(r, rel=0.02)
