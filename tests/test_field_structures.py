"""Structures made after public bug reports: what each states is read, or is refused by name."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.errors import ArgandError, ArgandWarning
from argand.io import write_crystal
from argand.io.labels import read_symbol
from cif_text import GROUP, HEAD, Read, aniso, reader, sites
from data_dir import DATA

FIELD = DATA / "field"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return reader(tmp_path)


def notes_of(name: str) -> tuple[argand.Crystal, str]:
    """Return the crystal of a field file, and its notes joined by line feeds."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        crystal = argand.read_crystal(FIELD / name)
    return crystal, "\n".join(str(warning.message) for warning in caught)


def test_a_type_symbol_is_not_overruled_by_the_formula() -> None:
    crystal, notes = notes_of("f01_type_symbol_overruled.cif")
    assert crystal.types == ("Co", "C", "Cl")
    assert "site Co1 is read as Co, which is not in the formula" in notes
    # 4 (27 + 6 + 17)
    assert crystal.f000() == 200


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("Cl", "Cl"),
        ("CA", "Ca"),
        ("O-2", "O2-"),
        ("Fe(3+)", "Fe3+"),
        ("O^2-^", "O2-"),
        ("Fe3+17", "Fe3+"),
        ("C12", "C"),
        ("O_3", "O"),
        ("7Li", "7Li"),
        ("7Li1+", "7Li1+"),
        ("Li_6", "6Li"),
        ("2H", "D"),
        ("Ow", "O"),
        ("NH4", None),
        ("CO3", None),
        ("OH", None),
        ("Va", None),
        ("M2-", None),
        ("Fe/Mg", None),
        ("FeMg", None),
        ("0.6Cu + 0.4Al", None),
        ("Cu0.5", None),
        ("Nh", None),
    ],
)
def test_type_symbols_are_taken_literally(symbol: str, expected: str | None) -> None:
    kind = read_symbol(symbol)
    assert (kind.symbol if kind else None) == expected


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("a13_mixture_symbol.cif", r"'0\.615\(5\)Cu \+ 0\.385\(5\)Al'"),
        ("f10_NH4_symbol.cif", "'NH4'"),
        ("a39b_dummy_type_Q_only_neutral.cif", "'NH4'"),
    ],
)
def test_a_symbol_of_several_atoms_is_refused(name: str, symbol: str) -> None:
    with pytest.raises(ArgandError, match=f"{name}.*has the type symbol {symbol}"):
        argand.read_crystal(FIELD / name)


def test_an_isotope_is_kept() -> None:
    crystal = argand.read_crystal(FIELD / "a14_isotope_types.cif")
    assert crystal.types == ("7Li", "O")
    assert crystal.composition() == {"Li": 1, "O": 1}
    f = argand.structure_factors(crystal, [[1, 1, 1]], table="neutron")
    # Li at 0 0 0 and O at 1/2 1/2 1/2, U = 0.01, s^2 = 3 / 64
    vibration = np.exp(-8 * np.pi**2 * 0.01 * 3 / 64)
    assert f[0] == pytest.approx((-2.22 - 5.803) * vibration)
    assert argand.Crystal.from_gemmi(crystal.to_gemmi()).types == ("7Li", "O")


def test_an_isotope_survives_writing(tmp_path: Path) -> None:
    crystal = argand.read_crystal(FIELD / "a14_isotope_types.cif")
    write_crystal(tmp_path / "x.cif", crystal)
    assert argand.read_crystal(tmp_path / "x.cif").types == crystal.types


def test_a_label_in_place_of_a_type_may_be_of_ammonium(read: Read) -> None:
    text = HEAD + GROUP + sites("NH4 ? 0.1 0.2 0.3")
    assert read(text).types == ("N",)


def test_beta_is_read_as_displacement() -> None:
    crystal = argand.read_crystal(FIELD / "a01_beta_aniso.cif")
    # exp(-(b11 h^2 + b22 k^2 + b33 l^2 + 2 b12 hk + 2 b13 hl + 2 b23 kl))
    expected = [[0.0110, 0.0060, 0.0040, 0.001, 0, 0], [0.0080, 0.0060, 0.0050, 0, 0, 0]]
    np.testing.assert_allclose(crystal.beta(), expected, rtol=1e-12, atol=1e-15)
    assert crystal.u_aniso is not None
    # U11 = b11 a^2 / (2 pi^2) in an orthogonal cell
    assert crystal.u_aniso[0, 0] == pytest.approx(0.0110 * 36 / (2 * np.pi**2))


def test_every_row_of_displacements_lands_on_a_site_or_is_named() -> None:
    crystal, notes = notes_of("f05_aniso_rows_dropped.cif")
    assert crystal.anisotropic.tolist() == [True, False, False]
    assert crystal.u_aniso is not None
    assert crystal.u_aniso[0].tolist() == [0.01, 0.02, 0.06, 0, 0, 0]
    assert "components missing is not used: O1" in notes
    assert "belong to no site: S2" in notes


def test_capitals_of_labels_decide_only_where_they_must(read: Read) -> None:
    crystal = argand.read_crystal(FIELD / "a32_aniso_label_case.cif")
    assert crystal.anisotropic.all()
    rows = ("C1A 0.01 0.01 0.01 0 0 0", "C1a 0.02 0.02 0.02 0 0 0")
    text = HEAD + GROUP + sites("C1a C 0.1 0.2 0.3", "C1A C 0.4 0.2 0.3") + aniso(*rows)
    u_aniso = read(text).u_aniso
    assert u_aniso is not None
    assert u_aniso[:, 0].tolist() == [0.02, 0.01]


@pytest.mark.parametrize("name", ["f06_second_site_loop.cif", "a15b_two_site_loops_fewer.cif"])
def test_a_column_of_another_loop_is_named(name: str) -> None:
    message = f"{name}: _atom_site_occupancy has 1 value, needs one for each of 2 sites"
    with pytest.raises(ArgandError, match=message):
        argand.read_crystal(FIELD / name)


def test_coordinates_of_unequal_length_are_named(read: Read) -> None:
    text = HEAD + GROUP + sites("C1 C 0.1 0.2 0.3").replace("_atom_site_fract_z", "_atom_site_x")
    with pytest.raises(ArgandError, match="_atom_site_fract_z has 2 values"):
        read(text + "loop_\n_atom_site_fract_z\n0.1\n0.2\n")


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("a20_gram_charlier.cif", "Gram-Charlier"),
        ("a34_squeeze.cif", "solvent mask"),
        ("a34_squeeze.cif", r"\(\.fab\)"),
    ],
)
def test_what_changes_f_and_is_not_used_is_said(name: str, note: str) -> None:
    with pytest.warns(ArgandWarning) as caught:
        argand.read_crystal(FIELD / name)
    assert len([warning for warning in caught if re.search(note, str(warning.message))]) == 1


def test_instructions_are_no_atoms() -> None:
    crystal, notes = notes_of("f07_sump.res")
    assert crystal.labels == ("C1", "O1", "O2")
    assert notes == ""
    # 4 (6 + 8 (0.6 + 0.4)) without the 4 x 0.5 of a carbon atom called SUMP
    assert crystal.f000() == pytest.approx(56)
    crystal, notes = notes_of("b02_frag.ins")
    assert crystal.labels == ("C1", "O1")
    assert notes == ""


def test_atoms_are_not_passed_over() -> None:
    crystal, notes = notes_of("f08_atoms_passed_over.res")
    assert crystal.labels == ("C1", "C100A", "O1")
    assert crystal.frac[0].tolist() == [0.1, 0.2, 0.3]
    # 4 (6 + 6 + 8)
    assert crystal.f000() == 80
    assert notes.endswith("line 11: '+more_atoms.ins' includes another file, which is not read")


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("C2 1 0.1 O.2 0.3 11.0 0.03", "atom C2 has 'O.2', needs a number"),
        ("C2 1 0.1 0,2 0.3 11.0 0.03", "atom C2 has '0,2', needs a number"),
        ("C2 9 0.1 0.2 0.3 11.0 0.03", "atom C2 is of type 9, SFAC names 2"),
    ],
)
def test_an_atom_that_cannot_be_read_is_refused(tmp_path: Path, line: str, outcome: str) -> None:
    path = tmp_path / "x.res"
    text = (FIELD / "f08_atoms_passed_over.res").read_text()
    path.write_text(text.replace("+more_atoms.ins", line))
    with pytest.raises(ArgandError, match=outcome):
        argand.read_crystal(path)


def test_a_line_that_is_nothing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.res"
    text = (FIELD / "f07_sump.res").read_text()
    path.write_text(text.replace("SUMP 1", "RIDE 2\nSADI_CCF3 0.02 C1 O1\nSUMP 1"))
    with pytest.warns(ArgandWarning, match="line 8: 'RIDE 2' is neither an instruction nor"):
        crystal = argand.read_crystal(path)
    assert crystal.labels == ("C1", "O1", "O2")


@pytest.mark.parametrize(
    ("extra", "value", "message"),
    [
        (
            "U_iso_or_equiv",
            "1e308",
            r"_u_iso_or_equiv is '1e308', needs less than 1e\+30",
        ),
        ("U_iso_or_equiv", "1e25", "U beyond any crystal, needs -1 to 100 A.2: C1"),
        ("U_iso_or_equiv", "127", "U beyond any crystal"),
        ("U_iso_or_equiv", "-9", "U far below 0"),
        ("occupancy", "1e25", "occupancy above 100, needs 0 to 1: C1"),
    ],
)
def test_numbers_that_cannot_be_are_refused(
    read: Read, extra: str, value: str, message: str
) -> None:
    with pytest.raises(ArgandError, match=f"test.cif: .*{message}"):
        read(HEAD + GROUP + sites(f"C1 C 0.1 0.2 0.3 {value}", extra=extra))


def test_a_tensor_far_from_positive_is_refused(read: Read) -> None:
    text = HEAD + GROUP + sites("C1 C 0.1 0.2 0.3") + aniso("C1 0.1 0.1 0.1 5 0 0")
    with pytest.raises(ArgandError, match="U far below 0"):
        read(text)
