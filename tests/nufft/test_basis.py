"""The low-rank basis describes the scattering of all atoms to its tolerance."""

from __future__ import annotations

import numpy as np

import argand
from argand.nufft import basis as bases


def test_a_few_functions_span_the_scattering_of_all_atoms():
    """The error at points between the Chebyshev points is that of the truncation."""
    rng = np.random.default_rng(12)
    types = ["C", "O", "Fe", "H"]
    numbers = rng.integers(0, 4, 3000)
    b_iso = rng.uniform(5, 80, 3000)
    occ = rng.uniform(0.1, 1, 3000)
    points = bases.sample_points((0.0, 0.1), 200.0, 1e-10)
    form = argand.form_factors(types, np.sqrt(points))
    q = rng.uniform(0.0, 0.1, 200)
    expected = bases.scattering(q, argand.form_factors(types, np.sqrt(q)), numbers, b_iso)
    sample = bases.sample_scattering(points, form, numbers, b_iso, occ)
    ranges = bases.type_ranges(numbers, b_iso, occ)
    ranks = []
    for eps in (1e-3, 1e-6, 1e-9):
        tolerance = eps * bases.rms_amplitude([sample])
        basis = bases.fit_basis(points, form, sample, ranges, 1e-10, tolerance)
        low, high = basis.interval
        reduced = (2 * q - (low + high)) / (high - low)
        v = np.polynomial.chebyshev.chebval(reduced, basis.series)
        strengths, _ = basis.strengths(numbers, b_iso)
        error = occ[:, None] * (strengths.T @ v - expected)
        assert np.sqrt(np.square(error).sum(axis=0)).max() < 1.1 * tolerance
        ranks.append(basis.rank)
    assert ranks[0] < ranks[1] < ranks[2] <= 14


def test_strengths_are_projections():
    """Strengths, their squares and their derivatives are those of matrix products."""
    rng = np.random.default_rng(20)
    q = np.sort(rng.uniform(0, 0.1, 21))
    form = rng.normal(size=(3, 21))
    for rank in (1, 2, 8, 11):
        for atoms in (0, 1, 8, 4099):
            functions = rng.normal(size=(21, rank))
            basis = bases.Basis(q, form, functions)
            numbers = rng.integers(3, size=atoms)
            b_iso = rng.uniform(-5, 80, atoms)
            g = bases.scattering(q, form, numbers, b_iso)
            expected = (g @ functions).T

            strengths, squares = basis.strengths(numbers, b_iso)
            np.testing.assert_allclose(strengths, expected, rtol=0, atol=1e-13)
            sums = np.square(strengths).sum(axis=1)
            np.testing.assert_allclose(squares, sums, rtol=1e-13)

            slopes = ((-q * g) @ functions).T
            by_b = basis.strengths_by_b(numbers, b_iso)
            np.testing.assert_allclose(by_b, slopes, rtol=0, atol=1e-13)

            occ = rng.uniform(0.1, 1, atoms)
            count = rng.uniform(1, 9, atoms)
            strengths, squares = basis.strengths(numbers, b_iso, occ, count)
            np.testing.assert_allclose(strengths, occ * expected, rtol=0, atol=1e-13)
            sums = (count * np.square(strengths)).sum(axis=1)
            np.testing.assert_allclose(squares, sums, rtol=1e-13)
