"""Test the network that recycles phases: its answers obey the symmetry, and its training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from argand.learn import RECIPES
from argand.learn.forecast import forecast_training
from argand.learn.losses import invariant_loss
from argand.learn.metrics import MapCorrelation
from argand.learn.models import PhaseRecycling, build_model
from argand.learn.models.density_cycles import (
    complete,
    free_cycles,
    grid_places,
    grid_points,
    soft,
)
from argand.learn.models.orbit_average import OrbitAverage
from argand.learn.orbits import ORBIT_CHANNELS, Orbits
from argand.learn.plan import plan_training
from argand.learn.samples import SampleBatch, SampleDataset, batch_features
from argand.learn.settings import DataSettings
from argand.learn.train import train
from argand.reflections import hkl_cube
from argand.simulate.artificial import ArtificialStream
from argand.store import read_arrays
from argand.symmetry import operation_arrays

HKL_MAX = 4
GROUPS = "P-1,P21/c,P212121,P31"
INPUTS = RECIPES["recycling"].inputs

# Tests of training need no good phases.
FEW_CYCLES = {"cycles": 3}


def data_of(groups: str) -> DataSettings:
    stream = ArtificialStream(groups, "atoms", (3, 4), 1.6)
    return DataSettings(None, (), hkl_max=HKL_MAX, energy_kev=None, artificial=stream)


def test_answers_obey_the_space_group() -> None:
    """F(h R) = F(h) exp(-2 pi i h.t) for each operation, F(-h) = F(h)*, mixed groups in a batch."""
    dataset = data_of(GROUPS).dataset([])
    batch = dataset.simulate(range(12))
    torch.manual_seed(0)
    net = build_model("recycling", HKL_MAX, len(INPUTS), {"cycles": 3}).eval()
    with torch.no_grad():
        answer = net(batch_features(batch, batch.mask, INPUTS, dataset.orbits())).double()
    f = torch.complex(answer[:, 0], answer[:, 1]).flatten(1).numpy()
    assert np.isfinite(f).all()
    cube = hkl_cube(HKL_MAX).astype(np.int64)
    side = 2 * HKL_MAX + 1
    assert len(set(batch.crystal.tolist())) == 4
    for row, number in enumerate(batch.crystal.tolist()):
        measured = batch.mask[row].flatten().numpy()
        assert (np.abs(f[row][measured]) > 0.0).all()
        assert not f[row][~measured].any()
        np.testing.assert_allclose(f[row][::-1], f[row].conj(), atol=1e-6)
        operations = operation_arrays(dataset.data.spacegroups[number])
        for rotation, translation in zip(*operations, strict=True):
            images = cube @ rotation
            inside = (np.abs(images) <= HKL_MAX).all(axis=1)
            h, k, l = (images[inside] + HKL_MAX).T
            expected = f[row][inside] * np.exp(-2j * np.pi * (cube[inside] @ translation))
            np.testing.assert_allclose(f[row][(h * side + k) * side + l], expected, atol=2e-6)


def powers_about_origins(values: Tensor, average: OrbitAverage, points: int) -> np.ndarray:
    """Average values (1, V) about each origin of a grid, slowly: powers (N, N, N)."""
    hkl = torch.from_numpy(hkl_cube(HKL_MAX).astype(np.int64))
    powers = np.zeros((points, points, points))
    for place in np.ndindex(powers.shape):
        angle = 2.0 * np.pi * ((hkl @ torch.tensor(place)) % points) / points
        moved = values * torch.polar(torch.ones_like(angle), angle).to(values.dtype)
        averaged = average.spread(average.collapse(moved[:, None]))[0, 0]
        powers[place] = float(averaged.abs().square().sum())
    return powers


@pytest.mark.parametrize("spacegroup", ["P -1", "P 1 21/c 1", "P 31", "P 21 21 21", "C 1 2/c 1"])
def test_map_of_origins_is_the_power_of_averages(spacegroup: str) -> None:
    """One Fourier transform gives what averaging about each origin gives."""
    channels = Orbits([spacegroup], HKL_MAX).channels(torch.zeros(1, dtype=torch.int64))
    orbit, turn, mate, restricted = channels.double().flatten(2)[0][:, None]
    generator = torch.Generator().manual_seed(7)
    voxels = orbit.shape[1]
    is_measured = torch.rand(1, voxels, generator=generator) > 0.3
    # Lists of measurements hold Friedel mates together.
    mask = (is_measured & is_measured.flip(1)).double()
    average = OrbitAverage(orbit, turn, mate, restricted, mask)
    parts = torch.randn(2, 1, voxels, generator=generator, dtype=torch.float64)
    values = torch.complex(parts[0], parts[1])
    values = values + values.flip(1).conj()
    hkl = torch.from_numpy(hkl_cube(HKL_MAX).astype(np.int64))
    points = 5
    expected = powers_about_origins(values, average, points)
    power = average.symmetry_map(values, hkl, points)[0].numpy()
    # Channels hold phases in single precision.
    np.testing.assert_allclose(power, expected, rtol=1e-6)


@pytest.mark.parametrize("groups", ["P-1", "P31", "P212121", "C2/c"])
def test_true_phases_are_moved_from_any_origin_to_a_permissible_one(groups: str) -> None:
    """A wrong origin and the wrong hand of P 31 are found; maps agree as well as without them."""
    dataset = data_of(groups).dataset([])
    batch = dataset.simulate(range(6))
    channels = batch_features(batch, batch.mask, INPUTS, dataset.orbits()).flatten(2)
    _, mask, _, orbit, turn, mate, restricted = channels.unbind(dim=1)
    average = OrbitAverage(orbit, turn, mate, restricted, mask)
    net = build_model("recycling", HKL_MAX, len(INPUTS))
    assert isinstance(net, PhaseRecycling)
    phases = torch.polar(torch.ones_like(mask), batch.phase.flatten(1)) * mask
    generator = torch.Generator().manual_seed(3)
    shift = torch.rand(3, generator=generator)
    angle = 2.0 * np.pi * (net.hkl.to(shift.dtype) @ shift)
    moved = phases.conj() * torch.polar(torch.ones_like(angle), angle)
    modulus = batch.weight.flatten(1) * mask
    found, merit = net._at_origin(moved, modulus, average)
    assert (merit > 0.9).all()
    answer = average.spread(found[:, None])[:, 0]
    prediction = torch.stack([answer.real, answer.imag], dim=1).view(6, 2, *batch.mask.shape[1:])
    metric = MapCorrelation(origins=dataset.origins())
    correlation = metric.values(prediction, batch.phase, batch.mask, batch.weight, batch.crystal)
    assert (correlation > 0.9).all()


def test_signs_have_a_derivative_in_training() -> None:
    """In P -1 all phases are 0 or pi: the cosine of an answer is a number between -1 and 1."""
    dataset = data_of("P-1").dataset([])
    batch = dataset.simulate(range(4))
    torch.manual_seed(0)
    net = build_model("recycling", HKL_MAX, len(INPUTS), {"cycles": 3})
    answer = net(batch_features(batch, batch.mask, INPUTS, dataset.orbits()))
    length = answer.square().sum(dim=1).sqrt()[batch.mask].detach().numpy()
    np.testing.assert_allclose(length, 1.0, atol=1e-5)
    cosine = answer[:, 0][batch.mask]
    assert (cosine.detach().abs() < 0.99).float().mean() > 0.5
    invariant_loss(answer, batch.phase, batch.weight).backward()
    for parameter in net.parameters():
        assert parameter.grad is not None
    assert max(float(values.grad.abs().max()) for values in net.parameters()) > 1e-3


def slow_free_cycles(box: Tensor, e: Tensor, cycles: int) -> Tensor:
    """Do the free cycles by sums over all reflections at all points: values (V,) of a box."""
    points = 12
    hkl = torch.from_numpy(hkl_cube(HKL_MAX).astype(np.float64))
    grid = torch.cartesian_prod(*(torch.arange(points, dtype=torch.float64) / points,) * 3)
    wave = torch.exp(-2j * np.pi * (grid @ hkl.T))
    measured = (e > 0.0).double()
    for _ in range(cycles):
        density = (wave @ (box * e)).real
        density = density / density.square().mean().sqrt()
        positive = (density - 0.1).clamp_min(0.0)
        returned = (wave.conj().T @ positive.to(wave.dtype)) * measured
        power = returned.abs().square().sum() / measured.sum()
        argument = returned / power.sqrt() * 0.8 * e.sqrt()
        box = argument / (1.0 + argument.abs().square()).sqrt()
    return box


def test_free_cycles_are_those_of_sums() -> None:
    """Against sums in double precision; phases that obey Friedel's law stay so."""
    dataset = data_of("P-1").dataset([])
    batch = dataset.simulate([0])
    side = 2 * HKL_MAX + 1
    shape = (side, side, side)
    mask = batch.mask.double().flatten(1)
    e = batch.amplitude.double().flatten(1) * mask
    e = e / e[mask > 0.0].square().mean().sqrt()
    generator = torch.Generator().manual_seed(3)
    angle = 2.0 * np.pi * torch.rand(e.shape, generator=generator, dtype=torch.float64)
    start = torch.polar(torch.ones_like(angle), angle)
    start = soft(start + start.flip(1).conj()) * mask
    upper = torch.arange(side**3).view(shape)[..., HKL_MAX:].flatten()
    points = grid_points(HKL_MAX)
    assert points == 12
    values, correlation = free_cycles(
        start[:, upper], e[:, upper], mask[:, upper], grid_places(shape, points), points, 4
    )
    expected = slow_free_cycles(start[0], e[0], 4)
    np.testing.assert_allclose(complete(values, shape)[0].numpy(), expected.numpy(), atol=1e-5)
    assert 0.0 < float(correlation) < 1.0


def columns_of(
    dataset: SampleDataset, batch: SampleBatch
) -> tuple[Tensor, Tensor, Tensor, OrbitAverage]:
    """Return |F|, mask and stol^2 (b, V) of samples, and the average over their equivalents."""
    features = batch_features(batch, batch.mask, INPUTS, dataset.orbits())
    amplitude, mask, stol2, *symmetry = features.flatten(2).unbind(dim=1)
    return amplitude, mask, stol2, OrbitAverage(*symmetry, mask)


def test_before_training_the_last_cycles_are_free_cycles() -> None:
    """In P 1 both are the same mapping, whatever the random weights of hidden layers."""
    dataset = data_of("P1").dataset([])
    batch = dataset.simulate(range(3))
    amplitude, mask, stol2, average = columns_of(dataset, batch)
    net = build_model("recycling", HKL_MAX, len(INPUTS), {"depth": 3})
    assert isinstance(net, PhaseRecycling)
    generator = torch.Generator().manual_seed(4)
    angle = 2.0 * np.pi * torch.rand(amplitude.shape, generator=generator)
    start = torch.polar(torch.ones_like(angle), angle)
    start = soft(start + start.flip(1).conj()) * mask
    boxes = []
    for cycles in (2, 5):
        tables = (net.places, net.points)
        half = (values[:, net.upper] for values in (start, amplitude, mask))
        boxes.append(complete(free_cycles(*half, *tables, cycles)[0], net.shape))
    sets = average.collapse(boxes[0][:, None])[:, 0]
    with torch.no_grad():
        cycled = net._with_symmetry(sets, torch.stack([amplitude, stol2]), average)
    answer = average.spread(cycled[:, None])[:, 0]
    assert float((boxes[0] - boxes[1]).abs().max()) > 0.1
    np.testing.assert_allclose(answer.numpy(), boxes[1].numpy(), atol=1e-4)


def test_the_start_with_the_best_merit_counts() -> None:
    """More starts solve more: the mean map correlation of 24 samples grows."""
    dataset = data_of("P-1").dataset([])
    batch = dataset.simulate(range(24))
    channels = batch_features(batch, batch.mask, INPUTS, dataset.orbits())
    metric = MapCorrelation(origins=dataset.origins())
    means = {}
    for starts in (1, 4):
        hyper = {"cycles": 20, "starts": starts}
        net = build_model("recycling", HKL_MAX, len(INPUTS), hyper).eval()
        with torch.no_grad():
            answer = net(channels)
        values = metric.values(answer, batch.phase, batch.mask, batch.weight, batch.crystal)
        means[starts] = float(values.mean())
    assert means[4] > means[1] + 0.05, means


def test_without_channels_of_symmetry_it_is_refused() -> None:
    with pytest.raises(ValueError, match=ORBIT_CHANNELS[0]):
        build_model("recycling", HKL_MAX, 3)


def settings_of(out: Path, **changes: object) -> dict[str, object]:
    """Return arguments of a short training on artificial crystals."""
    arguments: dict[str, object] = {
        "data": "artificial:P-1,P21/c",
        "kind": "atoms",
        "atoms": [3, 4],
        "d_min": 1.6,
        "hkl_max": HKL_MAX,
        "steps": 6,
        "batch_size": 4,
        "score_samples": 4,
        "score_every": 6,
        "progress": False,
        "out": out,
    }
    return arguments | changes


def weights_in(out: Path) -> dict[str, np.ndarray]:
    return dict(read_arrays(out / "weights.safetensors"))


def test_an_extended_training_has_the_average_of_all_steps(tmp_path: Path) -> None:
    """The average, torch's generator and the stream go on from the checkpoint."""
    for out, steps in (("once", [6]), ("twice", [6, 6])):
        for count in steps:
            train("recycling", **settings_of(tmp_path / out, steps=count, hyper=FEW_CYCLES))  # type: ignore[arg-type]
    once, twice = weights_in(tmp_path / "once"), weights_in(tmp_path / "twice")
    assert all(np.array_equal(once[name], twice[name]) for name in once)
    last = tmp_path / "last"
    train("recycling", **settings_of(last, averaging=0.0, hyper=FEW_CYCLES))  # type: ignore[arg-type]
    assert any(not np.array_equal(once[name], values) for name, values in weights_in(last).items())


def test_average_of_weights_is_that_of_the_recursion() -> None:
    """Against the recursion for one number, written out here."""
    from argand.learn.callbacks import Averaging

    net = torch.nn.Linear(2, 1)
    averaging = Averaging(net, 0.9)

    class Step:
        global_step = 0

    expected = None
    for step in range(1, 5):
        with torch.no_grad():
            net.weight.fill_(float(step * step))
        Step.global_step = step
        averaging.on_train_batch_end(Step, None, None, None, 0)  # type: ignore[arg-type]
        factor = min(0.9, (1 + step) / (10 + step))
        weight = float(step * step)
        expected = weight if expected is None else factor * expected + (1.0 - factor) * weight
    with averaging.applied():
        np.testing.assert_allclose(net.weight.detach().numpy(), expected, rtol=1e-6)
    assert net.weight[0, 0] == 16.0


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """The losses of fifty steps, in fives, and the scores are those of one process."""
    results = {}
    for processes in (1, 2):
        out = tmp_path / str(processes)
        arguments = settings_of(out, steps=50, score_every=5, processes=processes)
        results[processes] = train("mlp", **arguments)  # type: ignore[arg-type]
    one, two = results[1], results[2]
    assert one.steps == two.steps == 50
    assert len(two.history) == 10
    for record, other in zip(one.history, two.history, strict=True):
        assert record == pytest.approx(other, rel=1e-5)


def test_forecast_counts_what_is_trained() -> None:
    arguments = settings_of(Path())
    for name in ("out", "progress"):
        del arguments[name]
    settings, crystals = plan_training("mlp", "invariant", **arguments)  # type: ignore[arg-type]
    forecast = forecast_training(settings, crystals)
    net = build_model("mlp", HKL_MAX, 1, settings.recipe.hyper)
    assert forecast.parameters == sum(values.numel() for values in net.parameters())
    assert forecast.seconds == pytest.approx(6 * 4 / forecast.training_rate)


def test_the_last_cycles_learn_64_samples() -> None:
    """Steps on the same samples and starts bring the loss far below that of the first cycles."""
    dataset = data_of("P-1,P21/c").dataset([])
    batch = dataset.simulate(range(64))
    amplitude, mask, stol2, average = columns_of(dataset, batch)
    torch.manual_seed(0)
    net = build_model("recycling", HKL_MAX, len(INPUTS), {"cycles": 40})
    assert isinstance(net, PhaseRecycling)
    angle = 2.0 * np.pi * torch.rand(amplitude.shape, generator=torch.Generator().manual_seed(1))
    mean_square = (amplitude.square() * mask).sum(dim=1) / mask.sum(dim=1)
    numbers = torch.stack([amplitude / mean_square.sqrt()[:, None], stol2 / stol2.amax()])
    values, _ = net._solve(angle, numbers[0], mask, average)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-2)
    losses = []
    for _ in range(30):
        cycled = net._with_symmetry(values, numbers, average)
        answer = average.spread(average.undecided(cycled)[:, None])[:, 0]
        prediction = torch.stack([answer.real, answer.imag], dim=1)
        prediction = prediction.view(64, 2, *batch.mask.shape[1:])
        loss = invariant_loss(
            prediction, batch.phase, batch.weight, dataset.origins(), True, batch.crystal
        )
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(losses)
    assert losses[-1] < 0.6 * losses[0], losses
