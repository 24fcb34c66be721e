"""Without the extras each command of the README runs, or refuses at once and says what it needs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import argand
from data_dir import DATA
from test_readme import commands, short_settings

# The packages of the extras in pyproject.toml that users install.
EXTRAS = [
    "torch",
    "lightning",
    "torchmetrics",
    "safetensors",
    "jsonargparse",
    "matplotlib",
    "plotly",
    "finufft",
    "threadpoolctl",
    "cupy",
    "ase",
    "pymatgen",
    "pandas",
    "reciprocalspaceship",
    "shtab",
    "starlette",
    "uvicorn",
    "distributed",
    "pyarrow",
]

# Extras for those who develop argand.
FOR_DEVELOPERS = {"validate", "test", "docs", "dev"}

# A program that hides packages from Python's import system, as if they were not installed, and runs
# a command of argand.
PROGRAM = f"""
import sys

class WithoutExtras:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRAS!r}:
            return None
        return self.finder.find_spec(name, path, target)

sys.meta_path[:] = [WithoutExtras(finder) for finder in sys.meta_path]
from argand.cli import main

code = main(sys.argv[1:])
assert not set(sys.modules) & set({EXTRAS!r})
sys.exit(code)
"""

# Verbs that need no extra.
BASE_VERBS = ("sf", "map", "info", "simulate", "generate")

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with what commands of the README left there on a machine with the extras."""
    folder = tmp_path_factory.mktemp("base")
    (folder / "tests").symlink_to(Path(__file__).parent, target_is_directory=True)
    shutil.copytree(GOLDEN / "adapt", folder / "adapted")
    shutil.copytree(GOLDEN / "learn", folder / "run")
    (folder / "demo").mkdir()
    crystal = argand.read_crystal(DATA / "2002248.cif")
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=1.5)
    f = argand.structure_factors(crystal, hkl)
    path = folder / "demo" / "example.mtz"
    argand.write_reflections(path, hkl, f, cell=crystal.cell, spacegroup=crystal.spacegroup)
    return folder


def files_of(folder: Path) -> dict[Path, float]:
    """Return the time of the last change of each file below a folder."""
    paths = [path for path in folder.rglob("*") if "tests" not in path.parts[len(folder.parts) :]]
    return {path: path.stat().st_mtime_ns for path in paths if path.is_file()}


def run_without_extras(folder: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command of argand in a folder as on a machine without the extras."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_packages_are_those_of_the_extras() -> None:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    section = text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    packages: set[str] = set()
    entry = re.compile(r"^(\w+) = \[(.*?)\]$", re.DOTALL | re.MULTILINE)
    for extra, requirements in entry.findall(section):
        if extra not in FOR_DEVELOPERS:
            packages |= set(re.findall(r'"([\w.]+)', requirements))
    assert packages - {"argand"} == set(EXTRAS)


def test_each_command_of_the_readme_runs_or_says_what_it_needs(folder: Path) -> None:
    """Commands run in the order in which they stand in the README."""
    verbs = set()
    for _, words in commands():
        settings = short_settings(words) if words[0] in BASE_VERBS else []
        before = files_of(folder)
        done = run_without_extras(folder, [*words, *settings])
        command = shlex.join(words)
        verbs.add(words[0])
        if words[0] in BASE_VERBS:
            assert done.returncode == 0, f"{command}: {done.stderr}"
            continue
        assert done.returncode == 2, f"{command}: {done.stdout} {done.stderr}"
        (line,) = done.stderr.strip().splitlines()
        assert 'pip install ".[learn]"' in line, command
        assert any(f"needs {package}" in line for package in EXTRAS), line
        assert done.stdout == "", command
        assert files_of(folder) == before, command
    assert verbs == {*BASE_VERBS, "demo", "solve", "train", "evaluate", "adapt", "predict"}
    done = run_without_extras(folder, ["--completion", "bash"])
    assert (done.returncode, done.stdout) == (2, "")
    assert "completion needs shtab: pip install shtab" in done.stderr
    # What a refusal advises works: a known structure needs no extra when no report is asked for.
    words = ["predict", "tests/data/9000905.cif", "series", "-o", "found", "--no-report"]
    done = run_without_extras(folder, [*words, "--workers", "1"])
    assert done.returncode == 0, done.stderr
    assert (folder / "found" / "table.csv").stat().st_size > 100
    words = ["solve", "pyrochlore.mtz", "-o", "solved", "--no-report"]
    done = run_without_extras(folder, words)
    assert done.returncode == 0, done.stderr
    assert (folder / "solved" / "pyrochlore.cif").stat().st_size > 100
