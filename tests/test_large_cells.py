"""Low-rank bases and non-uniform transforms against the direct sum, to the accuracy that was asked for."""

from __future__ import annotations

import importlib.machinery
import multiprocessing
import os
import sys
import threading
import time

import numpy as np
import pytest

import argand
import argand.cuda
from argand import _dispatch, large_cells
from argand._pack import pack
from argand.cell import beta_from_b_iso, beta_from_u_aniso, matrix_to_sym, metric, u_aniso_from_beta
from argand.large_cells import (
    _atoms,
    _basis,
    _choice,
    _cost,
    _grid,
    _kernel,
    _pairs,
    _spread,
    _stages,
    _threads,
    _transforms,
)

finufft = pytest.importorskip("finufft", reason="finufft is not installed")

TYPES = ("C", "N", "O2-", "S", "Fe3+", "H")


def tensors(rng: np.random.Generator, b_iso: np.ndarray, cell: tuple[float, ...]) -> np.ndarray:
    """U_cif of the given equivalent B, principal values some 2 : 1, turned anyhow."""
    principal = np.exp(rng.normal(0, 0.35, (len(b_iso), 3)))
    principal *= (b_iso / (8 * np.pi**2) / principal.mean(axis=1))[:, None]
    axes = np.linalg.qr(rng.normal(size=(len(b_iso), 3, 3)))[0]
    u = np.einsum("nij,nj,nkj->nik", axes, principal, axes)
    to_frac = np.linalg.inv(np.linalg.cholesky(metric(cell)).T)
    return u_aniso_from_beta(matrix_to_sym(2 * np.pi**2 * to_frac @ u @ to_frac.T), cell)


def random_crystal(rng: np.random.Generator, atoms: int = 400, anisotropic: float = 0.0) -> argand.Crystal:
    """Triclinic, six elements, B 5 to 80, partial occupancies; a fraction of the atoms anisotropic."""
    cell = (*rng.uniform(18, 26, 3), *rng.uniform(75, 110, 3))
    b_iso = rng.uniform(5, 80, atoms)
    u_aniso = tensors(rng, b_iso, cell)
    u_aniso[rng.random(atoms) >= anisotropic] = np.nan
    return argand.Crystal(
        cell=cell,
        types=tuple(rng.choice(TYPES, atoms)),
        frac=rng.uniform(-1, 2, (atoms, 3)),
        occ=rng.uniform(0.2, 1, atoms),
        b_iso=b_iso,
        u_aniso=u_aniso if anisotropic else None,
    )


def scale(crystal: argand.Crystal, hkl: np.ndarray, **more) -> float:
    """S of the promise: the largest root mean square of F for atoms anywhere."""
    stol = argand.stol(hkl, crystal.cell)
    kinds = sorted(set(crystal.types))
    f = np.abs(argand.form_factors(kinds, stol, **more))[[kinds.index(t) for t in crystal.types]]
    g = crystal.occ[:, None] * f * np.exp(-np.outer(crystal.b_iso, stol**2))
    return float(np.sqrt(np.square(g).sum(axis=0)).max())


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
    crystal = argand.Crystal(cell, spacegroup, ("C", "O", "S", "N"), rng.random((4, 3)), b_iso=[5.0, 9.0, 14.0, 30.0])
    hkl = rng.permutation(argand.miller_indices(cell, spacegroup, d_min=1.5))
    for energy_kev in (None, 8.0):
        exact = argand.structure_factors(crystal, hkl, energy_kev=energy_kev, method="direct")
        f = argand.structure_factors(crystal, hkl, energy_kev=energy_kev, method="nufft")
        alone = large_cells.structure_factors(crystal, hkl, energy_kev=energy_kev)
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
    assert np.abs(f - exact).max(initial=0.0) < 1e-6 * (scale(crystal, np.asarray(hkl)) if len(hkl) else 1.0)


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
        for own in (crystal, crystal.replace(types=("C",), labels=(), frac=frac[:1], occ=1.0, b_iso=b_iso[1])):
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
            found.append(large_cells.structure_factors(crystal, hkl))
    finally:
        argand.set_num_threads(before)
    tolerance = 1e-9 * np.abs(found[0]).max()
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=tolerance)
    np.testing.assert_allclose(found[2], found[0], rtol=0, atol=1e-6 * np.abs(found[0]).max())
    np.testing.assert_allclose(large_cells.structure_factors(crystal, -hkl).conj(), found[0], rtol=0, atol=tolerance)


def _child(crystal: argand.Crystal, hkl: np.ndarray, expected: np.ndarray) -> None:
    f = large_cells.structure_factors(crystal, hkl)
    os._exit(0 if np.allclose(f, expected, rtol=0, atol=1e-6 * np.abs(expected).max()) else 1)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_threads_that_it_lost():
    crystal = random_crystal(np.random.default_rng(8))
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.5)
    before = argand.num_threads()
    try:
        argand.set_num_threads(16)
        expected = large_cells.structure_factors(crystal, hkl)
        child = multiprocessing.get_context("fork").Process(target=_child, args=(crystal, hkl, expected))
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
    hkl = np.concatenate([hkl, hkl[:40], [[0, 0, 0]]]).astype(np.int32)  # Friedel mates, repeated ones, the centre
    g = rng.normal(size=len(hkl)) + 1j * rng.normal(size=len(hkl))
    batch = pack([crystal], [hkl], energy_kev=energy_kev)
    frac, beta, occ = (np.empty((200, *shape)) for shape in ((3,), (6,), ()))
    _dispatch.structure_factors_vjp(batch, g[None], frac, beta, occ)
    by_b, by_u = beta @ beta_from_b_iso(np.array(1.0), crystal.cell), beta_from_u_aniso(beta, crystal.cell)
    expected = large_cells.Gradients(frac, by_b, occ, by_u)
    for eps in (1e-4, 1e-6, 1e-9):
        found = large_cells.vjp(crystal, hkl, g, energy_kev=energy_kev, eps=eps, by_tensors=True)
        for name, mine, theirs in zip(found._fields, found, expected, strict=True):
            assert np.abs(mine - theirs).max() < 3 * eps * np.abs(theirs).max(), name
        f = large_cells.structure_factors(crystal, hkl, energy_kev=energy_kev, eps=eps)
        inner = np.linalg.norm(g) * np.linalg.norm(f)
        assert abs(np.vdot(g, f).real - found.occ @ crystal.occ) < eps * inner  # <A occ, g> = <occ, A* g>


def test_gradients_are_slopes():
    rng = np.random.default_rng(10)
    crystal = random_crystal(rng, atoms=60)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.5)
    g = rng.normal(size=len(hkl)) + 1j * rng.normal(size=len(hkl))
    gradients = large_cells.vjp(crystal, hkl, g, eps=1e-10)[:3]
    directions = [rng.normal(size=x.shape) * step for x, step in zip(gradients, (1.0, 30.0, 1.0), strict=True)]

    def loss(step: float) -> float:
        frac, b_iso, occ = (
            x + step * d for x, d in zip((crystal.frac, crystal.b_iso, crystal.occ), directions, strict=True)
        )
        f = large_cells.structure_factors(crystal.replace(frac=frac, b_iso=b_iso, occ=occ), hkl, eps=1e-12)
        return float(np.vdot(g, f).real)

    step = 2e-4
    slope = (8 * (loss(step) - loss(-step)) - (loss(2 * step) - loss(-2 * step))) / (12 * step)
    expected = sum((x * d).sum() for x, d in zip(gradients, directions, strict=True))
    assert abs(slope - expected) < 1e-7 * sum(np.linalg.norm(x * d) for x, d in zip(gradients, directions, strict=True))


# --- the parts --------------------------------------------------------------------------------------------------------


def test_quadrature_keeps_its_bound():
    """sum_p w_p exp(2 pi i h.(x_p - x)) exp(-B q) f is f exp(-h beta h) to the tolerance, atom by atom."""
    rng = np.random.default_rng(11)
    crystal = random_crystal(rng, atoms=40, anisotropic=1.0)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=1.5)
    hkl = hkl[:: len(hkl) // 100]
    q = argand.stol(hkl, crystal.cell) ** 2
    atoms = _atoms.atoms_of(crystal)
    h, k, l = hkl.T.astype(float)
    exact = np.exp(-crystal.beta() @ np.stack([h * h, k * k, l * l, 2 * h * k, 2 * h * l, 2 * k * l]))
    for tolerance in (1e-2, 1e-5, 1e-9):
        ones = np.ones((len(atoms.kinds), 50))
        points = _atoms.points_of(atoms, np.linspace(0, q.max(), 50), ones, tolerance)
        waves = points.weight[:, None] * np.exp(2j * np.pi * (points.frac - crystal.frac[points.atom]) @ hkl.T)
        sums = np.zeros(exact.shape, complex)
        np.add.at(sums, points.atom, waves)
        assert np.abs(sums * np.exp(-np.outer(points.b, q)) - exact).max() < tolerance


def test_a_few_functions_span_the_family():
    rng = np.random.default_rng(12)
    kinds = ["C", "O", "Fe", "H"]
    kind, b, occ = rng.integers(0, 4, 3000), rng.uniform(5, 80, 3000), rng.uniform(0.1, 1, 3000)
    family = _basis.family_on(lambda stol: argand.form_factors(kinds, stol), (0.0, 0.1), 200.0, 1e-10)
    q = rng.uniform(0.0, 0.1, 200)
    elsewhere = _basis.Family(q, argand.form_factors(kinds, np.sqrt(q)))(kind, b)
    ranks = []
    for eps in (1e-3, 1e-6, 1e-9):
        sample = _basis.sample_of(family, kind, b, occ)
        tolerance = eps * _basis.wilson([sample])
        basis = _basis.basis_of(family, sample, _basis.extremes_of(kind, b, occ), 1e-10, tolerance)
        low, high = basis.interval
        v = np.polynomial.chebyshev.chebval((2 * q - (low + high)) / (high - low), basis.series)
        error = occ[:, None] * (basis.strengths(kind, b)[0].T @ v - elsewhere)
        assert np.sqrt(np.square(error).sum(axis=0)).max() < 1.1 * tolerance
        ranks.append(basis.rank)
    assert ranks[0] < ranks[1] < ranks[2] <= 14


def test_later_pairs_need_fewer_digits():
    pairs = _pairs.pairs_of(np.array([1.0, 1e-2, 1e-4, 1e-6]), 1e-6, (30, 30, 30))
    assert [p.single for p in pairs] == [False, True, True, True]
    assert pairs[0].eps < 1e-6 < 1e-5 < pairs[1].eps < pairs[2].eps <= 1e-2
    assert not any(p.single for p in _pairs.pairs_of(np.array([1.0, 1e-2]), 1e-6, (30, 30, 30_000)))


@pytest.mark.parametrize("upsampling", [1.25, 2.0])
@pytest.mark.parametrize(("eps", "single"), [(1e-2, True), (1e-4, True), (1e-4, False), (1e-9, False)])
def test_the_kernel_of_finufft_is_even_and_what_it_spreads_with(eps, single, upsampling):
    phi = _kernel.kernel(eps, single, upsampling)
    assert len(phi.place) == 8 * (np.ptp(phi.place) + 1 / 8)
    assert abs(phi.weight @ phi.place) < eps  # it has a value at one of its two edges
    # one point off the steps of another grid: the transform of its values has the transform of phi as modulus
    x, n = 1.234, 50
    h = np.arange(-int(n / 2 / upsampling), int(n / 2 / upsampling) + 1)
    plan = _kernel.spreading(1, (n, n, n), eps, single, upsampling)
    real = np.float32 if single else np.float64
    plan.setpts(*(np.array([value], real) for value in (x, 0.0, 0.0)))
    values = plan.execute(np.ones(1, "complex64" if single else "complex128")).sum(axis=(1, 2)).real
    found = np.exp(2j * np.pi * np.outer(h, np.arange(n) / n - 0.5)) @ values
    expected = phi.transform(h, n) * np.exp(1j * h * x)
    scale = values.sum() / phi.transform(np.zeros(1, int), n)[0]
    assert np.abs(found / scale - expected).max() < 5 * eps * phi.transform(np.zeros(1, int), n)[0]


@pytest.mark.parametrize("middle", [-0.5, -0.2, 0.0, 0.37, 0.5])
@pytest.mark.parametrize("width", [0.0, 0.1, 0.45, 1.0])
@pytest.mark.parametrize(("eps", "single"), [(1e-7, False), (1e-4, True)])
def test_planes_hold_all_that_their_points_are_spread_to(middle, width, eps, single):
    """Across the ends of the grid too, and for points that are nowhere or everywhere."""
    rng, pair = np.random.default_rng(19), _pairs.Pair(0, eps, single)
    grid = _grid.Grid.of(300, (17, 9, 8), pair)
    angle = 2 * np.pi * rng.uniform(-0.5, 0.5, (3, 300))
    angle[0] = 2 * np.pi * middle + width * angle[0]
    strengths = (rng.normal(size=300) + 1j * rng.normal(size=300)).astype(pair.dtype)
    whole = np.empty(grid.shape, pair.dtype)
    _spread.plan(1, grid, pair, angle).execute(strengths, out=whole)
    planes = _spread.Planes.around(angle[0], grid, pair)
    assert planes.size == grid.shape[0] or width < 1.0
    block = np.empty((planes.size, *grid.shape[1:]), pair.dtype)
    _spread.plan(1, grid, pair, angle, planes).execute(strengths, out=block)
    found = np.zeros_like(whole)
    for i, plane in enumerate(block):
        found[(planes.first + i) % len(found)] += plane
    np.testing.assert_allclose(found, whole, rtol=0, atol=(1e-5 if single else 1e-13) * np.abs(whole).max())


def test_pieces_have_every_plane_of_every_slab_once():
    rng = np.random.default_rng(21)
    for _ in range(200):
        n = int(rng.integers(5, 30))
        slabs = [_spread.Planes(int(rng.integers(-n, 2 * n)), int(rng.integers(1, n + 1))) for _ in range(4)]
        slabs[0] = _spread.Planes(0, n) if rng.random() < 0.3 else slabs[0]
        most, planes, held = int(rng.integers(1, 8)), [], []
        for piece in _spread.pieces_of(slabs, n, most):
            numbers = range(piece.planes.start, piece.planes.stop)
            assert 1 <= len(numbers) <= most
            planes += numbers
            for i, rows in piece.rows:
                for number, row in zip(numbers, range(rows.start, rows.stop), strict=True):
                    assert (slabs[i].first + row - number) % n == 0
                    held.append((i, row))
        assert planes == list(range(n))
        assert sorted(held) == [(i, row) for i, slab in enumerate(slabs) for row in range(slab.size)]


@pytest.mark.parametrize("threads", [1, 8, 16])
@pytest.mark.parametrize("places", [(0.0, 1.0), (0.45, 0.5), (0.9, 1.15), (0.3, 0.3)])
def test_slabs_of_points_wherever_they_are(monkeypatch, threads, places):
    """Spread all over the axis, to a part of it, across its end, or to one plane."""
    monkeypatch.setattr(_transforms, "_FEWEST", 1)
    monkeypatch.setattr(_cost, "parts_of_transform", lambda *_: (1.0, 0.0))  # as if spreading were all there is
    made: list[int] = []
    slabs_of = _transforms.slabs_of
    monkeypatch.setattr(_transforms, "slabs_of", lambda *given: made.append(given[-1]) or slabs_of(*given))
    rng = np.random.default_rng(22)
    crystal = random_crystal(rng, atoms=300, anisotropic=0.1)
    frac = crystal.frac.copy()
    frac[:, 0] = rng.uniform(*places, 300)
    crystal = crystal.replace(frac=frac)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=0.9)[::7]
    before = argand.num_threads()
    try:
        argand.set_num_threads(threads)
        f = large_cells.structure_factors(crystal, hkl)
    finally:
        argand.set_num_threads(before)
    exact = argand.structure_factors(crystal, hkl, method="direct")
    assert np.abs(f - exact).max() < 1e-6 * scale(crystal, hkl)
    assert max(made) > 1 or threads == 1


def test_strengths_are_projections():
    rng = np.random.default_rng(20)
    q = np.sort(rng.uniform(0, 0.1, 21))
    family = _basis.Family(q, rng.normal(size=(3, 21)))
    for rank in (1, 2, 8, 11):
        for atoms in (0, 1, 8, 4099):
            functions = rng.normal(size=(21, rank))
            basis = _basis.Basis(family, functions, functions, (0.0, 0.1))
            kind, b = rng.integers(3, size=atoms), rng.uniform(-5, 80, atoms)
            expected = (family(kind, b) @ functions).T
            u, squares = basis.strengths(kind, b)
            np.testing.assert_allclose(u, expected, rtol=0, atol=1e-13)
            np.testing.assert_allclose(squares, np.square(u).sum(axis=1), rtol=1e-13)
            slopes = ((-q * family(kind, b)) @ functions).T
            np.testing.assert_allclose(basis.strengths_by_b(kind, b), slopes, rtol=0, atol=1e-13)
            occ, count = rng.uniform(0.1, 1, atoms), rng.uniform(1, 9, atoms)
            u, squares = basis.strengths(kind, b, occ, count)
            np.testing.assert_allclose(u, occ * expected, rtol=0, atol=1e-13)
            np.testing.assert_allclose(squares, (count * np.square(u)).sum(axis=1), rtol=1e-13)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_stages_are_done_in_their_order(threads):
    """Every task once, none before the stages that it waits for are done; several calls at a time."""

    def call() -> None:
        rng = np.random.default_rng(23)
        stages, done, early = [], [0] * 30, []
        sizes = rng.integers(0, 6, 30)
        for number, size in enumerate(sizes):
            after = sorted({int(i) for i in rng.integers(0, number, min(number, 3))}) if number else []

            def task(number: int = number, after: list[int] = after) -> None:
                early.extend(i for i in after if done[i] != sizes[i])
                time.sleep(1e-4)
                with lock:
                    done[number] += 1

            stages.append(_stages.Stage(lambda task=task, size=size: [task] * size, after))
        _stages.in_stages(stages, threads)
        assert done == list(sizes)
        assert not early
        ended.append(True)

    lock, ended = threading.Lock(), []
    calls = [threading.Thread(target=call) for _ in range(3)]
    for one in calls:
        one.start()
    for one in calls:
        one.join(60)
    assert len(ended) == 3


def test_nobody_waits_for_threads_that_are_busy_elsewhere():
    stop = threading.Event()
    blocked = [_stages._pool_of(2).submit(stop.wait, 60) for _ in range(_stages._workers)]
    done: list[int] = []
    first, then = [lambda: done.append(1)] * 3, [lambda: done.append(2)]
    _stages.in_stages([_stages.Stage(lambda: first), _stages.Stage(lambda: then, [0])], 2)
    assert done == [1, 1, 1, 2]
    assert not any(one.done() for one in blocked)
    stop.set()


def test_products_are_sequential_inside_and_threads_come_back_after():
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def numbers() -> list[int]:
        return [one["num_threads"] for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"]

    before = numbers()
    with _threads.sequential_blas():
        assert set(numbers()) <= {1}
        with _threads.sequential_blas():
            pass
        assert set(numbers()) <= {1}
    assert numbers() == before


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_an_error_in_a_thread_is_raised_when_all_have_stopped(error):
    begun = threading.Event()
    ended, late = [], []

    def fail() -> None:
        begun.wait(60)
        raise error("too much")

    def work() -> None:
        begun.set()
        time.sleep(0.05)
        ended.append(True)

    for first in ([fail, work], [work, fail]):
        ended.clear()
        begun.clear()
        stages = [_stages.Stage(lambda first=first: first), _stages.Stage(lambda: [lambda: late.append(True)], [0])]
        with pytest.raises(error, match="too much"):
            _stages.in_stages(stages, 2)
        assert ended
    assert not late
    with pytest.raises(error, match="none"):
        _stages.in_stages([_stages.Stage(lambda: [lambda: None]), _stages.Stage(lambda: _raise(error("none")), [0])], 2)


def _raise(error: BaseException) -> list[_stages.Task]:
    raise error


# --- the choice -------------------------------------------------------------------------------------------------------


def test_auto_takes_the_transforms_where_they_pay(monkeypatch):
    cell = (50.0, 60.0, 70.0, 90.0, 90.0, 90.0)
    rng = np.random.default_rng(13)
    hkl = argand.miller_indices(cell, "P 1", d_min=3.0)
    large = argand.Crystal(cell, types=("C",) * 9000, frac=rng.random((9000, 3)), b_iso=20.0)
    small = argand.Crystal(cell, types=("C",) * 50, frac=rng.random((50, 3)), b_iso=20.0)
    assert large_cells.pays(large, hkl, 1e-6, False)
    assert not large_cells.pays(small, hkl, 1e-6, False)
    assert not large_cells.pays(large, hkl + 0.5, 1e-6, False)
    assert not large_cells.pays(large, hkl, 1e-15, False)
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
        large_cells.vjp(crystal.replace(spacegroup="P -1", u_aniso=None), [[1, 0, 0]], [1.0])
    with pytest.raises(ValueError, match=r"g has shape \(2,\), needs \(1,\)"):
        large_cells.vjp(crystal, [[1, 0, 0]], [1.0, 2.0])
    monkeypatch.setattr(_choice, "installed", lambda: False)
    with pytest.raises(ImportError, match=r"^method='nufft' needs finufft 2.5 or later: pip install argand\[large\]$"):
        argand.structure_factors(crystal, [[1, 0, 0]], method="nufft")


def test_transforms_go_to_a_device_where_there_is_one(monkeypatch):
    """With stand-ins for cufinufft and CuPy that compute on the CPU: same arrays in, same arrays out."""
    from types import ModuleType

    taken = []

    class Plan(finufft.Plan):
        def __init__(self, *arguments, dtype):
            taken.append(arguments)
            super().__init__(*arguments, dtype=dtype, nthreads=1)

    for name, members in (("cufinufft", {"Plan": Plan}), ("cupy", {"asarray": np.asarray, "asnumpy": np.asarray})):
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
    by_device = large_cells.vjp(crystal, hkl, g).frac
    monkeypatch.setattr(argand.cuda, "is_available", lambda: False)
    by_processor = large_cells.vjp(crystal, hkl, g).frac
    assert np.abs(by_device - by_processor).max() < 1e-5 * np.abs(by_processor).max()
    assert np.abs(f - expected).max() < 1e-5 * np.abs(expected).max()
