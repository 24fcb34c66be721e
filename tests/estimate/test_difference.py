"""Difference maps: peaks lie where a model lacks electrons; distances are to nearest images."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.estimate.difference import DifferenceMap
from argand.estimate.relocation import relocations
from argand.refine import Model, refine

GROUPS = ["P 1", "P -1", "P 1 21/c 1", "P 21 21 21", "C 1 2/c 1"]
CELL = (7.0, 8.0, 9.0, 90.0, 90.0, 90.0)


def distant_atoms(spacegroup: str, n: int = 6) -> argand.Crystal:
    """Make a crystal of n atoms that are 1.2 angstrom apart or more (seed 21)."""
    rng = np.random.default_rng(21)
    frac = rng.random((1, 3))
    while len(frac) < n:
        tried = np.concatenate([frac, rng.random((1, 3))])
        carbon = ("C",) * len(tried)
        crystal = argand.Crystal(cell=CELL, spacegroup=spacegroup, types=carbon, frac=tried)
        if distances(crystal, tried).min() > 1.2:
            frac = tried
    types = ("C", "N", "O", "C", "C", "O")[:n]
    return argand.Crystal(cell=CELL, spacegroup=spacegroup, types=types, frac=frac, b_iso=2.0)


def distances(crystal: argand.Crystal, frac: np.ndarray) -> np.ndarray:
    """Measure from points to all atoms of 125 cells (q, atoms), coincident ones left out."""
    atoms = crystal.to_p1().frac % 1.0
    shifts = np.meshgrid(*[[-2, -1, 0, 1, 2]] * 3)
    cells = np.stack(shifts, axis=-1).reshape(-1, 3)
    images = (atoms[:, None] + cells).reshape(-1, 3)
    vector = (images - frac[:, None]) * crystal.cell[:3]
    distance = np.linalg.norm(vector, axis=2)
    return np.where(distance < 1e-6, np.inf, distance)


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_nearest_image(spacegroup: str) -> None:
    """Distances agree with those to all images in the cells around."""
    crystal = distant_atoms(spacegroup)
    hkl = argand.miller_indices(crystal.cell, crystal.symops, 1.5)
    difference = DifferenceMap(Model(crystal, hkl))
    points = np.random.default_rng(22).random((7, 3)) * 4.0 - 2.0
    vector, length = difference.nearest(points, crystal.frac)
    for i in range(len(crystal.types)):
        site = crystal.replace(
            types=("C",), labels=("C",), frac=crystal.frac[[i]], occ=1.0, b_iso=0.0
        )
        expected = distances(site, points % 1.0).min(axis=1)
        np.testing.assert_allclose(length[:, i], expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vector, axis=2), length)


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_the_highest_peak_is_the_atom_that_is_left_out(spacegroup: str) -> None:
    """No image of the atom is a peak of its own; the highest peak comes first."""
    crystal = distant_atoms(spacegroup)
    hkl = argand.miller_indices(crystal.cell, crystal.symops, 1.0)
    amplitude = 3.0 * np.abs(argand.structure_factors(crystal, hkl))
    amplitude[::11] = np.nan
    fewer = crystal.replace(
        types=crystal.types[:-1],
        labels=crystal.labels[:-1],
        frac=crystal.frac[:-1],
        occ=crystal.occ[:-1],
        b_iso=crystal.b_iso[:-1],
    )
    difference = DifferenceMap(Model(fewer, hkl))
    peaks = difference.peaks(amplitude, np.zeros(15))
    _, distance = difference.nearest(peaks.frac[:1], crystal.frac[-1:])
    assert distance[0, 0] < 0.25
    assert peaks.height[0] > 1.5 * peaks.height[1:].max(initial=0.0)
    assert (np.diff(peaks.height) <= 0.0).all()


@pytest.mark.parametrize("spacegroup", ["P -1", "P 1 21/c 1", "P 21 21 21"])
def test_an_atom_is_taken_to_where_it_belongs(spacegroup: str) -> None:
    """It has moved by 1.6 angstrom along z, farther than least squares can follow."""
    crystal = distant_atoms(spacegroup)
    model = Model(crystal, argand.miller_indices(crystal.cell, crystal.symops, 1.2))
    true = np.zeros(len(model))
    true[3 * 2 + 2] = 1.6
    amplitude = 2.0 * np.abs(model.structure_factors(true))
    from_known = refine(model, amplitude, on="F")
    assert from_known.figures.r1[0] > 0.1
    starts = relocations(DifferenceMap(model), amplitude, np.zeros(len(model)), 0.9, 4)
    assert 1 <= len(starts) <= 4
    assert (np.abs(starts[0] - true) < 0.4).all()
    relocated = refine(model, amplitude, on="F", start=starts[0])
    np.testing.assert_allclose(relocated.p[0], true, atol=1e-3)


def test_no_atom_is_taken_farther_than_it_can_be(crystal: argand.Crystal) -> None:
    """The farthest move is 2.2 times the expected rms displacement."""
    model = Model(crystal, argand.miller_indices(crystal.cell, crystal.symops, 1.2))
    true = np.zeros(len(model))
    true[2] = 1.3
    amplitude = np.abs(model.structure_factors(true))
    difference = DifferenceMap(model)
    for rms in (0.1, 0.3):
        starts = relocations(difference, amplitude, np.zeros(len(model)), rms, 30)
        assert np.abs(starts).max(initial=0.0) <= 2.2 * rms
