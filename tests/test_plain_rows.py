"""Lists in plain fixed columns are read at once, and give what the careful reading gives."""

from __future__ import annotations

import numpy as np
import pytest

from argand.io import hklf_rows
from argand.io.hklf_rows import read_rows
from argand.io.plain_rows import read_plain_rows

# Pieces of which odd rows are made: columns that are too short, empty, joined or no numbers.
INDICES = ("   1", "  -2", "+3  ", " 4 5", "    ", "-123", "12e1", "   0", "1_0 ")
VALUES = (
    "   12.50",
    "-9999.99",
    "     100",
    "  1.2E+3",
    "       .",
    "1 2.5000",
    "12345.67",
    "-0.00   ",
)
BATCHES = ("", "   1", "  -1", " 1 2", "    ", "   x", "   1 1.5418", "   1   ")


def careful(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> object:
    """Return what the reading without plain rows makes of lines, or its complaint."""
    with monkeypatch.context() as patch:
        patch.setattr(hklf_rows, "read_plain_rows", lambda lines, first: None)
        return outcome(lines)


def outcome(lines: list[str]) -> object:
    """Return the end, the notes and the bytes of the table of a list, or the complaint."""
    try:
        table = read_rows(lines, 0, "a.hkl", has_satellites=False)
    except Exception as error:
        return str(error)
    return table.end, table.notes, table.numbers.tobytes()


def plain_row(rng: np.random.Generator) -> str:
    h, k, l = rng.integers(-999, 1000, 3)
    value, sigma = rng.uniform(-9999, 9999), rng.uniform(0, 9999)
    batch = rng.choice(["", "   1", "  -2"])
    return f"{h:4d}{k:4d}{l:4d}{value:8.2f}{sigma:8.2f}{batch}"


def test_rows_by_hand():
    lines = ["1-100-100 9999.9912345.67  -1", "   1   2   3   -0.05    .125"]
    table = read_plain_rows(lines, 0)
    assert table is None
    lines[0] = "   1-100-100 9999.9912345.67  -1"
    table = read_plain_rows([*lines, "", "   1   1   1"], 0)
    expected = [[1, -100, -100, 9999.99, 12345.67, -1], [1, 2, 3, -0.05, 0.125, 0]]
    np.testing.assert_array_equal(table[:, :6], expected)
    assert np.isnan(table[:, 6:]).all()


def test_many_plain_rows_are_what_the_careful_reading_makes_of_them(monkeypatch):
    seed = 20261129
    rng = np.random.default_rng(seed)
    for end in ([], ["   0   0   0    0.00    0.00"], [""], ["", "  1   2   3    4.00    1.00"]):
        lines = [plain_row(rng) for _ in range(2000)] + end
        assert read_plain_rows(lines, 0) is not None, f"seed {seed}"
        assert outcome(lines) == careful(lines, monkeypatch), f"seed {seed}"


def test_odd_rows_are_what_the_careful_reading_makes_of_them(monkeypatch):
    seed = 20261130
    rng = np.random.default_rng(seed)
    for number in range(3000):
        lines = [plain_row(rng) for _ in range(int(rng.integers(3)))]
        indices = "".join(rng.choice(INDICES, 3))
        values = "".join(rng.choice(VALUES, 2))
        lines.append(indices + values + rng.choice(BATCHES))
        if rng.random() < 0.3:
            lines[-1] = lines[-1][: int(rng.integers(34))]
        lines += [plain_row(rng) for _ in range(int(rng.integers(2)))]
        where = f"seed {seed}, case {number}: {lines}"
        assert outcome(lines) == careful(lines, monkeypatch), where
