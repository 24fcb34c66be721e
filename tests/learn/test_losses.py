"""The losses: brute force, the symmetries they must not see, and the floor."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import argand
from argand.learn import ELEMENTS_16, PerturbedCrystals, metal
from argand.learn.losses import (
    agreements,
    best_continuous_agreement,
    half_origins,
    invariant_loss,
    published_loss,
    ramps,
    unit_phases,
)
from argand.learn.metrics import (
    MapCorrelation,
    MeanPhaseError,
    PhaseLoss,
    SampleMean,
    standard_metrics,
    with_interval,
)
from argand.learn.references import (
    References,
    analytic_floor,
    committed,
    random_phases,
    zero_phases,
)

H = 2
HKL = argand.hkl_cube(H).astype(np.float64)
BOX = (2 * H + 1,) * 3
VOXELS = (1, 2, 3)


@pytest.fixture
def example():
    """A random prediction, phases, weights with gaps; double precision."""
    generator = torch.Generator().manual_seed(5)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    weight = normal(3, *BOX).abs() * (normal(3, *BOX) > -0.5)
    prediction = normal(3, 2, *BOX)
    phase = math.pi * torch.tanh(normal(3, *BOX))
    return prediction, phase, weight


def as_prediction(phase):
    """The prediction (cos, sin) of phases."""
    return torch.stack([phase.cos(), phase.sin()], dim=1)


def turned(prediction, hand, origin):
    """The structure in another hand, at another origin: phi -> hand phi + 2 pi h.t."""
    ramp = torch.from_numpy(HKL @ np.asarray(origin)).view(BOX)
    angle = hand * torch.atan2(prediction[:, 1], prediction[:, 0])
    return 1.7 * as_prediction(angle + 2 * math.pi * ramp)


def brute_force(prediction, phase, weight, origins, hands=(1, -1)):
    """The formula as it is written, one number after another."""
    predicted = torch.atan2(prediction[:, 1], prediction[:, 0]).flatten(1).tolist()
    true = phase.flatten(1).tolist()
    weights = weight.flatten(1).tolist()
    losses = []
    for phi_hat, phi, w in zip(predicted, true, weights, strict=True):
        candidates = []
        for hand in hands:
            for origin in origins:
                total = 0.0
                for i, h in enumerate(HKL):
                    ramp = 2 * math.pi * float(h @ origin)
                    total += w[i] * (1 - math.cos(phi[i] - hand * phi_hat[i] - ramp))
                candidates.append(total)
        losses.append(min(candidates) / sum(w))
    return sum(losses) / len(losses)


def test_invariant_loss_is_the_minimum_over_hands_and_origins(example):
    origins = half_origins().double()
    assert origins.shape == (8, 3)
    no_origin = np.zeros((1, 3))
    over_all = float(invariant_loss(*example, ramps(origins, H)))
    assert over_all == pytest.approx(brute_force(*example, origins.numpy()), abs=1e-10)
    over_hands = float(invariant_loss(*example))
    assert over_hands == pytest.approx(brute_force(*example, no_origin), abs=1e-10)
    given_hand = float(invariant_loss(*example, hands=False))
    expected = brute_force(*example, no_origin, hands=(1,))
    assert given_hand == pytest.approx(expected, abs=1e-10)


def test_invariant_loss_does_not_see_hand_and_origin(example):
    prediction, phase, weight = example
    shifts = half_origins().double()
    table = ramps(shifts, H)
    over_hands = float(invariant_loss(*example))
    over_origins = float(invariant_loss(*example, table))
    flipped = turned(prediction, -1, (0, 0, 0))
    assert float(invariant_loss(flipped, phase, weight)) == pytest.approx(over_hands, abs=1e-10)
    for hand in (1, -1):
        moved = turned(prediction, hand, shifts[5].numpy())
        loss = float(invariant_loss(moved, phase, weight, table))
        assert loss == pytest.approx(over_origins, abs=1e-10)
    moved = turned(as_prediction(phase), -1, (0.5, 0, 0.5))
    loss = float(invariant_loss(moved, phase, weight, table))
    assert loss == pytest.approx(0.0, abs=1e-10)
    assert float(invariant_loss(moved, phase, weight)) > 0.1


def test_ramps_in_single_precision_agree():
    single = ramps(half_origins(), H)
    double = ramps(half_origins().double(), H)
    np.testing.assert_allclose(single, double, atol=1e-6)


def test_published_loss(example):
    prediction, phase, weight = example
    mask = weight > 0
    phi_hat = torch.atan2(prediction[:, 1], prediction[:, 0])
    expected = ((1 - torch.cos(phase - phi_hat)) * mask).sum() / len(phase)
    loss = float(published_loss(prediction, phase, mask))
    assert loss == pytest.approx(float(expected), rel=1e-10)


def test_continuous_origin(example):
    _, phase, weight = example
    truth = as_prediction(phase)
    total = weight.sum(dim=VOXELS)
    # An origin on the grid of 4 x 5 points: multiples of 1/20.
    moved = turned(truth, -1, (0.15, 0.35, 0.6))
    on_grid = best_continuous_agreement(moved, phase, weight)
    np.testing.assert_allclose(on_grid, total, rtol=1e-10)
    moved_between = turned(truth, 1, (0.123, 0.377, 0.641))
    between = best_continuous_agreement(moved_between, phase, weight, oversampling=8)
    assert (between > 0.97 * total).all()
    given_hand = best_continuous_agreement(moved, phase, weight, hands=False)
    assert (given_hand < on_grid).all()


def test_losses_have_gradients(example):
    prediction, phase, weight = example
    table = ramps(half_origins().double(), H)
    assert torch.autograd.gradcheck(
        lambda p: invariant_loss(p, phase, weight, table),
        prediction[:1].requires_grad_(),
    )
    zero = torch.zeros_like(prediction).requires_grad_()
    invariant_loss(zero, phase, weight).backward()
    assert torch.isfinite(zero.grad).all()


def test_nothing_measured_is_no_loss(example):
    prediction, phase, _ = example
    assert torch.isfinite(invariant_loss(prediction, phase, torch.zeros_like(phase)))


def test_unit_phases(example):
    c, s = unit_phases(example[0])
    np.testing.assert_allclose(c**2 + s**2, 1.0, atol=1e-9)


# ---- references and metrics ----


@pytest.fixture(scope="module")
def sixteen():
    """A hundred samples of each of the sixteen metals."""
    dataset = PerturbedCrystals([metal(symbol) for symbol in ELEMENTS_16], seed=1)
    return dataset.simulate(range(1600))


def test_references_of_the_first_experiment(sixteen):
    """1007 reflections a sample, all-zero 930, floor 485 +- 15: the figures of docs/learning.md."""
    references = References()
    references.update(sixteen)
    means = {}
    for name, metric in references.metrics.items():
        means[name] = with_interval(metric)["mean"]
    assert means["reflections"] == pytest.approx(1007, abs=3)
    assert means["floor"] == pytest.approx(485, abs=15)
    assert means["all_zero"] == pytest.approx(930, abs=25)
    assert 570 < means["committed"] < 620
    assert means["random"] == pytest.approx(means["reflections"], rel=0.02)
    assert 0.9 * means["random"] < means["random_best_hand"] < means["random"]


def test_floor_is_the_best_constant_answer_to_both_hands(sixteen):
    phase = sixteen.phase[:4].double()
    mask = sixteen.mask[:4]
    answers = torch.linspace(-math.pi, math.pi, 721, dtype=torch.float64)
    answers = answers[:, None, None, None, None]
    loss_of_hand = 1 - torch.cos(phase - answers)
    loss_of_mirror = 1 - torch.cos(-phase - answers)
    both = 0.5 * (loss_of_hand + loss_of_mirror)
    best = (both.amin(dim=0) * mask).sum(dim=VOXELS)
    np.testing.assert_allclose(analytic_floor(phase, mask), best, rtol=1e-4)
    coin = 0.5 * ((1 - torch.cos(2 * phase)) * mask).sum(dim=VOXELS)
    np.testing.assert_allclose(committed(phase, mask), coin, rtol=1e-10)


def test_both_hands_have_the_same_amplitudes(sixteen):
    """Why there is a floor at all."""
    crystal = metal("Cu")
    hkl = argand.hkl_cube(4)
    f = []
    for shift in (0.037, -0.037):
        frac = crystal.frac.copy()
        frac[0, 0] = shift
        f.append(argand.structure_factors(crystal.replace(frac=frac), hkl))
    np.testing.assert_allclose(f[1], f[0].conj(), atol=1e-10)


def test_random_phases_obey_friedel_and_depend_on_the_sample():
    phase = torch.zeros(3, *BOX)
    prediction = random_phases(phase, torch.tensor([4, 9, 4]))
    parity = torch.tensor([1.0, -1.0]).view(1, 2, 1, 1, 1)
    np.testing.assert_allclose(prediction.flip((2, 3, 4)), prediction * parity, atol=1e-6)
    assert torch.equal(prediction[0], prediction[2])
    assert not torch.equal(prediction[0], prediction[1])
    assert torch.equal(zero_phases(phase)[:, 0], torch.ones_like(phase))


def test_metrics_against_the_numpy_functions(example):
    prediction, phase, weight = example
    # one of each Friedel pair
    half = HKL @ [25, 5, 1] > 0
    hkl = HKL[half].astype(np.int32)
    odd = phase - phase.flip(VOXELS)
    even = weight + weight.flip(VOXELS)
    even[:, H, H, H] = 0
    guess = prediction[:, 1] - prediction[:, 1].flip(VOXELS)
    mean_error = MeanPhaseError(hands=False)
    correlation = MapCorrelation(hands=False)
    for metric in (mean_error, correlation):
        metric.update(as_prediction(guess), odd, even > 0, even)
    errors = []
    correlations = []
    for row in range(3):
        true, predicted, modulus = (
            field[row].flatten().numpy()[half] for field in (odd, guess, even)
        )
        errors.append(np.degrees(argand.phase_error(true, predicted, modulus)))
        f_true = modulus * np.exp(1j * true)
        f_predicted = modulus * np.exp(1j * predicted)
        correlations.append(argand.map_correlation(hkl, f_true, f_predicted))
    assert float(mean_error.compute()) == pytest.approx(np.mean(errors), rel=1e-9)
    assert float(correlation.compute()) == pytest.approx(np.mean(correlations), rel=1e-9)
    interval = 1.96 * np.std(errors, ddof=1) / np.sqrt(3)
    assert float(mean_error.interval()) == pytest.approx(interval, rel=1e-6)


def test_metrics_after_the_best_hand_and_origin(example):
    _, phase, weight = example
    truth = as_prediction(phase)
    table = ramps(half_origins().double(), H)
    for hand, origin in ((1, (0, 0, 0)), (-1, (0, 0.5, 0)), (1, (0.5, 0.5, 0.5))):
        moved = turned(truth, hand, origin)
        metrics = [
            MeanPhaseError(origins=table),
            MapCorrelation(origins=table),
            PhaseLoss(hands=True, origins=table),
        ]
        for metric in metrics:
            metric.update(moved, phase, weight > 0, weight)
        means = [float(metric.compute()) for metric in metrics]
        assert means == pytest.approx([0.0, 1.0, 0.0], abs=1e-5)


def test_standard_metrics_of_a_single_sample(example):
    prediction, phase, weight = (field[:1] for field in example)
    mask = weight > 0
    metrics = standard_metrics()
    for metric in metrics.values():
        metric.update(prediction, phase, mask, weight)
    assert with_interval(metrics["loss"])["interval"] == 0.0
    best = agreements(prediction, phase, mask.double()).amax()
    expected = float(mask.sum() - best)
    assert float(metrics["loss_best_hand"].compute()) == pytest.approx(expected, rel=1e-9)


def test_a_median_is_not_moved_by_a_few_bad_samples():
    """One sample in ten has a loss 1000 times larger: the mean is near 100, the median 1."""
    rng = torch.Generator().manual_seed(5)
    losses = 0.9 + 0.2 * torch.rand(200, generator=rng)
    losses[::10] *= 1000

    class Given(SampleMean):
        """Take the numbers of the samples as they are."""

        def values(self, prediction, phase, mask, weight, crystal=None):
            return prediction

    metric = Given()
    for batch in losses.split(64):
        metric.update(batch, batch, batch, batch)
    summary = with_interval(metric)
    assert summary["mean"] == pytest.approx(float(losses.mean()))
    assert summary["mean"] > 50
    assert summary["median"] == pytest.approx(float(losses.quantile(0.5)))
    assert 0.9 < summary["low"] < summary["median"] < summary["high"] < 1.1
    metric.reset()
    metric.update(losses[:1], losses, losses, losses)
    assert with_interval(metric)["median"] == pytest.approx(float(losses[0]))
