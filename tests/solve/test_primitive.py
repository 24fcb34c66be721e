"""Data in P 1 and in the primitive cell are those of the crystal in its own cell."""

from __future__ import annotations

import numpy as np
import pytest

import molecules
from argand import Crystal, structure_factors
from argand.errors import ArgandError
from argand.io import Reflections
from argand.reflections import in_p1, stol
from argand.solve.primitive import (
    merge_in_point_group,
    normalised_amplitudes,
    primitive_basis,
    primitive_operations,
    primitive_reflections,
)
from argand.symmetry import operation_arrays


@pytest.mark.parametrize("spacegroup", molecules.GROUPS)
def test_amplitudes_are_those_of_the_conventional_cell(spacegroup: str) -> None:
    """|F| and d of each primitive reflection are those that the conventional cell calculates."""
    crystal = molecules.molecule(spacegroup)
    reflections = molecules.measured(crystal, noise=1e-9)
    basis = primitive_basis(crystal.cell, spacegroup)
    merged = merge_in_point_group(reflections, crystal.cell, spacegroup)
    data = primitive_reflections(merged, basis)
    conventional = data.hkl @ np.linalg.inv(basis)
    hkl = np.rint(conventional).astype(np.int32)
    np.testing.assert_allclose(conventional, hkl, atol=1e-9)
    expected = np.abs(structure_factors(crystal, hkl))
    strong = expected > 0.05 * expected.mean()
    np.testing.assert_allclose(data.amplitude[strong], expected[strong], rtol=1e-5)
    np.testing.assert_allclose(data.spacing, 0.5 / stol(hkl, crystal.cell), rtol=1e-9)


@pytest.mark.parametrize("spacegroup", molecules.GROUPS)
def test_list_is_half_of_the_sphere(spacegroup: str) -> None:
    """All equivalents are listed, of each Friedel pair one."""
    crystal = molecules.molecule(spacegroup)
    reflections = molecules.measured(crystal)
    basis = primitive_basis(crystal.cell, spacegroup)
    merged = merge_in_point_group(reflections, crystal.cell, spacegroup)
    data = primitive_reflections(merged, basis)
    equivalents, _ = in_p1(np.concatenate([merged.hkl, -merged.hkl]), merged.spacegroup)
    assert len(data.hkl) == len(equivalents) / 2
    both = np.concatenate([data.hkl, -data.hkl])
    assert len(np.unique(both, axis=0)) == len(both)


@pytest.mark.parametrize("spacegroup", molecules.GROUPS)
def test_operations_obey_the_law_of_structure_factors(spacegroup: str) -> None:
    """F(h R) = F(h) exp(-2 pi i h.t) holds for the operations in the primitive basis."""
    crystal = molecules.molecule(spacegroup)
    basis = primitive_basis(crystal.cell, spacegroup)
    rotations, translations = primitive_operations(spacegroup, basis)
    centring = len(operation_arrays(spacegroup)[0]) // len(rotations)
    assert centring * np.linalg.det(basis) == pytest.approx(1.0)
    np.testing.assert_array_equal(rotations[0], np.eye(3))
    generator = np.random.default_rng(3)
    primitive_hkl = generator.integers(-6, 7, (40, 3))
    to_conventional = np.linalg.inv(basis)

    def f(hkl: np.ndarray) -> np.ndarray:
        conventional = np.rint(hkl @ to_conventional).astype(np.int32)
        return structure_factors(crystal, conventional)

    for rotation, translation in zip(rotations, translations, strict=True):
        turned = f(primitive_hkl) * np.exp(-2j * np.pi * (primitive_hkl @ translation))
        np.testing.assert_allclose(f(primitive_hkl @ rotation), turned, atol=1e-6)


def test_absences_of_screw_axes_and_glides_are_kept() -> None:
    """What P 21/c extinguishes is listed, with its measured intensity."""
    crystal = molecules.molecule("P 1 21/c 1")
    reflections = molecules.measured(crystal)
    absent = np.array([[0, 1, 0], [1, 0, 1], [0, 3, 0]], np.int32)
    hkl = np.concatenate([reflections.hkl, absent])
    intensity = np.append(reflections.intensity, [5.0, 6.0, 7.0])
    sigma = np.append(reflections.sigma, [1.0, 1.0, 1.0])
    merged = merge_in_point_group(
        Reflections(hkl=hkl, intensity=intensity, sigma=sigma), crystal.cell, "P 1 21/c 1"
    )
    assert {tuple(row) for row in absent} <= {tuple(row) for row in np.abs(merged.hkl)}


def test_mean_square_of_normalised_amplitudes_is_one_at_every_resolution() -> None:
    """<|E|^2> = 1 in thin shells, though |F|^2 falls by a factor of fifty."""
    generator = np.random.default_rng(5)
    spacing = generator.uniform(0.04, 1.5, 30_000) ** -0.5
    expected = np.exp(-2.8 / spacing**2)
    amplitude = np.sqrt(expected * generator.exponential(size=len(spacing)))
    normalised = normalised_amplitudes(amplitude, spacing)
    for low in np.arange(0.05, 1.45, 0.1):
        shell = (spacing**-2.0 > low) & (spacing**-2.0 < low + 0.1)
        assert np.mean(normalised[shell] ** 2) == pytest.approx(1.0, abs=0.08)


def test_wrong_data_are_refused_in_words() -> None:
    """Nothing but zeros, and a resolution that leaves nothing, are errors."""
    crystal = molecules.molecule("P -1")
    basis = primitive_basis(crystal.cell, "P -1")
    hkl = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.int32)
    empty = Reflections(hkl=hkl, intensity=np.zeros(3), sigma=np.ones(3))
    merged = merge_in_point_group(empty, crystal.cell, "P -1")
    with pytest.raises(ArgandError, match="all intensities are 0"):
        primitive_reflections(merged, basis)


def test_a_group_in_an_unnamed_setting_is_understood() -> None:
    """Operations without a name give the same primitive cell as those with one."""
    crystal = molecules.molecule("C 1 2/c 1")
    shifted = Crystal(cell=crystal.cell, symops=tuple(crystal.symops))
    np.testing.assert_array_equal(
        primitive_basis(crystal.cell, ";".join(shifted.symops)),
        primitive_basis(crystal.cell, "C 1 2/c 1"),
    )
