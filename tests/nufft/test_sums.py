"""Low-rank bases and non-uniform transforms against the direct sum, to the accuracy that was asked for."""

from __future__ import annotations

import importlib.machinery
import multiprocessing
import os
import sys

import numpy as np
import pytest

import argand
import argand.cuda
from argand import _seam, nufft
from argand._pack import pack
from argand.cell import beta_from_b_iso, beta_from_u_aniso
from argand.nufft import _choice, _cost
from large_crystals import random_crystal, scale

finufft = pytest.importorskip("finufft", reason="finufft is not installed")


@pytest.mark.parametrize("anisotropic", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("energy_kev", [None, 7.2])
@pytest.mark.parametrize("eps", [1e-4, 1e-6, 1e-9])
def test_error_is_what_was_asked_for(eps, energy_kev, anisotropic):
    for seed in range(2):
        rng = np.random.default_rng(seed)
        crystal = random_crystal(rng, anisotropic=anisotropic)
        hkl = argand.miller_indices(crystal.cell, "P 1", d_min=1.8, unique=False)
        exact = argand.structure_factors(crystal, hkl, energy_kev=energy_kev, method="direct")
        f = argand.structure_factors(crystal, hkl, energy_kev=energy_kev, method="nufft", eps=eps)
        error = np.abs(f - exact).max()
        assert error < eps * scale(crystal, hkl, energy_kev=energy_kev), f"seed {seed}"
        assert error < eps * np.abs(exact).max(), f"seed {seed}"


@pytest.mark.parametrize("table", ["electron", "neutron"])
def test_other_radiations(table):
    crystal = random_crystal(np.random.default_rng(3)).replace(types=("C", "N", "H", "O") * 100)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.0)
    exact = argand.structure_factors(crystal, hkl, table=table, method="direct")
    f = argand.structure_factors(crystal, hkl, table=table, method="nufft")
    assert np.abs(f - exact).max() < 1e-6 * scale(crystal, hkl, table=table)


@pytest.mark.parametrize("spacegroup", ["P 1 21/c 1", "C 1 2 1", "P 43 21 2", "I a -3 d"])
def test_symmetry(spacegroup):
    rng = np.random.default_rng(4)
    cell = (19.0, 21.0, 23.0, 90.0, 97.0 if "1 2" in spacegroup else 90.0, 90.0)
    cell = (20.0, 20.0, 20.0, 90.0, 90.0, 90.0) if spacegroup[0:3] in ("I a", "P 4") else cell
    crystal = argand.Crystal(
        cell, spacegroup, ("C", "O", "S", "N"), rng.random((4, 3)), b_iso=[5.0, 9.0, 14.0, 30.0]
    )
    hkl = rng.permutation(argand.miller_indices(cell, spacegroup, d_min=1.5))
    for energy_kev in (None, 8.0):
        exact = argand.structure_factors(crystal, hkl, energy_kev=energy_kev, method="direct")
        f = argand.structure_factors(crystal, hkl, energy_kev=energy_kev, method="nufft")
        alone = nufft.structure_factors(crystal, hkl, energy_kev=energy_kev)
        assert np.abs(f - exact).max() < 1e-6 * scale(crystal.to_p1(), hkl, energy_kev=energy_kev)
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
    crystal = random_crystal(np.random.default_rng(5), anisotropic=0.5)
    exact = argand.structure_factors(crystal, hkl, method="direct")
    f = argand.structure_factors(crystal, hkl, method="nufft")
    assert f.shape == exact.shape
    assert np.abs(f - exact).max(initial=0.0) < 1e-6 * (
        scale(crystal, np.asarray(hkl)) if len(hkl) else 1.0
    )


def test_extremes():
    """One atom, none, none that scatters, atoms at rest, and B of 1000: the bound holds."""
    cell = (30.0, 31.0, 32.0, 80.0, 95.0, 105.0)
    hkl = argand.miller_indices(cell, "P 1", d_min=2.0)
    frac = np.random.default_rng(6).random((3, 3))
    assert not argand.structure_factors(argand.Crystal(cell), hkl, method="nufft").any()
    assert not argand.structure_factors(
        argand.Crystal(cell, types="C", frac=frac[:1], occ=0.0), hkl, method="nufft"
    ).any()
    for b_iso in ([0.0, 0.0, 0.0], [0.0, 1000.0, 5.0], [-2.0, 3.0, 3.0], [1000.0] * 3):
        crystal = argand.Crystal(cell, types=("C", "U", "C"), frac=frac, b_iso=b_iso)
        for own in (
            crystal,
            crystal.replace(types=("C",), labels=(), frac=frac[:1], occ=1.0, b_iso=b_iso[1]),
        ):
            exact = argand.structure_factors(own, hkl, method="direct")
            f = argand.structure_factors(own, hkl, method="nufft")
            assert np.abs(f - exact).max() < 1e-6 * scale(own, hkl)


def test_friedel_mates_are_conjugate_and_threads_change_nothing():
    crystal = random_crystal(np.random.default_rng(7), anisotropic=0.2)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.0)
    before, found = argand.num_threads(), []
    try:
        for threads in (1, 2, 16):
            argand.set_num_threads(threads)
            found.append(nufft.structure_factors(crystal, hkl))
    finally:
        argand.set_num_threads(before)
    np.testing.assert_array_equal(found[1], found[0])
    tolerance = 1e-9 * np.abs(found[0]).max()
    np.testing.assert_allclose(
        found[2], found[0], rtol=0, atol=1e-6 * np.abs(found[0]).max()
    )  # points in slabs
    np.testing.assert_allclose(
        nufft.structure_factors(crystal, -hkl).conj(), found[0], rtol=0, atol=tolerance
    )


def _child(crystal: argand.Crystal, hkl: np.ndarray, expected: np.ndarray) -> None:
    f = nufft.structure_factors(crystal, hkl)
    os._exit(0 if np.allclose(f, expected, rtol=0, atol=1e-6 * np.abs(expected).max()) else 1)


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork"
)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_threads_that_it_lost():
    crystal = random_crystal(np.random.default_rng(8))
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.5)
    before = argand.num_threads()
    try:
        argand.set_num_threads(16)
        expected = nufft.structure_factors(crystal, hkl)
        child = multiprocessing.get_context("fork").Process(
            target=_child, args=(crystal, hkl, expected)
        )
        child.start()
        child.join(60)
        assert child.exitcode == 0
    finally:
        argand.set_num_threads(before)


# --- derivatives ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("anisotropic", [0.0, 0.5])
@pytest.mark.parametrize("energy_kev", [None, 7.2])
def test_gradients_are_those_of_the_direct_sum(energy_kev, anisotropic):
    rng = np.random.default_rng(9)
    crystal = random_crystal(rng, atoms=200, anisotropic=anisotropic)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.2, unique=False)
    hkl = np.concatenate([hkl, hkl[:40], [[0, 0, 0]]]).astype(
        np.int32
    )  # Friedel mates, repeated ones, the centre
    g = rng.normal(size=len(hkl)) + 1j * rng.normal(size=len(hkl))
    batch = pack([crystal], [hkl], energy_kev=energy_kev)
    frac, beta, occ = (np.empty((200, *shape)) for shape in ((3,), (6,), ()))
    _seam.structure_factors_vjp(batch, g[None], frac, beta, occ)
    by_b, by_u = (
        beta @ beta_from_b_iso(np.array(1.0), crystal.cell),
        beta_from_u_aniso(beta, crystal.cell),
    )
    expected = nufft.Gradients(frac, by_b, occ, by_u)
    for eps in (1e-4, 1e-6, 1e-9):
        found = nufft.vjp(crystal, hkl, g, energy_kev=energy_kev, eps=eps, by_tensors=True)
        for name, mine, theirs in zip(found._fields, found, expected, strict=True):
            assert np.abs(mine - theirs).max() < 3 * eps * np.abs(theirs).max(), name
        f = nufft.structure_factors(crystal, hkl, energy_kev=energy_kev, eps=eps)
        inner = np.linalg.norm(g) * np.linalg.norm(f)
        assert (
            abs(np.vdot(g, f).real - found.occ @ crystal.occ) < eps * inner
        )  # <A occ, g> = <occ, A* g>


def test_gradients_are_slopes():
    rng = np.random.default_rng(10)
    crystal = random_crystal(rng, atoms=60)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.5)
    g = rng.normal(size=len(hkl)) + 1j * rng.normal(size=len(hkl))
    gradients = nufft.vjp(crystal, hkl, g, eps=1e-10)[:3]
    directions = [
        rng.normal(size=x.shape) * step for x, step in zip(gradients, (1.0, 30.0, 1.0), strict=True)
    ]

    def loss(step: float) -> float:
        frac, b_iso, occ = (
            x + step * d
            for x, d in zip((crystal.frac, crystal.b_iso, crystal.occ), directions, strict=True)
        )
        f = nufft.structure_factors(
            crystal.replace(frac=frac, b_iso=b_iso, occ=occ), hkl, eps=1e-12
        )
        return float(np.vdot(g, f).real)

    step = 2e-4
    slope = (8 * (loss(step) - loss(-step)) - (loss(2 * step) - loss(-2 * step))) / (12 * step)
    expected = sum((x * d).sum() for x, d in zip(gradients, directions, strict=True))
    assert abs(slope - expected) < 1e-7 * sum(
        np.linalg.norm(x * d) for x, d in zip(gradients, directions, strict=True)
    )


# --- the choice -------------------------------------------------------------------------------------------------------


def test_auto_takes_the_transforms_where_they_pay(monkeypatch):
    cell = (50.0, 60.0, 70.0, 90.0, 90.0, 90.0)
    rng = np.random.default_rng(13)
    hkl = argand.miller_indices(cell, "P 1", d_min=3.0)
    large = argand.Crystal(cell, types=("C",) * 9000, frac=rng.random((9000, 3)), b_iso=20.0)
    small = argand.Crystal(cell, types=("C",) * 50, frac=rng.random((50, 3)), b_iso=20.0)
    assert nufft.pays(large, hkl, 1e-6, False)
    assert not nufft.pays(small, hkl, 1e-6, False)
    assert not nufft.pays(large, hkl + 0.5, 1e-6, False)
    assert not nufft.pays(large, hkl, 1e-15, False)
    few = hkl[:100]
    monkeypatch.setattr(_choice, "_SMALL", 0)
    monkeypatch.setattr(_cost, "DIRECT", 1.0)
    both = argand.structure_factors([small, small], few, dtype="complex64")
    apart = argand.structure_factors([small, small], [few, few[:7]])
    monkeypatch.setattr(_choice, "installed", lambda: False)
    direct = argand.structure_factors([small, small], few)
    assert both.dtype == np.complex64
    assert both.shape == direct.shape
    assert np.any(both[0] != direct[0].astype(np.complex64))
    assert np.abs(both - direct).max() < 1e-6 * np.abs(direct).max()
    assert np.abs(apart[1] - direct[1][:7]).max() < 1e-6 * np.abs(direct).max()


def test_refusals(monkeypatch):
    crystal = random_crystal(np.random.default_rng(14), atoms=5)
    with pytest.raises(ValueError, match="method is 'fft', needs 'auto', 'direct' or 'nufft'"):
        argand.structure_factors(crystal, [[1, 0, 0]], method="fft")
    for eps in (1e-14, 0.5):
        with pytest.raises(ValueError, match=f"eps is {eps}, needs 1e-12 to 0.01"):
            argand.structure_factors(crystal, [[1, 0, 0]], method="nufft", eps=eps)
    with pytest.raises(ValueError, match="no whole number"):
        argand.structure_factors(crystal, [[1, 0, 0.5]], method="nufft")
    with pytest.raises(MemoryError, match=r"hkl to 9000 9000 9000 needs .* GiB.*method='direct'"):
        argand.structure_factors(crystal, [[9000, 9000, 9000]], method="nufft")
    with pytest.raises(ValueError, match="crystal has 2 symmetry operations, needs P 1"):
        nufft.vjp(crystal.replace(spacegroup="P -1", u_aniso=None), [[1, 0, 0]], [1.0])
    with pytest.raises(ValueError, match=r"g has shape \(2,\), needs \(1,\)"):
        nufft.vjp(crystal, [[1, 0, 0]], [1.0, 2.0])
    monkeypatch.setattr(_choice, "installed", lambda: False)
    with pytest.raises(
        ImportError,
        match=r"^method='nufft' needs finufft 2.5 or later: pip install argand\[nufft\]$",
    ):
        argand.structure_factors(crystal, [[1, 0, 0]], method="nufft")


def test_transforms_go_to_a_device_where_there_is_one(monkeypatch):
    """With stand-ins for cufinufft and CuPy that compute on the CPU: same arrays in, same arrays out."""
    from types import ModuleType

    taken = []

    class Plan(finufft.Plan):
        def __init__(self, *arguments, dtype):
            taken.append(arguments)
            super().__init__(*arguments, dtype=dtype, nthreads=1)

    for name, members in (
        ("cufinufft", {"Plan": Plan}),
        ("cupy", {"asarray": np.asarray, "asnumpy": np.asarray}),
    ):
        module = ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    crystal = random_crystal(np.random.default_rng(31), atoms=300)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.5)
    expected = argand.structure_factors(crystal, hkl, method="nufft")
    monkeypatch.setattr(argand.cuda, "is_available", lambda: True)
    f = argand.structure_factors(crystal, hkl, method="nufft")
    assert taken
    g = np.random.default_rng(32).normal(size=len(hkl)) + 0j
    by_device = nufft.vjp(crystal, hkl, g).frac
    monkeypatch.setattr(argand.cuda, "is_available", lambda: False)
    by_processor = nufft.vjp(crystal, hkl, g).frac
    assert np.abs(by_device - by_processor).max() < 1e-5 * np.abs(by_processor).max()
    assert np.abs(f - expected).max() < 1e-5 * np.abs(expected).max()
