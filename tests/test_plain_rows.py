"""Lists in plain fixed columns are read at once, and give what the careful reading gives."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from argand.io import hklf
from argand.io.hklf import read_columns
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
# What may stand above a list, and characters that end lines, some of them for Python only.
ABOVE = ("", "   ", "# a comment", "! another", "\x0c", "# h k l", "# h k l F^2 sig")
NEWLINES = ("\n", "\r\n", "\r", "\x0b", "\x85", "\n\n")
BATCHES = ("", "   1", "  -1", " 1 2", "    ", "   x", "   1 1.5418", "   1   ")


def careful(text: str, monkeypatch: pytest.MonkeyPatch) -> object:
    """Return what the reading without plain rows makes of a text, or its complaint."""
    with monkeypatch.context() as patch:
        patch.setattr(hklf, "read_plain_list", lambda *arguments: None)
        return outcome(text)


def outcome(text: str) -> object:
    """Return the remaining lines, the notes and the numbers of a list, or the complaint."""
    try:
        reflections, rest, notes = read_columns(text, "a.hkl")
    except Exception as error:
        return str(error)
    columns = []
    for field in dataclasses.fields(reflections):
        value = getattr(reflections, field.name)
        columns.append(value.tobytes() if isinstance(value, np.ndarray) else value)
    return columns, rest, notes


def plain_row(rng: np.random.Generator) -> str:
    h, k, l = rng.integers(-999, 1000, 3)
    value, sigma = rng.uniform(-9999, 9999), rng.uniform(0, 9999)
    batch = rng.choice(["", "   1", "  -2"])
    return f"{h:4d}{k:4d}{l:4d}{value:8.2f}{sigma:8.2f}{batch}"


def test_rows_by_hand():
    lines = ["1-100-100 9999.9912345.67  -1", "   1   2   3   -0.05    .125"]
    assert read_plain_rows("\n".join(lines)) is None
    lines[0] = "   1-100-100 9999.9912345.67  -1"
    text = "\n".join([*lines, "", "   1   1   1"])
    expected = [[1, -100, -100, 9999.99, 12345.67, -1], [1, 2, 3, -0.05, 0.125, 0]]
    for begin in ("", "above\n"):
        table, end = read_plain_rows(begin + text, len(begin))
        np.testing.assert_array_equal(table[:, :6], expected)
        assert np.isnan(table[:, 6:]).all()
        assert (begin + text)[end:] == "\n   1   1   1"


def test_lines_of_dos_by_hand():
    text = "   1   2   3    1.00    0.50\r\n  -1   0   4   20.00    1.25   2\r\n"
    table, end = read_plain_rows(text)
    np.testing.assert_array_equal(table[:, :6], [[1, 2, 3, 1, 0.5, 0], [-1, 0, 4, 20, 1.25, 2]])
    assert end == len(text)
    # A carriage return alone ends a line of old Macintoshes.
    assert read_plain_rows(text.replace("\r\n", "\r")) is None
    assert read_plain_rows(text.replace("\n", "\r\n")) is None


@pytest.mark.parametrize("above", ["", "# made by hand\n\n"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "end",
    [
        [],
        ["   0   0   0    0.00    0.00"],
        [""],
        ["", "  1   2   3    4.00    1.00"],
        ["   0   0   0    0.00    0.00   0", "  1   2   3    4.00    1.00", "TITL a"],
    ],
)
def test_many_plain_rows_are_what_the_careful_reading_makes_of_them(
    above, newline, end, monkeypatch
):
    seed = 20261129
    rng = np.random.default_rng(seed)
    lines = [plain_row(rng) for _ in range(700)] + end
    text = above + newline.join(lines)
    is_quick = read_plain_rows(text, len(above)) is not None
    assert is_quick == (newline != "\r"), f"seed {seed}"
    assert outcome(text) == careful(text, monkeypatch), f"seed {seed}"
    assert outcome(text + newline) == careful(text + newline, monkeypatch), f"seed {seed}"


def test_odd_rows_are_what_the_careful_reading_makes_of_them(monkeypatch):
    seed = 20261130
    rng = np.random.default_rng(seed)
    for number in range(3000):
        lines = [str(rng.choice(ABOVE)) for _ in range(int(rng.integers(3)))]
        lines += [plain_row(rng) for _ in range(int(rng.integers(3)))]
        indices = "".join(rng.choice(INDICES, 3))
        values = "".join(rng.choice(VALUES, 2))
        lines.append(indices + values + rng.choice(BATCHES))
        if rng.random() < 0.3:
            lines[-1] = lines[-1][: int(rng.integers(34))]
        lines += [plain_row(rng) for _ in range(int(rng.integers(2)))]
        text = str(rng.choice(NEWLINES)).join(lines)
        where = f"seed {seed}, case {number}: {text!r}"
        assert outcome(text) == careful(text, monkeypatch), where
