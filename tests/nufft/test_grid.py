"""The measured kernel is the one that finufft spreads points with."""

from __future__ import annotations

import numpy as np
import pytest

from argand.nufft import grid

pytest.importorskip("finufft", reason="finufft is not installed")


@pytest.mark.parametrize("upsampling", [1.25, 2.0])
@pytest.mark.parametrize(
    ("eps", "single"), [(1e-2, True), (1e-4, True), (1e-4, False), (1e-9, False)]
)
def test_the_kernel_of_finufft_is_even_and_what_it_spreads_with(eps, single, upsampling):
    """The transform of one spread point has the modulus of the kernel's transform."""
    kernel = grid.spreading_kernel(eps, single, upsampling)
    assert len(kernel.offset) == 8 * (np.ptp(kernel.offset) + 1 / 8)
    # The kernel has a value at one of its two edges only.
    assert abs(kernel.weight @ kernel.offset) < eps

    # One point between the steps of another grid.
    x, n = 1.234, 50
    highest = int(n / 2 / upsampling)
    h = np.arange(-highest, highest + 1)
    plan = grid.finufft_plan(grid.SPREAD, (n, n, n), eps, single, upsampling, 1)
    real = np.float32 if single else np.float64
    plan.setpts(np.array([x], real), np.zeros(1, real), np.zeros(1, real))
    strength = np.ones(1, "complex64" if single else "complex128")
    values = plan.execute(strength).sum(axis=(1, 2)).real
    steps = np.arange(n) / n - 0.5
    transform = np.exp(2j * np.pi * np.outer(h, steps)) @ values

    at_zero = kernel.transform(np.zeros(1, int), n)[0]
    expected = kernel.transform(h, n) * np.exp(1j * h * x)
    scaled = transform / (values.sum() / at_zero)
    assert np.abs(scaled - expected).max() < 5 * eps * at_zero
