"""Check that `tests/core.txt` lists the tests of the core, with which every wheel is tested."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from test_architecture import ROW

TESTS = Path(__file__).parent

# The core is the rooms below the row of this one, and this one itself.
TOP_OF_THE_CORE = "structure_factors"

# Rooms of the core that need a device.
DEVICES = {"cuda", "_cuda"}

# Tests that are listed though they name rooms above the core: they test what is compiled, or what
# the base installation does without an extra.
ALSO_LISTED = {
    "test_base_install.py",
    "test_maps.py",
    "test_molecules.py",
    "test_readme.py::test_the_library_example",
    "test_simd.py",
    "test_tsc.py",
}

# Tests that are not listed though they name no room above the core: they compile C++.
NOT_LISTED = {"test_emulation.py"}


def above_the_core(source: str) -> set[str]:
    """Return the rooms above the core that a source names, in imports and in its text."""
    rooms = set(re.findall(r"\bargand\.(\w+)", source))
    for names in re.findall(r"\bfrom argand import (\([^)]*\)|[^\n]*)", source):
        rooms |= set(re.findall(r"\w+", names))
    limit = ROW[TOP_OF_THE_CORE]
    above = {room for room in rooms if ROW.get(room, 0) >= limit}
    return (above - {TOP_OF_THE_CORE}) | (rooms & DEVICES)


def core_tests(folder: Path) -> set[str]:
    """Return the names of the test files directly in a folder that stay inside the core."""
    names: set[str] = set()
    for path in folder.glob("test_*.py"):
        if not above_the_core(path.read_text(encoding="utf-8")):
            names.add(path.name)
    return names


def test_the_list_has_each_test_of_the_core_once() -> None:
    lines = (TESTS / "core.txt").read_text(encoding="utf-8").splitlines()
    expected = (core_tests(TESTS) - NOT_LISTED) | ALSO_LISTED
    assert sorted(lines) == sorted(f"tests/{name}" for name in expected)


def test_exceptions_are_needed_and_exist() -> None:
    inside = core_tests(TESTS)
    assert inside >= NOT_LISTED
    assert not inside & ALSO_LISTED
    for name in ALSO_LISTED | NOT_LISTED:
        assert (TESTS / name.partition("::")[0]).exists()


@pytest.mark.parametrize(
    ("source", "rooms"),
    [
        ("import argand\nargand.structure_factors(crystal, hkl)", set()),
        ("from argand.io import read_crystal\nfrom argand import _seam", set()),
        ("from argand import _seam, refine", {"refine"}),
        ("from argand import (\n    density,\n    learn,\n)", {"learn"}),
        ('pytest.importorskip("argand.torch")', {"torch"}),
        ("from argand import _cuda", {"_cuda"}),
        ("argand.solve(data)", {"solve"}),
    ],
)
def test_rooms_above_the_core_are_found(source: str, rooms: set[str]) -> None:
    assert above_the_core(source) == rooms
