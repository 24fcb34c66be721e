"""Maps as Gaussian cubes and as .grd texts: units, order of values, atoms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import argand
from argand.cell import metric
from command_line import Capture, call, refused

# Bohr radius in angstrom.
BOHR = 0.529177210903
CELL = (6.0, 7.5, 9.0, 80.0, 95.0, 105.0)
SEED = 3


def density() -> np.ndarray:
    """Return a map without symmetry, whose sides differ, and whose rows do not fill lines."""
    return np.random.default_rng(SEED).normal(size=(4, 5, 7))


def read_by_hand(path: Path) -> tuple[np.ndarray, list[list[float]], np.ndarray]:
    """Parse a cube as its format is published: axes (3, 3), atoms, values (na, nb, nc)."""
    lines = path.read_text().splitlines()
    count, *origin = (float(word) for word in lines[2].split())
    assert origin == [0.0, 0.0, 0.0]
    sizes, steps = [], []
    for line in lines[3:6]:
        points, *step = line.split()
        sizes.append(int(points))
        steps.append([float(word) for word in step])
    atoms = [[float(word) for word in line.split()] for line in lines[6 : 6 + int(count)]]
    words = " ".join(lines[6 + int(count) :]).split()
    values = np.array([float(word) for word in words]).reshape(sizes)
    return np.array(steps) * np.array(sizes)[:, None], atoms, values


def test_a_cube_is_in_atomic_units(tmp_path: Path) -> None:
    rho = density()
    crystal = argand.Crystal(CELL, types=("Fe", "O2-"), frac=[(0.1, 0.2, 0.3), (0.6, 0.5, 0.9)])
    argand.write_map(tmp_path / "x.cube", rho, CELL, crystal=crystal)
    axes, atoms, values = read_by_hand(tmp_path / "x.cube")
    np.testing.assert_allclose(axes @ axes.T * BOHR**2, metric(CELL), atol=1e-4)
    np.testing.assert_allclose(values, rho * BOHR**3, rtol=1e-5)
    assert [atom[0] for atom in atoms] == [26, 8]
    np.testing.assert_allclose([atom[2:] for atom in atoms], crystal.frac @ axes, atol=1e-5)
    assert max(len(line) for line in (tmp_path / "x.cube").read_text().splitlines()) <= 80


def test_a_cube_lists_the_atoms_of_the_whole_cell(tmp_path: Path) -> None:
    crystal = argand.Crystal(
        (5, 5, 5, 90, 90, 90), "F m -3 m", ("Na", "Cl"), [(0, 0, 0), (0.5, 0.5, 0.5)]
    )
    argand.write_map(
        tmp_path / "x.cube", np.ones((4, 4, 4)), crystal.cell, "F m -3 m", crystal=crystal
    )
    _, atoms, _ = read_by_hand(tmp_path / "x.cube")
    assert sorted(int(atom[0]) for atom in atoms) == [11] * 4 + [17] * 4


def test_ase_reads_a_cube(tmp_path: Path) -> None:
    pytest.importorskip("ase", reason="needs ase")
    from ase.io.cube import read_cube

    rho = density()
    crystal = argand.Crystal(CELL, types=("Fe",), frac=[(0.1, 0.2, 0.3)])
    argand.write_map(tmp_path / "x.cube", rho, CELL, crystal=crystal)
    with open(tmp_path / "x.cube") as stream:
        content = read_cube(stream)
    np.testing.assert_allclose(content["data"], rho * BOHR**3, rtol=1e-5)
    np.testing.assert_allclose(content["atoms"].cell.cellpar(), CELL, atol=1e-3)
    np.testing.assert_allclose(content["atoms"].get_scaled_positions(), crystal.frac, atol=1e-5)


def test_grd(tmp_path: Path) -> None:
    rho = density()
    argand.write_map(tmp_path / "x.grd", rho, CELL)
    _, cell, sizes, *values = (tmp_path / "x.grd").read_text().splitlines()
    np.testing.assert_allclose([float(word) for word in cell.split()], CELL)
    assert [int(word) for word in sizes.split()] == [4, 5, 7]
    numbers = np.array([float(value) for value in values]).reshape(4, 5, 7)
    np.testing.assert_allclose(numbers, rho, rtol=1e-6)


@pytest.mark.parametrize("suffix", [".cube", ".grd"])
def test_the_verb_writes_them(suffix: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "x.mtz"
    argand.write_reflections(path, [[1, 2, 3]], np.array([5.0 + 1j]), cell=CELL)
    assert call("map", path, "-o", tmp_path / f"x{suffix}", "--shape", "8", "8", "8") == 0
    assert (tmp_path / f"x{suffix}").stat().st_size > 1000
    capsys.readouterr()
    assert ".cube or .grd" in refused(capsys, "map", path, "-o", tmp_path / "x.txt")
