"""Data on other axes than the known crystal: the reindexing that fits is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from argand.cell import metric
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured import check_data
from argand.measured.reindexing import other_axes, reindexing_words
from argand.radiation import Radiation
from intensities import measured, random_crystal

# Indices of the crystal in terms of the measured ones: k, l, h, and k, h, -l.
CYCLIC = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
EXCHANGE = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])


def on_other_axes(reflections: Reflections, matrix: np.ndarray, *, cell: bool) -> Reflections:
    """Write data on axes that `matrix` turns into those of the crystal."""
    inverse = np.rint(np.linalg.inv(matrix)).astype(int)
    hkl = (reflections.hkl @ inverse.T).astype(np.int32)
    assert reflections.cell is not None
    g = inverse @ metric(reflections.cell) @ inverse.T
    lengths = np.sqrt(np.diag(g))
    angles = [
        float(np.degrees(np.arccos(g[i, j] / (lengths[i] * lengths[j]))))
        for i, j in ((1, 2), (0, 2), (0, 1))
    ]
    stated = (*lengths.tolist(), *angles) if cell else None
    return replace(reflections, hkl=hkl, cell=stated, spacegroup=None)


@pytest.mark.parametrize("spacegroup", ["P 1", "P 21 21 21", "P 1 21/c 1"])
@pytest.mark.parametrize("cell", [True, False])
def test_axes_in_another_order_are_named(spacegroup: str, cell: bool) -> None:
    crystal = random_crystal(spacegroup, 20)
    moved = on_other_axes(measured(crystal), CYCLIC, cell=cell)
    with pytest.raises(ArgandError, match="reindexed as k, l, h they follow the structure"):
        check_data(moved, crystal)


def test_another_cell_of_the_same_lattice_is_named() -> None:
    """In P 1 the cell a, b, a + c is as good as a, b, c."""
    crystal = random_crystal("P 1", 20)
    matrix = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 1]])
    moved = on_other_axes(measured(crystal), matrix, cell=True)
    with pytest.raises(ArgandError, match=r"reindexed as h, k, h\+l they follow the structure"):
        check_data(moved, crystal)


def test_symmetry_of_the_lattice_that_the_crystal_has_not() -> None:
    """P 4 has a lattice of 4/mmm: k, h, -l is not equivalent and has the same cell."""
    crystal = random_crystal("P 4", 20)
    swapped = on_other_axes(measured(crystal), EXCHANGE, cell=True)
    assert any("they follow the structure" in doubt for doubt in check_data(swapped, crystal))
    listed = [matrix.tolist() for matrix in other_axes(swapped, crystal)]
    # The other matrices, such as l, h, k, are orders of the axes that the cell does not have.
    inside = [matrix for matrix in listed if abs(matrix[2][2]) == 1]
    assert len(inside) == 1


def test_right_axes_get_no_hint() -> None:
    for spacegroup in ("P -1", "P 4", "P 21 21 21"):
        crystal = random_crystal(spacegroup, 20)
        assert reindexing_words(measured(crystal), crystal, Radiation()) == ""
        other = random_crystal(spacegroup, 20, seed=9)
        assert reindexing_words(measured(other), crystal, Radiation()) == ""
