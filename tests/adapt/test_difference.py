"""Peaks of a difference map are where electrons are that a model lacks; distances are those to the nearest image."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.estimate.difference import Difference
from argand.estimate.relocation import relocations
from argand.refine import Model, refine


def known(spacegroup: str, n: int = 6) -> argand.Crystal:
    """n atoms that are 1.2 angstrom apart or more, seed 21."""
    cell = (7.0, 8.0, 9.0, 90.0, 90.0, 90.0)
    rng = np.random.default_rng(21)
    frac = rng.random((1, 3))
    while len(frac) < n:
        tried = np.concatenate([frac, rng.random((1, 3))])
        crystal = argand.Crystal(
            cell=cell, spacegroup=spacegroup, types=("C",) * len(tried), frac=tried
        )
        if neighbours(crystal, tried).min() > 1.2:
            frac = tried
    types = ("C", "N", "O", "C", "C", "O")[:n]
    return argand.Crystal(cell=cell, spacegroup=spacegroup, types=types, frac=frac, b_iso=2.0)


def neighbours(crystal: argand.Crystal, frac: np.ndarray) -> np.ndarray:
    """Distances (q, all images) of places to all atoms of the cells around, itself left out: the slow truth."""
    atoms = crystal.to_p1().frac % 1.0
    cells = np.stack(np.meshgrid(*[[-2, -1, 0, 1, 2]] * 3), axis=-1).reshape(-1, 3)
    every = (atoms[:, None] + cells).reshape(-1, 3)
    distance = np.linalg.norm((every - frac[:, None]) * crystal.cell[:3], axis=2)
    return np.where(distance < 1e-6, np.inf, distance)


GROUPS = ["P 1", "P -1", "P 1 21/c 1", "P 21 21 21", "C 1 2/c 1"]


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_nearest_image(spacegroup: str) -> None:
    crystal = known(spacegroup)
    difference = Difference(
        Model(crystal, argand.miller_indices(crystal.cell, crystal.symops, 1.5))
    )
    places = np.random.default_rng(22).random((7, 3)) * 4.0 - 2.0
    off, distance = difference.nearest(places, crystal.frac)
    for i in range(len(crystal.types)):
        site = crystal.replace(
            types=("C",), labels=("C",), frac=crystal.frac[[i]], occ=1.0, b_iso=0.0
        )
        np.testing.assert_allclose(
            distance[:, i], neighbours(site, places % 1.0).min(axis=1), atol=1e-6
        )
    np.testing.assert_allclose(np.linalg.norm(off, axis=2), distance)


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_the_highest_peak_is_the_atom_that_is_left_out(spacegroup: str) -> None:
    crystal = known(spacegroup)
    hkl = argand.miller_indices(crystal.cell, crystal.symops, 1.0)
    observed = 3.0 * np.abs(argand.structure_factors(crystal, hkl))
    observed[::11] = np.nan
    fewer = crystal.replace(
        types=crystal.types[:-1],
        labels=crystal.labels[:-1],
        frac=crystal.frac[:-1],
        occ=crystal.occ[:-1],
        b_iso=crystal.b_iso[:-1],
    )
    difference = Difference(Model(fewer, hkl))
    peaks = difference(observed, np.zeros(15))
    _, distance = difference.nearest(peaks.frac[:1], crystal.frac[-1:])
    assert distance[0, 0] < 0.25
    assert peaks.height[0] > 1.5 * peaks.height[1:].max(
        initial=0.0
    )  # and no image of it is a peak of its own
    assert (np.diff(peaks.height) <= 0.0).all()


@pytest.mark.parametrize("spacegroup", ["P -1", "P 1 21/c 1", "P 21 21 21"])
def test_an_atom_is_taken_to_where_it_belongs(spacegroup: str) -> None:
    """From where least squares do not lead there: 1.6 angstrom along z."""
    crystal = known(spacegroup)
    model = Model(crystal, argand.miller_indices(crystal.cell, crystal.symops, 1.2))
    true = np.zeros(len(model))
    true[3 * 2 + 2] = 1.6
    observed = 2.0 * np.abs(model.structure_factors(true))
    alone = refine(model, observed, on="F")
    assert alone.figures.r1[0] > 0.1
    starts = relocations(Difference(model), observed, np.zeros(len(model)), 0.9, 4)
    assert 1 <= len(starts) <= 4
    assert (np.abs(starts[0] - true) < 0.4).all()
    np.testing.assert_allclose(
        refine(model, observed, on="F", start=starts[0]).p[0], true, atol=1e-3
    )


def test_no_atom_is_taken_farther_than_it_can_be(crystal: argand.Crystal) -> None:
    model = Model(crystal, argand.miller_indices(crystal.cell, crystal.symops, 1.2))
    true = np.zeros(len(model))
    true[2] = 1.3
    observed = np.abs(model.structure_factors(true))
    difference = Difference(model)
    for width in (0.1, 0.3):
        starts = relocations(difference, observed, np.zeros(len(model)), width, 30)
        assert np.abs(starts).max(initial=0.0) <= 2.2 * width
