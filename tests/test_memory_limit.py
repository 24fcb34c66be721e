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
from argand import phases, reflections
from argand.errors import ArgandWarning, MemoryLimitError
from argand.io import Reflections, open_file, write_hklf4
from argand.measured import merge
from argand.refine import Model, free
from argand.simulate import Independent, Perturbation, Simulation
from memory_calls import (
    CALLS,
    CELL,
    CRYSTAL,
    FILE_CALLS,
    HKL,
    LARGE,
    LIMIT,
    REAL,
    F,
    large_files,
    lists_in_files,
)

# Bytes of the buffers in which numpy converts numbers, whatever their count.
_BUFFERS = 150_000


@pytest.fixture(autouse=True)
def small_limit() -> Iterator[None]:
    before = argand.memory_limit()
    yield
    argand.set_memory_limit(before)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of files, each of which takes more than the limit."""
    folder = tmp_path_factory.mktemp("large")
    large_files(folder)
    return folder


def refused(call: Callable[[], object]) -> None:
    """Require that a call refuses, in words that name the limit, and allocates little before."""
    argand.set_memory_limit(LIMIT)
    # The first call loads modules.
    with pytest.raises(MemoryLimitError):
        call()
    # Python's table of names grows now and then, by megabytes: the lesser of two calls counts.
    taken = []
    for _ in range(2):
        tracemalloc.start()
        try:
            with pytest.raises(MemoryLimitError) as caught:
                call()
            taken.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert "a call may take 97.7 KiB: " in str(caught.value)
    assert str(caught.value).endswith("or argand.set_memory_limit")
    # Arguments are converted before the work begins.
    assert min(taken) < 20 * LIMIT


@pytest.mark.parametrize("name", CALLS)
def test_a_call_refuses_before_it_works(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(CALLS[name])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FILE_CALLS)
def test_a_reader_or_writer_refuses_before_it_works(name, files):
    before = contents(files)
    refused(lambda: FILE_CALLS[name](files))
    assert contents(files) == before


def contents(folder: Path) -> dict[Path, int]:
    """Return the files of a folder, and their sizes."""
    files = [path for path in folder.iterdir() if path.is_file()]
    return {path: path.stat().st_size for path in files}


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


def test_files_refuse_to_be_read(tmp_path):
    for path in lists_in_files(tmp_path):
        read = open_file(path).density if path.suffix == ".ccp4" else open_file(path).reflections
        refused(read)


def test_atoms_on_top_of_each_other_are_counted_and_not_listed(tmp_path):
    """1500 atoms at one place are a million pairs, of which a warning names five."""
    path = tmp_path / "stacked.res"
    atoms = [f"C{number} 1 0.1 0.2 0.3 11.0 0.05" for number in range(1500)]
    head = ["CELL 0.71 12 13 14 90 90 90", "LATT -1", "SFAC C", "UNIT 1500", "FVAR 1"]
    path.write_text("\n".join([*head, *atoms, "HKLF 4", "END"]))
    message = r"top of each other: C0-C1, C0-C2, C0-C3, C0-C4, C0-C5 and 1124245 more$"
    with pytest.warns(ArgandWarning, match=message):
        taken = peak(lambda: argand.read_crystal(path))
    # Two numbers for each pair, three times while they are put together; a name takes 150 bytes.
    assert taken < 60 * 1_124_250


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
    single = REAL.astype(np.float32)
    model = Model(CRYSTAL, HKL[:2000])
    calls: list[Callable[[], object]] = [open_file(path).reflections for path in lists]
    calls += [
        open_file(density).density,
        lambda: merge(observed),
        lambda: argand.difference_coefficients(REAL, F),
        lambda: argand.form_factors(["C", "N"], REAL, energy_kev=8.0),
        lambda: argand.stol(HKL.astype(float), CELL),
        lambda: reflections.asymmetric_unit(HKL, "P 21 21 21"),
        lambda: reflections.centric(HKL.astype(float), "P 21 21 21"),
        lambda: reflections.friedel_mates(HKL.astype(float)),
        lambda: argand.phase_error(single, single, single),
        lambda: argand.map_correlation(HKL.tolist(), F, F[::-1], "F m -3 m"),
        lambda: argand.align_origin(HKL, REAL, REAL[::-1], weights=REAL, spacegroup="P 1"),
        lambda: phases.density_correlation(single, single),
        lambda: Model(CRYSTAL, HKL),
        lambda: free(LARGE, displacement=True, occupancies=True),
        lambda: model.structure_factors(np.zeros((20, len(model)))),
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
