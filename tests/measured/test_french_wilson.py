"""Posterior of weak intensities against quadrature, parabolic cylinder functions, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, special

from argand.errors import ArgandError
from argand.measured import amplitudes, calculated_intensity, french_wilson, merge
from intensities import measured, random_crystal

SHIFTS = [-60.0, -12.0, -4.0, -1.5, 0.0, 0.7, 3.0, 8.0, 15.0]


def by_quadrature(
    intensity: float, sigma: float, expected: float, centric: bool
) -> tuple[float, ...]:
    """Moments of J and sqrt(J) under prior x likelihood, as French and Wilson write them."""
    rate = 1 / (2 * expected) if centric else 1 / expected
    # J = t^2 removes the root at 0; the factor exp(log_peak) keeps the integrand near 1.
    peak = max(intensity - sigma**2 / expected, 0.0)
    log_peak = 0.5 * ((intensity - peak) / sigma) ** 2 + peak * rate

    def density(j: float) -> float:
        prior = np.exp(-j * rate)
        if centric:
            prior /= np.sqrt(j)
        return prior * np.exp(-0.5 * ((intensity - j) / sigma) ** 2 + log_peak)

    def moment(power: float) -> float:
        value, _ = integrate.quad(
            lambda t: 2 * t * density(t * t) * t ** (2 * power),
            0,
            np.sqrt(peak + 12 * sigma),
            points=[np.sqrt(peak)] if peak else None,
            limit=400,
            epsabs=0,
            epsrel=1e-11,
        )
        return value

    norm = moment(0.0)
    j = moment(1.0) / norm
    f = moment(0.5) / norm
    return j, np.sqrt(moment(2.0) / norm - j**2), f, np.sqrt(j - f**2)


@pytest.mark.parametrize("centric", [False, True])
@pytest.mark.parametrize("expected", [0.3, 2.0, 50.0])
@pytest.mark.parametrize("intensity", SHIFTS)
def test_against_quadrature(intensity: float, expected: float, centric: bool) -> None:
    posterior = french_wilson([intensity * 1.7], [1.7], [expected], [centric])
    values = by_quadrature(intensity * 1.7, 1.7, expected, centric)
    assert [float(part[0]) for part in posterior] == pytest.approx(values, rel=2e-6)


@pytest.mark.parametrize("centric", [False, True])
def test_against_parabolic_cylinder_functions(centric: bool) -> None:
    """E[F] = sqrt(sigma) Gamma(nu + 1/2) D_{-nu-1/2}(-h) / (Gamma(nu) D_{-nu}(-h))."""
    h = np.linspace(-6, 6, 25)
    nu = 0.5 if centric else 1.0
    # A flat prior: mu is I.
    posterior = french_wilson(h + nu / 1e9, 1.0, 1e9, centric)
    numerator, _ = special.pbdv(-nu - 0.5, -h)
    denominator, _ = special.pbdv(-nu, -h)
    expected = special.gamma(nu + 0.5) / special.gamma(nu) * numerator / denominator
    np.testing.assert_allclose(posterior.amplitude, expected, rtol=1e-8)


def test_strong_intensities_keep_their_value() -> None:
    posterior = french_wilson([1e4, 1e8], [1.0, 1.0], 1e5, [False, True])
    np.testing.assert_allclose(posterior.intensity, [1e4, 1e8], rtol=1e-6)
    np.testing.assert_allclose(posterior.amplitude, [100, 1e4], rtol=1e-6)
    np.testing.assert_allclose(posterior.sigma_intensity, 1.0, rtol=1e-5)
    np.testing.assert_allclose(posterior.sigma_amplitude, [1 / 200, 1 / 2e4], rtol=1e-2)


def test_numbers_beyond_all_measure() -> None:
    centric = [False, True, True]
    posterior = french_wilson([1e20, 1e7, -1e20], [1.0, 1.0, 1.0], [1.0, 1e6, 1.0], centric)
    np.testing.assert_allclose(posterior.intensity[:2], [1e20, 1e7])
    np.testing.assert_allclose(posterior.amplitude[:2], [1e10, 1e7**0.5])
    np.testing.assert_allclose(posterior.sigma_amplitude[:2], [0.5e-10, 0.5 / 1e7**0.5])
    for part in posterior:
        assert 0 < part[2] < 1e-2


@pytest.mark.parametrize("centric", [False, True])
def test_order_is_kept_and_all_is_positive(centric: bool) -> None:
    intensity = np.linspace(-1000, 1000, 4001)
    posterior = french_wilson(intensity, 1.0, 2.0, centric)
    for part in posterior:
        assert np.isfinite(part).all()
        assert (part > 0).all()
    assert (np.diff(posterior.amplitude) > 0).all()
    assert (np.diff(posterior.intensity) > 0).all()


def test_the_posterior_is_right_on_average() -> None:
    """Truth drawn from the prior, measured with noise: estimates have the mean of the truth."""
    rng = np.random.default_rng(9)
    n = 200_000
    acentric = rng.exponential(2.0, n)
    acentric_intensity = acentric + 1.5 * rng.normal(size=n)
    centric = 2.0 * rng.normal(size=n) ** 2
    centric_intensity = centric + 1.5 * rng.normal(size=n)
    cases = ((False, acentric, acentric_intensity), (True, centric, centric_intensity))
    for is_centric, truth, intensity in cases:
        posterior = french_wilson(intensity, 1.5, 2.0, is_centric)
        assert posterior.intensity.mean() == pytest.approx(truth.mean(), rel=0.01)
        assert posterior.amplitude.mean() == pytest.approx(np.sqrt(truth).mean(), rel=0.01)
        error = posterior.amplitude - np.sqrt(truth)
        chi2 = np.mean((error / posterior.sigma_amplitude) ** 2)
        assert chi2 == pytest.approx(1.0, abs=0.02)


def test_amplitudes_of_merged_data() -> None:
    """Amplitudes are nearer to the truth than the root of an intensity cut off at zero."""
    crystal = random_crystal("P 21 21 21", b_iso=8.0)
    merged = merge(measured(crystal, d_min=0.8, noise=0.1, scale=1.0))
    assert (merged.intensity < 0).sum() > 50
    truth = np.sqrt(calculated_intensity(crystal, merged.hkl))
    treated = amplitudes(merged).amplitude
    cut_off = np.sqrt(np.maximum(merged.intensity, 0.0))
    assert np.square(treated - truth).sum() < 0.8 * np.square(cut_off - truth).sum()


def test_arguments_that_must_be_positive() -> None:
    with pytest.raises(ArgandError, match="sigma holds 0"):
        french_wilson([1.0], [0.0], [1.0], [False])
    with pytest.raises(ArgandError, match="expected holds -1"):
        french_wilson([1.0], [1.0], [-1.0], [False])
    with pytest.raises(ArgandError, match="intensity holds NaN"):
        french_wilson([np.nan], [1.0], [1.0], [False])
