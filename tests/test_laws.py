"""Laws that hold for every crystal and every list of reflections."""

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
    """What rounding is measured against: all atoms in phase."""
    return 1.0 + crystal.f000()


@given(crystals(), reflections())
def test_every_path_is_the_definition(crystal, hkl):
    form = argand.form_factors(crystal.types, argand.stol(hkl, crystal.cell))
    expected = oracles.structure_factors(crystal.frac, crystal.beta(), crystal.occ, form, hkl)
    f = argand.structure_factors(crystal, hkl)
    assert np.abs(f - expected).max(initial=0) < 1e-12 * scale(crystal)
    single = argand.structure_factors(crystal, hkl, dtype="complex64")
    assert np.abs(single - expected).max(initial=0) < 2e-5 * scale(crystal)


@given(crystals())
def test_the_cube_is_the_list(crystal):
    cube = argand.hkl_cube(3)
    as_list = argand.structure_factors(crystal, np.concatenate([cube, cube[:1]]))[:-1]
    assert np.abs(argand.structure_factors(crystal, cube) - as_list).max() < 1e-12 * scale(crystal)


@given(crystals(), reflections())
def test_friedel(crystal, hkl):
    f, mate = argand.structure_factors(crystal, hkl), argand.structure_factors(crystal, -hkl)
    assert np.abs(f - mate.conj()).max(initial=0) < 1e-12 * scale(crystal)


@given(crystals(), reflections(), st.tuples(*[st.floats(-3, 3)] * 3))
def test_moving_all_atoms_is_a_phase_ramp(crystal, hkl, shift):
    moved = argand.structure_factors(crystal.replace(frac=crystal.frac + shift), hkl)
    ramp = np.exp(2j * np.pi * hkl @ np.array(shift))
    assert np.abs(moved - ramp * argand.structure_factors(crystal, hkl)).max(
        initial=0
    ) < 1e-11 * scale(crystal)


@given(crystals(), crystals(), reflections())
def test_a_batch_is_its_crystals(one, other, hkl):
    both = argand.structure_factors([one, other], hkl)
    for f, crystal in zip(both, (one, other), strict=True):
        assert np.abs(f - argand.structure_factors(crystal, hkl)).max(initial=0) < 1e-12 * scale(
            crystal
        )


@given(crystals(max_sites=6), st.integers(0, 2**32 - 1))
def test_map_and_back(crystal, seed):
    """Through the density and back; Parseval on the way."""
    hkl = argand.hkl_cube(2)
    f = argand.structure_factors(crystal, hkl)
    grid = tuple(np.random.default_rng(seed).integers(5, 13, 3))
    rho = argand.map_from_structure_factors(hkl, f, grid, cell=crystal.cell)
    back = argand.structure_factors_from_map(rho, hkl, cell=crystal.cell)
    assert np.abs(back - f).max() < 1e-12 * scale(crystal)
    power = (np.abs(f) ** 2).sum() / crystal.volume
    assert abs((rho**2).mean() * crystal.volume - power) <= 1e-11 * power
