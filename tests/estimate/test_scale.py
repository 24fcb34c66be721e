"""Scale and overall B: the values that were put in are fitted."""

from __future__ import annotations

import numpy as np
import pytest

from argand.estimate.scale import best_scale, damped, disagreement, fit_scale


def test_scale_and_b_are_those_that_were_put_in() -> None:
    """The prior draws B to 0 a little; noise of 4 % does not change B much."""
    rng = np.random.default_rng(1)
    squares = rng.uniform(0.0, 0.25, 300)
    expected = rng.gamma(2.0, 10.0, 300)
    k = np.array([0.3, 1.0, 5.0])
    b = np.array([-0.7, 0.0, 2.5])
    observed = damped(expected, k, b, squares)
    observed[:, ::7] = np.nan
    fitted = fit_scale(observed, expected, squares)
    np.testing.assert_allclose(fitted, (k, b), rtol=0.01, atol=0.01)
    noisy = observed * (1.0 + 0.04 * rng.normal(size=observed.shape))
    _, noisy_b = fit_scale(noisy, expected, squares)
    np.testing.assert_allclose(noisy_b, b, atol=0.15)


def test_no_b_where_the_data_do_not_determine_it() -> None:
    """Two reflections at one angle say nothing about B."""
    observed = np.array([[2.0, 4.0]])
    expected = np.array([1.0, 2.0])
    k, b = fit_scale(observed, expected, np.array([0.01, 0.01]))
    assert b[0] == pytest.approx(0.0, abs=1e-6)
    assert k[0] == pytest.approx(2.0)


def test_r_leaves_out_what_was_not_measured() -> None:
    """A reflection that is NaN counts neither in the sum of residuals nor in that of amplitudes."""
    observed = np.array([[10.0, np.nan, 10.0]])
    r = disagreement(observed, np.array([[9.0, 99.0, 12.0]]))
    assert r[0] == pytest.approx(3.0 / 20.0)


def test_best_scale_leaves_a_residual_that_is_orthogonal_to_the_model() -> None:
    """This is the condition of least squares, over measured reflections."""
    rng = np.random.default_rng(2)
    calculated = rng.gamma(2.0, 10.0, (3, 50))
    observed = 1.7 * calculated + rng.normal(size=calculated.shape)
    observed[:, ::5] = np.nan
    scale = best_scale(observed, calculated)
    residual = np.nan_to_num(observed - scale[:, None] * calculated)
    np.testing.assert_allclose((residual * calculated).sum(axis=1), 0.0, atol=1e-8)
