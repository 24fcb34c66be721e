"""Each step of a large-cell sum keeps its own promise: quadrature, basis, kernel, planes, slabs, strengths."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand import nufft
from argand.nufft import _atoms, _basis, _cost, _grid, _kernel, _pairs, _spread, _transforms
from large_crystals import random_crystal, scale

pytest.importorskip("finufft", reason="finufft is not installed")


def test_quadrature_keeps_its_bound():
    """sum_p w_p exp(2 pi i h.(x_p - x)) exp(-B q) f is f exp(-h beta h) to the tolerance, atom by atom."""
    rng = np.random.default_rng(11)
    crystal = random_crystal(rng, atoms=40, anisotropic=1.0)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=1.5)
    hkl = hkl[:: len(hkl) // 100]
    q = argand.stol(hkl, crystal.cell) ** 2
    atoms = _atoms.atoms_of(crystal)
    h, k, l = hkl.T.astype(float)
    exact = np.exp(
        -crystal.beta() @ np.stack([h * h, k * k, l * l, 2 * h * k, 2 * h * l, 2 * k * l])
    )
    for tolerance in (1e-2, 1e-5, 1e-9):
        ones = np.ones((len(atoms.kinds), 50))
        points = _atoms.points_of(atoms, np.linspace(0, q.max(), 50), ones, tolerance)
        waves = points.weight[:, None] * np.exp(
            2j * np.pi * (points.frac - crystal.frac[points.atom]) @ hkl.T
        )
        sums = np.zeros(exact.shape, complex)
        np.add.at(sums, points.atom, waves)
        assert np.abs(sums * np.exp(-np.outer(points.b, q)) - exact).max() < tolerance


def test_a_few_functions_span_the_family():
    rng = np.random.default_rng(12)
    kinds = ["C", "O", "Fe", "H"]
    kind, b, occ = rng.integers(0, 4, 3000), rng.uniform(5, 80, 3000), rng.uniform(0.1, 1, 3000)
    family = _basis.family_on(
        lambda stol: argand.form_factors(kinds, stol), (0.0, 0.1), 200.0, 1e-10
    )
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
@pytest.mark.parametrize(
    ("eps", "single"), [(1e-2, True), (1e-4, True), (1e-4, False), (1e-9, False)]
)
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
    np.testing.assert_allclose(
        found, whole, rtol=0, atol=(1e-5 if single else 1e-13) * np.abs(whole).max()
    )


def test_pieces_have_every_plane_of_every_slab_once():
    rng = np.random.default_rng(21)
    for _ in range(200):
        n = int(rng.integers(5, 30))
        slabs = [
            _spread.Planes(int(rng.integers(-n, 2 * n)), int(rng.integers(1, n + 1)))
            for _ in range(4)
        ]
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
        assert sorted(held) == [
            (i, row) for i, slab in enumerate(slabs) for row in range(slab.size)
        ]


@pytest.mark.parametrize("threads", [1, 8, 16])
@pytest.mark.parametrize("places", [(0.0, 1.0), (0.45, 0.5), (0.9, 1.15), (0.3, 0.3)])
def test_slabs_of_points_wherever_they_are(monkeypatch, threads, places):
    """Spread all over the axis, to a part of it, across its end, or to one plane."""
    monkeypatch.setattr(_transforms, "_FEWEST", 1)
    monkeypatch.setattr(
        _cost, "parts_of_transform", lambda *_: (1.0, 0.0)
    )  # as if spreading were all there is
    made: list[int] = []
    slabs_of = _transforms.slabs_of
    monkeypatch.setattr(
        _transforms, "slabs_of", lambda *given: made.append(given[-1]) or slabs_of(*given)
    )
    rng = np.random.default_rng(22)
    crystal = random_crystal(rng, atoms=300, anisotropic=0.1)
    frac = crystal.frac.copy()
    frac[:, 0] = rng.uniform(*places, 300)
    crystal = crystal.replace(frac=frac)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=0.9)[::7]
    before = argand.num_threads()
    try:
        argand.set_num_threads(threads)
        f = nufft.structure_factors(crystal, hkl)
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
