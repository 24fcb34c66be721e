"""The network beside a regression: what it learns, when it is kept, what needs torch."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.adapt import Adaptation, adapt
from argand.adapt.held_out import as_measured, correlations, true_structure_factors
from argand.adapt.linear import regress
from argand.adapt.training import simulation_of
from argand.cli import main
from argand.errors import ArgandError
from argand.io import write_crystal

pytest.importorskip("torch")
pytest.importorskip("lightning")
from argand.adapt import network as module
from argand.adapt.network import Network, train_network

Change = Callable[..., None]

# Sum of squares of each weight after 20 steps from seed 0, as the loop without lightning gave them.
RECORDED = {
    "spread": 0.0159672108,
    "inner.weight": 86.0344696,
    "inner.bias": 9.95489693,
    "outer.weight": 0.0206192881,
    "outer.bias": 5.84652953e-05,
    "blocks.0.0.weight": 256.288574,
    "blocks.0.0.bias": 0.00122836372,
    "blocks.0.1.weight": 85.7346497,
    "blocks.0.1.bias": 0.345860839,
    "blocks.0.3.weight": 86.2342224,
    "blocks.0.3.bias": 0.323941469,
    "blocks.1.0.weight": 256.134277,
    "blocks.1.0.bias": 0.00152526307,
    "blocks.1.1.weight": 86.4315414,
    "blocks.1.1.bias": 0.326745331,
    "blocks.1.3.weight": 86.3804245,
    "blocks.1.3.bias": 0.304521561,
    "norm.weight": 257.476074,
    "norm.bias": 0.00365242688,
}


def curved(n: int, seed: int, bend: float, noise: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Amplitudes (n, 8) that depend on three parameters (n, 3), to second order with `bend`."""
    rng = np.random.default_rng(seed)
    p = rng.normal(size=(n, 3))
    law, second = np.random.default_rng(1).normal(size=(2, 3, 8))
    error = noise * rng.normal(size=(n, 8))
    amplitude = 50.0 + p @ law + bend * np.square(p) @ second + error
    return amplitude.astype(np.float32), p


@pytest.fixture
def change_settings(monkeypatch: pytest.MonkeyPatch) -> Change:
    """A function that changes the settings of the training for one test."""

    def change(**settings: float) -> None:
        monkeypatch.setattr(module, "SETTINGS", replace(module.SETTINGS, **settings))

    return change


def test_kept_where_the_law_is_not_linear(change_settings: Change) -> None:
    """Amplitudes of seeds 2 to 4."""
    change_settings(steps=300)
    linear = regress(*curved(2000, 2, 0.5))
    unseen = curved(500, 4, 0.5)
    trained = train_network(linear, curved(6000, 3, 0.5), unseen, 0)
    assert trained is not None
    network, covariance = trained
    x = linear.standard(unseen[0])
    before = linear.at(x) - unseen[1]
    after = before + network.beyond(x)
    assert np.square(after).mean() < 0.6 * np.square(before).mean()
    expected = after.T @ after / len(after)
    np.testing.assert_allclose(covariance, expected, rtol=1e-4, atol=1e-7)


def test_the_weights_are_those_that_were_recorded(change_settings: Change) -> None:
    """20 steps from seed 0, against an independent loop of torch."""
    change_settings(steps=20, worthwhile=np.inf)
    linear = regress(*curved(500, 2, 0.5))
    trained = train_network(linear, curved(500, 3, 0.5), curved(100, 4, 0.5), 0)
    assert trained is not None
    squares = {name: float(np.square(w).sum()) for name, w in trained[0].tensors().items()}
    assert squares == pytest.approx(RECORDED, rel=1e-5)


def test_not_kept_where_the_law_is_linear(change_settings: Change) -> None:
    change_settings(steps=100)
    law = {"bend": 0.0, "noise": 1.0}
    linear = regress(*curved(2000, 2, **law))
    assert train_network(linear, curved(2000, 3, **law), curved(500, 4, **law), 0) is None


def test_a_pure_function_of_its_seed(change_settings: Change) -> None:
    import torch

    change_settings(steps=20, worthwhile=np.inf)
    linear = regress(*curved(500, 2, 0.5))

    def learned(seed: int) -> Network:
        trained = train_network(linear, curved(500, 3, 0.5), curved(100, 4, 0.5), seed)
        assert trained is not None
        return trained[0]

    state = torch.random.get_rng_state()
    x = linear.standard(curved(10, 5, 0.5)[0])
    first, again, other = (learned(seed).beyond(x) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.0
    # The caller's generator is left alone.
    assert torch.equal(torch.random.get_rng_state(), state)
    restored = Network.of(learned(0).tensors())
    np.testing.assert_array_equal(restored.beyond(x), first)
    with pytest.raises(ValueError, match="no network"):
        Network.of({"inner.weight": np.zeros((256, 4), np.float32)})


@pytest.fixture(scope="module")
def made(crystal: argand.Crystal) -> Adaptation:
    """An adaptation with networks, trained for 150 steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SETTINGS", replace(module.SETTINGS, steps=150))
        return adapt(crystal, d_min=1.5, widths=(0.05, 0.5), samples=1000, seed=4, network=True)


def test_answers_at_once_are_better(crystal: argand.Crystal, made: Adaptation) -> None:
    """Seed 78: 40 samples whose atoms have moved by 0.5 angstrom."""
    assert 0.5 in made.network_widths
    plain = adapt(crystal, d_min=1.5, widths=(0.05, 0.5), samples=1000, seed=4)
    assert plain.network_widths == []
    assert plain.fingerprint != made.fingerprint
    simulation = simulation_of(crystal, 0.5, made.settings, seed=78)
    samples = simulation.draw(range(40))
    measured = as_measured(simulation, samples)
    true = true_structure_factors(simulation, samples)
    means = []
    for adaptation in (made, plain):
        estimates = adaptation.estimate(measured, refine=False)
        f = np.array([estimate.f for estimate in estimates])
        means.append(correlations(measured, f, true, crystal.spacegroup).mean())
    with_network, without = means
    assert with_network > without + 0.005


def test_saved_and_loaded_it_is_the_same(made: Adaptation, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    folder = tmp_path / "made"
    loaded = Adaptation.load(made.save(folder))
    assert loaded.fingerprint == made.fingerprint
    simulation = simulation_of(made.crystal, 0.5, made.settings, seed=79)
    measured = as_measured(simulation, simulation.draw(range(3)))
    expected = made.estimate(measured, refine=False)
    for estimate, reference in zip(loaded.estimate(measured, refine=False), expected, strict=True):
        np.testing.assert_array_equal(estimate.displacement, reference.displacement)
    assert loaded.network_widths == made.network_widths
    from safetensors.numpy import load_file, save_file

    numbers = folder / "adaptation.safetensors"
    tensors = load_file(numbers)
    save_file({name: tensors[name] for name in tensors if "norm" not in name}, numbers)
    with pytest.raises(ArgandError, match="is damaged, or of another adaptation"):
        Adaptation.load(folder)
    # A folder of an earlier argand has no digest of its arrays.
    content = json.loads((folder / "adaptation.json").read_text())
    del content["arrays_digest"]
    (folder / "adaptation.json").write_text(json.dumps(content))
    with pytest.raises(ArgandError, match="describes no adaptation: no network"):
        Adaptation.load(folder)


def test_asked_for_on_the_command_line(
    crystal: argand.Crystal,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change_settings: Change,
) -> None:
    pytest.importorskip("safetensors")
    known, run = tmp_path / "known.cif", tmp_path / "run"
    write_crystal(known, crystal)
    options = [
        "--d-min",
        "1.5",
        "--samples",
        "200",
        "--width",
        "0.3",
        "--test",
        "0",
        "--network",
        "--force",
    ]
    outputs = []
    for worthwhile in (np.inf, 0.0):
        change_settings(steps=5, worthwhile=worthwhile)
        assert main(["adapt", str(known), "-o", str(run), *options]) == 0
        outputs.append(capsys.readouterr().out)
    assert "networks kept for widths of 0.3 Å" in outputs[0]
    assert "no network was better" in outputs[1]


def test_nothing_else_needs_torch() -> None:
    code = (
        "import sys, argand.adapt, argand.adapt.store, argand.cli.adapt; "
        "print('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_a_network_that_is_only_read_does_not_need_lightning() -> None:
    code = "import sys, argand.adapt.network; print('lightning' in sys.modules)"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
