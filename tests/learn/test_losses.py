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


@pytest.fixture
def example():
    """A random prediction, phases, weights with gaps; double precision."""
    generator = torch.Generator().manual_seed(5)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    weight = normal(3, *BOX).abs() * (normal(3, *BOX) > -0.5)
    return normal(3, 2, *BOX), math.pi * torch.tanh(normal(3, *BOX)), weight


def turned(prediction, hand, origin):
    """The same structure in another hand, at another origin: phi -> hand phi + 2 pi h.t."""
    angle = hand * torch.atan2(prediction[:, 1], prediction[:, 0])
    angle = angle + 2 * math.pi * torch.from_numpy(HKL @ np.asarray(origin)).view(BOX)
    return torch.stack([angle.cos(), angle.sin()], dim=1) * 1.7


def brute_force(prediction, phase, weight, origins, hands=(1, -1)):
    """The formula as it is written, one number after another."""
    losses = []
    for p, phi, w in zip(prediction.flatten(2), phase.flatten(1), weight.flatten(1), strict=True):
        phi_hat = torch.atan2(p[1], p[0]).numpy()
        every = [
            sum(
                wj * (1 - math.cos(a - hand * b - 2 * math.pi * float(hj @ t)))
                for wj, a, b, hj in zip(
                    w.tolist(), phi.tolist(), phi_hat.tolist(), HKL, strict=True
                )
            )
            for hand in hands
            for t in origins
        ]
        losses.append(min(every) / float(w.sum()))
    return sum(losses) / len(losses)


def test_invariant_loss_is_the_minimum_over_hands_and_origins(example):
    origins = half_origins().double()
    assert origins.shape == (8, 3)
    found = invariant_loss(*example, ramps(origins, H))
    assert float(found) == pytest.approx(brute_force(*example, origins.numpy()), abs=1e-10)
    assert float(invariant_loss(*example)) == pytest.approx(
        brute_force(*example, np.zeros((1, 3))), abs=1e-10
    )
    one_hand = invariant_loss(*example, hands=False)
    assert float(one_hand) == pytest.approx(
        brute_force(*example, np.zeros((1, 3)), hands=(1,)), abs=1e-10
    )


def test_invariant_loss_does_not_see_hand_and_origin(example):
    prediction, phase, weight = example
    shifts = half_origins().double()
    table = ramps(shifts, H)
    plain, origin_too = invariant_loss(*example), invariant_loss(*example, table)
    flipped = turned(prediction, -1, (0, 0, 0))
    assert float(invariant_loss(flipped, phase, weight)) == pytest.approx(float(plain), abs=1e-10)
    for hand in (1, -1):
        moved = turned(prediction, hand, shifts[5].numpy())
        assert float(invariant_loss(moved, phase, weight, table)) == pytest.approx(
            float(origin_too), abs=1e-10
        )
    truth = torch.stack([phase.cos(), phase.sin()], dim=1)
    moved = turned(truth, -1, (0.5, 0, 0.5))
    assert float(invariant_loss(moved, phase, weight, table)) == pytest.approx(0.0, abs=1e-10)
    assert float(invariant_loss(moved, phase, weight)) > 0.1


def test_ramps_in_single_precision_agree():
    np.testing.assert_allclose(
        ramps(half_origins(), H), ramps(half_origins().double(), H), atol=1e-6
    )


def test_published_loss(example):
    prediction, phase, weight = example
    mask = weight > 0
    phi_hat = torch.atan2(prediction[:, 1], prediction[:, 0])
    expected = ((1 - torch.cos(phase - phi_hat)) * mask).sum() / len(phase)
    assert float(published_loss(prediction, phase, mask)) == pytest.approx(
        float(expected), rel=1e-10
    )


def test_continuous_origin(example):
    _, phase, weight = example
    truth = torch.stack([phase.cos(), phase.sin()], dim=1)
    moved = turned(truth, -1, (0.15, 0.35, 0.6))  # on the grid of 4 x 5 points: multiples of 1/20
    on_grid = best_continuous_agreement(moved, phase, weight)
    np.testing.assert_allclose(on_grid, weight.sum(dim=(1, 2, 3)), rtol=1e-10)
    between = best_continuous_agreement(
        turned(truth, 1, (0.123, 0.377, 0.641)), phase, weight, oversampling=8
    )
    assert (between > 0.97 * weight.sum(dim=(1, 2, 3))).all()
    one = best_continuous_agreement(moved, phase, weight, hands=False)
    assert (one < on_grid).all()


def test_losses_have_gradients(example):
    prediction, phase, weight = example
    assert torch.autograd.gradcheck(
        lambda p: invariant_loss(p, phase, weight, ramps(half_origins().double(), H)),
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
    return PerturbedCrystals([metal(symbol) for symbol in ELEMENTS_16], seed=1).simulate(
        range(1600)
    )


def test_references_of_the_first_experiment(sixteen):
    """1007 reflections a sample, all-zero 930, floor 485 +- 15: the figures of docs/learning.md."""
    references = References()
    references.update(sixteen)
    found = {name: with_interval(metric)["mean"] for name, metric in references.metrics.items()}
    assert found["reflections"] == pytest.approx(1007, abs=3)
    assert found["floor"] == pytest.approx(485, abs=15)
    assert found["all_zero"] == pytest.approx(930, abs=25)
    assert 570 < found["committed"] < 620
    assert found["random"] == pytest.approx(found["reflections"], rel=0.02)
    assert 0.9 * found["random"] < found["random_best_hand"] < found["random"]


def test_floor_is_the_best_constant_answer_to_both_hands(sixteen):
    phase, mask = sixteen.phase[:4].double(), sixteen.mask[:4]
    answers = torch.linspace(-math.pi, math.pi, 721, dtype=torch.float64)[:, None, None, None, None]
    both = 0.5 * ((1 - torch.cos(phase - answers)) + (1 - torch.cos(-phase - answers)))
    best = (both.amin(dim=0) * mask).sum(dim=(1, 2, 3))
    np.testing.assert_allclose(analytic_floor(phase, mask), best, rtol=1e-4)
    coin = 0.5 * ((1 - torch.cos(2 * phase)) * mask).sum(dim=(1, 2, 3))
    np.testing.assert_allclose(committed(phase, mask), coin, rtol=1e-10)


def test_both_hands_have_the_same_amplitudes(sixteen):
    """Why there is a floor at all."""
    crystal = metal("Cu")
    frac = np.array([crystal.frac, crystal.frac])
    frac[:, 0, 0] = 0.037, -0.037
    plus, minus = (
        argand.structure_factors(crystal.replace(frac=x), argand.hkl_cube(4)) for x in frac
    )
    np.testing.assert_allclose(minus, plus.conj(), atol=1e-10)


def test_random_phases_obey_friedel_and_depend_on_the_sample():
    phase = torch.zeros(3, *BOX)
    drawn = random_phases(phase, torch.tensor([4, 9, 4]))
    np.testing.assert_allclose(
        drawn.flip((2, 3, 4)), drawn * torch.tensor([1.0, -1.0]).view(1, 2, 1, 1, 1), atol=1e-6
    )
    assert torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], drawn[1])
    assert torch.equal(zero_phases(phase)[:, 0], torch.ones_like(phase))


def test_metrics_against_the_numpy_functions(example):
    prediction, phase, weight = example
    half = HKL[:, 0] * 25 + HKL[:, 1] * 5 + HKL[:, 2] > 0  # one of each Friedel pair
    hkl = HKL[half].astype(np.int32)
    odd = phase - phase.flip((1, 2, 3))
    even = weight + weight.flip((1, 2, 3))
    guess = prediction[:, 1] - prediction[:, 1].flip((1, 2, 3))
    even[:, H, H, H] = 0
    predicted = torch.stack([guess.cos(), guess.sin()], dim=1)
    mpe, correlation = MeanPhaseError(hands=False), MapCorrelation(hands=False)
    mpe.update(predicted, odd, even > 0, even)
    correlation.update(predicted, odd, even > 0, even)
    rows = [t.flatten(1).numpy()[:, half] for t in (odd, guess, even)]
    errors = [np.degrees(argand.phase_error(a, b, w)) for a, b, w in zip(*rows, strict=True)]
    maps = [
        argand.map_correlation(hkl, w * np.exp(1j * a), w * np.exp(1j * b))
        for a, b, w in zip(*rows, strict=True)
    ]
    assert float(mpe.compute()) == pytest.approx(np.mean(errors), rel=1e-9)
    assert float(correlation.compute()) == pytest.approx(np.mean(maps), rel=1e-9)
    assert float(mpe.interval()) == pytest.approx(
        1.96 * np.std(errors, ddof=1) / np.sqrt(3), rel=1e-6
    )


def test_metrics_after_the_best_hand_and_origin(example):
    prediction, phase, weight = example
    truth = torch.stack([phase.cos(), phase.sin()], dim=1)
    table = ramps(half_origins().double(), H)
    for hand, origin in ((1, (0, 0, 0)), (-1, (0, 0.5, 0)), (1, (0.5, 0.5, 0.5))):
        moved = turned(truth, hand, origin)
        found = [metric(origins=table) for metric in (MeanPhaseError, MapCorrelation)]
        found.append(PhaseLoss(hands=True, origins=table))
        for metric in found:
            metric.update(moved, phase, weight > 0, weight)
        assert [float(metric.compute()) for metric in found] == pytest.approx(
            [0.0, 1.0, 0.0], abs=1e-5
        )
    names = standard_metrics()
    for metric in names.values():
        metric.update(prediction[:1], phase[:1], weight[:1] > 0, weight[:1])
    assert with_interval(names["loss"])["interval"] == 0.0
    best = agreements(prediction[:1], phase[:1], (weight[:1] > 0).double()).amax()
    assert float(names["loss_best_hand"].compute()) == pytest.approx(
        float((weight[:1] > 0).sum() - best), rel=1e-9
    )
