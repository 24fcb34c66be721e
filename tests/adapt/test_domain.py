"""Data outside of what an adaptation has learned are refused, or flagged where they are forced."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import argand
from argand.adapt import Adaptation
from argand.adapt.domain import outside_learned
from argand.estimate.estimate import Estimate, EstimateOptions
from argand.measured import Merged, merge
from argand.simulate import Independent, Measurement, Perturbation, Simulation
from intensities import measured

FORCED = EstimateOptions(force=True)


def data_of(crystal: argand.Crystal, d_min: float = 1.1) -> Merged:
    """Return merged exact data of a crystal to a resolution in angstrom."""
    return merge(measured(crystal, d_min))


def strained(merged: Merged, factor: float) -> Merged:
    """Return data with the first edge of the cell multiplied by a factor."""
    a, *others = merged.cell
    return replace(merged, cell=(factor * a, *others))


def thinned(merged: Merged, step: int) -> Merged:
    """Return every reflection in so many, and the one of the largest angle."""
    rows = np.zeros(len(merged.hkl), bool)
    rows[::step] = True
    rows[merged.stol.argmax()] = True
    return replace(
        merged,
        hkl=merged.hkl[rows],
        intensity=merged.intensity[rows],
        sigma=None if merged.sigma is None else merged.sigma[rows],
        count=merged.count[rows],
    )


def test_data_like_the_learned_ones_are_inside(made: Adaptation) -> None:
    known = data_of(made.crystal)
    for merged in (known, strained(known, 1.04), data_of(made.crystal, 2.0), thinned(known, 4)):
        assert outside_learned(made, merged) == []


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        (lambda crystal: strained(data_of(crystal), 1.07), "is not that of a crystal like"),
        (lambda crystal: data_of(crystal, 2.4), "those that were learned at 1.10 Å"),
        (lambda crystal: thinned(data_of(crystal), 9), "reflections that were learned"),
    ],
)
def test_others_are_refused_or_flagged(made: Adaptation, change, clause: str) -> None:
    merged = change(made.crystal)
    (refused,) = made([merged], refine=False)
    assert isinstance(refused, argand.ArgandError)
    assert "the adaptation was not made for such data" in str(refused)
    assert clause in str(refused)
    assert "--force" in str(refused)
    (forced,) = made([merged], refine=False, options=FORCED)
    assert isinstance(forced, Estimate)
    flag = forced.flags[0]
    assert flag.startswith("outside of what was learned: ")
    assert clause in flag


def test_too_few_reflections_cannot_be_forced(made: Adaptation) -> None:
    few = thinned(data_of(made.crystal), 60)
    (answer,) = made([few], refine=False, options=FORCED)
    assert isinstance(answer, argand.ArgandError)
    assert "too few" in str(answer)


def test_forcing_data_that_are_inside_changes_nothing(made: Adaptation) -> None:
    simulation = Simulation(
        made.crystal, Perturbation([Independent(0.2)]), Measurement(noise=0.02), d_min=1.1
    )
    samples = simulation.draw([0])
    merged = replace(
        data_of(made.crystal),
        hkl=simulation.hkl,
        intensity=samples.intensity[0],
        sigma=samples.sigma[0],
        count=np.ones(len(simulation.hkl), int),
    )
    (plain,) = made([merged], refine=True)
    (forced,) = made([merged], refine=True, options=FORCED)
    assert isinstance(plain, Estimate)
    assert isinstance(forced, Estimate)
    np.testing.assert_array_equal(plain.displacement, forced.displacement)
    assert plain.flags == forced.flags
