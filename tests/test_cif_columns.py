"""Columns of a CIF become strings and numbers as gemmi would make them of value by value."""

from __future__ import annotations

import numpy as np
import pytest
from gemmi import cif

import argand
from argand.errors import ArgandError, ArgandWarning
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


LIST = """data_x
_cell_length_a 5
_cell_length_b 6
_cell_length_c 7
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_refln.index_h
_refln.index_k
_refln.index_l
{columns}
1 0 0 {first}
0 1 0 {second}
"""


def read_list(tmp_path, columns, first, second):
    path = tmp_path / "x.cif"
    path.write_text(LIST.format(columns="\n".join(columns), first=first, second=second))
    return argand.read_reflections(path)


@pytest.mark.parametrize(
    "columns",
    [
        ("_refln.F_meas", "_refln.F_meas_sigma"),
        ("_refln.F_meas", "_refln.F_meas_su"),
        ("_refln.F_squared_meas", "_refln.F_squared_meas_su"),
        ("_refln.intensity_meas", "_refln.intensity_meas_su"),
        ("_refln.F_meas_au", "_refln.F_meas_sigma_au"),
    ],
)
def test_sigmas_have_many_names(tmp_path, columns):
    reflections = read_list(tmp_path, columns, "10 0.5", "5 0.25")
    assert reflections.sigma.tolist() == [0.5, 0.25]


@pytest.mark.parametrize(
    ("tag", "flag", "is_left_out"),
    [
        ("refinement_status", "excl", True),
        ("refinement_status", "extn", True),
        ("refinement_status", "incl", False),
        ("status", "x", True),
        ("status", "f", False),
        ("include_status", "l", True),
    ],
)
def test_flags_leave_reflections_out(tmp_path, tag, flag, is_left_out):
    columns = ("_refln.F_squared_meas", f"_refln.{tag}")
    reflections = read_list(tmp_path, columns, "10 o", f"5 {flag}")
    left_out = [False, False] if reflections.left_out is None else reflections.left_out.tolist()
    assert left_out == [False, is_left_out]


def test_several_measurements_are_said(tmp_path):
    with pytest.warns(ArgandWarning, match="_refln_diffrn_id is 1, 2: all are read as one"):
        read_list(tmp_path, ("_refln.F_squared_meas", "_refln.diffrn_id"), "10 1", "5 2")
