"""Check that a space group is found in phases of P 1, and averaging over it, by their laws."""

from __future__ import annotations

import time

import gemmi
import numpy as np
import pytest

import argand
from argand.errors import ArgandError
from argand.origins import permissible_origins
from argand.solve.equivalents import equivalent_rows, with_mates
from argand.solve.group_fit import GroupAverage, fit_group
from primitive_cells import basis_of, carbon_crystal, phased_in_p1, primitive_operations

# Every crystal system, polar and not, with and without a centre, all centrings.
GROUPS = [
    *("P -1", "P 1 21 1", "P 1 2/c 1", "P 1 21/n 1", "C 1 2 1", "I 1 a 1", "C 1 2/c 1"),
    *("P 21 21 21", "P n a 21", "P b c a", "C 2 2 21", "F d d 2", "I m m 2", "F d d d:2"),
    *("P 41", "I 41/a:2", "P 42/n c m:2", "I -4 2 d", "P 41 21 2"),
    *("P 31 2 1", "R 3:H", "R -3 c:H", "R -3 m:R", "P 63/m", "P 61 2 2"),
    *("P 21 3", "P a -3", "F -4 3 m", "I 41 3 2", "F d -3 m:2"),
]


def nearest_origin(group: str, shift: np.ndarray) -> float:
    """Return how far a conventional shift (3,) is from the nearest permissible origin."""
    origins = permissible_origins(group)
    centring = np.array(list(gemmi.SpaceGroup(group).operations().cen_ops)) / 24
    polar = origins.axes.astype(float)
    distances = []
    for origin in origins.shifts:
        for vector in centring:
            for cell in np.ndindex(3, 3, 3):
                difference = shift - origin - vector - np.array(cell) + 1
                if len(polar):
                    along, *_ = np.linalg.lstsq(polar.T, difference, rcond=None)
                    difference = difference - along @ polar
                distances.append(float(np.abs(difference).max()))
    return min(distances)


@pytest.mark.parametrize("group", GROUPS)
def test_the_origin_is_found_up_to_a_permissible_one(group: str) -> None:
    seed = gemmi.SpaceGroup(group).number
    print("seed", seed)
    rng = np.random.default_rng(seed)
    crystal = carbon_crystal(group, rng)
    phased = phased_in_p1(crystal, rng, d_min=1.4)
    rotations, translations = primitive_operations(group, phased["basis"])
    fit = fit_group(phased["hkl"], phased["f"], rotations, translations)
    assert fit.agreement == pytest.approx(1.0, abs=1e-4)
    assert fit.weakest == pytest.approx(1.0, abs=1e-4)
    assert fit.agreements.shape == (len(rotations),)
    difference = phased["basis"] @ (fit.shift - phased["shift"])
    # A thousandth of the cell is a hundredth of an angstrom.
    assert nearest_origin(group, difference % 1.0) < 1e-3


@pytest.mark.parametrize("group", ["P 1 21/c 1", "P 21 21 21", "R -3 c:H", "F d d 2"])
def test_the_origin_is_found_with_phase_errors_of_forty_degrees(group: str) -> None:
    rng = np.random.default_rng(5)
    crystal = carbon_crystal(group, rng)
    phased = phased_in_p1(crystal, rng, phase_error=40.0)
    rotations, translations = primitive_operations(group, phased["basis"])
    fit = fit_group(phased["hkl"], phased["f"], rotations, translations)
    difference = phased["basis"] @ (fit.shift - phased["shift"])
    assert nearest_origin(group, difference % 1.0) < 1e-2
    # Two phases with Gaussian errors of 40 degrees agree as exp(-s^2), inversion as exp(-2 s^2).
    expected = np.exp(-(np.radians(40.0) ** 2))
    inversion = (rotations == -np.eye(3)).all(axis=(1, 2))
    others = ~inversion & (np.arange(len(rotations)) > 0)
    assert fit.agreements[others].mean() == pytest.approx(expected, abs=0.06)


def test_agreements_are_the_sums_that_they_are_defined_by() -> None:
    rng = np.random.default_rng(8)
    phased = phased_in_p1(carbon_crystal("P 1 21/c 1", rng), rng, d_min=2.0, phase_error=60.0)
    rotations, translations = primitive_operations("P 1 21/c 1", phased["basis"])
    average = GroupAverage(phased["hkl"], rotations, translations)
    shift = rng.random(3)
    fit = average.judge(phased["f"], shift)
    values = {}
    for index, value in zip(phased["hkl"].tolist(), phased["f"], strict=True):
        values[tuple(index)] = value
        values[tuple(-np.array(index))] = np.conj(value)
    for number, (rotation, translation) in enumerate(zip(rotations, translations, strict=True)):
        total, possible = 0.0, 0.0
        for index, value in zip(phased["hkl"], phased["f"], strict=True):
            image = index @ rotation
            other = values.get(tuple(image.tolist()))
            if other is None:
                continue
            turn = np.exp(2j * np.pi * (index @ translation - (image - index) @ shift))
            total += (other * np.conj(value) * turn).real
            possible += abs(other) * abs(value)
        assert fit.agreements[number] == pytest.approx(total / possible, abs=1e-5)
    assert fit.agreement == pytest.approx(fit.agreements[1:].mean())
    assert fit.weakest == pytest.approx(fit.agreements[1:].min())


@pytest.mark.parametrize("group", ["P 1 21/c 1", "C 2 2 21", "R -3 c:H", "F d -3 m:2", "P 61"])
def test_averaging_is_a_projector_that_leaves_the_symmetric_alone(group: str) -> None:
    rng = np.random.default_rng(17)
    crystal = carbon_crystal(group, rng, sites=4)
    phased = phased_in_p1(crystal, rng, d_min=1.0)
    average = GroupAverage(phased["hkl"], *primitive_operations(group, phased["basis"]))
    size = np.abs(phased["f"]).max()
    unchanged = average(phased["f"], phased["shift"])
    assert np.abs(unchanged - phased["f"]).max() < 1e-5 * size
    noise = rng.normal(size=(2, len(phased["f"])))
    spoilt = phased["f"] + 0.4 * size * (noise[0] + 1j * noise[1])
    once = average(spoilt, phased["shift"])
    twice = average(once, phased["shift"])
    assert np.abs(twice - once).max() < 1e-5 * size
    absent = argand.reflections.systematic_absences(phased["conventional"], group)
    assert np.abs(once[absent]).max(initial=0.0) < 1e-5 * size
    # The trace of a projector is the share of the power of noise that it leaves: epsilon / k.
    before = np.linalg.norm(spoilt - phased["f"])
    after = np.linalg.norm(once - phased["f"])
    epsilon = argand.reflections.epsilon(phased["conventional"], group)
    operations = len(gemmi.SpaceGroup(group).operations().sym_ops)
    share = np.where(absent, 0, epsilon).mean() / operations
    assert after == pytest.approx(before * np.sqrt(share), rel=0.1)


def test_averaging_over_an_incomplete_list_is_still_a_projector() -> None:
    rng = np.random.default_rng(4)
    phased = phased_in_p1(carbon_crystal("P 4/m", rng), rng, d_min=1.6)
    listed = rng.random(len(phased["f"])) < 0.7
    average = GroupAverage(phased["hkl"][listed], *primitive_operations("P 4/m", np.eye(3)))
    f = rng.normal(size=(2, int(listed.sum())))
    once = average(f[0] + 1j * f[1], phased["shift"])
    assert np.abs(average(once, phased["shift"]) - once).max() < 1e-5
    true = phased["f"][listed]
    unchanged = average(true, phased["shift"])
    assert np.abs(unchanged - true).max() < 1e-5 * np.abs(true).max()


def test_random_phases_hardly_agree() -> None:
    rng = np.random.default_rng(3)
    phased = phased_in_p1(carbon_crystal("P 21 21 21", rng), rng)
    turned = phased["f"] * np.exp(2j * np.pi * rng.random(len(phased["f"])))
    fit = fit_group(phased["hkl"], turned, *primitive_operations("P 21 21 21", np.eye(3)))
    assert fit.agreement < 0.35


def test_p1_agrees_with_everything() -> None:
    rng = np.random.default_rng(3)
    phased = phased_in_p1(carbon_crystal("P 1", rng), rng)
    fit = fit_group(phased["hkl"], phased["f"], *primitive_operations("P 1", np.eye(3)))
    assert (fit.agreement, fit.weakest) == (1.0, 1.0)


def test_equivalents_point_to_their_rows() -> None:
    rng = np.random.default_rng(2)
    hkl = phased_in_p1(carbon_crystal("P 1", rng), rng, d_min=2.5)["hkl"]
    hkl = hkl[rng.permutation(len(hkl))[:-5]]
    rotations, _ = primitive_operations("R -3 m:H", basis_of("R -3 m:H"))
    rows = equivalent_rows(hkl, rotations)
    both = np.concatenate([hkl, -hkl])
    for rotation, row in zip(rotations, rows, strict=True):
        images = hkl @ rotation
        listed = row < len(both)
        assert (both[row[listed]] == images[listed]).all()
        known = {tuple(index) for index in both.tolist()}
        assert [tuple(image) in known for image in images.tolist()] == listed.tolist()


def test_extended_values_are_f_its_conjugate_and_zero() -> None:
    f = np.array([1 + 2j, 3 - 1j])
    assert with_mates(f).tolist() == [1 + 2j, 3 - 1j, 1 - 2j, 3 + 1j, 0]


def test_a_mate_in_the_list_is_refused() -> None:
    with pytest.raises(ArgandError, match="twice, or together with its Friedel mate"):
        equivalent_rows(np.array([[1, 2, 3], [-1, -2, -3]]), np.eye(3, dtype=np.int64)[None])


def test_a_fit_takes_milliseconds() -> None:
    rng = np.random.default_rng(3)
    crystal = carbon_crystal("P 1 21/c 1", rng)
    phased = phased_in_p1(crystal, rng, d_min=0.75)
    assert len(phased["hkl"]) > 5000
    average = GroupAverage(phased["hkl"], *primitive_operations("P 1 21/c 1", np.eye(3)))
    seconds = []
    for _ in range(5):
        start = time.process_time()
        average.fit(phased["f"])
        seconds.append(time.process_time() - start)
    # Two to three milliseconds on an idle core of 2024; ten times that on a busy one.
    assert min(seconds) < 0.03
