"""Test the loss on unique reflections on all 230 space groups: no permissible choice changes it."""

from __future__ import annotations

from functools import lru_cache

import gemmi
import numpy as np
import pytest
import torch

from argand.learn.symmetric_loss import (
    GroupOrigins,
    reflection_weights,
    symmetric_alignment,
    symmetric_loss,
)
from argand.learn.unique import UniqueBatch
from argand.origins import Hand, Origins, permissible_origins
from argand.reflections import hkl_cube
from argand.simulate.artificial import ReflectionTable

GROUPS = [gemmi.find_spacegroup_by_number(number).xhm() for number in range(1, 231)]
CHOICES = 50
# Logits of signs that are certain: what is left of the loss is below single precision.
CERTAIN = 40.0


@lru_cache(maxsize=8)
def origins_of(spacegroup: str, hand: Hand) -> Origins:
    """Return the permissible origins of a group, which are searched once."""
    return permissible_origins(spacegroup, hand)


def random_batch(
    spacegroups: list[str], samples: int, generator: np.random.Generator, h_max: int = 3
) -> UniqueBatch:
    """Make samples with random phases, which the symmetry of their groups allows."""
    tables = [ReflectionTable(name, hkl_cube(h_max)) for name in spacegroups]
    longest = max(len(table.hkl) for table in tables)
    group = np.arange(samples) % len(tables)
    shape = (samples, longest)
    arrays = {
        name: np.zeros(shape)
        for name in ("phase", "multiplicity", "epsilon", "restricted", "weight")
    }
    hkl = np.zeros((*shape, 3), np.int32)
    mask, centric = np.zeros(shape, bool), np.zeros(shape, bool)
    for row, number in enumerate(group):
        table = tables[number]
        m = len(table.hkl)
        hkl[row, :m] = table.hkl
        mask[row, :m] = True
        centric[row, :m] = table.centric
        phase = generator.uniform(-np.pi, np.pi, m)
        signs = np.pi * generator.integers(0, 2, m)
        arrays["phase"][row, :m] = np.where(table.centric, table.restricted + signs, phase)
        arrays["multiplicity"][row, :m] = table.multiplicity
        arrays["epsilon"][row, :m] = table.epsilon
        arrays["restricted"][row, :m] = table.restricted
        arrays["weight"][row, :m] = generator.exponential(20.0, m)
    tensors = {name: torch.from_numpy(array).float() for name, array in arrays.items()}
    return UniqueBatch(
        hkl=torch.from_numpy(hkl),
        amplitude=tensors["weight"],
        e=tensors["weight"],
        mask=torch.from_numpy(mask),
        stol2=tensors["weight"],
        centric=torch.from_numpy(centric),
        group=torch.from_numpy(group),
        sample=torch.arange(samples),
        **tensors,
    )


def moved_phases(
    batch: UniqueBatch, spacegroups: list[str], generator: np.random.Generator
) -> torch.Tensor:
    """Return the phases (b, m) of each sample in a random permissible hand and origin."""
    phases = batch.phase.double().clone()
    for row, number in enumerate(batch.group.tolist()):
        hand = 1 if generator.random() < 0.5 else -1
        origins = origins_of(spacegroups[number], hand)
        if not len(origins.shifts):
            hand, origins = 1, origins_of(spacegroups[number], 1)
        shift = origins.shifts[generator.integers(len(origins.shifts))]
        shift = shift + generator.uniform(-1.0, 1.0, len(origins.axes)) @ origins.axes
        turns = batch.hkl[row].double() @ torch.from_numpy(shift)
        phases[row] = hand * phases[row] + 2.0 * np.pi * turns
    return phases


def as_prediction(phases: torch.Tensor, length: float = CERTAIN) -> torch.Tensor:
    """Return (cos, sin) of phases, (b, 2, m), of a length."""
    return length * torch.stack([phases.cos(), phases.sin()], dim=1).float()


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_no_permissible_choice_changes_the_loss(spacegroup: str) -> None:
    """The loss of true phases in any permissible hand and origin is 0."""
    generator = np.random.default_rng(GROUPS.index(spacegroup))
    batch = random_batch([spacegroup], CHOICES, generator)
    origins = GroupOrigins([spacegroup])
    prediction = as_prediction(moved_phases(batch, [spacegroup], generator))
    # No loss of a sample is negative, so that none is larger than their number times the mean.
    losses = [symmetric_loss(prediction, batch, origins)]
    losses.append(symmetric_loss(prediction, batch, origins, signs=False))
    for loss in losses:
        assert loss.dtype == torch.float32
        assert abs(float(loss)) < 1e-6 / CHOICES


def test_a_batch_of_groups_has_the_mean_loss_of_its_samples() -> None:
    """Lists that are filled up to the longest, and other groups beside it, change no sample."""
    names = ["P 1", "P 1 21 1", "P -1", "P 41", "F d d 2", "I 41/a:2", "P 21 3"]
    generator = np.random.default_rng(5)
    batch = random_batch(names, 14, generator)
    origins = GroupOrigins(names)
    prediction = torch.from_numpy(generator.normal(size=(14, 2, batch.mask.shape[1]))).float()
    together = symmetric_loss(prediction, batch, origins)
    alone = []
    for row in range(14):
        length = int(batch.mask[row].sum())
        fields = [field[row : row + 1] for field in batch]
        fields = [field[:, :length] if field.ndim > 1 else field for field in fields]
        sample = UniqueBatch(*fields)
        alone.append(symmetric_loss(prediction[row : row + 1, :, :length], sample, origins))
    torch.testing.assert_close(together, torch.stack(alone).mean(), rtol=1e-6, atol=1e-6)


def test_the_loss_is_the_least_of_all_choices() -> None:
    """Against the sum written out for every hand and origin, with no origin that floats."""
    generator = np.random.default_rng(6)
    for name in ("P -4", "P 21 21 21", "P 43 21 2", "P -1"):
        batch = random_batch([name], 3, generator)
        prediction = torch.from_numpy(generator.normal(size=(3, 2, batch.mask.shape[1])))
        weight = reflection_weights(batch).double()
        losses = []
        for hand in (1, -1):
            for shift in permissible_origins(name, hand).shifts:
                turns = batch.hkl.double() @ torch.from_numpy(shift)
                # The true phases, as they are in the hand and at the origin of the prediction.
                phase = hand * (batch.phase.double() - 2.0 * np.pi * turns)
                angle = torch.atan2(prediction[:, 1], prediction[:, 0])
                acentric = 1.0 - torch.cos(phase - angle)
                restricted = batch.restricted.double()
                sign = torch.cos(phase - restricted)
                logit = prediction[:, 0] * restricted.cos() + prediction[:, 1] * restricted.sin()
                centric = torch.log1p(torch.exp(-sign * logit)) / np.log(2.0)
                each = torch.where(batch.centric, centric, acentric)
                losses.append((weight * each).sum(dim=1) / weight.sum(dim=1))
        expected = torch.stack(losses).amin(dim=0).mean()
        loss = symmetric_loss(prediction, batch, GroupOrigins([name]))
        torch.testing.assert_close(loss, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("signs", [True, False])
@pytest.mark.parametrize("spacegroup", ["P 1", "P 1 21 1", "P 1 c 1", "P -1", "P 41", "F d d 2"])
def test_the_derivative_is_right(spacegroup: str, signs: bool) -> None:
    """gradcheck in double precision, with floating origins at their maximum."""
    generator = np.random.default_rng(7)
    batch = random_batch([spacegroup], 2, generator, h_max=2)
    noise = 0.3 * torch.from_numpy(generator.normal(size=(2, 2, batch.mask.shape[1])))
    moved = moved_phases(batch, [spacegroup], generator)
    prediction = torch.stack([moved.cos(), moved.sin()], dim=1) + noise
    prediction.requires_grad_(True)
    origins = GroupOrigins([spacegroup])

    def loss(values: torch.Tensor) -> torch.Tensor:
        return symmetric_loss(values, batch, origins, signs=signs)

    assert torch.autograd.gradcheck(loss, (prediction,), atol=1e-6)


@pytest.mark.parametrize("spacegroup", ["P 1", "P 1 21 1", "P -1", "P 43 21 2", "I -4 2 d"])
def test_alignment_finds_the_true_phases(spacegroup: str) -> None:
    """Phases in another permissible hand and origin come back, up to whole turns."""
    generator = np.random.default_rng(8)
    batch = random_batch([spacegroup], 5, generator)
    prediction = as_prediction(moved_phases(batch, [spacegroup], generator), 1.0)
    aligned = symmetric_alignment(prediction, batch, GroupOrigins([spacegroup]))
    difference = (aligned - batch.phase) * batch.mask
    error = torch.atan2(difference.sin(), difference.cos()).abs()
    assert float(error.max()) < 2e-4


def test_origins_need_groups() -> None:
    with pytest.raises(ValueError, match="needs a list of space groups"):
        GroupOrigins("P 1")
    with pytest.raises(ValueError, match="unknown space group 'nonsense'"):
        GroupOrigins(["nonsense"]).of_group(0)
