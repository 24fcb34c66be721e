"""Sums by non-uniform transforms agree with the direct sum, to the accuracy asked for."""

from __future__ import annotations

import multiprocessing
import os

import numpy as np
import pytest

import argand
from argand import _seam, nufft
from argand._pack import pack
from argand.cell import beta_from_b_iso, beta_from_u_aniso
from argand.nufft import choice
from large_crystals import random_crystal, scale

pytest.importorskip("finufft", reason="finufft is not installed")


@pytest.mark.parametrize("anisotropic", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("energy_kev", [None, 7.2])
@pytest.mark.parametrize("eps", [1e-4, 1e-6, 1e-9, 1e-11])
def test_error_is_what_was_asked_for(eps, energy_kev, anisotropic):
    """The error is below eps S and below eps max |F|."""
    for seed in range(2):
        rng = np.random.default_rng(seed)
        crystal = random_crystal(rng, anisotropic=anisotropic)
        hkl = argand.miller_indices(crystal.cell, "P 1", d_min=1.8, unique=False)
        expected = argand.structure_factors(crystal, hkl, energy_kev=energy_kev, method="direct")
        f = argand.structure_factors(crystal, hkl, energy_kev=energy_kev, method="nufft", eps=eps)
        error = np.abs(f - expected).max()
        assert error < eps * scale(crystal, hkl, energy_kev=energy_kev), f"seed {seed}"
        assert error < eps * np.abs(expected).max(), f"seed {seed}"


@pytest.mark.parametrize("table", ["electron", "neutron"])
def test_other_radiations(table):
    """Electron and neutron form factors keep the accuracy too."""
    crystal = random_crystal(np.random.default_rng(3))
    crystal = crystal.replace(types=("C", "N", "H", "O") * 100)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.0)
    expected = argand.structure_factors(crystal, hkl, table=table, method="direct")
    f = argand.structure_factors(crystal, hkl, table=table, method="nufft")
    assert np.abs(f - expected).max() < 1e-6 * scale(crystal, hkl, table=table)


@pytest.mark.parametrize("spacegroup", ["P 1 21/c 1", "C 1 2 1", "P 43 21 2", "I a -3 d"])
def test_symmetry(spacegroup):
    """Crystals in any space group agree with the direct sum, by both ways to the transforms."""
    rng = np.random.default_rng(4)
    cell = (19.0, 21.0, 23.0, 90.0, 97.0, 90.0)
    if spacegroup in ("P 43 21 2", "I a -3 d"):
        cell = (20.0, 20.0, 20.0, 90.0, 90.0, 90.0)
    frac = rng.random((4, 3))
    b_iso = [5.0, 9.0, 14.0, 30.0]
    crystal = argand.Crystal(cell, spacegroup, ("C", "O", "S", "N"), frac, b_iso=b_iso)
    hkl = rng.permutation(argand.miller_indices(cell, spacegroup, d_min=1.5))
    for energy_kev in (None, 8.0):
        expected = argand.structure_factors(crystal, hkl, energy_kev=energy_kev, method="direct")
        f = argand.structure_factors(crystal, hkl, energy_kev=energy_kev, method="nufft")
        tolerance = 1e-6 * scale(crystal.to_p1(), hkl, energy_kev=energy_kev)
        assert np.abs(f - expected).max() < tolerance
        alone = nufft.structure_factors(crystal, hkl, energy_kev=energy_kev)
        np.testing.assert_allclose(alone, f, rtol=0, atol=1e-12 * np.abs(f).max())


@pytest.mark.parametrize(
    "hkl",
    [
        [[0, 0, 0]],
        [[7, -3, 2]],
        [[1, 2, 3], [1, 2, 3], [-1, -2, -3], [0, 0, 0]],
        [[3, 0, 0], [-3, 0, 0]],
        [[0, 0, k] for k in range(-9, 3)],
        np.empty((0, 3), int),
    ],
)
def test_any_list(hkl):
    """Repeated reflections, Friedel mates, single rows and empty lists are summed."""
    crystal = random_crystal(np.random.default_rng(5), anisotropic=0.5)
    expected = argand.structure_factors(crystal, hkl, method="direct")
    f = argand.structure_factors(crystal, hkl, method="nufft")
    assert f.shape == expected.shape
    tolerance = 1e-6 * scale(crystal, np.asarray(hkl)) if len(hkl) else 1e-6
    assert np.abs(f - expected).max(initial=0.0) < tolerance


def test_extremes():
    """The bound holds for one atom, none, none that scatters, atoms at rest, and B of 1000."""
    cell = (30.0, 31.0, 32.0, 80.0, 95.0, 105.0)
    hkl = argand.miller_indices(cell, "P 1", d_min=2.0)
    frac = np.random.default_rng(6).random((3, 3))
    empty = argand.Crystal(cell)
    assert not argand.structure_factors(empty, hkl, method="nufft").any()
    dark = argand.Crystal(cell, types="C", frac=frac[:1], occ=0.0)
    assert not argand.structure_factors(dark, hkl, method="nufft").any()
    for b_iso in ([0.0, 0.0, 0.0], [0.0, 1000.0, 5.0], [-2.0, 3.0, 3.0], [1000.0] * 3):
        three = argand.Crystal(cell, types=("C", "U", "C"), frac=frac, b_iso=b_iso)
        single = argand.Crystal(cell, types=("C",), frac=frac[:1], b_iso=b_iso[1])
        for crystal in (three, single):
            expected = argand.structure_factors(crystal, hkl, method="direct")
            f = argand.structure_factors(crystal, hkl, method="nufft")
            assert np.abs(f - expected).max() < 1e-6 * scale(crystal, hkl)


def test_friedel_mates_are_conjugate_and_threads_change_nothing():
    """F(-h) = conj F(h); two threads give the same bits, sixteen the same to eps."""
    crystal = random_crystal(np.random.default_rng(7), anisotropic=0.2)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.0)
    threads_before = argand.num_threads()
    f_by_threads = {}
    try:
        for threads in (1, 2, 16):
            argand.set_num_threads(threads)
            f_by_threads[threads] = nufft.structure_factors(crystal, hkl)
    finally:
        argand.set_num_threads(threads_before)
    f = f_by_threads[1]
    largest = np.abs(f).max()
    np.testing.assert_array_equal(f_by_threads[2], f)
    # Sixteen threads spread slabs of points apart.
    np.testing.assert_allclose(f_by_threads[16], f, rtol=0, atol=1e-6 * largest)
    mates = nufft.structure_factors(crystal, -hkl)
    np.testing.assert_allclose(mates.conj(), f, rtol=0, atol=1e-9 * largest)


def sum_in_child(crystal: argand.Crystal, hkl: np.ndarray, expected: np.ndarray) -> None:
    """Exit with 0 if this process computes the expected F."""
    f = nufft.structure_factors(crystal, hkl)
    agrees = np.allclose(f, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    os._exit(0 if agrees else 1)


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork"
)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_threads_that_it_lost():
    """A child forked from a process with a pool of threads computes the same F."""
    crystal = random_crystal(np.random.default_rng(8))
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.5)
    threads_before = argand.num_threads()
    fork = multiprocessing.get_context("fork")
    try:
        argand.set_num_threads(16)
        expected = nufft.structure_factors(crystal, hkl)
        child = fork.Process(target=sum_in_child, args=(crystal, hkl, expected))
        child.start()
        child.join(60)
        assert child.exitcode == 0
    finally:
        argand.set_num_threads(threads_before)


# --- derivatives ---


@pytest.mark.parametrize("anisotropic", [0.0, 0.5])
@pytest.mark.parametrize("energy_kev", [None, 7.2])
def test_gradients_are_those_of_the_direct_sum(energy_kev, anisotropic):
    """Derivatives agree with the direct sum, and <A occ, g> = <occ, A* g>."""
    rng = np.random.default_rng(9)
    crystal = random_crystal(rng, atoms=200, anisotropic=anisotropic)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.2, unique=False)
    # The list has Friedel mates, repeated reflections and the centre.
    hkl = np.concatenate([hkl, hkl[:40], [[0, 0, 0]]]).astype(np.int32)
    g = rng.normal(size=len(hkl)) + 1j * rng.normal(size=len(hkl))
    batch = pack([crystal], [hkl], energy_kev=energy_kev)
    frac = np.empty((200, 3))
    beta = np.empty((200, 6))
    occ = np.empty(200)
    _seam.structure_factors_vjp(batch, g[None], frac, beta, occ)
    by_b = beta @ beta_from_b_iso(np.array(1.0), crystal.cell)
    by_u = beta_from_u_aniso(beta, crystal.cell)
    expected = nufft.Gradients(frac, by_b, occ, by_u)
    for eps in (1e-4, 1e-6, 1e-9):
        gradients = nufft.vjp(crystal, hkl, g, energy_kev=energy_kev, eps=eps, by_tensors=True)
        for name in gradients._fields:
            by_direct_sum = getattr(expected, name)
            error = np.abs(getattr(gradients, name) - by_direct_sum).max()
            assert error < 3 * eps * np.abs(by_direct_sum).max(), name
        f = nufft.structure_factors(crystal, hkl, energy_kev=energy_kev, eps=eps)
        norms = np.linalg.norm(g) * np.linalg.norm(f)
        assert abs(np.vdot(g, f).real - gradients.occ @ crystal.occ) < eps * norms


def test_gradients_are_slopes():
    """Derivatives agree with differences of the loss along a random direction."""
    rng = np.random.default_rng(10)
    crystal = random_crystal(rng, atoms=60)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.5)
    g = rng.normal(size=len(hkl)) + 1j * rng.normal(size=len(hkl))
    by_frac, by_b, by_occ, _ = nufft.vjp(crystal, hkl, g, eps=1e-10)
    d_frac = rng.normal(size=by_frac.shape)
    d_b = rng.normal(size=by_b.shape) * 30.0
    d_occ = rng.normal(size=by_occ.shape)

    def loss(step: float) -> float:
        moved = crystal.replace(
            frac=crystal.frac + step * d_frac,
            b_iso=crystal.b_iso + step * d_b,
            occ=crystal.occ + step * d_occ,
        )
        f = nufft.structure_factors(moved, hkl, eps=1e-11)
        return float(np.vdot(g, f).real)

    step = 2e-4
    near = loss(step) - loss(-step)
    far = loss(2 * step) - loss(-2 * step)
    slope = (8 * near - far) / (12 * step)
    products = (by_frac * d_frac, by_b * d_b, by_occ * d_occ)
    expected = sum(product.sum() for product in products)
    tolerance = 1e-7 * sum(np.linalg.norm(product) for product in products)
    assert abs(slope - expected) < tolerance


def test_refusals(monkeypatch):
    """Arguments that cannot be used are refused with their name and what they must be."""
    crystal = random_crystal(np.random.default_rng(14), atoms=5)
    with pytest.raises(ValueError, match="method is 'fft', needs 'auto', 'direct' or 'nufft'"):
        argand.structure_factors(crystal, [[1, 0, 0]], method="fft")
    for eps in (1e-12, 0.5):
        with pytest.raises(ValueError, match=f"eps is {eps}, needs 1e-11 to 0.01"):
            argand.structure_factors(crystal, [[1, 0, 0]], method="nufft", eps=eps)
    with pytest.raises(ValueError, match="no whole number"):
        argand.structure_factors(crystal, [[1, 0, 0.5]], method="nufft")
    with pytest.raises(MemoryError, match=r"hkl to 9000 9000 9000 needs .* GiB.*method='direct'"):
        argand.structure_factors(crystal, [[9000, 9000, 9000]], method="nufft")
    with pytest.raises(ValueError, match="hkl holds 2147483648, needs indices up to 1,000,000"):
        argand.structure_factors(crystal, [[1, 0, 0], [-(2**31), 0, 0]], method="nufft")
    with pytest.raises(ValueError, match=r"cannot follow exp.* use method='direct'"):
        argand.structure_factors(crystal, [[1, 0, 0], [-3000, 0, 0]], method="nufft")
    with pytest.raises(ValueError, match="crystal has 2 symmetry operations, needs P 1"):
        nufft.vjp(crystal.replace(spacegroup="P -1", u_aniso=None), [[1, 0, 0]], [1.0])
    with pytest.raises(ValueError, match=r"g has shape \(2,\), needs \(1,\)"):
        nufft.vjp(crystal, [[1, 0, 0]], [1.0, 2.0])
    monkeypatch.setattr(choice, "installed", lambda: False)
    install = r"^method='nufft' needs finufft 2.5 or later: pip install .*nufft.* source folder$"
    with pytest.raises(ImportError, match=install):
        argand.structure_factors(crystal, [[1, 0, 0]], method="nufft")
