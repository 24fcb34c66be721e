"""`read_crystal`: the dialects of CIF, its warnings and its errors."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import numpy as np
import pytest

import argand
import cif_text
from argand.errors import ArgandError, ArgandWarning
from cif_text import GROUP, HEAD, ONE, OPS, Read, aniso, loop, reader, sites
from data_dir import DATA, cif_files, shared_files

# Files that deserve a second look, and why; no other file of the development data has a warning.
NOTES = {
    "1001031": ("left out: H1", "F(000) of the sites is 441.972, of the formula x Z 459.3"),
    "1001614": ("left out: H1, H2", "F(000) of the sites is 952.8, of the formula x Z 960"),
    "1100015": (
        "1 attached hydrogens have no sites",
        "left out: H1",
        "F(000) of the sites is 591.51, of the formula x Z 597.51",
    ),
    "1100977": ("those of F d d 2, its space group is called Fddd",),
    # The hydrogens of the water are missing.
    "2009901": ("F(000) of the sites is 1051.98, of the formula x Z 1056",),
    # The hydrogens of the hydroxyl groups are missing.
    "9000023": ("F(000) of the sites is 621, of the formula x Z 624 (Z = 3, assumed)",),
}

# Files in which other programs read something wrong: space group, content of the unit cell.
CONTENT = {
    "1001614": ("P 1 21/c 1", "Mo8 O43.6 P8 Rb4"),
    "1100977": ("F d d 2", "C64 H80 Br16 Cd8 N32"),
    "2002248": ("F d -3 m:1", "La16 O56 Zr16"),
    "2020199": ("R -3 c:H", "Al6 F36 H90 O36"),
    "4003024": ("P m -3 m", "Cl3 Cs1 In0.07 Sn0.9"),
    "9000905": ("C 1 2/c 1", "Al12.24 H8 Na4 O48 Si11.76"),
    "9002547": ("P m c n", "Al7.76 Ca4 D16 Fe0.24 O40 Si8"),
    "9008098": ("R -3:R", "As2 I6"),
    "9012705": ("R -3 m:R", "C2"),
}


def crystal_or_complaint(path: Path) -> argand.Crystal | str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ArgandWarning)
        try:
            return argand.read_crystal(path)
        except ArgandError as error:
            return str(error)


@pytest.mark.parametrize("path", cif_files(), ids=lambda path: path.stem)
def test_real_files(path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        crystal = argand.read_crystal(path)
    messages = [str(warning.message) for warning in caught]
    assert all(warning.category is ArgandWarning for warning in caught)
    assert all(message.startswith(str(path)) for message in messages)
    expected = NOTES.get(path.stem, ())
    assert len(messages) == len(expected), messages
    for message, note in zip(messages, expected, strict=True):
        assert note in message
    assert np.isfinite(crystal.beta()).all()
    assert crystal.to_p1().f000() == pytest.approx(crystal.f000(), rel=1e-12)
    if path.stem in CONTENT:
        assert (crystal.spacegroup, crystal.formula) == CONTENT[path.stem]


@pytest.mark.parametrize("path", shared_files("hostile"), ids=lambda path: path.name)
def test_hostile_files_give_a_crystal_or_one_line(path: Path) -> None:
    outcome = crystal_or_complaint(path)
    if isinstance(outcome, str):
        assert outcome.startswith(str(path))
        assert "\n" not in outcome
        assert len(outcome) < len(str(path)) + 200
    else:
        assert np.isfinite(outcome.frac).all()
        assert np.isfinite(outcome.to_p1().beta()).all()


UNLABELLED = (
    aniso("", "").replace("_atom_site_aniso_label", "").rstrip()
    + "\n0 0 0 0 0 0.1\n0 0 0 0 0 0.1\n"
)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return reader(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + ONE, "states no symmetry: P 1 is assumed"),
        (
            HEAD + "_space_group_IT_number 14\n" + ONE,
            "by number alone: its standard setting P 1 21/c 1 is assumed",
        ),
        (
            HEAD + GROUP + loop(OPS, "x,y,z", "-x,-y,-z") + ONE,
            "those of P -1, its space group is called P 1 21/c 1",
        ),
        (
            HEAD.replace("100.5(2)", "90") + "_symmetry_space_group_name_H-M 'P n n n'\n" + ONE,
            "P n n n:1 is assumed",
        ),
        (
            HEAD + "_symmetry_space_group_name_H-M 'P 4'\n" + ONE,
            "does not have the symmetry of P 4",
        ),
        (HEAD + GROUP + sites("C1 C 0 0 0", "H1 H ? ? ?", "X D .4 .1 .1 "), "left out: H1"),
        (
            HEAD + GROUP + sites("C1 C 0 0 0 d", "Cg C .1 .1 .1 dum", extra="calc_flag"),
            "left out: Cg",
        ),
        (HEAD + GROUP + sites("C1 C 0 0 0 1.5", extra="occupancy"), "occupancy above 1: C1"),
        (
            HEAD + GROUP + "_chemical_formula_sum 'C4 H4'\n_cell_formula_units_Z 1\n" + ONE,
            r"is 24, of the formula x Z 28 \(Z = 1\)",
        ),
        (
            HEAD + GROUP + "_chemical_formula_sum 'O3'\n" + ONE,
            r"site C1 is read as C, which is not in the formula \(O\)",
        ),
        (
            HEAD + GROUP + ONE + HEAD.replace("test", "second") + GROUP + ONE,
            "several structures: test is read, not second",
        ),
        (
            HEAD + loop("_space_group_symop_magn_operation.xyz", "x,y,z,+1", "-x,-y,-z,-1") + ONE,
            "its moments are ignored",
        ),
        (HEAD + GROUP + "_cell_modulation_dimension 1\n" + ONE, "its modulation is ignored"),
    ],
)
def test_what_deserves_a_second_look(read: Read, text: str, message: str) -> None:
    with pytest.warns(ArgandWarning, match=message) as caught:
        read(text)
    assert all("test.cif: " in str(warning.message) for warning in caught)
    # The warning points to the caller of read_crystal.
    assert caught[0].filename == cif_text.__file__


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n  \n", "the file is empty"),
        ("data_x\n\x00", "a binary file"),
        ("hello\n", "no valid CIF: line 1: expected block header"),
        ("# only this\n", "it has no data block"),
        ("data_x\n_a 1\n", "no atom sites"),
        (HEAD + GROUP, "no atom sites"),
        (HEAD + "loop_\n_a\n_b\n1 2 3\n", "line 8: Wrong number of values"),
        (HEAD + GROUP + ONE + "_x 'open\n", "no valid CIF: line 16: unterminated"),
        (
            HEAD + GROUP + loop("_atom_site_label _atom_site_Cartn_x", "C1 1.0"),
            "Cartesian coordinates only",
        ),
        (
            HEAD + GROUP + loop("_atom_site_label _atom_site_fract_x", "C1 1.0"),
            "no fractional coordinates",
        ),
        (HEAD + GROUP + sites("C1 C ? ? ?"), "no atom sites"),
        (HEAD + GROUP + sites("C1 C 0.1 ? ?"), "no fractional coordinates"),
        (HEAD + GROUP + sites("C1 C 0.1 0.2 0,3"), "_atom_site_fract_z is '0,3', needs a number"),
        (
            HEAD + GROUP + sites("C1 C 0.1 0.2 0.3 half", extra="occupancy"),
            "_atom_site_occupancy is 'half'",
        ),
        (
            HEAD + GROUP + sites("C1 C 0.1 0.2 0.3 -0.5", extra="occupancy"),
            "negative occupancy: C1",
        ),
        (
            HEAD + GROUP + sites("T1 ? 0.1 0.2 0.3"),
            "no chemical element can be read from the label 'T1'",
        ),
        (HEAD.replace("_cell_length_b 6.00\n", "") + GROUP + ONE, "the cell lengths are not given"),
        (HEAD.replace("6.00", "-6") + GROUP + ONE, "positive lengths"),
        (HEAD.replace("6.00", "0") + GROUP + ONE, "positive lengths"),
        (
            HEAD.replace("100.5(2)", "wide") + GROUP + ONE,
            "_cell_angle_beta is 'wide', needs a number",
        ),
        (HEAD.replace("100.5(2)", "200") + GROUP + ONE, "no parallelepiped"),
        (
            HEAD + "_cell_length_a 9\n" + GROUP + ONE,
            "_cell_length_a is given 2 times with different values",
        ),
        (
            HEAD + "_symmetry_space_group_name_H-M 'P 7'\n" + ONE,
            "space group 'P 7' is not known, and no operations",
        ),
        (HEAD + "_space_group_IT_number 231\n" + ONE, "is 231, needs a space group number"),
        (HEAD + loop(OPS, "x,y,z", "x+1/5,y,z") + ONE, "symmetry operations not understood"),
        (HEAD + loop(OPS, "x,y,z", "'x+½,y,z'") + ONE, "letters beyond ASCII"),
        (HEAD + loop(OPS, "x,y,z", "x,x,x") + ONE, "symmetry operations"),
        (HEAD + loop(OPS, "x,y,z", "x,y,") + ONE, "symmetry operations not understood"),
        (HEAD + loop(OPS, "x,y,z", "y,z,x") + ONE, "no group: closed, they would be 3"),
        (HEAD + GROUP + ONE + UNLABELLED, "2 rows of anisotropic"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(read: Read, text: str, message: str) -> None:
    with pytest.raises(ArgandError, match=message) as error:
        read(text)
    assert "test.cif: " in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ArgandError, match=r"missing\.cif: cannot be read: No such file"):
        argand.read_crystal(tmp_path / "missing.cif")
    with pytest.raises(ArgandError, match="cannot be read: Is a directory"):
        argand.read_crystal(tmp_path)
    with pytest.raises(ArgandError, match="cannot be read"):
        argand.read_crystal("a\x00b.cif")
    (tmp_path / "cut.cif.gz").write_bytes(gzip.compress(HEAD.encode())[:-9])
    with pytest.raises(ArgandError, match="broken gzip file"):
        argand.read_crystal(tmp_path / "cut.cif.gz")


def test_encodings(read: Read, tmp_path: Path) -> None:
    text = HEAD + GROUP + ONE + "_publ_author 'Žižka, Å.'\n"
    expected = read(HEAD + GROUP + ONE).frac.tolist()
    assert read(text).frac.tolist() == expected
    assert read(text, encoding="utf-8-sig").frac.tolist() == expected
    assert (
        read(text.replace("Ž", "Z").replace("ž", "z"), encoding="latin-1").frac.tolist() == expected
    )
    assert read(text.replace("\n", "\r\n")).frac.tolist() == expected
    (tmp_path / "packed.cif.gz").write_bytes(gzip.compress(text.encode()))
    assert argand.read_crystal(tmp_path / "packed.cif.gz").frac.tolist() == expected


def test_dictionary_of_dots(read: Read) -> None:
    """CIF core 3 writes _atom_site.label where its predecessors write _atom_site_label."""
    text = (HEAD + GROUP + sites("C1 C 0.1 0.2 0.3 0.5", extra="occupancy")).replace(
        "_cell_", "_cell."
    )
    assert read(text.replace("_atom_site_", "_atom_site.")).occ.tolist() == [0.5]


def test_a_block_is_chosen(read: Read) -> None:
    text = (
        "data_global\n_x 1\n"
        + HEAD
        + GROUP
        + ONE
        + HEAD.replace("test", "II")
        + GROUP
        + sites("O1 O 0 0 0")
    )
    assert read(text, block="II").types == ("O",)
    with pytest.raises(
        ArgandError, match="no data block is called 'III', there are: global, test, II"
    ):
        read(text, block="III")
    with pytest.raises(ArgandError, match="the cell lengths are not given"):
        read(text, block="global")


def test_harmless_duplicates_and_gaps(read: Read) -> None:
    """A tag given twice matters where it is used and differs; a tag without a value is null."""
    text = (
        HEAD
        + "_cell_length_a 5.0(1)\n_x 1\n_x 2\n_chemical_formula_sum 'C4'\n"
        + "_chemical_formula_sum ''\n_cell_volume\n"
    )
    assert read(text + GROUP + ONE).cell[0] == 5


def test_the_repository_has_files_of_its_own() -> None:
    assert {path.stem for path in DATA.glob("*.cif")} == set(CONTENT)
