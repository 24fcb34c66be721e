"""Test artificial crystals on boxes and as unique tensors, and a training on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from argand import hkl_cube, structure_factors
from argand.cli import main
from argand.errors import ArgandError
from argand.learn.artificial_boxes import ArtificialBoxes
from argand.learn.breakdown import score_parts
from argand.learn.evaluate import batches_of, evaluate, reference_scores
from argand.learn.losses import invariant_loss
from argand.learn.references import random_symmetric_phases
from argand.learn.unique import ArtificialUnique
from argand.reflections import stol
from argand.simulate.artificial import ArtificialStream

H = 3
SEED = 11
STREAM = ArtificialStream("P-1,P21/c,P 31,F d d 2,P 42/n:1", kind="atoms", atoms=(2, 3), d_min=1.3)


def boxes() -> ArtificialBoxes:
    """Make a data set of five groups."""
    return ArtificialBoxes(STREAM.data(SEED), H)


def test_boxes_hold_the_structure_factors_of_the_crystals() -> None:
    """Modulus, phase, mask and stol^2 of all equivalents, against the front door."""
    dataset = boxes()
    indices = [5, 0, 3, 8, 5, 1]
    batch = dataset.simulate(indices)
    cube = hkl_cube(H)
    for row, index in enumerate(indices):
        crystal = dataset.data.crystals.crystal(index)
        f = structure_factors(crystal, cube)
        largest = np.abs(f[cube.any(axis=1)]).max()
        stol2 = stol(cube, crystal.cell) ** 2
        np.testing.assert_allclose(batch.stol2[row].flatten(), stol2, rtol=1e-5, atol=1e-9)
        mask = batch.mask[row].flatten().numpy()
        within = (stol2 <= (0.5 / 1.3) ** 2) & cube.any(axis=1)
        # What is not in the mask has no F: it is extinguished, or weaker than rounding.
        assert not (mask & ~within).any()
        assert (np.abs(f)[within & ~mask] < 1e-4 * largest).all()
        weight = batch.weight[row].flatten().numpy()
        np.testing.assert_allclose(weight[mask], np.abs(f)[mask], atol=1e-5 * largest)
        phase = batch.phase[row].flatten().numpy()
        error = np.abs(weight * np.exp(1j * phase) - f)[mask]
        assert error.max() < 2e-5 * largest
        assert np.abs(phase).max() <= np.pi + 1e-6
        spacegroup = dataset.data.spacegroups[int(batch.crystal[row])]
        assert spacegroup == crystal.spacegroup


def test_a_loss_on_boxes_takes_the_origins_of_each_group() -> None:
    """True phases lose nothing, moved to another permissible origin neither."""
    dataset = boxes()
    batch = dataset.simulate(range(10))
    prediction = torch.stack([batch.phase.cos(), batch.phase.sin()], dim=1)
    weight = batch.weight * batch.mask
    origins = dataset.origins()
    loss = invariant_loss(prediction, batch.phase, weight, origins, crystal=batch.crystal)
    assert abs(float(loss)) < 1e-6
    half = torch.tensor([0.0, 0.0, 0.5])
    turns = torch.from_numpy(hkl_cube(H)).float() @ half
    moved = batch.phase + 2.0 * np.pi * turns.view(batch.phase.shape[1:])
    prediction = torch.stack([moved.cos(), moved.sin()], dim=1)
    loss = invariant_loss(prediction, batch.phase, weight, origins, crystal=batch.crystal)
    assert abs(float(loss)) < 1e-6


def test_unique_tensors_are_those_of_the_samples() -> None:
    """Batches of any groups; a single sample has no batch axis."""
    dataset = ArtificialUnique(STREAM.data(SEED), length=20)
    batch = dataset.simulate([4, 1, 19])
    reflections = STREAM.data(SEED).draw([4, 1, 19])
    f = torch.from_numpy(reflections.f)
    torch.testing.assert_close(batch.weight * batch.mask, f.abs() * batch.mask)
    torch.testing.assert_close(batch.phase, f.angle() * batch.mask)
    assert batch.group.tolist() == reflections.group.tolist()
    assert batch.amplitude.max() <= 1.0
    alone = dataset[1]
    length = alone.hkl.shape[0]
    assert torch.equal(alone.hkl, batch.hkl[1, :length])
    assert not batch.mask[1, length:].any()
    with pytest.raises(IndexError, match="index is 20"):
        dataset[20]


def test_boxes_need_a_side() -> None:
    with pytest.raises(ValueError, match="hkl_max is 0"):
        ArtificialBoxes(STREAM.data(SEED), 0)


def test_training_on_artificial_crystals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The verb trains, writes weights that say their data, and evaluate scores them."""
    out = tmp_path / "run"
    options = ["mlp", "--out", str(out), "--data", "artificial:P-1,P21/c", "--kind", "atoms"]
    options += ["--atoms", "2", "3", "--d-min", "1.5", "--hkl-max", "2", "--steps", "6"]
    options += ["--batch-size", "8", "--score-samples", "8", "--hyper", '{"width": 16}']
    assert main(["train", "--model", *options]) == 0
    assert "after the best hand" in capsys.readouterr().out
    scores = evaluate(out, samples=12)
    assert list(scores) == ["unseen samples"]
    assert scores["unseen samples"]["crystals"] == ["artificial:P-1,P21/c"]
    references = scores["unseen samples"]["references"]
    # The choice of origins lifts random phases above the given one.
    assert references["random_best_hand"]["mean"] < references["random"]["mean"]
    # A finished training is not done again; other data need another folder.
    assert main(["train", "--model", *options]) == 0
    assert "already finished" in capsys.readouterr().out
    assert main(["train", "--model", *options, "--noise", "0.1"]) == 2
    assert "holds a run with another data.artificial.noise" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "P-1"], "data is 'P-1', needs artificial:"),
        (["--data", "artificial:nonsense"], "spacegroups names 'nonsense'"),
        (["--data", "artificial:P-1", "--metals", "Al"], "metals is given with data"),
        (["--data", "artificial:P-1", "--atoms", "5", "2"], "atoms is [5, 2]"),
        (["--data", "artificial:P-1", "--d-min", "0.01"], "d_min is 0.01"),
    ],
)
def test_mistakes_are_named_before_a_folder_is_made(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--out", str(tmp_path / "run"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_errors_of_a_stream_are_those_of_argand() -> None:
    with pytest.raises(ArgandError, match="kind is 'gas'"):
        ArtificialStream("P-1", kind="gas").data(0)  # type: ignore[arg-type]


class TruePhases(torch.nn.Module):
    """Answer with phases that are given, moved to another permissible origin of P -1."""

    def __init__(self, dataset: ArtificialBoxes) -> None:
        super().__init__()
        self.dataset = dataset
        self.first = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (b, 2, D, D, D) for the samples of the batch that `first` begins."""
        phase = self.dataset.simulate(range(self.first, self.first + len(x))).phase
        shifted = phase + torch.from_numpy(hkl_cube(H)[:, 0] * np.pi).view(phase.shape[1:])
        return torch.stack([shifted.cos(), shifted.sin()], dim=1).float()


def test_parts_are_scored_on_their_samples() -> None:
    """True phases correlate fully in every part, chance lies below; parts add up to all samples."""
    stream = ArtificialStream("P-1,P21/c", kind="atoms", atoms=(2, 3), d_min=1.3)
    dataset = ArtificialBoxes(stream.data(SEED), H)
    batches = iter([dataset.simulate(range(64))])
    parts = score_parts(TruePhases(dataset), ("amplitude",), dataset, batches)
    assert list(parts)[:3] == ["1.3 Å", "1.5 Å", "2 Å"]
    assert parts["1.3 Å"]["model"]["samples"] == 64
    for part in parts.values():
        assert part["model"]["mean"] == pytest.approx(1.0, abs=1e-5)
        assert 0.0 < part["chance"]["mean"] < 0.9
    for labels in (("P -1", "P 1 21/c 1"), ("2 atoms", "3 atoms")):
        assert sum(parts[label]["chance"]["samples"] for label in labels) == 64
        mean = sum(parts[n]["chance"]["mean"] * parts[n]["chance"]["samples"] for n in labels) / 64
        assert mean == pytest.approx(parts["1.3 Å"]["chance"]["mean"])


def test_chance_has_signs_where_phases_are_signs() -> None:
    """In P -1 random phases are 0 or pi, each as often; Friedel mates have equal ones."""
    dataset = ArtificialBoxes(ArtificialStream("P-1", "atoms", (3, 3), 1.3).data(SEED), H)
    batch = dataset.simulate(range(16))
    answer = random_symmetric_phases(dataset.orbits(), batch, batch.mask)
    cosine, sine = answer[:, 0][batch.mask], answer[:, 1][batch.mask]
    assert float(sine.abs().max()) < 1e-6
    assert abs(float(cosine.sign().mean())) < 0.15
    flipped = answer.flip(2, 3, 4)
    torch.testing.assert_close(flipped[:, 0], answer[:, 0])


def test_random_phases_of_the_references_are_signs_too() -> None:
    """The score of P -1 is that of random signs at the best of eight origins, drawn here anew."""
    dataset = ArtificialBoxes(ArtificialStream("P-1", "atoms", (3, 3), 1.3).data(SEED), H)
    samples = 256
    score = reference_scores(dataset, samples)["random_best_hand"]
    batch = next(batches_of(dataset, samples, size=samples))
    upper = np.arange((2 * H + 1) ** 3) > (2 * H + 1) ** 3 // 2
    parities = (-1.0) ** (hkl_cube(H)[upper] @ np.array(list(np.ndindex(2, 2, 2))).T)
    generator = np.random.default_rng(SEED)
    losses = []
    for _ in range(8):
        for mask in batch.mask.flatten(1).numpy()[:, upper]:
            agreements = generator.choice([-1.0, 1.0], mask.sum()) @ parities[mask]
            losses.append(2.0 * (mask.sum() - agreements.max()))
    error = score["interval"] / 1.96
    assert abs(score["mean"] - np.mean(losses)) < 2.5 * error, (score, np.mean(losses))
