"""Known structures whose centre of symmetry makes two answers, and what the other answer is."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.adapt import Adaptation, adapt
from argand.adapt.ambiguity import ambiguity
from argand.adapt.held_out import as_measured
from argand.adapt.training import simulation_of
from argand.refine import Model, free


def all_modes(crystal: argand.Crystal) -> np.ndarray:
    """Return one mode (3 n, n, 3) for each coordinate of each site."""
    n = len(crystal.types)
    return np.eye(3 * n).reshape(3 * n, n, 3)


def test_none_where_symmetry_is_kept_or_there_is_no_centre(crystal: argand.Crystal) -> None:
    """A centre among the symmetry operations is kept; random sites in P 1 have none."""
    assert ambiguity(crystal, all_modes(crystal)) is None
    acentric = crystal.replace(symops=("x,y,z",))
    assert ambiguity(acentric, all_modes(acentric)) is None


@pytest.mark.parametrize(
    ("symops", "shift"),
    [
        # The centre lies off the origin.
        (("x,y,z",), (0.2, 0.3, 0.4)),
        # With P 21 a centre at the origin makes a group. It sends sites to images of others.
        (("x,y,z", "-x,y+1/2,-z"), (0.0, 0.0, 0.0)),
    ],
    ids=["P 1", "P 21"],
)
def test_the_other_answer_has_the_same_amplitudes(
    symops: tuple[str, ...], shift: tuple[float, float, float]
) -> None:
    """Its phases differ. Sites have seed 3, displacements seed 4."""
    half = np.random.default_rng(3).random((4, 3)) * 0.4
    known = argand.Crystal(
        cell=(7.0, 8.0, 9.0, 90.0, 95.0, 90.0),
        symops=symops,
        types=("C", "N", "O", "S") * 2,
        frac=np.concatenate([half, np.array(shift) - half]),
        b_iso=1.0,
    )
    mirror = ambiguity(known, all_modes(known))
    assert mirror is not None
    displacement = np.random.default_rng(4).normal(size=(8, 3)) * 0.2
    other = mirror(displacement)
    assert np.abs(other - displacement).max() > 0.1
    np.testing.assert_allclose(mirror(other), displacement, atol=1e-9)
    hkl = argand.miller_indices(known.cell, known.symops, 1.0)
    model = Model(known, hkl, free(known))
    p = model.from_displacements(np.array([displacement, other]))
    f = model.structure_factors(p)
    modulus = np.abs(f)
    np.testing.assert_allclose(modulus[1], modulus[0], atol=1e-6)
    phase_difference = np.abs(np.angle(f[1] / f[0]))
    assert phase_difference.max() > 0.5


def test_warned_of_where_symmetry_is_broken(crystal: argand.Crystal) -> None:
    """Every estimate has another answer with the same amplitudes."""
    made = adapt(crystal, d_min=0.9, widths=(0.2,), samples=100, break_symmetry=True)
    assert made.crystal.symops == ("x,y,z",)
    assert "two answers" in made.warning
    assert made.mirror is not None
    simulation = simulation_of(made.crystal, 0.1, made.settings, seed=6)
    observed = as_measured(simulation, simulation.draw(range(2)))
    for estimate in made.estimate(observed, refine=True):
        other = estimate.other
        assert other is not None
        expected = np.abs(estimate.f)
        np.testing.assert_allclose(np.abs(other.f), expected, rtol=1e-3, atol=1e-2)
        assert other.displacement.shape == estimate.displacement.shape


def test_no_warning_where_symmetry_is_kept(made: Adaptation) -> None:
    """An estimate has no other answer."""
    assert made.warning == ""
    simulation = simulation_of(made.crystal, 0.1, made.settings, seed=6)
    observed = as_measured(simulation, simulation.draw(range(1)))
    (estimate,) = made.estimate(observed, refine=False)
    assert estimate.other is None
