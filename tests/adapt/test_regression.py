"""The regression and the curve of widths: each agrees with the law that it was made from."""

from __future__ import annotations

import numpy as np
import pytest

from argand.adapt.linear import regress
from argand.adapt.width import WidthCurve


@pytest.mark.parametrize("n", [150, 2000], ids=["dual", "primal"])
def test_regression_finds_a_linear_law(n: int) -> None:
    """Amplitudes ten times as far from the mean as those of the samples have a large distance."""
    rng = np.random.default_rng(2)
    p = rng.normal(size=(n, 5))
    law = rng.normal(size=(5, 200))
    amplitude = 50.0 + p @ law + 0.1 * rng.normal(size=(n, 200))
    linear = regress(amplitude, p)
    new_p = rng.normal(size=(40, 5))
    new_amplitude = 50.0 + new_p @ law
    estimate = linear.at(linear.standard(new_amplitude))
    distance = linear.distance(new_amplitude)
    np.testing.assert_allclose(estimate, new_p, atol=0.15)
    assert np.sqrt(np.diag(linear.covariance)).max() < 0.12
    assert (distance < 2.0).all()
    assert linear.distance(50.0 + 10.0 * new_p @ law).min() > distance.max()


def test_uncertainty_of_a_regression_is_its_error() -> None:
    """The covariance agrees with the mean square error on new samples."""
    rng = np.random.default_rng(3)
    law = rng.normal(size=(4, 30))

    def samples(n: int) -> tuple[np.ndarray, np.ndarray]:
        p = rng.normal(size=(n, 4))
        return 50.0 + p @ law + 3.0 * rng.normal(size=(n, 30)), p

    linear = regress(*samples(3000))
    amplitude, p = samples(2000)
    error = linear.at(linear.standard(amplitude)) - p
    mean_square = np.square(error).mean(axis=0).sum()
    assert np.trace(linear.covariance) == pytest.approx(mean_square, rel=0.15)


def test_curve_of_widths_rises() -> None:
    """It follows the law between R and width that samples were drawn from."""
    rng = np.random.default_rng(4)
    width = rng.uniform(0.05, 0.7, 3000)
    r = 1.0 - np.exp(-2.0 * width) + 0.02 * rng.normal(size=3000)
    curve = WidthCurve.of_samples(r, width)
    rising = curve(np.linspace(0.0, 1.0, 50))
    assert (np.diff(rising) >= 0.0).all()
    expected = np.array([0.2, 0.4])
    r_of_width = 1.0 - np.exp(-2.0 * expected)
    np.testing.assert_allclose(curve(r_of_width), expected, rtol=0.1)
