"""Rows of whole numbers are told apart and found as a slow search finds them."""

from __future__ import annotations

import numpy as np
import pytest

from argand import rows
from argand.rows import distinct_rows, find_rows, row_codes

SEED = 4171

# Tables whose rows take any number of bits, negative and repeated; and real numbers.
TABLES = {
    "hkl": lambda rng: rng.integers(-9, 10, (500, 3)).astype(np.int32),
    "one column": lambda rng: rng.integers(0, 4, (50, 1)),
    "far": lambda rng: rng.choice([-(2**31), 2**31 - 1, 0, 5], (300, 3)).astype(np.int32),
    "farther": lambda rng: rng.choice([-(2**63), 2**63 - 1, -(2**62), 0, 1], (300, 3)),
    "bytes": lambda rng: rng.integers(-128, 128, (400, 2)).astype(np.int8),
    "wide": lambda rng: rng.integers(-1000, 1000, (60, 30)).repeat(4, axis=0),
    "real": lambda rng: rng.integers(-3, 4, (300, 4)) * np.array([1.0, 1e3, 1e300, -0.0]),
    # Few codes for many rows, which a table ranks without a sort.
    "unit": lambda rng: rng.integers(-4, 5, (3000, 3)).astype(np.int32),
    "nearly unit": lambda rng: rng.integers(0, 10, (251, 3)),
    "constant": lambda rng: np.full((40, 3), -7),
    "one row": lambda rng: np.array([[3, -1, 2]]),
    "none": lambda rng: np.empty((0, 3), np.int32),
}


def table_of(name: str) -> np.ndarray:
    print(f"seed {SEED}")
    return TABLES[name](np.random.default_rng(SEED))


@pytest.mark.parametrize("name", TABLES)
def test_distinct_rows_are_those_of_numpy(name):
    table = table_of(name)
    first, place = distinct_rows(table)
    expected, expected_first, expected_place = np.unique(
        table, axis=0, return_index=True, return_inverse=True
    )
    np.testing.assert_array_equal(table[first], expected)
    np.testing.assert_array_equal(first, expected_first)
    np.testing.assert_array_equal(place, expected_place.reshape(-1))


def test_a_table_ranks_rows_as_a_sort_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables on both sides of the border between the two ways give the same answers."""
    generator = np.random.default_rng(SEED)
    print(f"seed {SEED}")
    for edge in (3, 6, 9, 12):
        table = generator.integers(-edge, edge + 1, (400, 3))
        with monkeypatch.context() as patch:
            patch.setattr(rows, "_CODES_OF_ROW", 0)
            by_sort = distinct_rows(table)
        with monkeypatch.context() as patch:
            patch.setattr(rows, "_CODES_OF_ROW", 10**6)
            by_table = distinct_rows(table)
        np.testing.assert_array_equal(by_table[0], by_sort[0])
        np.testing.assert_array_equal(by_table[1], by_sort[1])


@pytest.mark.parametrize("name", TABLES)
def test_codes_sort_as_rows_do(name):
    table = table_of(name)
    codes = row_codes(table)
    order = np.argsort(codes, kind="stable").tolist()
    # Python compares lists from their first number on.
    assert order == sorted(range(len(table)), key=table.tolist().__getitem__)


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_found_where_they_stand_first(name):
    table = table_of(name)
    if name == "none":
        np.testing.assert_array_equal(find_rows(table, np.ones((2, 3), np.int32)), [-1, -1])
        return
    listed, wanted = table[: len(table) // 2 + 1], table[::-1]
    all_rows = listed.tolist()
    expected = [all_rows.index(row) if row in all_rows else -1 for row in wanted.tolist()]
    np.testing.assert_array_equal(find_rows(listed, wanted), expected)


def test_reflections_are_found_in_any_order() -> None:
    """The list is in no order; a reflection that it lacks has row -1."""
    rng = np.random.default_rng(1)
    drawn = rng.integers(-4, 5, (60, 3))
    indices = np.unique(drawn, axis=0).astype(np.int32)
    listed = rng.permutation(indices)
    places = find_rows(listed, indices)
    np.testing.assert_array_equal(listed[places], indices)
    absent = np.array([[9, 0, 0], [0, -7, 2]], np.int32)
    np.testing.assert_array_equal(find_rows(listed, absent), [-1, -1])
    np.testing.assert_array_equal(find_rows(listed[:0], absent), [-1, -1])


def test_rows_of_a_list_are_found_or_said_to_be_missing() -> None:
    """Each wanted reflection is that of its row; one that is not listed has row -1."""
    generator = np.random.default_rng(6)
    listed = np.unique(generator.integers(-9, 10, (200, 3)), axis=0)
    generator.shuffle(listed)
    wanted = np.concatenate([listed[::-3], [[12, 0, 0], [-40, 7, 1]]])
    places = find_rows(listed, wanted)
    np.testing.assert_array_equal(listed[places[:-2]], wanted[:-2])
    assert places[-2:].tolist() == [-1, -1]
