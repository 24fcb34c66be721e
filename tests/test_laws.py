"""Test laws that hold for every crystal and every list of reflections."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import argand
import oracles
from strategies import crystals, reflections

settings.register_profile(
    "argand",
    max_examples=60,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("argand")


def scale(crystal: argand.Crystal) -> float:
    """Return what rounding is measured against: F of all atoms in phase."""
    return 1.0 + crystal.f000()


def largest(values: np.ndarray) -> float:
    """Return the largest modulus, 0 for an empty array."""
    return float(np.abs(values).max(initial=0))


@given(crystals(), reflections())
def test_both_precisions_agree_with_the_definition(crystal, hkl):
    form = argand.form_factors(crystal.types, argand.stol(hkl, crystal.cell))
    expected = oracles.structure_factors(crystal.frac, crystal.beta(), crystal.occ, form, hkl)
    f = argand.structure_factors(crystal, hkl)
    assert largest(f - expected) < 1e-12 * scale(crystal)
    single = argand.structure_factors(crystal, hkl, dtype="complex64")
    assert largest(single - expected) < 2e-5 * scale(crystal)


@given(crystals())
def test_a_cube_gives_the_f_of_its_list(crystal):
    cube = argand.hkl_cube(3)
    longer_list = np.concatenate([cube, cube[:1]])
    from_list = argand.structure_factors(crystal, longer_list)[:-1]
    from_cube = argand.structure_factors(crystal, cube)
    assert largest(from_cube - from_list) < 1e-12 * scale(crystal)


@given(crystals(), reflections())
def test_friedel(crystal, hkl):
    f = argand.structure_factors(crystal, hkl)
    mates = argand.structure_factors(crystal, -hkl)
    assert largest(f - mates.conj()) < 1e-12 * scale(crystal)


@given(crystals(), reflections(), st.tuples(*[st.floats(-3, 3)] * 3))
def test_moving_all_atoms_is_a_phase_ramp(crystal, hkl, shift):
    moved = crystal.replace(frac=crystal.frac + shift)
    f_moved = argand.structure_factors(moved, hkl)
    ramp = np.exp(2j * np.pi * hkl @ np.array(shift))
    expected = ramp * argand.structure_factors(crystal, hkl)
    assert largest(f_moved - expected) < 1e-11 * scale(crystal)


@given(crystals(), crystals(), reflections())
def test_a_batch_gives_the_f_of_its_crystals(first, second, hkl):
    pair = (first, second)
    together = argand.structure_factors(pair, hkl)
    for f, crystal in zip(together, pair, strict=True):
        alone = argand.structure_factors(crystal, hkl)
        assert largest(f - alone) < 1e-12 * scale(crystal)


@given(crystals(max_sites=6), st.integers(0, 2**32 - 1))
def test_map_and_back(crystal, seed):
    """F to the density and back is the identity; the density has the power of F (Parseval)."""
    hkl = argand.hkl_cube(2)
    f = argand.structure_factors(crystal, hkl)
    grid = tuple(np.random.default_rng(seed).integers(5, 13, 3))
    rho = argand.map_from_structure_factors(hkl, f, grid, cell=crystal.cell)
    back = argand.structure_factors_from_map(rho, hkl, cell=crystal.cell)
    assert largest(back - f) < 1e-12 * scale(crystal)
    power_of_f = (np.abs(f) ** 2).sum() / crystal.volume
    power_of_rho = (rho**2).mean() * crystal.volume
    assert abs(power_of_rho - power_of_f) <= 1e-11 * power_of_f
