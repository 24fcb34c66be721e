"""Copies of one crystal: their sum is that of expanded crystals, its derivative is the adjoint."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.completion import Completion, independent_operations, independent_part
from argand.copies import Copies
from argand.radiation import Radiation
from space_groups import EVERY_GROUP, random_crystal, with_tensors

# Molybdenum's radiation in keV, with dispersion; None: real form factors.
ENERGIES = [None, 17.4]


def copies_of(crystal, count=2, seed=3):
    """Return frac, beta and occ of copies; sites on special positions stay on them."""
    rng = np.random.default_rng(seed)
    n = len(crystal.types)
    general = crystal.multiplicity() == len(crystal.symops)
    shift = rng.normal(size=(count, n, 3)) * 1e-3
    frac = crystal.frac + shift * general[:, None]
    beta = crystal.beta() * rng.uniform(0.9, 1.1, (count, n, 1))
    occ = rng.uniform(0.2, 1.0, (count, n))
    return frac, beta, occ


def crystal_of(crystal, frac, beta, occ, cell=None):
    """Return one copy as a crystal of its own."""
    factor = beta[:, 0] / crystal.beta()[:, 0]
    u_aniso = crystal.u_aniso * factor[:, None]
    changed = crystal.replace(cell=cell or crystal.cell)
    b_iso = crystal.b_iso * factor
    return changed.replace(frac=frac, b_iso=b_iso, u_aniso=u_aniso, occ=occ)


def crystal_and_hkl(spacegroup, seed=1):
    """Return a crystal with isotropic and anisotropic sites, and 40 reflections (40, 3)."""
    rng = np.random.default_rng(seed)
    crystal = with_tensors(random_crystal(rng, spacegroup), rng)
    hkl = rng.integers(-5, 6, (40, 3)).astype(np.int32)
    return crystal, hkl


def inner(x, y):
    """Return the real inner product of two arrays."""
    return float((np.conj(x) * y).real.sum())


@pytest.mark.parametrize("energy_kev", ENERGIES)
@pytest.mark.parametrize("spacegroup", EVERY_GROUP)
def test_the_sum_is_that_of_the_expanded_crystals(spacegroup, energy_kev):
    crystal, hkl = crystal_and_hkl(spacegroup)
    frac, beta, occ = copies_of(crystal)
    expanded = []
    for site in zip(frac, beta, occ, strict=True):
        expanded.append(crystal_of(crystal, *site).to_p1())
    expected = argand.structure_factors(expanded, hkl, energy_kev=energy_kev)
    radiation = Radiation.of_table("it92", energy_kev)
    for merge_images in (True, False):
        copies = Copies(crystal, hkl, radiation, merge_images=merge_images)
        f = copies.structure_factors(frac, beta, occ)
        assert np.abs(f - expected).max() < 1e-11 * crystal.f000()


@pytest.mark.parametrize("energy_kev", ENERGIES)
@pytest.mark.parametrize("spacegroup", EVERY_GROUP)
def test_vjp_is_the_adjoint_of_the_derivative(spacegroup, energy_kev):
    """<A x, y> = <x, A* y>, where A x is the derivative of F along x = (frac, beta, occ)."""
    crystal, hkl = crystal_and_hkl(spacegroup)
    copies = Copies(crystal, hkl, Radiation.of_table("it92", energy_kev), merge_images=False)
    sites = copies_of(crystal)
    rng = np.random.default_rng(5)
    y = rng.normal(size=(2, len(hkl))) + 1j * rng.normal(size=(2, len(hkl)))
    gradients = copies.vjp(*sites, y)
    # F is linear in the occupancies: the identity is exact.
    frac, beta, occ = sites
    f = copies.structure_factors(frac, beta, occ)
    scale = np.abs(f).max() * np.abs(y).sum()
    assert abs(inner(f, y) - inner(occ, gradients[2])) < 1e-12 * scale
    # Along positions and tensors A x is a central difference.
    step = 1e-6
    for number, size in ((0, 1.0), (1, 0.1)):
        x = rng.normal(size=sites[number].shape) * size
        ahead = list(sites)
        behind = list(sites)
        ahead[number] = sites[number] + step * x
        behind[number] = sites[number] - step * x
        difference = copies.structure_factors(*ahead) - copies.structure_factors(*behind)
        along = difference / (2.0 * step)
        scale = np.abs(along).max() * np.abs(y).sum()
        assert abs(inner(along, y) - inner(x, gradients[number])) < 1e-6 * scale


@pytest.mark.parametrize("spacegroup", ["P -1", "C m c 21", "R -3 c:H", "F d -3 m:2"])
def test_merged_images_have_the_derivatives_of_all_images(spacegroup):
    """Sites on special positions may move together only: their merged images give less by frac."""
    crystal, hkl = crystal_and_hkl(spacegroup)
    frac, beta, occ = copies_of(crystal)
    rng = np.random.default_rng(6)
    g = rng.normal(size=(2, len(hkl))) + 1j * rng.normal(size=(2, len(hkl)))
    merged = Copies(crystal, hkl).vjp(frac, beta, occ, g)
    apart = Copies(crystal, hkl, merge_images=False).vjp(frac, beta, occ, g)
    general = crystal.multiplicity() == len(crystal.symops)
    for by_merged, by_apart in zip(merged, apart, strict=True):
        difference = np.abs(by_merged - by_apart)[:, general].max(initial=0.0)
        assert difference < 1e-11 * np.abs(by_apart).max()
    assert np.abs(merged[2] - apart[2]).max() < 1e-11 * np.abs(apart[2]).max()


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("real_form", [True, False])
@pytest.mark.parametrize("spacegroup", EVERY_GROUP)
def test_completion_has_an_adjoint(spacegroup, real_form, whole):
    """<A g, y> = <g, A* y>, for whole orders and for satellites."""
    crystal, hkl = crystal_and_hkl(spacegroup)
    _, completion = independent_operations(crystal.symops, real_form)
    rng = np.random.default_rng(7)
    if not whole:
        hkl = hkl + rng.random(hkl.shape)
    g, y = rng.normal(size=(2, 3, len(hkl))) + 1j * rng.normal(size=(2, 3, len(hkl)))
    forward = inner(completion.complete(g, hkl), y)
    backward = inner(g, completion.adjoint(y, hkl))
    operations = len(completion.centring) * 2.0
    assert abs(forward - backward) < 1e-12 * operations * np.abs(g).max() * np.abs(y).sum()


@pytest.mark.parametrize("real_form", [True, False])
@pytest.mark.parametrize("spacegroup", EVERY_GROUP)
def test_independent_operations_and_completion_are_the_group(spacegroup, real_form):
    symops = random_crystal(np.random.default_rng(8), spacegroup).symops
    independent, completion = independent_operations(symops, real_form)
    hands = 1 if completion.inversion is None else 2
    assert len(independent) * len(completion.centring) * hands == len(symops)
    if not real_form:
        assert completion.inversion is None


def test_the_part_is_in_p1_and_found_once():
    crystal, hkl = crystal_and_hkl("I 41/a:2")
    part, completion = independent_part(crystal, real_form=True)
    assert part.spacegroup == "P 1"
    assert independent_part(crystal, real_form=True)[0] is part
    f = completion.complete(argand.structure_factors(part, hkl), hkl)
    assert np.abs(f - argand.structure_factors(crystal, hkl)).max() < 1e-12 * crystal.f000()


def test_nothing_to_complete_is_no_copy():
    partial = np.ones(3, complex)
    completion = Completion(np.zeros((1, 3)), None)
    assert completion.complete(partial, np.eye(3, dtype=np.int32)) is partial


@pytest.mark.parametrize("energy_kev", ENERGIES)
@pytest.mark.parametrize("spacegroup", ["P 1", "P 1 21/c 1", "F d d 2", "R -3 c:H"])
def test_copies_in_cells_of_their_own(spacegroup, energy_kev):
    crystal, hkl = crystal_and_hkl(spacegroup)
    frac, _, occ = copies_of(crystal)
    cells = np.array([crystal.cell, crystal.cell])
    cells[0, :3] *= 1.02
    cells[1, :3] *= 0.99
    copies = Copies(crystal, hkl, Radiation.of_table("it92", energy_kev))
    f = copies.structure_factors(frac, copies.beta(cells), occ, cells=cells)
    crystals = []
    for number, cell in enumerate(cells):
        in_cell = crystal.replace(cell=tuple(cell))
        crystals.append(in_cell.replace(frac=frac[number], occ=occ[number]).to_p1())
    expected = argand.structure_factors(crystals, hkl, energy_kev=energy_kev)
    assert np.abs(f - expected).max() < 1e-11 * crystal.f000()
    # The derivative by occupancies is exact in every cell.
    g = np.exp(1j * np.arange(f.size)).reshape(f.shape)
    by_occ = copies.vjp(frac, copies.beta(cells), occ, g, cells=cells)[2]
    assert abs(inner(f, g) - inner(occ, by_occ)) < 1e-12 * np.abs(f).sum()


def test_factors_of_beta_are_those_of_the_tensors():
    crystal, hkl = crystal_and_hkl("P 1 21/c 1")
    frac, _, occ = copies_of(crystal)
    copies = Copies(crystal, hkl)
    factors = np.random.default_rng(9).uniform(0.5, 2.0, occ.shape)
    f = copies.structure_factors(frac, copies.beta(), occ, beta_factors=factors)
    expected = copies.structure_factors(frac, copies.beta() * factors[:, :, None], occ)
    assert np.abs(f - expected).max() < 1e-13 * np.abs(expected).max()


@pytest.mark.parametrize("spacegroup", ["P 1", "P -1", "C m c 21", "P 41 21 2"])
def test_further_atoms_are_sites_of_a_larger_crystal(spacegroup):
    """One further atom shares the first site, one lies on a general position."""
    crystal, hkl = crystal_and_hkl(spacegroup)
    copies = Copies(
        crystal,
        hkl,
        further_types=("S", "N"),
        further_parents=(0, -1),
        further_b_iso=(0.0, 2.5),
    )
    position = np.array([0.137, 0.291, 0.418])
    frac = np.concatenate([crystal.frac, crystal.frac[:1], position[None]])
    occ = np.concatenate([crystal.occ, [0.4, 0.7]])
    f = copies.structure_factors(frac[None], copies.beta(), occ[None])[0]
    u_aniso = np.concatenate([crystal.u_aniso, crystal.u_aniso[:1], np.full((1, 6), np.nan)])
    larger = argand.Crystal(
        cell=crystal.cell,
        spacegroup=spacegroup,
        types=(*crystal.types, "S", "N"),
        frac=frac,
        occ=occ,
        b_iso=np.concatenate([crystal.b_iso, crystal.b_iso[:1], [2.5]]),
        u_aniso=u_aniso,
    )
    expected = argand.structure_factors(larger.to_p1(), hkl)
    assert np.abs(f - expected).max() < 1e-11 * larger.f000()


@pytest.mark.parametrize("energy_kev", ENERGIES)
def test_single_precision(energy_kev):
    crystal, hkl = crystal_and_hkl("C 1 2/c 1")
    sites = copies_of(crystal)
    radiation = Radiation.of_table("it92", energy_kev)
    double = Copies(crystal, hkl, radiation)
    single = Copies(crystal, hkl, radiation, dtype="float32")
    f = double.structure_factors(*sites)
    f_single = single.structure_factors(*sites)
    assert f_single.dtype == np.complex64
    assert np.abs(f_single - f).max() < 2e-5 * crystal.f000()
    g = np.ones(f.shape, np.complex64)
    for by_single, by_double in zip(single.vjp(*sites, g), double.vjp(*sites, g), strict=True):
        assert np.abs(by_single - by_double).max() < 1e-4 * np.abs(by_double).max()


def test_real_form_leaves_out_what_absorbs():
    crystal, hkl = crystal_and_hkl("P 1 21 1")
    radiation = Radiation.of_table("it92", 17.4)
    copies = Copies(crystal, hkl, radiation, real_form=True)
    mates = Copies(crystal, -hkl, radiation, real_form=True)
    sites = copies_of(crystal)
    f = copies.structure_factors(*sites)
    assert np.isrealobj(copies.form)
    assert np.abs(f - mates.structure_factors(*sites).conj()).max() < 1e-12 * crystal.f000()


def test_the_order_of_reflections_does_not_matter():
    crystal, _ = crystal_and_hkl("P 1 21/c 1")
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=1.2)
    shuffled = np.random.default_rng(10).permutation(len(hkl))
    sites = copies_of(crystal)
    f = Copies(crystal, hkl).structure_factors(*sites)
    f_shuffled = Copies(crystal, hkl[shuffled]).structure_factors(*sites)
    assert np.abs(f_shuffled - f[:, shuffled]).max() < 1e-12 * crystal.f000()
    by_frac = Copies(crystal, hkl).vjp(*sites, f)[0]
    by_frac_shuffled = Copies(crystal, hkl[shuffled]).vjp(*sites, f_shuffled)[0]
    assert np.abs(by_frac_shuffled - by_frac).max() < 1e-11 * np.abs(by_frac).max()


def test_a_crystal_without_sites():
    empty = argand.Crystal((7.0, 8.0, 9.0, 90.0, 90.0, 90.0), "P 21 21 21")
    copies = Copies(empty, np.array([[1, 0, 0], [1, 1, 1]], np.int32))
    frac = np.zeros((2, 0, 3))
    beta = np.zeros((2, 0, 6))
    occ = np.zeros((2, 0))
    f = copies.structure_factors(frac, beta, occ)
    assert np.array_equal(f, np.zeros((2, 2)))
    assert copies.vjp(frac, beta, occ, f)[0].shape == (2, 0, 3)
