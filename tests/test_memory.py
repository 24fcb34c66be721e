"""A call keeps to its memory: in blocks where it can, and says what it needs where it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

import argand
from argand import _memory, nufft
from argand.errors import MemoryLimitError

CELL = (12.0, 13.0, 14.0, 85.0, 95.0, 104.0)
MIB = 2**20


@pytest.fixture(autouse=True)
def limit_as_before() -> Iterator[None]:
    before = argand.memory_limit()
    yield
    argand.set_memory_limit(before)


def crystal(seed: int = 1, atoms: int = 20, spacegroup: str = "P 1") -> argand.Crystal:
    rng = np.random.default_rng(seed)
    types = tuple(("C", "N", "O", "S")[i % 4] for i in range(atoms))
    cell = (12.0 + 0.1 * seed, *CELL[1:])
    return argand.Crystal(
        cell, spacegroup, types=types, frac=rng.random((atoms, 3)), b_iso=rng.uniform(1, 5, atoms)
    )


def mixed(count: int, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9, 10, (count, 3)).astype(np.int32)


def peak(call: object) -> int:
    """Bytes that numpy and Python allocate at worst during a call, after one that filled the caches."""
    tracemalloc.start()
    try:
        call()  # type: ignore[operator]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_limit_is_kept_and_checked():
    argand.set_memory_limit(12345)
    assert argand.memory_limit() == 12345
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=r"limit is .*, needs a number of bytes"):
            argand.set_memory_limit(wrong)
    assert argand.memory_limit() == 12345


@pytest.mark.parametrize(
    ("value", "said"), [("1000000", "1000000"), ("2 GB", "ArgandError"), ("0", "ArgandError")]
)
def test_the_limit_of_the_environment(value, said):
    code = "import argand\ntry: print(argand.memory_limit())\nexcept ValueError as e: print(type(e).__name__, e)"
    env = {**os.environ, "ARGAND_MEMORY_LIMIT": value}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    ).stdout
    last = found.strip().splitlines()[-1]
    assert last.startswith(said)
    if said != value:
        assert f"ARGAND_MEMORY_LIMIT is {value!r}, needs a number of bytes" in last


def test_the_default_is_half_of_what_a_container_has(monkeypatch, tmp_path):
    monkeypatch.delenv("ARGAND_MEMORY_LIMIT", raising=False)
    monkeypatch.setattr(_memory, "_CGROUP", tmp_path / "memory.max")
    whole = _memory._default()
    assert 2**28 < whole < 2**50
    (tmp_path / "memory.max").write_text("max\n")
    assert _memory._default() == whole
    (tmp_path / "memory.max").write_text("1048576\n")
    assert _memory._default() == 524288


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("spacegroup", ["P 1", "P -1"])
def test_blocks_of_reflections_change_nothing_and_keep_to_the_limit(dtype, spacegroup):
    one, hkl = crystal(spacegroup=spacegroup), mixed(60_000)
    expected = argand.structure_factors(one, hkl, dtype=dtype, method="direct")
    whole = peak(lambda: argand.structure_factors(one, hkl, dtype=dtype, method="direct"))
    argand.set_memory_limit(3 * MIB)
    f = argand.structure_factors(one, hkl, dtype=dtype, method="direct")
    assert (
        np.abs(f - expected).max()
        < (1e-12 if dtype == "complex128" else 1e-5) * np.abs(expected).max()
    )
    assert (
        peak(lambda: argand.structure_factors(one, hkl, dtype=dtype, method="direct"))
        < 3 * MIB
        < whole
    )


def test_blocks_of_crystals_change_nothing_and_keep_to_the_limit():
    many, hkl = [crystal(seed) for seed in range(1, 21)], argand.hkl_cube(6)
    lists = [mixed(1000 + 100 * i, i) for i in range(20)]
    together = argand.structure_factors(many, hkl)
    apart = argand.structure_factors(many, lists)
    before = peak(lambda: argand.structure_factors(many, hkl))
    argand.set_memory_limit(2 * MIB)
    np.testing.assert_allclose(argand.structure_factors(many, hkl), together, rtol=0, atol=1e-11)
    assert peak(lambda: argand.structure_factors(many, hkl)) < 2 * MIB < before
    for f, expected in zip(argand.structure_factors(many, lists), apart, strict=True):
        np.testing.assert_allclose(f, expected, rtol=0, atol=1e-11)
    assert peak(lambda: argand.structure_factors(many, lists)) < 2 * MIB


def test_what_cannot_be_cut_says_what_it_needs_first():
    one, hkl = crystal(), mixed(100_000)
    f = np.ones(len(hkl), complex)
    argand.set_memory_limit(MIB)
    calls = {
        r"F of 1 crystal at 100,000 reflections needs 1\.53 MiB": lambda: argand.structure_factors(
            one, hkl
        ),
        r"F of 2 crystals at 200,000 reflections": lambda: argand.structure_factors(
            [one] * 2, [hkl, hkl]
        ),
        r"method='nufft' for hkl to 9 9 9 needs .*use method='direct'": lambda: (
            nufft.structure_factors(one, hkl)
        ),
        r"a map of 64 x 64 x 64 points": lambda: argand.map_from_structure_factors(
            hkl, f, (64, 64, 64), cell=CELL
        ),
        r"F to 9 9 9 of a map of 8 x": lambda: argand.structure_factors_from_map(
            np.ones((8, 8, 8)), hkl, cell=CELL
        ),
    }
    for words, call in calls.items():
        with pytest.raises(MemoryLimitError, match=words) as caught:
            call()
        assert "a call may take 1 MiB" in str(caught.value)
        assert str(caught.value).endswith("or argand.set_memory_limit")
        assert isinstance(caught.value, MemoryError)

    def refused() -> None:
        with pytest.raises(MemoryLimitError):
            argand.structure_factors(one, hkl)

    assert peak(refused) < MIB / 4
    # the answer fits, what it takes to make it does not even in small blocks
    argand.set_memory_limit(100_000)
    with pytest.raises(MemoryLimitError, match="F of 1 crystal at 100,000 reflections"):
        argand.structure_factors(one, hkl, out=f)


def test_torch_says_so_too():
    torch = pytest.importorskip("torch")
    import argand.torch as at

    argand.set_memory_limit(100_000)
    with pytest.raises(MemoryLimitError, match=r"F of 1 crystals, 35,937 numbers needs 281 KiB"):
        at.structure_factors(torch.rand(3, 3), torch.ones(3, 33**3), box=16)
    with pytest.raises(MemoryLimitError, match=r"1 maps of 32,768 points needs 128 KiB"):
        at.map_from_structure_factors(torch.ones(5, 5, 5, dtype=torch.complex64), (32, 32, 32))
    with pytest.raises(MemoryLimitError, match=r"F of 1 maps, 35,937 numbers"):
        at.structure_factors_from_map(torch.ones(4, 4, 4), 16)
