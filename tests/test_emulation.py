"""The emulated device finds faults that are planted into the real kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import emulated
import oracles
from argand import _seam
from argand._form_gradient import form_gradient
from batches import (
    COMPLEX,
    as_double,
    empty_gradients,
    random_batch,
    random_complex,
    truth,
    worst_error,
)
from emulated import moved

# Rows as long as rows can be, and more of them than a block has threads.
REACH = (3, 18, 15)
# Fewer reflections, each of which is a row.
FEW = (2, 6, 15)
# Numbers of atoms of the two crystals, and of crystals of which a block has more than one.
ATOMS = (40, 33)
SMALL = (20, 0, 7, 33, 1)
# Scatterers, as many as the atoms of a tile can have.
KINDS = 16


def random_rows(dtype: str, scattered: bool) -> _seam.Batch:
    """Draw a batch whose reflections stand in long rows, or scattered in many short ones."""
    rng = np.random.default_rng(1)
    reach = FEW if scattered else REACH
    batch = random_batch(
        rng,
        reflections="list",
        atoms=ATOMS,
        reach=reach,
        kinds=KINDS,
        dtype=dtype,
    )
    hkl = oracles.box(reach)
    if scattered:
        hkl = np.ascontiguousarray(hkl[::2])
    scatterer = np.arange(sum(ATOMS), dtype=np.int32) % KINDS
    return batch._replace(hkl=hkl, scatterer=scatterer)


def sum_is_right(scattered: bool) -> bool:
    """Run a sum over whole tiles on the device, and tell whether it is right."""
    batch = random_rows("float32", scattered)
    out = np.full(batch.out_shape, np.nan, COMPLEX["float32"])
    _seam.structure_factors(moved(batch), moved(out))
    error = np.abs(out - truth(as_double(batch))).max()
    return bool(error < 1e-5 * np.abs(out).max())


def adjoint_is_right(scattered: bool) -> bool:
    """Run the adjoint on the device, and tell whether it is the core's."""
    batch = random_rows("float64", scattered)
    g = np.ones(batch.out_shape, complex)
    from_device, from_core = empty_gradients(sum(ATOMS)), empty_gradients(sum(ATOMS))
    _seam.structure_factors_vjp(moved(batch), moved(g), *map(moved, from_device))
    _seam.structure_factors_vjp(batch, g, *from_core)
    for gradient, expected in zip(from_device, from_core, strict=True):
        error = np.abs(gradient - expected).max()
        if not error < 1e-9 * np.abs(expected).max():
            return False
    return True


def box_of_sums_is_right() -> bool:
    """Sum boxes that lie whole in shared memory, and tell whether they are right."""
    rng = np.random.default_rng(2)
    batch = random_batch(rng, reflections="box", atoms=SMALL, reach=(1, 7, 15))
    out = np.full(batch.out_shape, np.nan, complex)
    _seam.structure_factors(moved(batch), moved(out))
    return worst_error(out, truth(batch)) < 1e-12


def form_gradient_is_right() -> bool:
    """Run the gradient by form factors on the device, and tell whether it is the core's."""
    batch = random_rows("float64", False)
    g = np.ones(batch.out_shape, complex)
    gradient = np.zeros_like(batch.form)
    _seam.structure_factors_form_vjp(moved(batch), moved(g), moved(gradient))
    return worst_error(gradient, form_gradient(batch, g)) < 1e-11


def map_is_right() -> bool:
    """Transform boxes to maps on the device, and tell whether they are the core's."""
    f = random_complex(np.random.default_rng(3), (2, 9, 13, 15))
    from_device, from_core = np.full((2, 2, 7, 70, 20), np.nan)
    _seam.map_from_structure_factors(moved(f), moved(from_device), 0.3)
    _seam.map_from_structure_factors(f, from_core, 0.3)
    error = np.abs(from_device - from_core).max()
    return bool(error < 1e-11 * np.abs(from_core).max())


def box_is_right() -> bool:
    """Transform maps to boxes on the device, and tell whether they are the core's."""
    rho = np.random.default_rng(3).normal(size=(2, 7, 70, 20))
    from_device, from_core = np.full((2, 2, 9, 13, 15), np.nan, complex)
    _seam.structure_factors_from_map(moved(rho), moved(from_device), 0.3)
    _seam.structure_factors_from_map(rho, from_core, 0.3)
    error = np.abs(from_device - from_core).max()
    return bool(error < 1e-11 * np.abs(from_core).max())


RUNS: dict[str, Callable[[], bool]] = {
    "sum": lambda: sum_is_right(False),
    "sum, scattered": lambda: sum_is_right(True),
    "adjoint": lambda: adjoint_is_right(False),
    "adjoint, scattered": lambda: adjoint_is_right(True),
    "box of sums": box_of_sums_is_right,
    "form gradient": form_gradient_is_right,
    "to map": map_is_right,
    "from map": box_is_right,
}
NOT_SCATTERED = [name for name in RUNS if "scattered" not in name]
MANY_TILES = [name for name in RUNS if name not in ("sum", "adjoint", "form gradient")]


def complaint_about(kernels: Any, name: str, launch: int, **fault: Any) -> str | None:
    """Run with a fault in one launch; return how it shows: a complaint, "wrong answer" or None."""
    kernels.reset()
    kernels.plant(launch=launch, **fault)
    try:
        is_right = RUNS[name]()
    except RuntimeError as error:
        return str(error)
    finally:
        kernels.plant()
    return None if is_right else "wrong answer"


def launches(kernels: Any, name: str) -> list[tuple[int, ...]]:
    """Run without a fault; return blocks, most barriers and shared arrays of each launch."""
    kernels.reset()
    assert RUNS[name]()
    return list(kernels.launches())


@pytest.mark.parametrize("name", MANY_TILES)
def test_every_missing_barrier_is_found_as_a_race(name):
    """Every barrier of the kernels is needed, but for the last one of a block."""
    with emulated.device() as kernels:
        for launch, (_, barriers, *_) in enumerate(launches(kernels, name)):
            # Two tiles of rows or two rounds are enough.
            tried = min(max(barriers - 1, 1), 15) if barriers else 0
            for barrier in range(tried):
                complaint = complaint_about(kernels, name, launch, skip_barrier=barrier)
                assert complaint is not None, (
                    f"barrier {barrier} of {barriers} in launch {launch} can be left out"
                )
                assert "race" in complaint or "nobody has written" in complaint, complaint


@pytest.mark.parametrize("name", NOT_SCATTERED)
def test_every_array_too_short_by_one_is_found(name):
    with emulated.device() as kernels:
        for launch, (_, _, arrays, *_) in enumerate(launches(kernels, name)):
            for array in range(arrays):
                complaint = complaint_about(kernels, name, launch, shrink_shared=array)
                assert complaint is not None, (
                    f"array {array} of {arrays} in launch {launch} is longer than it needs to be"
                )
                assert "in shared memory" in complaint, complaint


@pytest.mark.parametrize("name", NOT_SCATTERED)
@pytest.mark.parametrize("thread", [1, 32, 63])
def test_two_threads_for_one_task_are_found(name, thread):
    """The fault shows as a race for shared memory, or by what the missing thread has not done."""
    with emulated.device() as kernels:
        complaints = []
        for launch in range(len(launches(kernels, name))):
            complaints.append(complaint_about(kernels, name, launch, twin_thread=thread))
        assert None not in complaints
        assert any("race" in str(complaint) for complaint in complaints)


@pytest.mark.parametrize("name", RUNS)
def test_a_block_too_few_is_found(name):
    with emulated.device() as kernels:
        for launch in range(len(launches(kernels, name))):
            assert complaint_about(kernels, name, launch, lose_block=True) is not None
