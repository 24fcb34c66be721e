"""Test `find_free` against the distances written out, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import oracles
from argand import _seam
from argand.symmetry import operation_arrays

SEED = 15


@dataclass
class Case:
    """Hold the arguments of `find_free`."""

    filling: _seam.Filling
    row: Any
    points: Any
    nearest: Any


def random_case(spacegroup: str, sites: int = 5, seed: int = SEED) -> Case:
    """Make crystals with random sites, and candidates of which some fit and some do not."""
    generator = np.random.default_rng(seed)
    total, crystals, candidates = 7, 40, 4
    rotations, translations = operation_arrays(spacegroup)
    frac = generator.uniform(-0.3, 1.3, (total, sites, 3))
    images = np.einsum("oij,tsj->tsoi", rotations, frac) + translations
    filling = _seam.Filling(
        metric=np.tile([80.0, 90.0, 100.0, 5.0, -4.0, 3.0], (total, 1)),
        images=np.ascontiguousarray(images),
        sites=generator.integers(0, sites + 1, total),
    )
    return Case(
        filling=filling,
        row=generator.integers(0, total, crystals),
        points=generator.uniform(-0.5, 1.5, (crystals, candidates, 3)),
        nearest=generator.uniform(0.5, 9.0, (crystals, sites)),
    )


def arguments(case: Case) -> tuple[Any, ...]:
    """Return the fields of a case in the order of the arguments."""
    return tuple(vars(case).values())


@pytest.mark.parametrize("spacegroup", ["P 1", "P -1", "P 1 21/c 1", "R 3:H", "P 4/m"])
def test_points_that_fit_are_those_with_all_distances(spacegroup: str) -> None:
    case = random_case(spacegroup)
    expected = oracles.free_points(*arguments(case))
    assert 0.05 < expected.mean() < 0.95
    np.testing.assert_array_equal(_seam.find_free(*arguments(case)), expected)


def test_no_crystals_have_no_answers() -> None:
    case = random_case("P -1")
    for name in ("row", "points", "nearest"):
        setattr(case, name, getattr(case, name)[:0])
    assert _seam.find_free(*arguments(case)).shape == (0, 4)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("row", lambda row: row + 7, "row runs from 7"),
        ("row", lambda row: row.astype(np.int32), "row has dtype int32"),
        ("nearest", lambda nearest: np.tile(nearest, 2), "nearest has 10 sites"),
        ("nearest", lambda nearest: nearest.astype(np.float32), "nearest has dtype float32"),
        ("points", lambda points: points[::2], "row has shape"),
    ],
)
def test_mistakes_are_named(name: str, change: Any, message: str) -> None:
    case = random_case("P -1")
    setattr(case, name, change(getattr(case, name)))
    with pytest.raises((ValueError, TypeError), match=message):
        _seam.find_free(*arguments(case))
