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
