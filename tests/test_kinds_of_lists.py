"""Lists of SHELX of each kind, 1 to 6: read as what HKLF says they are, or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import argand
from argand.errors import ArgandError, ArgandWarning
from argand.io import Reflections
from argand.measured.merging import usable

LIST = "   1   0   0  123.45    2.50\n   0   1   0  223.45    2.50\n"
END = "   0   0   0    0.00    0.00\n"
INSTRUCTIONS = """TITL x
CELL 0.71 5 6 7 90 90 90
LATT -1
SFAC C
UNIT 4
HKLF {hklf}
END
"""

# The first and the fourth line share their intensity with the line that follows.
OVERLAPPING = """   1   0   0    0.00    0.00  -2
   1   0   0  123.45    2.50   1
   0   1   0  223.45    2.50   1
   0   2   0    0.00    0.00  -2
   1   1   0   23.45    2.50   1
"""

CIF = """data_x
_cell_length_a 5
_cell_length_b 6
_cell_length_c 7
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_shelx_res_file
;
{instructions};
_shelx_hkl_file
;
{rows};
"""


def read_with_trailer(folder: Path, rows: str, hklf: str) -> Reflections:
    """Read a list that is followed by instructions with HKLF."""
    path = folder / "x.hkl"
    path.write_text(rows + END + INSTRUCTIONS.format(hklf=hklf))
    return argand.read_reflections(path)


def read_in_cif(folder: Path, rows: str, hklf: str) -> Reflections:
    """Read a list that a CIF carries beside instructions with HKLF."""
    path = folder / "x.cif"
    instructions = INSTRUCTIONS.format(hklf=hklf)
    path.write_text(CIF.format(instructions=instructions, rows=rows + END))
    return argand.read_reflections(path)


READERS = pytest.mark.parametrize("read", [read_with_trailer, read_in_cif])


@READERS
def test_amplitudes(tmp_path: Path, read) -> None:
    reflections = read(tmp_path, LIST, "3")
    assert reflections.intensity is None
    assert reflections.amplitude.tolist() == [123.45, 223.45]


@READERS
@pytest.mark.parametrize("hklf", ["5", "6"])
def test_overlapping_domains_are_left_out(tmp_path: Path, read, hklf: str) -> None:
    reflections = read(tmp_path, OVERLAPPING, hklf)
    assert reflections.batch.tolist() == [-2, 1, 1, -2, 1]
    assert usable(reflections).tolist() == [False, False, True, False, False]


@READERS
def test_scale_and_axes(tmp_path: Path, read) -> None:
    """HKLF 4 2 0 1 0 1 0 0 0 0 -1 doubles intensities, and h' = R h."""
    reflections = read(tmp_path, LIST, "4 2 0 1 0 1 0 0 0 0 -1")
    assert reflections.hkl.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert reflections.intensity.tolist() == [246.9, 446.9]
    assert reflections.sigma.tolist() == [5.0, 5.0]


@READERS
@pytest.mark.parametrize(
    ("hklf", "words"),
    [
        ("1", "hklf is 1 .the condensed data of SHELX-76., needs 3"),
        ("2", "hklf is 2 .Laue data, with a wavelength for each reflection., needs 3"),
        ("-2", "hklf is 2 .Laue data"),
        ("7", "hklf is 7, needs 3"),
    ],
)
def test_other_kinds_are_refused(tmp_path: Path, read, hklf: str, words: str) -> None:
    with pytest.raises(ArgandError, match=words):
        read(tmp_path, LIST, hklf)


def test_the_argument_comes_before_the_trailer(tmp_path: Path) -> None:
    """Instructions of another file decide: SHELXL does not read those after the list."""
    path = tmp_path / "x.hkl"
    path.write_text(LIST + END + INSTRUCTIONS.format(hklf="3 2 0 1 0 1 0 0 0 0 -1"))
    reflections = argand.read_reflections(path, hklf=4)
    assert reflections.hkl.tolist() == [[1, 0, 0], [0, 1, 0]]
    assert reflections.intensity.tolist() == [123.45, 223.45]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("form", ["columns", "touching", "free"])
def test_main_reflections_among_satellites(tmp_path: Path, count: int, form: str) -> None:
    """h k l and one to three satellite indices, of which one or all are not 0."""
    orders = np.zeros((4, count), int)
    orders[1, -1] = 1
    orders[2] = -1
    lines: list[str] = []
    for row, order in enumerate(orders.tolist()):
        indices = [row + 1, -2, 0, *order]
        value = 12345.67 if form == "touching" else 100.25 + row
        if form == "free":
            lines.append(" ".join(map(str, indices)) + f" {value} 2.5")
        else:
            lines.append("".join(f"{index:4d}" for index in indices) + f"{value:8.2f}{2.5:8.2f}")
    path = tmp_path / "x.hkl"
    path.write_text("\n".join(lines) + "\n")
    with pytest.warns(ArgandWarning, match="2 satellites of a modulated structure"):
        reflections = argand.read_reflections(path)
    assert reflections.hkl.tolist() == [[1, -2, 0], [4, -2, 0]]
    expected = [12345.67] * 2 if form == "touching" else [100.25, 103.25]
    assert reflections.intensity.tolist() == expected
    assert reflections.sigma.tolist() == [2.5, 2.5]


def read_text(tmp_path: Path, text: str) -> Reflections:
    """Read a list of reflections from its text."""
    path = tmp_path / "x.hkl"
    path.write_text(text)
    return argand.read_reflections(path)


def test_multiplicities_are_no_intensities(tmp_path: Path) -> None:
    rows = "1 0 0 8 123.4 2.5\n0 1 0 4 50.1 2.5\n1 1 0 16 20.0 2.5\n"
    with pytest.raises(ArgandError, match="needs h k l intensity sigma"):
        read_text(tmp_path, rows)
    # Counts without a point are intensities.
    reflections = read_text(tmp_path, rows.replace(" 8 ", " 87 "))
    assert reflections.intensity.tolist() == [87, 4, 16]


def test_named_multiplicities_are_not_used(tmp_path: Path) -> None:
    reflections = read_text(tmp_path, "h k l m I sigma\n1 0 0 8 123 4\n0 1 0 4 50 2\n")
    assert reflections.intensity.tolist() == [123, 50]
    assert reflections.batch is None


@pytest.mark.parametrize("names", ["m", "m1 m2", "m n"])
def test_named_satellites_are_left_out(tmp_path: Path, names: str) -> None:
    zeros = " 0" * (len(names.split()) - 1)
    text = f"h k l {names} I sigma\n1 0 0 0{zeros} 123 4\n1 0 0 -1{zeros} 50 2\n"
    with pytest.warns(ArgandWarning, match="1 satellites of a modulated structure"):
        reflections = read_text(tmp_path, text)
    assert reflections.intensity.tolist() == [123]


def test_named_batch_numbers_stand_after_the_values(tmp_path: Path) -> None:
    reflections = read_text(tmp_path, "h k l I sigma m\n1 0 0 123 4 2\n0 1 0 50 2 1\n")
    assert reflections.batch.tolist() == [2, 1]


@pytest.mark.parametrize("name", ["wavelength", "Lambda", "wl"])
def test_named_wavelengths(tmp_path: Path, name: str) -> None:
    text = f"h k l I sigma {name}\n1 0 0 123 4 0.8\n0 1 0 50 2 "
    assert read_text(tmp_path, f"{text}0.8\n").wavelength == 0.8
    with pytest.raises(ArgandError, match=r"a wavelength for each reflection, 0.8 to 1.2 Å"):
        read_text(tmp_path, f"{text}1.2\n")


@pytest.mark.parametrize("header", ["h k l I(+) sigI(+) I(-) sigI(-)", "h k l F+ sigF+ F- sigF-"])
def test_named_mates_in_one_row_are_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(ArgandError, match="of Friedel mates, needs a row for each"):
        read_text(tmp_path, f"{header}\n1 0 0 123 4 120 4\n")
