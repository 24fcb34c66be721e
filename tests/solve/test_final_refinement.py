"""Test weights, outliers, extinction and positive tensors of the last refinement."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.cell import beta_from_b_iso, u_aniso_from_beta
from argand.extinction import Extinction
from argand.r_factors import shelxl_weight
from argand.reflections import stol
from argand.solve.final_refinement import (
    anisotropic,
    extinction_start,
    is_positive,
    robust_sigma,
    weighting_of,
)
from argand.solve.observed_amplitudes import ObservedAmplitudes
from argand.structure_factors import structure_factors
from phased_crystals import alcohol, heavy_part, phased


def residuals(a, seed, m=4000):
    """Return intensities, sigmas and calculated values whose errors need SHELXL's a."""
    rng = np.random.default_rng(seed)
    calculated = rng.exponential(100.0, m)
    sigma = np.sqrt(1.0 + 0.05 * calculated)
    error = np.sqrt(sigma**2 + (a * calculated) ** 2)
    return calculated + error * rng.normal(size=m), sigma, calculated


@pytest.mark.parametrize("a", [0.02, 0.05, 0.1])
def test_weights_make_all_residuals_alike(a):
    """The weighted mean square is one for weak and strong reflections (seed 5)."""
    intensity, sigma, calculated = residuals(a, 5)
    weighting = weighting_of(intensity, sigma, calculated, 1.0)
    weight = shelxl_weight(intensity, sigma, calculated, weighting.a, weighting.b)
    squares = weight * (intensity - calculated) ** 2
    for part in np.array_split(np.argsort(calculated), 5):
        assert squares[part].mean() == pytest.approx(1.0, abs=0.25)


def test_one_wrong_reflection_is_an_outlier_and_no_other():
    """A strong reflection behind the beam stop has its sigma enlarged; all others keep theirs."""
    intensity, sigma, calculated = residuals(0.05, 6)
    weighting = weighting_of(intensity, sigma, calculated, 1.0)
    worst = int(calculated.argmax())
    intensity[worst] = 0.0
    robust, outliers = robust_sigma(intensity, sigma, calculated, weighting, 1.0)
    assert np.flatnonzero(outliers).tolist() == [worst]
    assert robust[worst] > 10.0 * sigma[worst]
    others = np.arange(len(sigma)) != worst
    np.testing.assert_array_equal(robust[others], sigma[others])


@pytest.mark.parametrize("x", [0.05, 0.5])
def test_extinction_is_seen_where_there_is_some(x):
    """A crystal with extinction x has it found on the grid; one without has none."""
    crystal = alcohol()

    def damping(hkl, f):
        return Extinction(stol(hkl, crystal.cell), 0.71073).factor(np.abs(f) ** 2, x)

    data = phased(crystal, extinction=damping)
    f = structure_factors(crystal, data.merged.hkl, energy_kev=data.radiation.energy_kev)
    found = extinction_start(ObservedAmplitudes.of(data.merged, data.radiation), f)
    assert found is not None
    assert x / 2.0 < found < 2.0 * x
    data = phased(crystal, noise=0.02)
    assert extinction_start(ObservedAmplitudes.of(data.merged, data.radiation), f) is None


def test_a_tensor_with_a_negative_axis_is_not_positive():
    """One of two tensors in an oblique cell is made negative along one of its axes."""
    cell = (7.0, 8.0, 9.0, 80.0, 95.0, 103.0)
    good = u_aniso_from_beta(beta_from_b_iso(np.array(2.0), cell), cell)
    bad = good.copy()
    bad[3] += 0.1
    crystal = argand.Crystal(
        cell=cell,
        types=("C", "C", "C"),
        frac=np.eye(3) * 0.3,
        u_aniso=[good, bad, [np.nan] * 6],
        b_iso=[0.0, 0.0, 1.0],
    )
    assert is_positive(crystal).tolist() == [True, False, True]


def test_heavier_elements_become_anisotropic_first():
    """Few reflections give only oxygen a tensor, many give one to all but hydrogen, none to few."""
    crystal = alcohol()
    assert not anisotropic(crystal, 100).anisotropic.any()
    some = anisotropic(crystal, 320)
    assert [name for name, has in zip(some.types, some.anisotropic, strict=True) if has] == ["O"]
    full = anisotropic(crystal, 1000)
    assert np.count_nonzero(full.anisotropic) == len(heavy_part(crystal).types)
    np.testing.assert_allclose(full.b_iso, crystal.b_iso)
