"""Tensors of any simulation: their values are those of its samples, whatever makes the batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import argand
from argand.learn import (
    SampleBatch,
    SimulatedCrystals,
    Stream,
    features,
    fixed_loader,
    losses,
    stream_loader,
)
from argand.learn.evaluate import score
from argand.learn.models import build_model
from argand.radiation import Radiation
from argand.simulate import (
    Independent,
    Measurement,
    Perturbation,
    Simulation,
    Substitution,
    Unmodelled,
)

CHANGES = Perturbation(
    [Independent(0.1)],
    strain=0.01,
    vibration=0.1,
    substitutions=(Substitution("S", ("O",), 0.3),),
    unmodelled=Unmodelled("N", probability=0.5),
)
MEASUREMENT = Measurement(noise=0.03, scale=(0.5, 2.0), missing=0.2, d_min=(1.6, 2.0))


def crystal(spacegroup: str) -> argand.Crystal:
    """Three sites in a monoclinic cell, one of them half occupied."""
    return argand.Crystal(
        cell=(5.0, 6.0, 7.0, 90.0, 97.0, 90.0),
        spacegroup=spacegroup,
        types=("C", "O", "Pb"),
        frac=np.array([[0.1, 0.1, 0.2], [0.3, 0.2, 0.1], [0.37, 0.4, 0.3]]),
        occ=np.array([1.0, 1.0, 0.5]),
        b_iso=2.0,
    )


def simulation(spacegroup: str = "P 1 21/c 1", energy_kev: float | None = None) -> Simulation:
    """Samples with every kind of change, measured with gaps."""
    return Simulation(
        crystal(spacegroup),
        CHANGES,
        MEASUREMENT,
        d_min=1.5,
        seed=4,
        radiation=Radiation.of_table("it92", energy_kev),
        dtype="float64",
    )


def equal(a: SampleBatch, b: SampleBatch) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def joined(batches: list[SampleBatch]) -> SampleBatch:
    return SampleBatch(*(torch.cat(fields) for fields in zip(*batches, strict=True)))


def at(field: torch.Tensor, hkl: np.ndarray, hkl_max: int) -> np.ndarray:
    """Take the values (b, m) of a box (b, D, D, D) at reflections (m, 3)."""
    h, k, l = (hkl + hkl_max).T
    return field[:, h, k, l].numpy()


def test_values_are_those_of_the_simulation():
    drawn = simulation()
    dataset = SimulatedCrystals(drawn)
    indices = [5, 0, 1 << 40]
    batch = dataset.simulate(indices)
    samples = drawn.draw(indices)
    side = 2 * dataset.hkl_max + 1
    assert batch.amplitude.shape == (3, side, side, side)
    assert batch.sample.tolist() == indices
    assert batch.crystal.tolist() == [0, 0, 0]

    mask = at(batch.mask, drawn.hkl, dataset.hkl_max)
    np.testing.assert_array_equal(mask, samples.mask)
    modulus = at(batch.weight, drawn.hkl, dataset.hkl_max)
    np.testing.assert_allclose(modulus, np.abs(samples.f) * samples.mask, rtol=1e-6)
    phase = at(batch.phase, drawn.hkl, dataset.hkl_max)
    difference = np.exp(1j * phase) - np.exp(1j * np.angle(samples.f))
    assert np.abs(difference[samples.mask]).max() < 1e-6
    assert not phase[~samples.mask].any()

    everything = drawn.crystal.to_p1()
    form = argand.form_factors(everything.types, drawn.stol)
    in_phase = everything.occ @ form
    amplitude = at(batch.amplitude, drawn.hkl, dataset.hkl_max)
    expected = samples.amplitude / in_phase * samples.mask
    np.testing.assert_allclose(amplitude, expected, rtol=1e-5, atol=1e-7)

    shift = samples.frac - drawn.crystal.frac
    np.testing.assert_allclose(batch.displacement, shift, atol=1e-7)
    cube = argand.hkl_cube(dataset.hkl_max)
    for row, cell in enumerate(samples.cell):
        stol2 = argand.stol(cube, tuple(cell)) ** 2
        np.testing.assert_allclose(batch.stol2[row].flatten(), stol2, rtol=1e-6)


@pytest.mark.parametrize("spacegroup", ["P 1", "P 1 21/c 1", "C 1 2 1"])
@pytest.mark.parametrize("energy_kev", [None, 8.0])
def test_equivalents_are_those_of_the_true_crystal(spacegroup, energy_kev):
    """Where a reflection is measured on the box, its F is that of the whole sample in P 1."""
    drawn = simulation(spacegroup, energy_kev)
    dataset = SimulatedCrystals(drawn)
    batch = dataset.simulate([3])
    samples = drawn.draw([3])
    cube = argand.hkl_cube(dataset.hkl_max)
    mask = batch.mask.flatten().numpy()
    true = drawn.true_crystal(samples, 0)
    f = argand.structure_factors(true, cube[mask], energy_kev=energy_kev)
    weight, phase = batch.weight.flatten().numpy()[mask], batch.phase.flatten().numpy()[mask]
    largest = np.abs(f).max()
    np.testing.assert_allclose(weight * np.exp(1j * phase), f, atol=2e-6 * largest)
    # Without dispersion every reflection has its Friedel mate.
    has_mates = np.array_equal(mask, mask[::-1])
    assert has_mates or energy_kev is not None
    multiplicity = mask.sum() / samples.mask.sum()
    has_equivalents = spacegroup != "P 1" or energy_kev is None
    assert multiplicity > 1.5 if has_equivalents else multiplicity == 1.0


def test_a_smaller_box_holds_fewer_reflections():
    large = SimulatedCrystals(simulation()).simulate([2])
    small = SimulatedCrystals(simulation(), hkl_max=2).simulate([2])
    assert small.amplitude.shape == (1, 5, 5, 5)
    middle = large.amplitude.shape[1] // 2
    inner = slice(middle - 2, middle + 3)
    for name in ("amplitude", "phase", "mask", "stol2", "weight"):
        assert torch.equal(getattr(small, name), getattr(large, name)[:, inner, inner, inner])
    with pytest.raises(ValueError, match="hkl_max is 0"):
        SimulatedCrystals(simulation(), hkl_max=0)


@pytest.mark.parametrize("workers", [0, 2])
def test_loaders_give_the_samples_whatever_the_workers(workers):
    dataset = SimulatedCrystals(simulation(), length=30)
    expected = dataset.simulate(range(30))
    assert equal(joined(list(fixed_loader(dataset, 7, workers))), expected)
    stream = Stream(dataset, 5, batches=6)
    assert equal(joined(list(stream_loader(stream, workers))), expected)
    assert len(dataset) == 30
    single = dataset[7]
    assert all(torch.equal(field, row[7]) for field, row in zip(single, expected, strict=True))


def test_networks_losses_and_scores_take_the_batches():
    dataset = SimulatedCrystals(simulation(), hkl_max=3)
    batch = dataset.simulate(range(4))
    net = build_model("mlp", 3, 3, {"width": 8})
    prediction = net(features(batch.amplitude, batch.mask, batch.stol2))
    loss = losses.invariant_loss(prediction, batch.phase, batch.weight)
    loss.backward()
    assert torch.isfinite(loss)
    truth = torch.stack([batch.phase.cos(), batch.phase.sin()], dim=1)
    assert float(losses.published_loss(truth, batch.phase, batch.mask)) == pytest.approx(
        0,
        abs=1e-3,
    )
    scores = score(net, ("amplitude", "mask", "stol2"), dataset, samples=8)
    assert 0 < scores["mean_phase_error_deg"]["mean"] < 180
