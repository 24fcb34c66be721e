"""Losses with the origins and hands that the space group of each sample permits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import argand
from argand.learn import SampleBatch, SimulatedCrystals, losses
from argand.learn.losses import (
    OriginChoices,
    aligned_phases,
    best_agreement,
    half_origins,
    invariant_loss,
    ramps,
)
from argand.learn.metrics import MapCorrelation, MeanPhaseError, PhaseLoss
from argand.origins import permissible_origins
from argand.simulate import Independent, Perturbation, Simulation

H = 2
HKL = argand.hkl_cube(H)
BOX = (2 * H + 1,) * 3
CUBIC = (6.0, 6.0, 6.0, 90.0, 90.0, 90.0)
HEXAGONAL = (6.0, 6.0, 7.0, 90.0, 90.0, 120.0)
FIXED = ["P -1", "P 21 21 21", "P 31 1 2", "I 41/a:1", "P 41 21 2", "F d -3 m:2"]
FLOATING = ["P 1", "P 1 21 1", "P 1 m 1", "F d d 2", "R 3:H", "P 31"]
NO_OTHER_HAND = ["P 31 1 2", "P 41 21 2", "P 31"]


def crystal(spacegroup: str) -> argand.Crystal:
    """Three sites in general positions."""
    frac = np.random.default_rng(8).random((3, 3))
    cell = HEXAGONAL if spacegroup.startswith(("P 3", "R 3")) else CUBIC
    return argand.Crystal(cell=cell, spacegroup=spacegroup, types=("C", "O", "S"), frac=frac)


def structure_factors(structure: argand.Crystal) -> torch.Tensor:
    """F (1, D, D, D) on the box, without F(000)."""
    f = np.asarray(argand.structure_factors(structure, HKL)) * HKL.any(axis=1)
    return torch.from_numpy(f).view(1, *BOX)


def in_another_setting(structure: argand.Crystal, hand: int, origin) -> torch.Tensor:
    """F (1, D, D, D) of the structure x -> hand x + origin, from its atoms."""
    atoms = structure.to_p1()
    return structure_factors(atoms.replace(frac=hand * atoms.frac + np.asarray(origin)))


def as_prediction(f: torch.Tensor) -> torch.Tensor:
    return torch.stack([f.real, f.imag], dim=1)


def loss_of(f_hat: torch.Tensor, f: torch.Tensor, spacegroup: str) -> float:
    choices = OriginChoices([spacegroup], H)
    return float(invariant_loss(as_prediction(f_hat), f.angle(), f.abs(), choices))


@pytest.mark.parametrize("spacegroup", sorted({*FIXED, *FLOATING}))
def test_every_permissible_setting_is_right(spacegroup):
    """Atoms at each permissible origin, in each permissible hand, have no loss."""
    structure = crystal(spacegroup)
    f = structure_factors(structure)
    for hand in (1, -1):
        origins = permissible_origins(spacegroup, hand)
        assert bool(len(origins.shifts)) == (hand == 1 or spacegroup not in NO_OTHER_HAND)
        for shift in origins.shifts:
            # A third of the floating axes is near a point of the grid, and on none.
            origin = shift + (np.full(len(origins.axes), 1 / 3) @ origins.axes)
            moved = in_another_setting(structure, hand, origin)
            bound = 0.04 * len(origins.axes) + 1e-9
            assert abs(loss_of(moved, f, spacegroup)) < bound


@pytest.mark.parametrize("spacegroup", NO_OTHER_HAND)
def test_a_hand_that_the_group_does_not_permit_is_wrong(spacegroup):
    structure = crystal(spacegroup)
    mirrored = in_another_setting(structure, -1, (0, 0, 0))
    assert loss_of(mirrored, structure_factors(structure), spacegroup) > 0.2


def test_one_list_for_both_hands_is_wrong_in_f_d_d_2():
    """Its other hand is inverted in 1/8 1/8 0, a shift by quarters; half cells are wrong for it."""
    structure = crystal("F d d 2")
    f = structure_factors(structure)
    (shift, *_) = permissible_origins("F d d 2", -1).shifts
    np.testing.assert_allclose(shift, (0.25, 0.25, 0.0))
    mirrored = in_another_setting(structure, -1, shift)
    table = ramps(half_origins().double(), H)
    one_list = float(invariant_loss(as_prediction(mirrored), f.angle(), f.abs(), table))
    assert one_list > 0.2
    assert abs(loss_of(mirrored, f, "F d d 2")) < 1e-9


@pytest.mark.parametrize("spacegroup", sorted({*FIXED, *FLOATING}))
def test_against_the_numpy_alignment(spacegroup):
    """Any prediction has the score of `align_origin`, on floating axes up to the grid."""
    f = structure_factors(crystal(spacegroup))
    generator = torch.Generator().manual_seed(3)
    f_hat = torch.randn(1, *BOX, generator=generator, dtype=torch.complex128)
    phase, weight = f.angle(), f.abs()
    alignment = argand.align_origin(
        HKL,
        phase.flatten().numpy(),
        f_hat.angle().flatten().numpy(),
        weights=weight.flatten().numpy(),
        spacegroup=spacegroup,
    )
    axes = len(permissible_origins(spacegroup).axes)
    best = 1.0 - loss_of(f_hat, f, spacegroup)
    assert alignment.score - 0.04 * axes - 1e-9 < best < alignment.score + 1e-9
    choices = OriginChoices([spacegroup], H)
    prediction = as_prediction(f_hat)
    aligned = aligned_phases(prediction, phase, weight, choices)
    agreement = (weight * torch.cos(phase - aligned)).sum() / weight.sum()
    assert float(agreement) == pytest.approx(best, abs=1e-9)


def mixed_batch() -> tuple[list[str], torch.Tensor, torch.Tensor, torch.Tensor]:
    """Groups, the crystal of each of six samples, random predictions, and true F."""
    groups = ["F d d 2", "P 31 1 2", "P 1 21 1"]
    number = torch.tensor([2, 0, 1, 1, 0, 2])
    f = torch.cat([structure_factors(crystal(groups[n])) for n in number.tolist()])
    generator = torch.Generator().manual_seed(4)
    f_hat = torch.randn(6, *BOX, generator=generator, dtype=torch.complex128)
    return groups, number, f_hat, f


def test_each_sample_has_the_origins_of_its_crystal():
    groups, number, f_hat, f = mixed_batch()
    choices = OriginChoices(groups, H)
    prediction = as_prediction(f_hat)
    loss = float(invariant_loss(prediction, f.angle(), f.abs(), choices, crystal=number))
    single = []
    for row, n in enumerate(number.tolist()):
        single.append(loss_of(f_hat[row : row + 1], f[row : row + 1], groups[n]))
    assert loss == pytest.approx(np.mean(single), abs=1e-12)
    given_hand = best_agreement(
        prediction, f.angle(), f.abs(), choices, hands=False, crystal=number
    )
    both = best_agreement(prediction, f.angle(), f.abs(), choices, crystal=number)
    assert (given_hand <= both + 1e-12).all()
    # In P 31 1 2 there is one hand anyway.
    torch.testing.assert_close(given_hand[2:4], both[2:4])


def test_the_loss_has_gradients():
    groups, number, f_hat, f = mixed_batch()
    choices = OriginChoices(groups, H)
    rows = slice(0, 3)
    prediction = as_prediction(f_hat[rows]).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda p: invariant_loss(p, f[rows].angle(), f[rows].abs(), choices, crystal=number[rows]),
        prediction,
        fast_mode=True,
    )


def test_metrics_of_a_simulation():
    """True phases of samples in the other hand, at another origin, have perfect scores."""
    structure = crystal("F d d 2")
    simulation = Simulation(structure, Perturbation([Independent(0.1)]), d_min=1.5, seed=2)
    batch = SimulatedCrystals(simulation, hkl_max=H).simulate(range(3))
    assert isinstance(batch, SampleBatch)
    choices = losses.OriginChoices([structure.symops], H)
    shift = torch.from_numpy(permissible_origins("F d d 2", -1).shifts[:1])
    ramp = ramps(shift, H)
    angle = -batch.phase + torch.atan2(ramp[1], ramp[0])
    prediction = torch.stack([angle.cos(), angle.sin()], dim=1).float()
    metrics = [
        MeanPhaseError(origins=choices),
        MapCorrelation(origins=choices),
        PhaseLoss(hands=True, origins=choices),
    ]
    for metric in metrics:
        metric.update(prediction, batch.phase, batch.mask, batch.weight, batch.crystal)
    means = [float(metric.compute()) for metric in metrics]
    assert means == pytest.approx([0.0, 1.0, 0.0], abs=1e-3)


@pytest.mark.parametrize(
    ("groups", "crystal_numbers", "words"),
    [
        (["P 1", "P -1"], None, "crystal is None"),
        (["P 1", "P -1"], torch.tensor([0, 2, 0, 0, 0, 0]), "from 0 to 1"),
        (["P 1", "P -1"], torch.tensor([0]), r"needs \(6,\)"),
        ("P -1", None, "needs a list"),
        ([], None, "needs a list"),
        (["P nonsense"], None, "P nonsense"),
    ],
)
def test_refusals(groups, crystal_numbers, words):
    _, _, f_hat, f = mixed_batch()
    with pytest.raises(ValueError, match=words):
        invariant_loss(
            as_prediction(f_hat),
            f.angle(),
            f.abs(),
            OriginChoices(groups, H),
            crystal=crystal_numbers,
        )


def test_another_box_is_refused():
    _, _, f_hat, f = mixed_batch()
    with pytest.raises(ValueError, match="made for"):
        invariant_loss(as_prediction(f_hat), f.angle(), f.abs(), OriginChoices(["P 1"], 3))
