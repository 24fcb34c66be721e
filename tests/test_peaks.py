"""Test the search for peaks of maps: positions, special positions, distances, integrals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.ndimage import maximum_filter

import argand
from argand.density import grid_shape, map_from_structure_factors
from argand.peaks import find_peaks, grid_maxima, nearest_image
from argand.reflections import miller_indices
from argand.structure_factors import structure_factors

CELL = (8.0, 8.0, 8.0, 90.0, 90.0, 90.0)
CELLS = {
    "P -1": (7.0, 8.0, 9.0, 80.0, 95.0, 103.0),
    "P 1 21/c 1": (7.0, 8.0, 9.0, 90.0, 99.0, 90.0),
}

# Sites and their multiplicities, none nearer to another atom than 1.4 A.
SITES = {
    "P -1": [((0.123, 0.234, 0.345), 2), ((0.31, 0.52, 0.07), 2), ((0.5, 0.0, 0.5), 1)],
    "P 1 21/c 1": [((0.217, 0.131, 0.402), 4), ((0.0, 0.5, 0.0), 2)],
    "P 4/m m m": [((0.21, 0.34, 0.28), 16), ((0.5, 0.5, 0.2), 2), ((0.0, 0.0, 0.0), 1)],
    "F m -3 m": [((0.0, 0.0, 0.0), 4), ((0.5, 0.5, 0.5), 4), ((0.25, 0.25, 0.25), 8)],
}


def map_of(spacegroup):
    """Return the crystal of SITES, heaviest site first, and its map to 0.7 A."""
    sites = SITES[spacegroup]
    crystal = argand.Crystal(
        cell=CELLS.get(spacegroup, CELL),
        spacegroup=spacegroup,
        types=("Cl", "S", "C")[: len(sites)],
        frac=[position for position, _ in sites],
        b_iso=3.0,
    )
    hkl = miller_indices(crystal.cell, spacegroup, d_min=0.7)
    f = structure_factors(crystal, hkl)
    shape = grid_shape(crystal.cell, spacegroup, 0.7)
    rho = map_from_structure_factors(hkl, f, shape, cell=crystal.cell, spacegroup=spacegroup)
    return crystal, rho


@pytest.mark.parametrize("spacegroup", SITES)
def test_peaks_are_the_sites_with_their_multiplicities(spacegroup):
    """Every site is found once, to .02 A, and on a special position to rounding."""
    crystal, rho = map_of(spacegroup)
    peaks = find_peaks(rho, crystal.cell, crystal.symops, most=len(crystal.types))
    distance = nearest_image(peaks.frac, crystal.frac, crystal.cell, crystal.symops)
    assert (np.diff(peaks.height) <= 0.0).all()
    assert sorted(distance.argmin(axis=1)) == list(range(len(crystal.types)))
    assert distance.min(axis=1).max() < 0.02
    expected = [multiplicity for _, multiplicity in SITES[spacegroup]]
    assert [expected[site] for site in distance.argmin(axis=1)] == peaks.multiplicity.tolist()
    at_peaks = crystal.replace(
        types=("C",) * len(peaks.frac), labels=(), frac=peaks.frac, occ=None, b_iso=None
    )
    fixed = np.where(at_peaks.in_place, at_peaks.image_distances, 0.0)
    assert fixed.max() < 1e-6


@pytest.mark.parametrize("spacegroup", SITES)
def test_rounding_does_not_choose_the_image_of_a_peak(spacegroup):
    """Equivalents whose heights differ by rounding: the first in order stands for all."""
    crystal, rho = map_of(spacegroup)
    exact = find_peaks(rho, crystal.cell, crystal.symops, most=len(crystal.types))
    for seed in range(5):
        noise = 1e-12 * np.random.default_rng(seed).normal(size=rho.shape)
        peaks = find_peaks(rho + noise, crystal.cell, crystal.symops, most=len(crystal.types))
        shift = peaks.frac - exact.frac
        assert np.abs(shift - np.rint(shift)).max() < 1e-6, f"seed {seed}"
        assert np.allclose(peaks.content, exact.content, rtol=0.0, atol=1e-6)


def test_the_integral_of_a_peak_grows_with_its_electrons():
    """Chlorine has 17/16 of the electrons of sulfur at the same B, far from other atoms."""
    crystal, rho = map_of("P -1")
    peaks = find_peaks(rho, crystal.cell, crystal.symops, most=2)
    assert peaks.content[0] / peaks.content[1] == pytest.approx(17.0 / 16.0, rel=0.02)


def test_no_two_peaks_are_images_or_neighbours():
    """A map of noise has peaks that are apart (seed 4)."""
    crystal, rho = map_of("P 1 21/c 1")
    f = np.random.default_rng(4).normal(size=(300, 2)) @ (1.0, 1j)
    hkl = miller_indices(crystal.cell, crystal.symops, d_min=0.9)[:300]
    rho = map_from_structure_factors(
        hkl, f, rho.shape, cell=crystal.cell, spacegroup=crystal.spacegroup
    )
    peaks = find_peaks(rho, crystal.cell, crystal.symops)
    distance = nearest_image(peaks.frac, peaks.frac, crystal.cell, crystal.symops)
    np.fill_diagonal(distance, np.inf)
    assert len(peaks.frac) > 20
    # A peak may be moved onto a special position after it was compared with the others.
    assert distance.min() > 0.3


def test_a_map_without_maxima_has_no_peaks():
    """All of a map below the limit: nothing is found, and nothing fails."""
    peaks = find_peaks(np.zeros((8, 8, 8)), CELL, "P 1", lowest=1.0)
    assert peaks.frac.shape == (0, 3)
    assert len(peaks.height) == len(peaks.content) == len(peaks.multiplicity) == 0


def test_maxima_of_a_grid_wrap_around():
    """A maximum at the corner of the cell has neighbours at the opposite faces."""
    rho = np.zeros((6, 6, 6))
    rho[0, 0, 0] = 2.0
    rho[5, 5, 5] = 1.0
    assert grid_maxima(rho, 0.5, size=3).tolist() == [[0, 0, 0]]


def test_nearest_images_agree_with_all_images():
    """Distances are those of the nearest of all images in 27 cells (seed 6)."""
    rng = np.random.default_rng(6)
    points, sites = rng.random((4, 3)), rng.random((5, 3))
    cell = CELLS["P 1 21/c 1"]
    crystal = argand.Crystal(cell=cell, spacegroup="P 1 21/c 1", types=("C",) * 5, frac=sites)
    axes = argand.site_symmetry.cartesian_axes(crystal)
    everywhere = []
    for operation, translation in argand.symmetry.operations(crystal.symops):
        for cell_number in itertools.product((-2, -1, 0, 1, 2), repeat=3):
            everywhere.append(sites @ operation.T + translation + cell_number)
    vector = (points[:, None, None] - np.array(everywhere)) @ axes.T
    expected = np.linalg.norm(vector, axis=3).min(axis=1)
    np.testing.assert_allclose(nearest_image(points, sites, cell, crystal.symops), expected)


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("lowest", [-np.inf, 0.0, 1.5])
def test_maxima_of_a_grid_are_those_of_a_filter(size, lowest):
    """Maxima of random maps agree with scipy's filter, equal neighbours included (seed 12)."""
    rng = np.random.default_rng(12)
    rho = np.round(rng.normal(size=(9, 8, 11)), 1).astype(np.float32)
    highest = maximum_filter(rho, size=size, mode="wrap")
    expected = np.argwhere((rho == highest) & (rho > lowest))
    np.testing.assert_array_equal(grid_maxima(rho, lowest, size), expected)
