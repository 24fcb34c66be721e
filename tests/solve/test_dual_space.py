"""Dual-space cycles in the core: their definition, their laws, and what they refuse."""

from __future__ import annotations

import signal
from typing import Any

import numpy as np
import pytest

import argand
from argand import _seam
from argand.errors import ArgandError, MemoryLimitError
from argand.phases import align_origin
from argand.solve.dual_space import DualSpace, DualSpaceResult, good_size, residuals
from dual_space_cases import (
    CycleCase,
    one_of_each_pair,
    random_case,
    true_cycle,
    worst_deviation,
)

# Sums of some thousand terms in single precision.
ROUNDING = 5e-6
# What `good_size` chooses for an axis up to 72.
SIZES = sorted({good_size(needed) for needed in range(8, 73)})
EVEN_SIZES = [size for size in SIZES if size % 2 == 0]


def run(case: CycleCase, space: DualSpace, modify: Any, **settings: Any) -> DualSpaceResult:
    """Run a case, one cycle where the settings do not say otherwise."""
    arguments = {
        "cycles": 1,
        "threshold": case.threshold,
        "modify": modify,
        "shifted": case.shifted,
        "cap": case.cap,
        **settings,
    }
    return space.run(case.structure_factors, case.origin, case.amplitudes, **arguments)


def assert_true(case: CycleCase, shape: tuple[int, int, int], modify: Any) -> None:
    """Require that one cycle is that of the oracle."""
    space = DualSpace(case.hkl, case.measured, shape=shape)
    result = run(case, space, modify)
    answer = result.structure_factors, result.calculated, result.origin
    assert worst_deviation(case, shape, modify, answer) < ROUNDING


def test_sizes_are_products_of_small_primes():
    assert SIZES[:10] == [8, 9, 10, 12, 14, 15, 16, 18, 20, 21]
    assert 72 in SIZES
    assert 63 in SIZES
    assert 66 not in SIZES
    assert good_size(1) == 8
    assert good_size(63, even=True) == 64
    assert good_size(127) == 128


@pytest.mark.parametrize("size", SIZES)
def test_every_size_of_the_first_two_axes(size):
    reach = (size - 1) // 2
    assert_true(random_case(size, (reach, 3, 4)), (size, 8, 10), "flip")
    assert_true(random_case(size, (4, reach, 3)), (9, size, 8), "eliminate")


@pytest.mark.parametrize("size", EVEN_SIZES)
def test_every_size_of_the_last_axis(size):
    reach = (size - 1) // 2
    assert_true(random_case(size, (3, 4, reach)), (8, 9, size), "flip")
    assert_true(random_case(size, (3, 4, reach)), (15, 10, size), "eliminate")


@pytest.mark.parametrize("modify", ["flip", "eliminate"])
@pytest.mark.parametrize(
    ("reach", "shape"),
    [
        ((0, 0, 1), (8, 8, 8)),
        ((2, 0, 0), (8, 8, 8)),
        ((0, 5, 2), (8, 12, 8)),
        ((11, 12, 13), (24, 25, 28)),
        ((8, 9, 20), (20, 28, 48)),
        ((23, 3, 17), (48, 9, 36)),
    ],
)
def test_a_cycle_is_the_definition(reach, shape, modify):
    assert_true(random_case(1, reach), shape, modify)


def test_the_shape_is_the_smallest():
    hkl = [(-5, 6, 1), (3, -13, 7), (0, 0, -4)]
    assert DualSpace(hkl, 2).shape == (12, 27, 16)
    assert DualSpace([(1, 0, 0)], 1).shape == (8, 8, 8)


def test_density_that_is_not_changed_comes_back():
    case = random_case(3, (7, 8, 9))
    space = DualSpace(case.hkl, case.measured)
    result = run(case, space, "flip", threshold=-100.0, shifted=None)
    deviation = np.abs(result.calculated - case.structure_factors).max()
    assert deviation < ROUNDING * np.abs(case.structure_factors).max()
    np.testing.assert_allclose(result.origin, case.origin, atol=ROUNDING)
    lengths = np.abs(result.structure_factors)
    expected = np.broadcast_to(case.amplitudes, (2, case.measured))
    np.testing.assert_allclose(lengths[:, : case.measured], expected, rtol=1e-6)
    assert lengths[:, case.measured :].max() < case.cap * (1 + 1e-6)


def test_several_cycles_are_single_ones_in_turn():
    case = random_case(4, (5, 6, 7))
    space = DualSpace(case.hkl, case.measured)
    together = run(case, space, "flip", cycles=4)
    for _ in range(4):
        single = run(case, space, "flip")
        case = case._replace(structure_factors=single.structure_factors, origin=single.origin)
    scale = np.abs(together.calculated).max()
    assert np.abs(together.calculated - single.calculated).max() < 4 * ROUNDING * scale
    np.testing.assert_allclose(together.origin, single.origin, atol=4 * ROUNDING)


def test_the_residual_has_the_best_scale():
    case = random_case(5, (5, 6, 7))
    result = run(case, DualSpace(case.hkl, case.measured), "eliminate")
    for start in (0, 1):
        _, g, _ = true_cycle(case, start, (12, 14, 16), "eliminate")
        lengths = np.abs(g[: case.measured])
        scale = np.linalg.lstsq(lengths[:, None], case.amplitudes.astype(float), rcond=None)[0]
        differences = np.abs(case.amplitudes - scale * lengths).sum()
        assert result.residual[start] == pytest.approx(differences / case.amplitudes.sum(), 1e-5)


def test_nothing_calculated_leaves_everything_unexplained():
    assert residuals(np.ones(3), np.zeros((2, 3), complex)).tolist() == [1, 1]


def test_a_density_of_nothing_gives_phases_of_zero():
    space = DualSpace([(1, 0, 0), (0, 1, -2), (0, 0, 3)], 2)
    result = space.run(np.zeros((1, 3)), 0.0, [2.0, 3.0], cycles=1, threshold=1.0)
    np.testing.assert_allclose(result.structure_factors, [[2, 3, 0]], rtol=1e-6, atol=1e-14)


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = argand.num_threads()
    argand.set_num_threads(request.param)
    yield request.param
    argand.set_num_threads(before)


def test_a_start_depends_on_neither_others_nor_threads(threads):
    rng = np.random.default_rng(6)
    case = random_case(6, (9, 10, 11))
    space = DualSpace(case.hkl, case.measured)
    phases = np.exp(2j * np.pi * rng.random((7, len(case.hkl))))
    origin = rng.random(7)
    threshold = rng.uniform(0.8, 1.2, 7)
    together = space.run(phases, origin, case.amplitudes, cycles=20, threshold=threshold)
    for start in range(7):
        own = slice(start, start + 1)
        alone = space.run(
            phases[own],
            origin[own],
            case.amplitudes,
            cycles=20,
            threshold=threshold[own],
            threads=1,
        )
        for name in ("structure_factors", "calculated", "origin", "residual"):
            np.testing.assert_array_equal(getattr(together, name)[own], getattr(alone, name))


def test_starts_are_not_written_to():
    case = random_case(7, (4, 5, 6))
    before = case.structure_factors.copy(), case.origin.copy()
    run(case, DualSpace(case.hkl, case.measured), "flip", cycles=3)
    np.testing.assert_array_equal(case.structure_factors, before[0])
    np.testing.assert_array_equal(case.origin, before[1])


def test_no_starts_give_no_results():
    space = DualSpace([(1, 2, 3)], 1)
    result = space.run(np.zeros((0, 1)), 0.0, [1.0], cycles=1, threshold=1.0)
    assert result.structure_factors.shape == (0, 1)
    assert result.residual.shape == (0,)


def test_random_phases_become_those_of_atoms():
    """Twelve equal atoms to 0.9 A are solved by one of a few starts."""
    rng = np.random.default_rng(8)
    cell = (7.1, 8.3, 9.2, 83.0, 101.0, 95.0)
    frac = rng.random((12, 3))
    crystal = argand.Crystal(cell, types=("C",) * 12, frac=frac, b_iso=2.0)
    hkl = argand.miller_indices(cell, "P 1", d_min=0.9)
    hkl = one_of_each_pair(hkl[(hkl != 0).any(axis=1)].astype(np.int64))
    true = argand.structure_factors(crystal, hkl)
    squares = argand.stol(hkl, cell) ** 2
    # Sharpened as if the atoms were points at rest.
    atom = argand.form_factors(("C",), np.sqrt(squares))[0] * np.exp(-2.0 * squares)
    amplitudes = np.abs(true) / (atom * np.sqrt(12))
    space = DualSpace(hkl, len(hkl))
    starts = amplitudes * np.exp(2j * np.pi * rng.random((8, len(hkl))))
    shifted = amplitudes < np.quantile(amplitudes, 0.2)
    flipped = space.run(starts, 0.0, amplitudes, cycles=400, threshold=1.15, shifted=shifted)
    ended = space.run(
        flipped.structure_factors,
        flipped.origin,
        amplitudes,
        cycles=6,
        threshold=1.1,
        modify="eliminate",
    )
    best = int(ended.residual.argmin())
    phases = ended.structure_factors[best]
    alignment = align_origin(hkl, true, phases, origins="continuous")
    assert alignment.score > 0.9


def test_a_signal_is_heard():
    case = random_case(9, (15, 15, 15))
    space = DualSpace(case.hkl, case.measured)

    def handle(number: int, frame: object) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(InterruptedError):
            run(case, space, "flip", cycles=10**8)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("hkl", "message"),
    [
        (np.zeros((0, 3), int), r"hkl has shape \(0, 3\)"),
        ([(1, 2)], r"hkl has shape \(1, 2\)"),
        ([(1.0, 2.0, 3.0)], "hkl has dtype float64"),
        ([(1, 2, 3), (0, 0, 0)], "hkl has 0 0 0"),
        ([(1, 2, 3), (1, 2, 3)], "twice"),
        ([(1, 2, 3), (0, 1, 0), (-1, -2, -3)], "twice"),
    ],
)
def test_reflections_are_checked(hkl, message):
    with pytest.raises(ArgandError, match=message):
        DualSpace(hkl, 1)


@pytest.mark.parametrize(
    ("measured", "shape", "message"),
    [
        (0, None, "measured is 0, needs 1 to 2"),
        (3, None, "measured is 3, needs 1 to 2"),
        (1, (8, 8, 8), r"shape is \(8, 8, 8\), needs at least \(8, 8, 10\)"),
        (1, (8, 4, 10), "needs at least"),
        (1, (8, 8, 15), "the last one even"),
        (1, (11, 8, 10), "products of 2, 3, 5 and 7"),
        (1, (5040, 5040, 5040), r"fewer than 2\^31"),
    ],
)
def test_measured_and_shape_are_checked(measured, shape, message):
    with pytest.raises(ArgandError, match=message):
        DualSpace([(1, 2, 3), (2, -1, -4)], measured, shape=shape)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"structure_factors": np.zeros((2, 3))}, r"structure_factors has shape \(2, 3\)"),
        ({"structure_factors": np.full((1, 2), np.nan)}, "structure_factors has values"),
        ({"origin": [0.0, 1.0]}, r"origin has shape \(2,\)"),
        ({"origin": np.inf}, "origin has values that are not finite"),
        ({"amplitudes": [1.0]}, r"amplitudes has shape \(1,\)"),
        ({"amplitudes": [1.0, -1.0]}, "amplitudes has values that are negative"),
        ({"amplitudes": [1.0, np.nan]}, "amplitudes has values that are negative"),
        ({"amplitudes": [1e-9, 0.0]}, "amplitudes are at most 1e-09"),
        ({"threshold": [1.0, 1.0]}, r"threshold has shape \(2,\)"),
        ({"threshold": np.nan}, "threshold has values"),
        ({"cycles": 0}, "cycles is 0"),
        ({"modify": "invert"}, "modify is 'invert', needs 'flip' or 'eliminate'"),
        ({"shifted": [True]}, r"shifted is bool \(1,\)"),
        ({"shifted": [0, 1]}, r"shifted is int64 \(2,\)"),
        ({"cap": -1.0}, "cap is -1.0"),
        ({"cap": np.nan}, "cap is nan"),
        ({"threads": 0}, "threads is 0"),
    ],
)
def test_arguments_of_a_run_are_checked(changed, message):
    space = DualSpace([(1, 2, 3), (2, -1, -4)], 2)
    arguments = {
        "structure_factors": np.ones((1, 2)),
        "origin": 0.0,
        "amplitudes": [1.0, 1.0],
        "cycles": 1,
        "threshold": 1.0,
        **changed,
    }
    with pytest.raises(ArgandError, match=message):
        space.run(**arguments)


def test_memory_is_limited():
    space = DualSpace([(1, 2, 30)], 1, shape=(128, 128, 128))
    before = argand.memory_limit()
    argand.set_memory_limit(1_000_000)
    try:
        with pytest.raises(MemoryLimitError, match="grids of 128 x 128 x 128 points"):
            space.run(np.ones((1, 1)), 0.0, [1.0], cycles=1, threshold=1.0)
    finally:
        argand.set_memory_limit(before)


def test_the_transforms_alone_write_nothing():
    case = random_case(10, (5, 6, 7))
    space = DualSpace(case.hkl, case.measured)
    tables = _seam.dual_space_tables(space.hkl, space.shape)
    targets = _seam.DualSpaceTargets(
        case.amplitudes, case.shifted.astype(np.uint8), case.threshold, -1.0, case.cap
    )
    arrays = _seam.DualSpaceStarts(
        case.structure_factors.copy(), np.zeros_like(case.structure_factors), case.origin.copy()
    )
    _seam.dual_space_transforms(tables, targets, arrays, cycles=2, threads=1)
    np.testing.assert_array_equal(arrays.structure_factors, case.structure_factors)
    assert not arrays.calculated.any()
    wrong = arrays._replace(structure_factors=case.structure_factors.astype(complex))
    with pytest.raises(TypeError, match="f has dtype complex128, needs complex64"):
        _seam.dual_space(tables, targets, wrong, cycles=1, threads=1)
