"""Data on other axes than the known crystal: the reindexing that fits is named."""

from __future__ import annotations

import numpy as np
import pytest

from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured import check_data
from argand.measured.reindexing import Reindexing, find_reindexing, other_axes, reindexing_words
from argand.radiation import Radiation
from intensities import measured, random_crystal
from other_axes import CYCLIC, EXCHANGE, on_other_axes


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


def test_reindexed_data_are_those_of_the_crystal() -> None:
    """Indices, cell and space group are what they were before the data were put on other axes."""
    crystal = random_crystal("P 1 21/c 1", 20)
    expected = measured(crystal)
    for matrix in (CYCLIC, EXCHANGE, np.array([[1, 0, 0], [0, 1, 0], [1, 0, 1]])):
        moved = on_other_axes(expected, matrix, cell=True)
        reindexing = find_reindexing(moved, crystal, Radiation())
        assert reindexing is not None
        assert reindexing.is_proven
        actual = reindexing.apply(moved)
        assert actual.cell == pytest.approx(crystal.cell, abs=1e-6)
        # The two-fold axis may be turned round: its Laue group takes both for the same.
        rotations = ([1, 1, 1], [-1, 1, -1])
        assert any(np.array_equal(actual.hkl, expected.hkl * signs) for signs in rotations)


def test_a_space_group_changes_with_its_axes() -> None:
    """International Tables: P n m a is P m c n on the axes b, c, a, and P b n m on c, a, b."""
    reflections = Reflections(
        np.array([[1, 2, 3]], np.int32),
        intensity=np.ones(1),
        cell=(7.0, 8.0, 9.0, 90.0, 90.0, 90.0),
        spacegroup="P n m a",
    )
    changed = Reindexing(CYCLIC, 1.0, 0.0, 1.0, fits_cell=True).apply(reflections)
    assert changed.hkl.tolist() == [[2, 3, 1]]
    assert changed.cell == (8.0, 9.0, 7.0, 90.0, 90.0, 90.0)
    assert changed.spacegroup == "P m c n"
    again = Reindexing(CYCLIC, 1.0, 0.0, 1.0, fits_cell=True).apply(changed)
    assert again.spacegroup == "P b n m"


def test_unrelated_data_are_never_reindexed() -> None:
    """Forty unrelated structures on any axes; seed 0 to 39."""
    crystal = random_crystal("P 1 21/c 1", 20)
    for seed in range(40):
        other = on_other_axes(
            measured(random_crystal("P 1 21/c 1", 20, seed=100 + seed)), CYCLIC, cell=seed % 2 == 0
        )
        reindexing = find_reindexing(other, crystal, Radiation())
        assert reindexing is None or not reindexing.is_proven, seed
