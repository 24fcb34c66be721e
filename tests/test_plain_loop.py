"""Loops of reflections that are cut out of a CIF: values as the parser of CIF files reads them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from gemmi import cif

import argand
from argand.errors import ArgandError
from argand.io.cif_block import Block, parse_blocks
from argand.io.plain_loop import cut_plain_loops

TAGS = ("_refln_index_h", "_refln_index_k", "_refln_F_squared_meas", "_refln_observed_status")
HEAD = "loop_\n" + "\n".join(TAGS) + "\n"
ROWS = "1 0 10.25 o\n-2 +3 .5 <\n3 4 -7. o\n"

# Rows that are cut out, after the head of a loop.
PLAIN = {
    "lines": ROWS,
    "one line": ROWS.replace("\n", " "),
    "DOS": ROWS.replace("\n", "\r\n"),
    "no last newline": ROWS.rstrip(),
    "tabs": ROWS.replace(" ", "\t"),
    "null": "1 ? ? .\n2 . 0.25 o\n",
    "null in every row": "1 2 ? .\n2 3 . ?\n",
    "minus alone as a flag": "1 2 3.5 -\n2 3 4.5 o\n",
    "words that begin as numbers": "1 2 3.5 2x\n2 3 4.5 1\n",
    "exponents": "1 2 3.5e1 o\n2 3 4.5 o\n",
    "comment after it": f"{ROWS}# the end\n",
    "another loop after it": f"{ROWS}loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n",
    "pair after it": f"{ROWS}_cell_length_a 5.5\n",
    "block after it": f"{ROWS}data_b\n_cell_length_a 5.5\n",
}

# Rows that the parser of CIF files reads.
OTHER = {
    "quoted flag": "1 2 3.5 'o'\n2 3 4.5 \"o\"\n",
    "exponent among numbers": "1 2 3.5 o\n2 3 4.5e1 o\n",
    "uncertainty": "1 2 123.55(12) o\n2 3 4.5 o\n",
    "long word": "1 2 3.5 observed_x\n2 3 4.5 o\n",
    "number of sixteen digits": "1 2 123456789012345.5 o\n2 3 0.25 o\n",
    "word among numbers": "1 2 3.5 o\n2 3 4.5x o\n",
    "comment within": "1 2 3.5 o\n# half of it\n2 3 4.5 o\n",
    "text within": "1 2 3.5\n;o\n;\n2 3 4.5 o\n",
}


def columns_by_gemmi(text: str) -> list[list[str]]:
    """Return the columns of the reflections as gemmi reads them; null values are empty."""
    block = cif.read_string(text).sole_block() if "data_b" not in text else cif.read_string(text)[0]
    columns = []
    for tag in TAGS:
        values = [cif.as_string(value) for value in block.find_values(tag)]
        columns.append(["" if value in ("?", ".") else value for value in values])
    return columns


def block_of(text: str) -> Block:
    """Parse a text, and return its first block."""
    return parse_blocks(text, "a.cif")[0]


@pytest.mark.parametrize("rows", PLAIN.values(), ids=PLAIN.keys())
def test_plain_rows_are_cut_and_read_as_by_gemmi(rows: str) -> None:
    """Values, numbers and nulls of a loop that is cut out are those of the file."""
    text = f"data_a\n{HEAD}{rows}"
    assert len(cut_plain_loops(text)[1]) == 1
    block = block_of(text)
    assert block.plain_loop_count == 1
    for tag, values in zip(TAGS, columns_by_gemmi(text), strict=True):
        plain_tag = tag.lower()
        expected = values if any(values) else None
        assert block.column(plain_tag) == expected
        assert block.has_values(plain_tag) == (expected is not None)
        if tag != TAGS[3]:
            numbers = [float(value) if value else np.nan for value in values]
            read = block.numbers(plain_tag)
            if expected is None:
                assert read is None
            else:
                np.testing.assert_array_equal(read, numbers)
            assert block.uncertainties(plain_tag) is None


@pytest.mark.parametrize("rows", OTHER.values(), ids=OTHER.keys())
def test_other_rows_are_read_by_gemmi(rows: str) -> None:
    """A loop with values that are not plain is parsed as it is."""
    text = f"data_a\n{HEAD}{rows}"
    block = block_of(text)
    assert block.plain_loop_count == 0
    for tag, values in zip(TAGS, columns_by_gemmi(text), strict=True):
        assert block.column(tag.lower()) == values


def test_loop_within_a_text_stays_text() -> None:
    """A loop within a text of several lines is no loop of the CIF."""
    rows = f"{HEAD}{ROWS}# the end"
    text = f"data_a\n_x_y\n;\n{rows}\n;\n_cell_length_a 5.5\n"
    assert len(cut_plain_loops(text)[1]) == 1
    block = block_of(text)
    assert block.plain_loop_count == 0
    assert not block.has_values(TAGS[0].lower())
    assert block.text("_x_y") == rows
    assert block.number("_cell_length_a") == 5.5


def test_each_block_has_its_own_loop() -> None:
    """Loops of several blocks are not mixed up."""
    text = f"data_a\n{HEAD}{ROWS}data_b\n{HEAD}7 8 9 o\n"
    first, second = parse_blocks(text, "a.cif")
    np.testing.assert_array_equal(first.numbers("_refln_index_h"), [1, -2, 3])
    np.testing.assert_array_equal(second.numbers("_refln_index_h"), [7])


def test_complaints_name_the_line_of_the_file() -> None:
    """A fault after a loop that was cut out is found in the line where it stands."""
    with pytest.raises(ArgandError, match=r"^a\.cif: no valid CIF: line 10:"):
        parse_blocks(f"data_a\n{HEAD}{ROWS}_cell_length_a 5.5 6.5\n", "a.cif")


def test_rows_that_are_not_whole_are_an_error() -> None:
    """A loop whose last row lacks a value is no valid CIF."""
    with pytest.raises(ArgandError, match=r"a\.cif: no valid CIF"):
        parse_blocks(f"data_a\n{HEAD}{ROWS}1 2 3\n", "a.cif")


def test_too_large_a_number_is_an_error_with_its_word() -> None:
    """A number beyond any quantity is named as the file has it."""
    with pytest.raises(ArgandError, match=rf"_refln_f_squared_meas is '{10**30}1', needs less"):
        block_of(f"data_a\n{HEAD}1 2 {10**30}1 o\n").numbers("_refln_f_squared_meas")


def test_other_characters_before_and_in_a_loop() -> None:
    """Characters beyond ASCII move no position, and words that have some are not cut out."""
    text = f"data_a\n# Ångström 😀\n{HEAD}{ROWS}"
    block = block_of(text)
    assert block.plain_loop_count == 1
    np.testing.assert_array_equal(block.numbers("_refln_f_squared_meas"), [10.25, 0.5, -7])
    assert cut_plain_loops(f"data_a\n{HEAD}1 2 3.5 ü\n")[1] == {}
    # U+2026 becomes a question mark as ASCII.
    assert cut_plain_loops(f"data_a\n{HEAD}1 2 3.5 …\n")[1] == {}


def test_a_text_with_the_mark_is_not_cut() -> None:
    """A file that holds the word of the mark is parsed as it is."""
    text = f"data_argand-plain-loop-0\n{HEAD}{ROWS}"
    assert cut_plain_loops(text) == (text, {})


def test_uncertainties_are_those_of_the_first_tag_with_values() -> None:
    """A tag whose loop is cut out has none, and hides none of a tag that comes before it."""
    text = f"data_a\n{HEAD}{ROWS}_cell_length_a 5.5(2)\n"
    block = block_of(text)
    tags = ("_cell_length_a", "_refln_f_squared_meas")
    np.testing.assert_allclose(block.uncertainties(*tags), [0.2])
    assert block.uncertainties(*reversed(tags)) is None


def test_random_numbers_are_the_nearest_doubles(tmp_path: Path) -> None:
    """Numbers of up to fifteen digits are those that Python reads."""
    seed = 11
    print(f"seed {seed}", file=sys.stderr)
    rng = np.random.default_rng(seed)
    words = []
    for digits in rng.integers(1, 16, 4000).tolist():
        number = "".join(map(str, rng.integers(0, 10, digits).tolist()))
        point = int(rng.integers(0, digits + 1))
        sign = rng.choice(["", "-", "+"])
        words.append(f"{sign}{number[:point]}.{number[point:]}")
    rows = "".join(f"{row % 100 + 1} {row // 100} 0 {word} o\n" for row, word in enumerate(words))
    head = HEAD.replace("_refln_index_k", "_refln_index_k\n_refln_index_l")
    path = tmp_path / "a.fcf"
    text = f"data_a\n{head}{rows}"
    assert len(cut_plain_loops(text)[1]) == 1
    path.write_text(text, encoding="ascii")
    read = argand.read_reflections(path)
    assert read.intensity is not None
    np.testing.assert_array_equal(read.intensity, np.array(list(map(float, words))))
