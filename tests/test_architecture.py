"""Check that imports point down, private parts stay private, and class names are used once."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "python" / "argand"

# Rooms from the ground up. A room is a package or a module directly below `argand`. It may import
# rooms of the rows that come before its own in this list, and never one of its own row.
ORDER = (
    ("_core", "_cuda", "_interpreter", "_version", "errors"),
    ("_numbers",),
    ("_fft", "_memory", "_seam", "_signals", "atom_types", "cell", "isotopes"),
    (
        *("_config", "_form_gradient", "cuda", "extinction", "files"),
        *("form_factors", "medians", "r_factors", "rows", "symmetry"),
    ),
    (
        *("_convert", "_gemmi", "domain", "map_transform", "origins", "reflections"),
        *("site_ranges", "store"),
    ),
    ("crystal", "density", "jobs", "phases", "radiation"),
    ("_pack", "maps", "peaks", "site_symmetry", "tabulated"),
    ("completion", "io"),
    ("copies", "nufft"),
    ("refine", "simulate", "structure_factors", "torch"),
    ("learn", "measured"),
    ("describe", "estimate"),
    ("adapt", "series", "solve"),
    ("viz",),
    ("report",),
    ("demo",),
    ("cli",),
)
ROW = {room: row for row, rooms in enumerate(ORDER) for room in rooms}

COMPILED = {"_core", "_cuda"}
PRIVATE = re.compile(r"_(?!_)")
SEAM = "_seam"
TENSORS_ONLY = "learn.models"
LONGEST_FILE = 400
MOST_PUBLIC_NAMES = 25
# `argand` itself puts names of many rooms together. Only the rooms at the top use it, as users do.
DOOR = ""
USERS = {"cli", "demo"}


def modules() -> dict[str, Path]:
    """Return the files of the package by dotted names below `argand`; '' is its `__init__`."""
    names = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        names[".".join(parts).removesuffix("__init__").rstrip(".")] = path
    return names


def imported(source: str, module: str, is_package: bool = False) -> set[str]:
    """Return what a source imports from argand: dotted names of modules, or of names in modules."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = ["argand", *module.split(".")]
                climb = node.level - 1 if is_package else node.level
                base = ".".join([*package[: len(package) - climb], base]).rstrip(".")
            names |= {f"{base}.{alias.name}" for alias in node.names}
    inside = {name for name in names if name.split(".")[0] == "argand"}
    return {name.removeprefix("argand").removeprefix(".") for name in inside}


def module_of(name: str, known: dict[str, Path] | set[str]) -> str:
    """Return the longest beginning of a dotted name that is a module; '' is `argand` itself."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name


def violations(source: str, module: str) -> list[str]:
    """Say in which ways the imports of a module break the order of the house."""
    room = module.split(".")[0]
    problems = []
    for name in sorted(imported(source, module)):
        parts = name.split(".")
        other = parts[0]
        if other in COMPILED and room != SEAM:
            problems.append(f"{module} calls the core past the seam")
        elif other == DOOR and room in USERS:
            continue
        elif other != room and ROW.get(other, len(ORDER)) >= ROW.get(room, len(ORDER)):
            problems.append(f"{module} imports argand.{name}, which is not below it")
        if other != room and any(PRIVATE.match(part) for part in parts[1:]):
            problems.append(f"{module} reaches for argand.{name}, private to argand.{other}")
        if module.startswith(TENSORS_ONLY) and not name.startswith(TENSORS_ONLY):
            problems.append(f"{module} knows more than tensors: argand.{name}")
    return problems


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of files that import each other in a circle.

    These are the strongly connected components of the graph, found by Tarjan's algorithm.
    """
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    groups = []

    def visit(node: str) -> None:
        index[node] = lowest[node] = len(index)
        stack.append(node)
        for target in edges.get(node, set()):
            if target not in index:
                visit(target)
                lowest[node] = min(lowest[node], lowest[target])
            elif target in stack:
                lowest[node] = min(lowest[node], index[target])
        if lowest[node] == index[node]:
            group = []
            while not group or group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1 or node in edges.get(node, set()):
                groups.append(sorted(group))

    for node in edges:
        if node not in index:
            visit(node)
    return groups


def file_imports() -> dict[str, set[str]]:
    """Return which files of the package import which others.

    ``from argand.room import name`` points to the room's `__init__`, unless `name` is a file.
    """
    known = modules()
    edges: dict[str, set[str]] = {}
    for module, path in known.items():
        is_package = path.name == "__init__.py"
        names = imported(path.read_text(encoding="utf-8"), module, is_package)
        targets = {module_of(name, known) for name in names}
        # An `__init__` imports files of its package: one that imports its package makes a circle.
        edges[module] = targets - {DOOR}
    return edges


ROOMS = sorted({name.split(".")[0] for name in modules() if name})


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_its_place(room: str) -> None:
    assert room in ROW


@pytest.mark.parametrize("module", [name for name in modules() if name])
def test_imports_point_down(module: str) -> None:
    assert violations(modules()[module].read_text(encoding="utf-8"), module) == []


INSIDE = [name for name in modules() if name and name.split(".")[0] not in USERS]


@pytest.mark.parametrize("module", INSIDE)
def test_nothing_inside_is_imported_from_the_front_door(module: str) -> None:
    """A module that imports `argand` itself would wait for everything that the top level offers."""
    path = modules()[module]
    names = imported(path.read_text(encoding="utf-8"), module, path.name == "__init__.py")
    from_door = {name for name in names if module_of(name, modules()) == DOOR}
    assert from_door <= {"_core", "_cuda"}


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circles(file_imports()) == []


def test_the_test_finds_circles() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    assert circles({"a": {"a"}}) == [["a"]]


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from argand import _core", "density"),
        ("from argand import _cuda", "cuda"),
        ("import argand.learn.losses", "torch.density"),
        ("from argand.cli import main", "report"),
        ("from argand.adapt import adapt", "series.work"),
        ("from argand.series import Record", "adapt.store"),
        ("from argand.io._block import Block", "cli.info"),
        ("from argand.learn import losses", "learn.models.unet"),
        ("from ..losses import floor", "learn.models.unet"),
        ("def f():\n    from argand import report", "learn.train"),
    ],
)
def test_the_test_finds_what_breaks_the_order(source: str, module: str) -> None:
    assert violations(source, module)


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from argand.cell import Cell", "crystal"),
        ("from argand.io._block import Block", "io._crystal"),
        ("from argand import _core", "_seam.batch"),
        ("from argand.learn.models.friedel import friedel", "learn.models.unet"),
    ],
)
def test_the_test_lets_the_order_pass(source: str, module: str) -> None:
    assert violations(source, module) == []


def test_a_class_name_is_used_once() -> None:
    places = defaultdict(list)
    for module, path in modules().items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].append(module)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


@pytest.mark.parametrize("module", list(modules()))
def test_files_are_short(module: str) -> None:
    assert len(modules()[module].read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


def test_packages_say_what_is_public() -> None:
    for module, path in modules().items():
        if path.name == "__init__.py":
            assert "__all__" in path.read_text(encoding="utf-8"), f"argand.{module} has no __all__"


def test_the_top_level_is_small() -> None:
    import argand

    assert len(argand.__all__) <= MOST_PUBLIC_NAMES
    assert argand.__all__ == sorted(argand.__all__) == dir(argand)
    for name in argand.__all__:
        assert getattr(argand, name) is not None
    with pytest.raises(AttributeError, match="module 'argand' has no attribute 'nothing'"):
        argand.nothing  # noqa: B018


def test_functions_stay_where_modules_have_their_names() -> None:
    """Importing the module `argand.structure_factors` leaves the function of that name in place."""
    code = (
        "import argand.form_factors, argand.structure_factors\n"
        "print(callable(argand.structure_factors), callable(argand.form_factors))\n"
        "print(argand.cell.__name__, argand.maps.__name__, argand.nufft.__name__)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout == "True True\nargand.cell argand.maps argand.nufft\n"


def test_import_argand_is_light() -> None:
    heavy = ("scipy", "torch", "cupy", "finufft", "lightning", "matplotlib", "plotly", "msgspec")
    unused = ("argand._cuda", "argand.learn", "argand.refine", "argand.nufft")
    code = f"import sys, argand; print([m for m in {heavy + unused} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def test_one_version() -> None:
    import argand

    code = "from importlib.metadata import version; print(version('argand'))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == argand.__version__ == argand.build_config()["version"]
