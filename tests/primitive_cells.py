"""Describe crystals in primitive cells, phased in P 1 about an arbitrary origin, for tests."""

from __future__ import annotations

from typing import Any

import gemmi
import numpy as np
from numpy.typing import NDArray

import argand
from argand.reflections import asymmetric_unit, stol
from argand.solve.primitive import (
    PrimitiveReflections,
    normalised_amplitudes,
    primitive_basis,
)
from argand.symmetry import group_ops, without_translations

# Edges of a primitive cell, as columns, in fractions of the conventional cell.
BASES = {
    "P": np.eye(3),
    "A": np.array([[1, 0, 0], [0, 0.5, -0.5], [0, 0.5, 0.5]]),
    "B": np.array([[0.5, 0, -0.5], [0, 1, 0], [0.5, 0, 0.5]]),
    "C": np.array([[0.5, -0.5, 0], [0.5, 0.5, 0], [0, 0, 1]]),
    "I": np.array([[-0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, -0.5]]),
    "F": np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]),
    "R": np.array([[2, -1, -1], [1, 1, -2], [1, 1, 1]]) / 3,
}

# Cells of each crystal system, angstrom and degrees, large enough for a dozen carbon atoms.
LARGE_CELLS = {
    "triclinic": (9.0, 10.0, 11.0, 81.0, 95.0, 103.0),
    "monoclinic": (9.0, 10.0, 12.0, 90.0, 97.0, 90.0),
    "orthorhombic": (9.0, 10.0, 13.0, 90.0, 90.0, 90.0),
    "tetragonal": (11.0, 11.0, 14.0, 90.0, 90.0, 90.0),
    "trigonal": (12.0, 12.0, 14.0, 90.0, 90.0, 120.0),
    "hexagonal": (12.0, 12.0, 14.0, 90.0, 90.0, 120.0),
    "cubic": (14.0, 14.0, 14.0, 90.0, 90.0, 90.0),
}


def basis_of(spacegroup: str) -> NDArray[np.float64]:
    """Return the matrix (3, 3) from primitive to conventional fractional coordinates."""
    group = gemmi.SpaceGroup(spacegroup)
    centring = group.centring_type()
    if group.hm.startswith("R") and group.ext == "R":
        centring = "P"
    basis = BASES[centring]
    vectors = np.array(list(group_ops(spacegroup).cen_ops)) / 24
    in_primitive = vectors @ np.linalg.inv(basis).T
    assert np.allclose(in_primitive, np.rint(in_primitive))
    return basis


def primitive_operations(
    spacegroup: str, basis: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return rotations (k, 3, 3) and translations (k, 3) of a group in a primitive basis."""
    inverse = np.linalg.inv(basis)
    rotations = []
    translations = []
    for op in group_ops(spacegroup).sym_ops:
        rotation = np.array(op.rot) / 24
        rotations.append(np.rint(inverse @ rotation @ basis).astype(np.int64))
        translations.append(inverse @ np.array(op.tran) / 24 % 1)
    return np.array(rotations), np.array(translations)


def carbon_crystal(spacegroup: str, rng: np.random.Generator, sites: int = 6) -> argand.Crystal:
    """Return a crystal of carbon sites on general positions, all 1 angstrom or more apart."""
    system = gemmi.SpaceGroup(spacegroup).crystal_system_str()
    cell = LARGE_CELLS[system]
    if gemmi.SpaceGroup(spacegroup).ext == "R":
        cell = (9.0, 9.0, 9.0, 80.0, 80.0, 80.0)
    frac = rng.random((sites, 3))
    return argand.Crystal(
        cell=cell, spacegroup=spacegroup, types=("C",) * sites, frac=frac, b_iso=np.full(sites, 3.0)
    )


def half_sphere(
    crystal: argand.Crystal, basis: NDArray[np.float64], d_min: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List one of each Friedel pair in the conventional and in the primitive basis, absences too.

    Only reflections that the centring extinguishes are left out.
    """
    conventional = argand.miller_indices(crystal.cell, "P 1", d_min=d_min).astype(np.int64)
    primitive = conventional @ basis
    whole = np.abs(primitive - np.rint(primitive)).max(axis=1) < 1e-6
    return conventional[whole], np.rint(primitive[whole]).astype(np.int64)


def phased_in_p1(
    crystal: argand.Crystal,
    rng: np.random.Generator,
    d_min: float = 1.2,
    phase_error: float = 0.0,
) -> dict[str, Any]:
    """Return structure factors of a crystal in its primitive cell about a random origin.

    Returns
    -------
    dict
        hkl (n, 3) in the primitive basis, conventional (n, 3), f (n,) complex, shift (3,) of the
        origin in primitive fractions, basis (3, 3).
    """
    basis = basis_of(crystal.spacegroup)
    conventional, hkl = half_sphere(crystal, basis, d_min)
    f = argand.structure_factors(crystal, conventional)
    shift = rng.random(3)
    error = np.radians(phase_error) * rng.normal(size=len(f))
    moved = f * np.exp(2j * np.pi * (hkl @ shift) + 1j * error)
    return {"hkl": hkl, "conventional": conventional, "f": moved, "shift": shift, "basis": basis}


def measured_and_phased(
    crystal: argand.Crystal,
    rng: np.random.Generator,
    d_min: float = 1.0,
    phase_error: float = 30.0,
    noise: float = 0.03,
) -> tuple[PrimitiveReflections, NDArray[np.complex128]]:
    """Return noisy intensities of a crystal in P 1, and |F| with phases about a random origin.

    Parameters
    ----------
    crystal
        True structure.
    rng
        Source of noise, origin and hand.
    d_min
        Resolution, angstrom.
    phase_error
        Standard deviation of the phases, degrees.
    noise
        Sigma of weak intensities over the mean intensity; strong ones have 2 %.
    """
    basis = primitive_basis(crystal.cell, crystal.spacegroup)
    conventional, hkl = half_sphere(crystal, basis, d_min)
    f = argand.structure_factors(crystal, conventional)
    unique = asymmetric_unit(conventional, without_translations(crystal.spacegroup))
    _, first, laue = np.unique(unique, axis=0, return_index=True, return_inverse=True)
    true = np.abs(f[first]) ** 2
    sigma = np.hypot(0.02 * true, noise * true.mean())
    intensity = true + sigma * rng.normal(size=len(true))
    laue = laue.ravel()
    amplitude = np.sqrt(np.maximum(intensity, 0.3 * sigma))[laue]
    spacing = 0.5 / stol(conventional, crystal.cell)
    phase = np.angle(f) + 2 * np.pi * (hkl @ rng.random(3))
    phase += np.radians(phase_error) * rng.normal(size=len(f))
    data = PrimitiveReflections(
        cell=crystal.cell,
        basis=basis,
        hkl=hkl,
        intensity=intensity[laue],
        sigma=sigma[laue],
        amplitude=amplitude,
        normalised=normalised_amplitudes(amplitude, spacing),
        spacing=spacing,
        laue=laue,
    )
    hand = rng.choice([-1, 1])
    return data, amplitude * np.exp(1j * hand * phase)
