"""Every public function that can be asked for too much refuses before it allocates anything large.

README promises that a call keeps to `argand.memory_limit()` or says what it would need.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import argand
from argand import maps, nufft, phases, reflections
from argand.errors import MemoryLimitError
from argand.io import Reflections, open_file, write_hklf4
from argand.measured import merge
from argand.refine import Model
from argand.simulate import Independent, Perturbation, Simulation, Waves

CELL = (12.0, 13.0, 14.0, 90.0, 90.0, 90.0)
# Bytes that every call below would exceed many times.
LIMIT = 100_000
# Bytes of the buffers in which numpy converts numbers, whatever their count.
_BUFFERS = 150_000
# Rows of lists, each of which takes more than the limit.
ROWS = 40_000

rng = np.random.default_rng(5)
HKL = rng.integers(-9, 10, (ROWS, 3)).astype(np.int32)
F = rng.normal(size=ROWS) + 1j * rng.normal(size=ROWS)
REAL = np.abs(F)
CRYSTAL = argand.Crystal(CELL, "P 21 21 21", types=("C",) * 20, frac=rng.random((20, 3)))
FAR = np.array([[400, 500, 600], [1, 2, 3]])
SHAPE = (90, 90, 90)
DENSITY = np.ones(SHAPE, np.float32)


@pytest.fixture(autouse=True)
def small_limit() -> Iterator[None]:
    before = argand.memory_limit()
    yield
    argand.set_memory_limit(before)


def refused(call: Callable[[], object]) -> None:
    """Require that a call refuses, in words that name the limit, and allocates little before."""
    argand.set_memory_limit(LIMIT)
    # The first call loads modules.
    with pytest.raises(MemoryLimitError):
        call()
    tracemalloc.start()
    try:
        with pytest.raises(MemoryLimitError) as caught:
            call()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "a call may take 97.7 KiB: " in str(caught.value)
    assert str(caught.value).endswith("or argand.set_memory_limit")
    # Arguments are converted before the work begins.
    assert most < 20 * LIMIT


# What is asked for, by the name of the function that is asked.
CALLS: dict[str, Callable[[], object]] = {
    "structure_factors": lambda: argand.structure_factors(CRYSTAL, HKL),
    "structure_factors of several": lambda: argand.structure_factors([CRYSTAL] * 2, [HKL] * 2),
    "form_factors": lambda: argand.form_factors(["C", "N"], REAL),
    "miller_indices": lambda: argand.miller_indices(CELL, "P 1", 0.3),
    "hkl_cube": lambda: argand.hkl_cube(60),
    "grid_shape": lambda: argand.grid_shape(CELL, "P 1", 0.1),
    "stol": lambda: argand.stol(HKL, CELL),
    "asymmetric_unit": lambda: reflections.asymmetric_unit(HKL, "P 21 21 21"),
    "asymmetric_unit without a name": lambda: reflections.asymmetric_unit(
        HKL, "x,y,z;-x,-y,-z;x+1/2,y,z;-x+1/2,-y,-z"
    ),
    "in_p1": lambda: reflections.in_p1(HKL, "P 21 21 21"),
    "map_from_structure_factors": lambda: argand.map_from_structure_factors(
        HKL[:4000], F[:4000], SHAPE, cell=CELL
    ),
    "patterson": lambda: maps.patterson(HKL[:4000], REAL[:4000], SHAPE, cell=CELL),
    "structure_factors_from_map": lambda: argand.structure_factors_from_map(
        np.ones((8, 8, 8)), HKL, cell=CELL
    ),
    "difference_coefficients": lambda: argand.difference_coefficients(REAL, F),
    "align_origin": lambda: phases.align_origin(FAR, [0.1, 0.2], [0.3, 0.4], origins="continuous"),
    "nufft.structure_factors": lambda: nufft.structure_factors(CRYSTAL, HKL),
    "merge": lambda: merge(Reflections(HKL, intensity=REAL, cell=CELL, spacegroup="P 1")),
    "Waves": lambda: Waves(harmonics=3).modes(CRYSTAL),
    "write_map": lambda: argand.write_map("a.ccp4", DENSITY, CELL),
    "write_reflections": lambda: argand.write_reflections("a.mtz", HKL, F, cell=CELL),
    "write_hklf4": lambda: write_hklf4("a.hkl", HKL, REAL, REAL),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_refuses_before_it_works(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(CALLS[name])
    assert not list(tmp_path.iterdir())


def test_the_derivatives_of_a_model_refuse():
    model = Model(CRYSTAL, HKL[:2000])
    p = np.zeros(len(model))
    w = np.ones((1, 2000))
    refused(lambda: model.jacobian(p))
    refused(lambda: model.jacobian_along(p, w))
    refused(lambda: model.site_jacobian(p, w))


def test_samples_refuse():
    simulation = Simulation(CRYSTAL, Perturbation(displacements=(Independent(0.1),)), hkl=HKL[:100])
    refused(lambda: simulation.draw(range(1000)))


def lists_in_files(folder: Path) -> list[Path]:
    """Write a list of reflections in every format, and a map; return the files."""
    paths = [folder / name for name in ("a.hkl", "b.hkl", "c.hkl", "d.fcf", "e.mtz", "f.ccp4")]
    rows = HKL[:3000].tolist()
    write_hklf4(paths[0], rows, REAL[:3000], REAL[:3000])
    free = [f"{h} {k} {l} 1.5 0.25" for h, k, l in rows]
    paths[1].write_text("\n".join(free))
    paths[2].write_text("\n".join(["h k l F sigma", *free]))
    tags = ("index_h", "index_k", "index_l", "f_squared_meas", "f_squared_sigma")
    header = ["data_a", "loop_", *(f"_refln_{tag}" for tag in tags)]
    paths[3].write_text("\n".join([*header, *free]))
    argand.write_reflections(paths[4], rows, REAL[:3000], cell=CELL)
    argand.write_map(paths[5], np.ones((24, 24, 40), np.float32), CELL)
    return paths


def test_files_refuse_to_be_read(tmp_path):
    for path in lists_in_files(tmp_path):
        read = open_file(path).density if path.suffix == ".ccp4" else open_file(path).reflections
        refused(read)


def peak(call: Callable[[], object]) -> int:
    """Return the most bytes that numpy and Python hold at once during a call."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_estimates_are_not_below_what_is_taken(tmp_path):
    """A limit a little below what a call takes makes it refuse."""
    *lists, density = lists_in_files(tmp_path)
    observed = Reflections(HKL, intensity=REAL, sigma=REAL, cell=CELL, spacegroup="P 21 21 21")
    calls: list[Callable[[], object]] = [open_file(path).reflections for path in lists]
    calls += [
        open_file(density).density,
        lambda: merge(observed),
        lambda: argand.difference_coefficients(REAL, F),
        lambda: argand.form_factors(["C", "N"], REAL, energy_kev=8.0),
        lambda: argand.stol(HKL.astype(float), CELL),
        lambda: reflections.asymmetric_unit(HKL, "P 21 21 21"),
        lambda: write_hklf4(tmp_path / "g.hkl", HKL, REAL, REAL),
        lambda: argand.write_reflections(tmp_path / "g.mtz", HKL, F, cell=CELL),
    ]
    for number, call in enumerate(calls):
        # The first call loads modules.
        call()
        taken = peak(call)
        argand.set_memory_limit(taken - min(_BUFFERS, taken // 4))
        try:
            call()
        except MemoryLimitError:
            pass
        else:
            pytest.fail(f"call {number} took {taken} bytes")
        argand.set_memory_limit(2**40)
