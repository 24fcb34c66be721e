"""A call keeps to its memory: in blocks where it can, and says what it needs where it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import argand
from argand import _memory, nufft, reflections
from argand.errors import MemoryLimitError
from batches import assert_close

CELL = (12.0, 13.0, 14.0, 85.0, 95.0, 104.0)
MIB = 2**20


@pytest.fixture(autouse=True)
def limit_as_before() -> Iterator[None]:
    before = argand.memory_limit()
    yield
    argand.set_memory_limit(before)


def random_crystal(seed: int = 1, atoms: int = 20, spacegroup: str = "P 1") -> argand.Crystal:
    rng = np.random.default_rng(seed)
    types = tuple(("C", "N", "O", "S")[atom % 4] for atom in range(atoms))
    cell = (12.0 + 0.1 * seed, *CELL[1:])
    frac = rng.random((atoms, 3))
    b_iso = rng.uniform(1, 5, atoms)
    return argand.Crystal(
        cell,
        spacegroup,
        types=types,
        frac=frac,
        b_iso=b_iso,
    )


def random_hkl(count: int, seed: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(-9, 10, (count, 3)).astype(np.int32)


def peak(call: Callable[[], object]) -> int:
    """Return the most bytes that numpy and Python hold at once during a call."""
    tracemalloc.start()
    try:
        call()
        _, most = tracemalloc.get_traced_memory()
        return most
    finally:
        tracemalloc.stop()


def test_the_limit_is_kept_and_checked():
    argand.set_memory_limit(12345)
    assert argand.memory_limit() == 12345
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=r"limit is .*, needs a number of bytes"):
            argand.set_memory_limit(wrong)
    assert argand.memory_limit() == 12345


PRINT_LIMIT = """
import argand
try:
    print(argand.memory_limit())
except ValueError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("value", "printed"), [("1000000", "1000000"), ("2 GB", "ArgandError"), ("0", "ArgandError")]
)
def test_the_limit_of_the_environment(value, printed):
    process = subprocess.run(
        [sys.executable, "-c", PRINT_LIMIT],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "ARGAND_MEMORY_LIMIT": value},
    )
    last = process.stdout.strip().splitlines()[-1]
    assert last.startswith(printed)
    if printed != value:
        assert f"ARGAND_MEMORY_LIMIT is {value!r}, needs a number of bytes" in last


def test_the_default_is_half_of_the_memory_of_a_container(monkeypatch, tmp_path):
    monkeypatch.delenv("ARGAND_MEMORY_LIMIT", raising=False)
    monkeypatch.setattr(_memory, "_CGROUP", tmp_path / "memory.max")
    of_machine = _memory._default()
    assert 2**28 < of_machine < 2**50
    (tmp_path / "memory.max").write_text("max\n")
    assert _memory._default() == of_machine
    (tmp_path / "memory.max").write_text("1048576\n")
    assert _memory._default() == 524288


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [("complex64", 1e-5), ("complex128", 1e-12)],
)
@pytest.mark.parametrize("spacegroup", ["P 1", "P -1"])
def test_blocks_of_reflections_change_nothing_and_keep_to_the_limit(dtype, tolerance, spacegroup):
    crystal, hkl = random_crystal(spacegroup=spacegroup), random_hkl(60_000)

    def f_of_all() -> np.ndarray:
        return argand.structure_factors(crystal, hkl, dtype=dtype, method="direct")

    expected = f_of_all()
    without_limit = peak(f_of_all)
    argand.set_memory_limit(3 * MIB)
    error = np.abs(f_of_all() - expected).max()
    assert error < tolerance * np.abs(expected).max()
    assert peak(f_of_all) < 3 * MIB < without_limit


def test_blocks_of_crystals_change_nothing_and_keep_to_the_limit():
    crystals, cube = [random_crystal(seed) for seed in range(1, 21)], argand.hkl_cube(6)
    lists = [random_hkl(1000 + 100 * number, number) for number in range(20)]

    def f_at_cube() -> np.ndarray:
        return argand.structure_factors(crystals, cube)

    def f_at_lists() -> list[np.ndarray]:
        return argand.structure_factors(crystals, lists)

    expected_at_cube, expected_at_lists = f_at_cube(), f_at_lists()
    without_limit = peak(f_at_cube)
    argand.set_memory_limit(2 * MIB)
    assert_close(f_at_cube(), expected_at_cube, 1e-11)
    assert peak(f_at_cube) < 2 * MIB < without_limit
    for f, expected in zip(f_at_lists(), expected_at_lists, strict=True):
        assert_close(f, expected, 1e-11)
    assert peak(f_at_lists) < 2 * MIB


def refused(call: Callable[[], object], message: str) -> None:
    """Expect that a call refuses to exceed a limit of 1 MiB, and says what its user can do."""
    with pytest.raises(MemoryLimitError, match=message) as caught:
        call()
    assert "a call may take 1 MiB" in str(caught.value)
    assert str(caught.value).endswith("or argand.set_memory_limit")
    assert isinstance(caught.value, MemoryError)


def test_work_that_cannot_be_cut_says_first_what_it_needs():
    crystal, hkl = random_crystal(), random_hkl(100_000)
    f = np.ones(len(hkl), complex)
    argand.set_memory_limit(MIB)
    refused(
        lambda: argand.structure_factors(crystal, hkl),
        r"F of 1 crystal at 100,000 reflections needs 1\.53 MiB",
    )
    refused(
        lambda: argand.structure_factors([crystal, crystal], [hkl, hkl]),
        r"F of 2 crystals at 200,000 reflections",
    )
    refused(
        lambda: nufft.structure_factors(crystal, hkl),
        r"method='nufft' for hkl to 9 9 9 needs .*use method='direct'",
    )
    refused(
        lambda: argand.map_from_structure_factors(hkl, f, (64, 64, 64), cell=CELL),
        r"a map of 64 x 64 x 64 points",
    )
    refused(
        lambda: argand.structure_factors_from_map(np.ones((8, 8, 8)), hkl, cell=CELL),
        r"F to 9 9 9 of a map of 8 x",
    )

    def refuse_structure_factors() -> None:
        with pytest.raises(MemoryLimitError):
            argand.structure_factors(crystal, hkl)

    assert peak(refuse_structure_factors) < MIB / 4
    # The answer fits; the memory to compute it does not, even in small blocks.
    argand.set_memory_limit(100_000)
    with pytest.raises(MemoryLimitError, match="F of 1 crystal at 100,000 reflections"):
        argand.structure_factors(crystal, hkl, out=f)


def test_lists_say_what_they_need_before_they_are_made():
    """The words come before gemmi enumerates anything: most of these lists would never end."""
    # 4/3 pi V / d^3 nodes of a cell of 10 x 10 x 10 A to 0.1 A, half of them unique in P -1.
    cubic = (10.0, 10.0, 10.0, 90.0, 90.0, 90.0)
    argand.set_memory_limit(MIB)
    refused(
        lambda: argand.miller_indices(cubic, "P -1", 0.1),
        r"the list of some 2,094,395 reflections to 0\.1 A needs 160 MiB",
    )
    refused(
        lambda: argand.miller_indices((500.0, *cubic[1:]), "F m m m", 0.02),
        r"the list of some 818,123,087 reflections",
    )
    refused(lambda: argand.miller_indices(cubic, "P -1", 0.02), "the list of some 261,799,388 refl")
    refused(lambda: argand.hkl_cube(1000), "the cube of hkl to 1000 needs 179")
    refused(lambda: argand.grid_shape(cubic, "P 1", 0.01), r"a grid of some 2\.7e\+10 points")
    hkl = random_hkl(100_000)
    refused(lambda: reflections.asymmetric_unit(hkl, "P 1"), "the asymmetric unit of 100,000 refl")
    refused(lambda: reflections.in_p1(hkl, "P -1"), "200,000 equivalents of reflections")


@pytest.mark.parametrize("spacegroup", ["P 1", "P -1", "C 1 2/c 1", "F d -3 m:2"])
@pytest.mark.parametrize("unique", [True, False])
def test_the_estimate_of_a_list_is_that_of_its_peak(spacegroup, unique):
    cell = (30.0, 30.0, 30.0, 90.0, 90.0, 90.0)
    estimates = []

    def keep(what: str, needed: float, instead: str) -> None:
        estimates.append(needed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reflections, "demand", keep)
        most = peak(lambda: argand.miller_indices(cell, spacegroup, 0.7, unique))
    # gemmi's own list, which grows by doubling, is not seen by `peak`.
    assert most < estimates[0]


def test_torch_says_so_too():
    torch = pytest.importorskip("torch")
    from argand.torch import (
        map_from_structure_factors,
        structure_factors,
        structure_factors_from_map,
    )

    argand.set_memory_limit(100_000)
    with pytest.raises(MemoryLimitError, match=r"F of 1 crystals, 35,937 numbers needs 281 KiB"):
        structure_factors(torch.rand(3, 3), torch.ones(3, 33**3), box=16)
    f = torch.ones(5, 5, 5, dtype=torch.complex64)
    with pytest.raises(MemoryLimitError, match=r"1 maps of 32,768 points needs 128 KiB"):
        map_from_structure_factors(f, (32, 32, 32))
    with pytest.raises(MemoryLimitError, match=r"F of 1 maps, 35,937 numbers"):
        structure_factors_from_map(torch.ones(4, 4, 4), 16)


def test_streams_of_samples_say_so_too():
    pytest.importorskip("torch")
    from argand.learn import PerturbedCrystals, Stream

    dataset = PerturbedCrystals([random_crystal()], hkl_max=4)
    argand.set_memory_limit(MIB)
    refused(
        lambda: PerturbedCrystals([random_crystal()], hkl_max=20),
        "tables of 1 crystals needs 3.15 MiB",
    )
    refused(lambda: dataset.simulate(range(100)), "100 samples of boxes needs 1.18 MiB")
    # A stream simulates batches of some 200 samples together.
    refused(lambda: next(iter(Stream(dataset, 100))), "200 samples of boxes needs 2.36 MiB")
    argand.set_memory_limit(3 * MIB)
    assert len(next(iter(Stream(dataset, 100))).amplitude) == 100
