"""What a measurement does to structure factors: each of its parts alone, against its definition."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.simulate import Independent, Measurement, Perturbation, Samples, Simulation

CRYSTAL = argand.Crystal(
    cell=(9.0, 10.0, 11.0, 90.0, 97.0, 90.0),
    spacegroup="P 1 21/c 1",
    types=("C", "N", "O", "Cl"),
    frac=np.array([[0.1, 0.1, 0.2], [0.3, 0.2, 0.1], [0.2, 0.4, 0.3], [0.4, 0.35, 0.15]]),
    b_iso=2.0,
)
STILL = Perturbation([Independent(0.0)])


def measured(n: int = 400, **settings: object) -> tuple[Simulation, Samples]:
    """Samples of the unchanged crystal under a measurement."""
    measurement = Measurement(**settings)
    simulation = Simulation(CRYSTAL, STILL, measurement, d_min=1.2, seed=4, dtype="float64")
    return simulation, simulation.draw(range(n))


def test_nothing_is_changed_by_default():
    simulation, samples = measured(3)
    assert samples.mask.all()
    assert not samples.sigma.any()
    expected = np.abs(simulation.f0)[None].repeat(3, axis=0)
    np.testing.assert_allclose(samples.amplitude, expected, atol=1e-9)


def test_noise_is_a_share_of_the_amplitude():
    simulation, samples = measured(noise=0.04)
    true = np.abs(simulation.f0)
    strong = true > 5
    error = samples.amplitude[:, strong] / true[strong] - 1
    assert error.std() == pytest.approx(0.04, rel=0.02)
    assert abs(error.mean()) < 0.002
    residual = (samples.intensity - true**2) / samples.sigma
    assert residual[:, strong].std() == pytest.approx(1.0, rel=0.01)


def test_counts_have_their_square_root_as_deviation():
    simulation, samples = measured(counts=100.0, background=2.0)
    true = np.abs(simulation.f0) ** 2
    intensity_of_count = true.mean() / 100.0
    counts = (true + 2 * true.mean()) / intensity_of_count
    expected = intensity_of_count * np.sqrt(counts)
    # Sigma is exact, not estimated from the noisy intensity.
    np.testing.assert_allclose(samples.sigma[0], expected, rtol=1e-6)
    np.testing.assert_allclose(samples.intensity.std(axis=0) / expected, 1.0, atol=0.2)
    # Weak reflections are measured as negative now and then.
    assert (samples.intensity < 0).any()
    assert (samples.amplitude[samples.intensity < 0] == 0).all()


def test_scale_and_b():
    simulation, samples = measured(scale=(0.1, 10.0), b_change=0.5)
    for row in range(5):
        decay = np.exp(-samples.b_change[row] * simulation.stol**2)
        expected = samples.scale[row] * np.abs(simulation.f0) * decay
        np.testing.assert_allclose(samples.amplitude[row], expected, atol=1e-9 * expected.max())
    logarithm = np.log10(samples.scale)
    assert logarithm.min() >= -1
    assert logarithm.max() <= 1
    assert abs(logarithm.mean()) < 0.1
    assert samples.b_change.std() == pytest.approx(0.5, rel=0.15)
    assert abs(samples.b_change.mean()) < 0.1


def test_resolution():
    simulation, samples = measured(d_min=(1.3, 2.0))
    d = 0.5 / simulation.stol
    reach = [d[mask].min() for mask in samples.mask]
    assert 1.3 - 1e-6 <= min(reach) < 1.35
    assert 1.95 < max(reach) < 2.1
    for mask in samples.mask[:20]:
        assert d[~mask].max() < d[mask].min() + 1e-9


def test_lost_reflections():
    simulation, samples = measured(missing=0.2)
    assert samples.mask.mean() == pytest.approx(0.8, abs=0.01)
    simulation, samples = measured(5, strongest=0.1)
    true = np.abs(simulation.f0)
    for mask in samples.mask:
        assert (~mask).sum() == np.ceil(0.1 * len(mask))
        assert true[~mask].min() >= true[mask].max() - 1e-9


def test_a_cone_loses_what_has_no_equivalent_outside():
    _, samples = measured(60, wedge=40.0)
    lost = 1 - samples.mask.mean()
    # One cone takes 1 - cos 40 = 23 % of a sphere, and equivalents outside it are measured.
    assert 0.0 < lost < 0.23
    without_symmetry = Perturbation([Independent(0.0)], symmetry="broken")
    simulation = Simulation(CRYSTAL, without_symmetry, Measurement(wedge=40.0), d_min=1.2)
    lost_in_p1 = 1 - simulation.draw(range(60)).mask.mean()
    assert lost_in_p1 == pytest.approx(1 - np.cos(np.radians(40)), abs=0.01)
    assert lost < lost_in_p1


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("noise", -0.1),
        ("scale", 0.0),
        ("scale", (2.0, 1.0)),
        ("missing", 1.5),
        ("strongest", -1.0),
        ("wedge", 100.0),
        ("d_min", 0.0),
        ("counts", 0.0),
        ("b_change", -1.0),
        ("background", float("nan")),
    ],
)
def test_refusals(argument, value):
    with pytest.raises(ValueError, match=argument):
        Measurement(**{argument: value})
