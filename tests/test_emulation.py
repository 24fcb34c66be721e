"""What the emulated device finds: faults planted into the real kernels, each by a test of the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import emulated
import oracles
from argand import _seam
from batches import COMPLEX, as_double, random_batch, truth
from emulated import moved

REACH = (2, 6, 15)  # rows as long as rows are, more of them than a tile has


def batch_of(dtype: str, scattered: bool) -> _seam.Batch:
    """Reflections in long rows, or none beside another, so that a block has many tiles of rows."""
    batch = random_batch(
        np.random.default_rng(1), reflections="list", atoms=(40, 33), reach=REACH, dtype=dtype
    )
    hkl = oracles.box(REACH)
    return batch._replace(hkl=np.ascontiguousarray(hkl[::2]) if scattered else hkl)


def forward(scattered: bool) -> bool:
    """A sum over whole tiles; whether it is right."""
    batch = batch_of("float32", scattered)
    out = np.full(batch.out_shape, np.nan, COMPLEX["float32"])
    _seam.structure_factors(moved(batch), moved(out))
    return bool(np.abs(out - truth(as_double(batch))).max() < 1e-5 * np.abs(out).max())


def backward(scattered: bool) -> bool:
    batch = batch_of("float64", scattered)
    g = np.ones(batch.out_shape, complex)
    ours, core = ([np.full((73, *rest), np.nan) for rest in ((3,), (6,), ())] for _ in range(2))
    _seam.structure_factors_vjp(moved(batch), moved(g), *map(moved, ours))
    _seam.structure_factors_vjp(batch, g, *core)
    return all(
        bool(np.abs(a - b).max() < 1e-9 * np.abs(b).max()) for a, b in zip(ours, core, strict=True)
    )


def transform(to_map: bool) -> bool:
    rng = np.random.default_rng(3)
    f = rng.normal(size=(2, 9, 13, 15)) + 1j * rng.normal(size=(2, 9, 13, 15))
    rho = rng.normal(size=(2, 7, 70, 20))
    results = []
    for place in (moved, lambda array: array):
        a, b = f.copy(), rho.copy()
        if to_map:
            b[...] = np.nan
            _seam.map_from_structure_factors(place(a), place(b), 0.3)
            results.append(b)
        else:
            a[...] = np.nan
            _seam.structure_factors_from_map(place(b), place(a), 0.3)
            results.append(a)
    return bool(np.abs(results[0] - results[1]).max() < 1e-11 * np.abs(results[1]).max())


RUNS: dict[str, Callable[[], bool]] = {
    "sum": lambda: forward(False),
    "sum, scattered": lambda: forward(True),
    "adjoint": lambda: backward(False),
    "adjoint, scattered": lambda: backward(True),
    "to map": lambda: transform(True),
    "from map": lambda: transform(False),
}


def found(kernels: Any, run: Callable[[], bool], launch: int, **fault: Any) -> str | None:
    """How a fault in one launch shows: the emulation's complaint, or a wrong answer; None where it does not."""
    kernels.reset()
    kernels.plant(launch=launch, **fault)
    try:
        return None if run() else "wrong answer"
    except RuntimeError as error:
        return str(error)
    finally:
        kernels.plant()


def launches(kernels: Any, run: Callable[[], bool]) -> list[tuple[int, ...]]:
    """Blocks of each launch, and the most barriers and shared arrays of one."""
    kernels.reset()
    assert run()
    return list(kernels.launches())


@pytest.mark.parametrize("name", [name for name in RUNS if name not in ("sum", "adjoint")])
def test_every_missing_barrier_is_found_as_a_race(name):
    """And so every barrier of the kernels is needed; the last one of a block is not, with no more to come."""
    with emulated.device() as kernels:
        for launch, (_, barriers, *_) in enumerate(launches(kernels, RUNS[name])):
            # two tiles of rows or two rounds are enough
            for n in range(min(max(barriers - 1, 1), 15) if barriers else 0):
                complaint = found(kernels, RUNS[name], launch, skip_barrier=n)
                assert complaint is not None, (
                    f"barrier {n} of {barriers} in launch {launch} can be left out"
                )
                assert "race" in complaint or "nobody has written" in complaint, complaint


@pytest.mark.parametrize("name", [name for name in RUNS if "scattered" not in name])
def test_every_array_too_short_by_one_is_found(name):
    with emulated.device() as kernels:
        for launch, (_, _, arrays, *_) in enumerate(launches(kernels, RUNS[name])):
            for n in range(arrays):
                complaint = found(kernels, RUNS[name], launch, shrink_shared=n)
                assert complaint is not None, (
                    f"array {n} of {arrays} in launch {launch} is longer than it needs to be"
                )
                assert "in shared memory" in complaint, complaint


@pytest.mark.parametrize("name", [name for name in RUNS if "scattered" not in name])
@pytest.mark.parametrize("thread", [1, 32, 63])
def test_two_threads_for_one_task_are_found(name, thread):
    """As a race for shared memory, or by what the missing thread has left undone."""
    with emulated.device() as kernels:
        complaints = [
            found(kernels, RUNS[name], launch, twin_thread=thread)
            for launch in range(len(launches(kernels, RUNS[name])))
        ]
        assert None not in complaints
        assert any("race" in str(complaint) for complaint in complaints)


@pytest.mark.parametrize("name", RUNS)
def test_a_block_too_few_is_found(name):
    with emulated.device() as kernels:
        for launch in range(len(launches(kernels, RUNS[name]))):
            assert found(kernels, RUNS[name], launch, lose_block=True) is not None
