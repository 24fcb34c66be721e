"""The network beside a regression: what it learns, when it is kept, and that nothing else needs torch."""

from __future__ import annotations

import json
import subprocess
import sys
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
from argand.adapt import network as module
from argand.adapt.network import Network, train_network


def curved(n: int, seed: int, bend: float, noise: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Amplitudes that depend on three parameters, to second order with `bend`."""
    rng = np.random.default_rng(seed)
    p = rng.normal(size=(n, 3))
    law, second = np.random.default_rng(1).normal(size=(2, 3, 8))
    error = noise * rng.normal(size=(n, 8))
    return (50.0 + p @ law + bend * np.square(p) @ second + error).astype(np.float32), p


def test_kept_where_the_law_is_not_linear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Amplitudes of seed 2 to 4."""
    monkeypatch.setattr(module, "SETTINGS", replace(module.SETTINGS, steps=300))
    linear = regress(*curved(2000, 2, 0.5))
    unseen = curved(500, 4, 0.5)
    trained = train_network(linear, curved(6000, 3, 0.5), unseen, 0)
    assert trained is not None
    network, covariance = trained
    x = linear.standard(unseen[0])
    before = linear.at(x) - unseen[1]
    after = before + network.beyond(x)
    assert np.square(after).mean() < 0.6 * np.square(before).mean()
    np.testing.assert_allclose(covariance, after.T @ after / len(after), rtol=1e-4, atol=1e-7)


def test_not_kept_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTINGS", replace(module.SETTINGS, steps=100))
    law = {"bend": 0.0, "noise": 1.0}
    linear = regress(*curved(2000, 2, **law))
    assert train_network(linear, curved(2000, 3, **law), curved(500, 4, **law), 0) is None


def test_a_pure_function_of_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(module, "SETTINGS", replace(module.SETTINGS, steps=20))
    monkeypatch.setattr(module, "SETTINGS", replace(module.SETTINGS, worthwhile=np.inf))
    linear = regress(*curved(500, 2, 0.5))

    def learned(seed: int) -> Network:
        trained = train_network(linear, curved(500, 3, 0.5), curved(100, 4, 0.5), seed)
        assert trained is not None
        return trained[0]

    state = torch.random.get_rng_state()
    x = linear.standard(curved(10, 5, 0.5)[0])
    one, again, other = (learned(seed).beyond(x) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 0.0
    assert torch.equal(torch.random.get_rng_state(), state)  # that of the caller is left alone
    same = Network.of(learned(0).tensors())
    np.testing.assert_array_equal(same.beyond(x), one)
    with pytest.raises(ValueError, match="no network"):
        Network.of({"inner.weight": np.zeros((256, 4), np.float32)})


@pytest.fixture(scope="module")
def made(crystal: argand.Crystal) -> Adaptation:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SETTINGS", replace(module.SETTINGS, steps=150))
        return adapt(crystal, d_min=1.5, widths=(0.05, 0.5), samples=1000, seed=4, network=True)


def test_answers_at_once_are_better(crystal: argand.Crystal, made: Adaptation) -> None:
    """Seed 78: 40 samples whose atoms have moved by 0.5 angstrom."""
    assert made.about["networks"] == [rung.width for rung in made.rungs if rung.network is not None]
    assert 0.5 in made.about["networks"]
    plain = adapt(crystal, d_min=1.5, widths=(0.05, 0.5), samples=1000, seed=4)
    assert plain.about["networks"] == []
    assert plain.fingerprint != made.fingerprint
    simulation = simulation_of(crystal, 0.5, made.about, seed=78)
    drawn = simulation.draw(range(40))
    seen, true = as_measured(simulation, drawn), true_structure_factors(simulation, drawn)
    better, before = (
        correlations(
            seen,
            np.array([one.f for one in own.estimate(seen, refine=False)]),
            true,
            crystal.spacegroup,
        )
        for own in (made, plain)
    )
    assert better.mean() > before.mean() + 0.005


def test_saved_and_loaded_it_is_the_same(made: Adaptation, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    loaded = Adaptation.load(made.save(tmp_path / "made"))
    assert loaded.fingerprint == made.fingerprint
    simulation = simulation_of(made.crystal, 0.5, made.about, seed=79)
    seen = as_measured(simulation, simulation.draw(range(3)))
    for one, other in zip(
        made.estimate(seen, refine=False), loaded.estimate(seen, refine=False), strict=True
    ):
        np.testing.assert_array_equal(one.displacement, other.displacement)
    about = json.loads((tmp_path / "made" / "adaptation.json").read_text())
    assert about["about"]["networks"] == made.about["networks"]
    from safetensors.numpy import load_file, save_file

    numbers = tmp_path / "made" / "adaptation.safetensors"
    save_file(
        {name: value for name, value in load_file(numbers).items() if "norm" not in name}, numbers
    )
    with pytest.raises(ArgandError, match="describes no adaptation: no network"):
        Adaptation.load(tmp_path / "made")


def test_asked_for_on_the_command_line(
    crystal: argand.Crystal,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("safetensors")
    monkeypatch.setattr(module, "SETTINGS", replace(module.SETTINGS, steps=5))
    write_crystal(tmp_path / "known.cif", crystal)
    options = ["--d-min", "1.5", "--samples", "200", "--width", "0.3", "--test", "0", "--network"]
    for least, words in (
        (np.inf, "networks kept for widths of 0.3 Å"),
        (0.0, "no network was better"),
    ):
        monkeypatch.setattr(module, "SETTINGS", replace(module.SETTINGS, worthwhile=least))
        assert (
            main(["adapt", str(tmp_path / "known.cif"), "-o", str(tmp_path / "run"), *options]) == 0
        )
        assert words in capsys.readouterr().out


def test_nothing_else_needs_torch() -> None:
    code = "import sys, argand.adapt, argand.adapt.store, argand.cli.adapt; print('torch' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "False\n"
    )
