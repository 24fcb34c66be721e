"""The compiled kernels, at the seam, against their definitions and laws."""

from __future__ import annotations

import multiprocessing
import os
import threading
from typing import Any

import numpy as np
import pytest

import argand
import oracles
from argand import _seam
from batches import (
    COMPLEX,
    as_double,
    empty_gradients,
    random_batch,
    random_complex,
    truth,
    worst_error,
)

SHAPES = ["box", "list", "lists"]


def forward(batch: _seam.Batch, kernels: Any = _seam) -> np.ndarray:
    out = np.full(batch.out_shape, np.nan, COMPLEX[str(batch.frac.dtype)])
    kernels.structure_factors(batch, out)
    return out


@pytest.mark.parametrize("at_rest", [False, True])
@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", SHAPES)
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [("float64", 1e-13), ("float32", 2e-6)],
)
def test_sum_is_the_definition(kernels, reflections, dispersion, at_rest, dtype, tolerance):
    batch = random_batch(
        np.random.default_rng(1),
        reflections=reflections,
        dispersion=dispersion,
        at_rest=at_rest,
        dtype=dtype,
    )
    assert worst_error(forward(batch, kernels), truth(as_double(batch))) < tolerance


@pytest.mark.parametrize(
    "reach", [(0, 0, 0), (2, 1, 1), (0, 5, 3), (5, 0, 0), (0, 0, 9), (4, 4, 4), (2, 16, 17)]
)
@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [("float64", 1e-13), ("float32", 2e-6)],
)
def test_boxes_whose_axes_are_separate(kernels, reach, dispersion, dtype, tolerance):
    """Atoms are displaced along the axes only; the largest box is cut into parts."""
    batch = random_batch(
        np.random.default_rng(11),
        reflections="box",
        atoms=(3, 0, 300) if reach == (2, 16, 17) else (3, 0, 20),
        reach=reach,
        dispersion=dispersion,
        dtype=dtype,
    )
    along_axes = np.array([1, 1, 1, 0, 0, 0], dtype)
    batch = batch._replace(beta=batch.beta * along_axes)
    assert worst_error(forward(batch, kernels), truth(as_double(batch))) < tolerance


def part_of(batch: _seam.Batch, first: int, end: int) -> _seam.Batch:
    """Return some of the crystals of a batch without displacements."""
    atom_ptr = batch.atom_ptr[first : end + 1]
    atoms = slice(atom_ptr[0], atom_ptr[-1])
    return batch._replace(
        atom_ptr=atom_ptr - atom_ptr[0],
        frac=batch.frac[atoms],
        occ=batch.occ[atoms],
        scatterer=batch.scatterer[atoms],
    )


@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("threads", [1, 2])
def test_boxes_larger_than_the_caches_are_those_made_in_parts(dispersion, dtype, threads):
    """Large boxes bypass the caches in whole lines, and nothing else is written."""
    untouched = 7.0
    batch = random_batch(
        np.random.default_rng(12),
        reflections="box",
        atoms=(3, 0) * 4000,
        at_rest=True,
        dispersion=dispersion,
        dtype=dtype,
    )
    expected = np.empty(batch.out_shape, COMPLEX[dtype])
    for first in range(0, batch.crystals, 500):
        part = part_of(batch, first, first + 500)
        _seam.structure_factors(part, expected[first : first + 500])
    before = argand.num_threads()
    argand.set_num_threads(threads)
    try:
        for first in (0, 1, 3):
            memory = np.full(expected.size + 20, untouched, expected.dtype)
            end = first + expected.size
            out = memory[first:end].reshape(expected.shape)
            assert out.nbytes > 16 << 20
            _seam.structure_factors(batch, out)
            np.testing.assert_array_equal(out, expected)
            assert (memory[:first] == untouched).all()
            assert (memory[end:] == untouched).all()
    finally:
        argand.set_num_threads(before)


@pytest.mark.parametrize(
    "reach",
    [(1, 1, 100), (1, 100, 1), (0, 30, 30)],
)
@pytest.mark.parametrize("b", [0.0, 0.001, 0.1, 3.0, 100.0])
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [("float64", 1e-12), ("float32", 2e-5)],
)
def test_long_rows_and_strips_and_any_displacement(kernels, reach, b, dtype, tolerance):
    """With orders to 100 and exponents to 1e6, nothing overflows and nothing needed underflows."""
    rng = np.random.default_rng(2)
    batch = random_batch(
        rng,
        reflections="list",
        atoms=(9,),
        reach=reach,
        dtype=dtype,
    )
    beta = np.tile([b, b, b, b / 2, -b / 2, b / 3], (9, 1)).astype(dtype)
    form = np.ones_like(batch.form)
    batch = batch._replace(
        beta=beta,
        hkl=oracles.box(reach),
        form=form,
    )
    assert worst_error(forward(batch, kernels), truth(as_double(batch))) < tolerance


@pytest.mark.parametrize("reflections", SHAPES)
@pytest.mark.parametrize("dispersion", [False, True])
def test_adjoint_identity(kernels, reflections, dispersion):
    """Re <g, J d> = <J^T g, d>, with J d from the definition's own derivative."""
    rng = np.random.default_rng(3)
    batch = random_batch(rng, reflections=reflections, dispersion=dispersion)
    g = random_complex(rng, batch.out_shape)
    gradients = empty_gradients(len(batch.frac))
    kernels.structure_factors_vjp(batch, g, *gradients)
    by_frac, by_beta, by_occ = (rng.normal(size=gradient.shape) for gradient in gradients)

    def f_at(step: float) -> np.ndarray:
        return truth(
            batch._replace(
                frac=batch.frac + step * by_frac,
                beta=batch.beta + step * by_beta,
                occ=batch.occ + step * by_occ,
            )
        )

    # A fourth-order difference of the analytic function: its error is about step^4.
    step = 3e-4
    near = f_at(step) - f_at(-step)
    far = f_at(2 * step) - f_at(-2 * step)
    derivative = (8 * near - far) / (12 * step)
    left = np.vdot(g, derivative).real
    right = 0.0
    for gradient, direction in zip(gradients, (by_frac, by_beta, by_occ), strict=True):
        right += (gradient * direction).sum()
    assert abs(left - right) < 1e-7 * np.linalg.norm(g) * np.linalg.norm(derivative)


@pytest.mark.parametrize("reflections", SHAPES)
def test_occupancy_is_linear_so_its_adjoint_is_exact(kernels, reflections):
    """<A occ, g> = <occ, A* g> to rounding."""
    rng = np.random.default_rng(4)
    batch = random_batch(rng, reflections=reflections)
    g = random_complex(rng, batch.out_shape)
    grad_occ = np.empty(len(batch.occ))
    kernels.structure_factors_vjp(batch, g, None, None, grad_occ)
    f = forward(batch, kernels)
    left, right = np.vdot(g, f).real, grad_occ @ batch.occ
    assert abs(left - right) < 1e-12 * np.linalg.norm(g) * np.linalg.norm(f)


def test_only_wanted_gradients_are_written(kernels):
    rng = np.random.default_rng(5)
    batch = random_batch(rng, reflections="box")
    g = rng.normal(size=batch.out_shape) + 0j
    with_occ, alone = np.empty_like(batch.frac), np.empty_like(batch.frac)
    kernels.structure_factors_vjp(batch, g, with_occ, None, np.empty_like(batch.occ))
    kernels.structure_factors_vjp(batch, g, alone, None, None)
    np.testing.assert_array_equal(alone, with_occ)


def test_friedel_mates_of_a_box_are_exact_conjugates(kernels):
    f = forward(random_batch(np.random.default_rng(6), reflections="box"), kernels)
    np.testing.assert_array_equal(f, f[:, ::-1, ::-1, ::-1].conj())


def test_dispersion_breaks_friedel(kernels):
    batch = random_batch(np.random.default_rng(7), reflections="box", dispersion=True)
    f = forward(batch, kernels)
    assert np.abs(f - f[:, ::-1, ::-1, ::-1].conj()).max() > 0.1


@pytest.mark.parametrize("reflections", SHAPES)
@pytest.mark.parametrize(
    "atoms",
    [(), (0,), (0, 0, 0), (1,), (1, 0), (7, 9), (8, 17), (33,)],
)
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [("float64", 1e-13), ("float32", 3e-6)],
)
def test_any_number_of_atoms(kernels, reflections, atoms, dtype, tolerance):
    """No atom, one, and numbers that fill no lane, block or tile; forward and backward."""
    rng = np.random.default_rng(15)
    batch = random_batch(
        rng,
        reflections=reflections,
        atoms=atoms,
        reach=(1, 2, 18),
        dtype=dtype,
    )
    expected = truth(as_double(batch)) if atoms else np.zeros(batch.out_shape, complex)
    f = forward(batch, kernels)
    assert f.shape == expected.shape
    largest = np.abs(expected).max(initial=1e-300)
    assert np.abs(f - expected).max(initial=0) <= tolerance * largest
    g = random_complex(rng, f.shape).astype(f.dtype)
    gradients = empty_gradients(len(batch.frac), dtype)
    kernels.structure_factors_vjp(batch, g, *gradients)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    _, _, grad_occ = gradients
    left, right = np.vdot(g, expected).real, grad_occ.astype(float) @ batch.occ
    assert abs(left - right) <= 10 * tolerance * np.linalg.norm(g) * np.linalg.norm(expected)


@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", SHAPES)
def test_gradients_in_single_precision(kernels, reflections, dispersion):
    """Gradients in float32 are those in float64 to rounding."""
    rng = np.random.default_rng(16)
    batch = random_batch(
        rng,
        reflections=reflections,
        dispersion=dispersion,
        dtype="float32",
        reach=(4, 6, 8),
    )
    g = random_complex(rng, batch.out_shape).astype(np.complex64)
    single = empty_gradients(len(batch.frac), "float32")
    double = empty_gradients(len(batch.frac), "float64")
    kernels.structure_factors_vjp(batch, g, *single)
    _seam.structure_factors_vjp(as_double(batch), g.astype(complex), *double)
    for gradient, expected in zip(single, double, strict=True):
        assert worst_error(gradient, expected) < 1e-5


@pytest.mark.parametrize("reflections", SHAPES)
def test_results_do_not_depend_on_threads(reflections):
    before = argand.num_threads()
    batch = random_batch(
        np.random.default_rng(8),
        reflections=reflections,
        atoms=(40,) * 50,
        reach=(6, 6, 6),
    )
    f_by_threads = []
    try:
        for threads in (1, 2, 5):
            argand.set_num_threads(threads)
            f_by_threads.append(forward(batch))
    finally:
        argand.set_num_threads(before)
    np.testing.assert_array_equal(f_by_threads[0], f_by_threads[1])
    np.testing.assert_array_equal(f_by_threads[0], f_by_threads[2])


def test_calls_from_several_threads_at_once():
    batch = random_batch(np.random.default_rng(9), reflections="box", atoms=(30,) * 20)
    expected = forward(batch)
    results: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: results.append(forward(batch))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    for f in results:
        np.testing.assert_array_equal(f, expected)


def compare_and_exit(batch: _seam.Batch, expected: np.ndarray) -> None:
    """Exit a child process: with 0 where it computes what its parent computed."""
    os._exit(0 if np.array_equal(forward(batch), expected) else 1)


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork"
)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_computes_with_threads_of_its_own():
    before = argand.num_threads()
    argand.set_num_threads(3)
    try:
        rng = np.random.default_rng(10)
        batch = random_batch(
            rng,
            reflections="box",
            atoms=(30,) * 40,
            reach=(6, 6, 6),
        )
        # The pool is running when the process forks.
        expected = forward(batch)
        context = multiprocessing.get_context("fork")
        child = context.Process(target=compare_and_exit, args=(batch, expected))
        child.start()
        child.join(60)
        assert child.exitcode == 0
    finally:
        argand.set_num_threads(before)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"frac": np.zeros((26, 2))}, ValueError, r"frac has shape \(26, 2\), needs \(26, 3\)"),
        ({"occ": np.zeros(25)}, ValueError, r"occ has shape \(25,\), needs \(26,\)"),
        ({"beta": np.zeros((26, 6), "f4")}, TypeError, "beta has dtype float32, needs float64"),
        ({"frac": np.zeros((52, 3))[::2]}, ValueError, "frac is strided"),
        (
            {"scatterer": np.full(26, 3, np.int32)},
            ValueError,
            "scatterer runs from 3 to 3, needs 0 to 2",
        ),
        ({"scatterer": np.full(26, -1, np.int32)}, ValueError, "scatterer runs from -1"),
        ({"atom_ptr": np.array([0, 30, 6, 6, 26])}, ValueError, "atom_ptr must rise from 0 to 26"),
        ({"atom_ptr": np.array([0, 5, 5, 6, 20])}, ValueError, "atom_ptr must rise from 0 to 26"),
        (
            {"form": np.ones(10), "form_ptr": np.array([0, 3, 6, 10])},
            ValueError,
            "a row of form has 3 entries",
        ),
        ({"box": None}, TypeError, "either as a box or as a list"),
    ],
)
def test_bad_batches_are_refused_by_name(change, error, message):
    batch = random_batch(np.random.default_rng(11), reflections="box")
    out = np.empty(batch.out_shape, complex)
    with pytest.raises(error, match=message):
        _seam.structure_factors(batch._replace(**change), out)


def test_bad_outputs_are_refused_by_name():
    batch = random_batch(np.random.default_rng(12), reflections="box")
    good = np.zeros(batch.out_shape, complex)
    read_only = good.copy()
    read_only.flags.writeable = False
    for out, message in (
        (good[:1], "out has shape"),
        (good.astype(np.complex64), "out has dtype complex64, needs complex128"),
        (read_only, "out is read-only"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            _seam.structure_factors(batch, out)


@pytest.mark.parametrize("dispersion", [False, True])
def test_orders_need_not_be_integers(kernels, dispersion):
    """Satellites of main reflections are summed in rows and scattered, forward and backward."""
    rng = np.random.default_rng(13)
    reach = (3, 4, 5)
    batch = random_batch(rng, reflections="list", dispersion=dispersion, reach=reach)
    main = oracles.box(reach).astype(float)
    assert len(main) == len(batch.hkl) == 7 * 9 * 11
    satellites = main + np.array([0.1, -0.25, 0.37])
    for hkl in (main, satellites, rng.uniform(-5, 5, main.shape)):
        satellite_batch = batch._replace(hkl=hkl)
        expected = truth(satellite_batch)
        assert worst_error(forward(satellite_batch, kernels), expected) < 1e-13
        g = random_complex(rng, expected.shape)
        grad_occ = np.empty(len(batch.occ))
        kernels.structure_factors_vjp(satellite_batch, g, None, None, grad_occ)
        left, right = np.vdot(g, expected).real, grad_occ @ batch.occ
        assert abs(left - right) < 1e-12 * np.linalg.norm(g) * np.linalg.norm(expected)
