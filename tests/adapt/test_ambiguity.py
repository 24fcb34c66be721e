"""Where a parent's centre of symmetry makes two answers, and what the other one is."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.adapt import adapt
from argand.adapt.ambiguity import ambiguity
from argand.adapt.held_out import as_measured
from argand.adapt.training import simulation_of
from argand.refine import Model, free


def all_modes(crystal: argand.Crystal) -> np.ndarray:
    n = len(crystal.types)
    return np.eye(3 * n).reshape(3 * n, n, 3)


def test_none_where_symmetry_is_kept_or_there_is_no_centre(crystal: argand.Crystal) -> None:
    assert ambiguity(crystal, all_modes(crystal)) is None
    acentric = crystal.replace(symops=("x,y,z",))
    assert ambiguity(acentric, all_modes(acentric)) is None


@pytest.mark.parametrize("symops", [("x,y,z",), ("x,y,z", "-x,y+1/2,-z")], ids=["P 1", "P 21"])
def test_the_other_answer_has_the_same_amplitudes(
    crystal: argand.Crystal, symops: tuple[str, ...]
) -> None:
    """Seed 3. The centre lies off the origin; with P 21 it sends sites to images of others."""
    cell = (7.0, 8.0, 9.0, 90.0, 95.0, 90.0)
    half = np.random.default_rng(3).random((4, 3)) * 0.4
    frac = np.concatenate([half, np.array([0.2, 0.3, 0.4]) - half])
    known = argand.Crystal(
        cell=cell, symops=symops, types=("C", "N", "O", "S") * 2, frac=frac, b_iso=1.0
    )
    if (
        len(symops) > 1
    ):  # a centre at (.1 .15 .2) and P 21 through the origin do not make a group: take one that does
        frac = np.concatenate([half, -half])
        known = known.replace(frac=frac)
    mirror = ambiguity(known, all_modes(known))
    assert mirror is not None
    u = np.random.default_rng(4).normal(size=(8, 3)) * 0.2
    other = mirror(u)
    assert np.abs(other - u).max() > 0.1
    np.testing.assert_allclose(mirror(other), u, atol=1e-9)
    model = Model(known, argand.miller_indices(cell, known.symops, 1.0), free(known))
    f = model.structure_factors(model.from_displacements(np.array([u, other])))
    np.testing.assert_allclose(np.abs(f[1]), np.abs(f[0]), atol=1e-6)
    assert np.abs(np.angle(f[1] / f[0])).max() > 0.5


def test_said_in_words_where_symmetry_is_broken(crystal: argand.Crystal) -> None:
    made = adapt(crystal, d_min=0.9, widths=(0.2,), samples=100, break_symmetry=True)
    assert made.crystal.symops == ("x,y,z",)
    assert "two answers" in made.warning
    assert made.mirror is not None
    simulation = simulation_of(made.crystal, 0.1, made.about, seed=6)
    samples = simulation.draw(range(2))
    for one in made.estimate(as_measured(simulation, samples), refine=True):
        assert one.other is not None
        np.testing.assert_allclose(np.abs(one.other.f), np.abs(one.f), rtol=1e-3, atol=1e-2)
        assert one.other.displacement.shape == one.displacement.shape


def test_no_warning_where_symmetry_is_kept(made: argand.adapt.Adaptation) -> None:
    assert made.warning == ""
    simulation = simulation_of(made.crystal, 0.1, made.about, seed=6)
    seen = as_measured(simulation, simulation.draw(range(1)))
    assert made.estimate(seen, refine=False)[0].other is None
