"""Data sets on one list of reflections, and the errors that explain them."""

from __future__ import annotations

import numpy as np
import pytest

from argand.estimate import Observed, noise


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
