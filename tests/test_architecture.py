"""Imports point down, and `import argand` stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "python" / "argand"

# A module may import from its own layer and from those below it.
LAYERS = {
    "_core": 0,
    "_cuda": 0,
    "_seam": 2,
    "": 3,  # argand.*: everything that is not named here
    "measured": 4,
    "describe": 5,
    "refine": 4,
    "simulate": 4,  # numpy only: samples need no torch
    "torch": 4,
    "learn": 5,
    "solve": 5,
    "viz": 5,
    "estimate": 5,
    "adapt": 6,
    "series": 6,
    "report": 6,
    "demo": 7,
    "cli": 8,
}
# Who may touch the compiled core besides the seam: it is asked what it is, not given work.
COMPILED = {"_core", "_cuda"}
CORE_CALLERS = {"_seam", "_config"}
TENSORS_ONLY = "learn.models"


def imports(source: str, module: str) -> set[str]:
    """Modules inside argand that a source imports, as dotted names below argand ('' for argand itself)."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = ["argand", *module.split(".")][: -node.level]
                base = ".".join([*package, base]).rstrip(".")
            names = [f"{base}.{alias.name}" for alias in node.names] if base == "argand" else [base]
        found |= {
            name.removeprefix("argand").lstrip(".")
            for name in names
            if name.split(".")[0] == "argand"
        }
    return found


def violations(source: str, module: str) -> list[str]:
    top = module.split(".")[0]
    layer = LAYERS.get(top, LAYERS[""])
    problems = []
    for name in imports(source, module):
        other = name.split(".")[0]
        if other in COMPILED and top not in CORE_CALLERS:
            problems.append(f"{module} calls the core past the seam")
        elif LAYERS.get(other, LAYERS[""]) > layer:
            problems.append(f"{module} imports argand.{name}, which lies above it")
        if module.startswith(TENSORS_ONLY) and not name.startswith(TENSORS_ONLY):
            problems.append(f"{module} knows more than tensors: argand.{name}")
    return problems


def modules() -> list[tuple[str, Path]]:
    return [
        (
            ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
            .removesuffix("__init__")
            .rstrip("."),
            path,
        )
        for path in sorted(PACKAGE.rglob("*.py"))
    ]


@pytest.mark.parametrize(
    ("module", "path"), [m for m in modules() if m[0]], ids=[m[0] for m in modules() if m[0]]
)
def test_imports_point_down(module, path):
    assert violations(path.read_text(), module) == []


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from argand import _core", "density"),
        ("from argand import _cuda", "cuda"),
        ("import argand.learn.losses", "torch.density"),
        ("from argand.cli import main", "report"),
        ("from argand.learn import losses", "learn.models.unet"),
        ("from ..losses import floor", "learn.models.unet"),
        ("def f():\n    from argand import report", "learn.train"),
    ],
)
def test_the_test_finds_what_points_up(source, module):
    assert violations(source, module)


def test_import_argand_is_light():
    heavy = ("torch", "cupy", "lightning", "matplotlib", "plotly")
    code = f"import sys, argand; print([m for m in {heavy} if m in sys.modules])"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "[]\n"
    )


def test_one_version():
    import argand

    metadata = subprocess.run(
        [sys.executable, "-c", "from importlib.metadata import version; print(version('argand'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert metadata == argand.__version__ == argand.build_config()["version"]


def test_every_public_name_exists():
    import argand

    for name in argand.__all__:
        if name in ("learn", "torch"):
            pytest.importorskip("torch")
        assert getattr(argand, name) is not None
