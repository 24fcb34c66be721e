"""Scale and B, the regression, the curve of widths: each against what it was made of."""

from __future__ import annotations

import numpy as np
import pytest

from argand.adapt.linear import regress
from argand.adapt.width import WidthCurve
from argand.estimate.scale import disagreement, fit_scale


def test_scale_and_b_are_those_that_were_put_in() -> None:
    rng = np.random.default_rng(1)
    squares, expected = rng.uniform(0.0, 0.25, 300), rng.gamma(2.0, 10.0, 300)
    k, b = np.array([0.3, 1.0, 5.0]), np.array([-0.7, 0.0, 2.5])
    observed = k[:, None] * np.exp(-b[:, None] * squares) * expected
    observed[:, ::7] = np.nan
    found = fit_scale(observed, expected, squares)
    np.testing.assert_allclose(found, (k, b), rtol=0.01, atol=0.01)  # B is drawn to 0 a little
    noisy = observed * (1.0 + 0.04 * rng.normal(size=observed.shape))
    np.testing.assert_allclose(fit_scale(noisy, expected, squares)[1], b, atol=0.15)


def test_no_b_where_the_data_do_not_tell() -> None:
    k, b = fit_scale(np.array([[2.0, 4.0]]), np.array([1.0, 2.0]), np.array([0.01, 0.01]))
    assert b[0] == pytest.approx(0.0, abs=1e-6)
    assert k[0] == pytest.approx(2.0)


def test_r_leaves_out_what_was_not_measured() -> None:
    observed = np.array([[10.0, np.nan, 10.0]])
    assert disagreement(observed, np.array([[9.0, 99.0, 12.0]]))[0] == pytest.approx(3.0 / 20.0)


@pytest.mark.parametrize("n", [150, 2000], ids=["dual", "primal"])
def test_regression_finds_a_linear_law(n: int) -> None:
    rng = np.random.default_rng(2)
    p = rng.normal(size=(n, 5))
    law = rng.normal(size=(5, 200))
    amplitude = 50.0 + p @ law + 0.1 * rng.normal(size=(n, 200))
    linear = regress(amplitude, p)
    new = rng.normal(size=(40, 5))
    amplitude = 50.0 + new @ law
    found, far = linear.at(linear.standard(amplitude)), linear.distance(amplitude)
    np.testing.assert_allclose(found, new, atol=0.15)
    assert np.sqrt(np.diag(linear.covariance)).max() < 0.12
    assert (far < 2.0).all()
    assert linear.distance(50.0 + 10.0 * new @ law).min() > far.max()


def test_uncertainty_of_a_regression_is_its_error() -> None:
    rng = np.random.default_rng(3)
    law = rng.normal(size=(4, 30))

    def samples(n: int) -> tuple[np.ndarray, np.ndarray]:
        p = rng.normal(size=(n, 4))
        return 50.0 + p @ law + 3.0 * rng.normal(size=(n, 30)), p

    linear = regress(*samples(3000))
    amplitude, p = samples(2000)
    error = linear.at(linear.standard(amplitude)) - p
    assert np.trace(linear.covariance) == pytest.approx(
        np.square(error).mean(axis=0).sum(), rel=0.15
    )


def test_curve_of_widths_rises() -> None:
    rng = np.random.default_rng(4)
    width = rng.uniform(0.05, 0.7, 3000)
    r = 1.0 - np.exp(-2.0 * width) + 0.02 * rng.normal(size=3000)
    curve = WidthCurve.of_samples(r, width)
    assert (np.diff(curve(np.linspace(0.0, 1.0, 50))) >= 0.0).all()
    np.testing.assert_allclose(
        curve(1.0 - np.exp(-2.0 * np.array([0.2, 0.4]))), (0.2, 0.4), rtol=0.1
    )
