"""Columns of a CIF become strings and numbers as gemmi would make them of value by value."""

from __future__ import annotations

import numpy as np
import pytest
from gemmi import cif

from argand.errors import ArgandError
from argand.io.cif_block import parse_blocks

# Values as CIF writes them, quoted ones, nulls, uncertainties, exponents, and what is no number.
NUMBERS = (
    "12.5",
    "-.5",
    "+3.",
    "007",
    "1.25(3)",
    "1e3",
    "1E-400",
    "-0.00",
    "0.1234567890123456789",
)
TEXTS = ("o", "'a b'", '"1.5"', "?", ".", "a'b", "x;y")


def column_of(values: list[str]) -> str:
    """Return a CIF with one column."""
    return "data_a\nloop_\n_refln_x\n" + "\n".join(values) + "\n"


def test_texts_are_those_of_gemmi():
    seed = 7
    rng = np.random.default_rng(seed)
    for count in (1, 2, 5):
        for _ in range(200):
            values = rng.choice(NUMBERS + TEXTS, count).tolist()
            expected = [cif.as_string(value) for value in values]
            block = parse_blocks(column_of(values), "a.cif")[0]
            if any(expected):
                assert block.column("_refln_x") == expected, f"seed {seed}: {values}"
            else:
                assert block.column("_refln_x") is None


def test_numbers_are_those_of_gemmi_to_the_last_bit():
    seed = 8
    rng = np.random.default_rng(seed)
    for decimals in range(8):
        values = [f"{value:.{decimals}f}" for value in rng.normal(0, 1e4, 300)]
        for odd in ([], ["?"], ["1.25(3)"], ["2e3"]):
            every = values + odd
            expected = np.array([cif.as_number(value) for value in every])
            numbers = parse_blocks(column_of(every), "a.cif")[0].numbers("_refln_x")
            np.testing.assert_array_equal(numbers, expected, f"seed {seed}")


@pytest.mark.parametrize("wrong", ["1_000", "nan", "inf", "0x10", "1e400", "--5", "1.2.3", "1d5"])
def test_what_python_takes_for_a_number_and_cif_does_not_is_refused(wrong):
    block = parse_blocks(column_of(["1.5", wrong]), "a.cif")[0]
    with pytest.raises(ArgandError, match=r"^a\.cif: _refln_x is .*, needs a number"):
        block.numbers("_refln_x")
