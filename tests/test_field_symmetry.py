"""Symmetry of structures made after public bug reports: positions, settings, names, cells."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import gemmi
import numpy as np
import pytest

import argand
from argand.describe import structure_doubts
from argand.errors import ArgandError, ArgandWarning
from argand.symmetry import find_spacegroup
from cif_text import GROUP, HEAD, OPS, Read, loop, reader, sites
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


@pytest.mark.parametrize(
    ("name", "carbons"), [("a19_disorder_off_mirror_0.2A", 4), ("a19_disorder_off_mirror_0.5A", 4)]
)
def test_images_that_are_there_in_turn_keep_their_occupancy(name: str, carbons: int) -> None:
    crystal, notes = notes_of(f"{name}.cif")
    assert notes == ""
    # Four positions on the mirrors' general place of x and y, each split in two halves.
    assert crystal.composition() == {"C": carbons, "O": 4}
    as_shelx = argand.read_crystal(FIELD / "a19b_disorder_off_mirror.res")
    if name.endswith("0.2A"):
        hkl = argand.miller_indices(crystal.cell, d_min=2.0)
        f = argand.structure_factors(crystal, hkl)
        same = argand.structure_factors(as_shelx, hkl)
        np.testing.assert_allclose(f, same, atol=1e-9)


def test_part_minus_one_is_not_merged() -> None:
    crystal, notes = notes_of("special_part_minus1.cif")
    # 2 (10 x 6 + 8), as the file states
    assert crystal.f000() == pytest.approx(136)
    assert notes == ""


def test_a_disorder_group_or_the_content_decides_without_an_order(tmp_path: Path) -> None:
    text = (FIELD / "special_part_minus1.cif").read_text()
    without_order = re.sub(r"(?m)^(C9 .* 0\.5) 1 -1$", r"\1 ? -1", text)
    path = tmp_path / "x.cif"
    path.write_text(without_order.replace("_exptl_crystal_F_000 136", ""))
    assert argand.read_crystal(path).f000() == pytest.approx(136)
    path.write_text(re.sub(r"(?m)^(C9 .* 0\.5) 1 -1$", r"\1 ? .", text))
    assert argand.read_crystal(path).f000() == pytest.approx(136)


def test_a_full_site_on_a_special_position_is_one_atom_whatever_its_order(read: Read) -> None:
    row = "C1 C 0 0 0 1 1"
    text = HEAD + GROUP + sites(row, extra="occupancy site_symmetry_order")
    assert read(text).composition() == {"C": 2}
    half = "C1 C 0 0 0 0.5 1"
    with pytest.warns(ArgandWarning, match=r"on special positions, though .* is lower: C1"):
        crystal = read(HEAD + GROUP + sites(half, extra="occupancy site_symmetry_order"))
    assert crystal.composition() == {"C": 1}


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("f04_sites_coincide.cif", "C1-C1A, N1-N1, Fe1-Ni1"),
        ("a11_symmetrical_molecule_twice.cif", "C1-C1A, O1-O1A"),
    ],
)
def test_sites_on_top_of_each_other_are_named(name: str, pairs: str) -> None:
    with pytest.warns(ArgandWarning, match=f"atoms on top of each other: {pairs}$"):
        argand.read_crystal(FIELD / name)


def test_sites_may_share_a_place(read: Read) -> None:
    rows = ("Fe1 Fe 0.1 0.2 0.3 0.6", "Mg1 Mg 0.1 0.2 0.3 0.4")
    assert len(read(HEAD + GROUP + sites(*rows, extra="occupancy")).types) == 2


def test_centring_that_is_not_closed_is_no_group() -> None:
    product = r"followed by x\+1/2,y,z\+1/2 is x\+1/2,y\+1/2,z, which is not listed"
    with pytest.raises(ArgandError, match=product):
        argand.read_crystal(FIELD / "f03_centring_not_closed.cif")
    with pytest.raises(ArgandError, match=r"are no group: .* followed by .* is x-y,x,z"):
        argand.read_crystal(FIELD / "a09_not_a_group.cif")


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("P 1 21/n 1 (no. 14)", "P 1 21/n 1"),
        ("P 2~1~/c", "P 1 21/c 1"),
        ("P 2~1~2~1~2~1~", "P 21 21 21"),
        ("P2(1)2(1)2(1)", "P 21 21 21"),
        ("C 1 2/c 1 (15)", "C 1 2/c 1"),
        ("C2/c (No. 15)", "C 1 2/c 1"),
        ("F 4/m -3 2/m", "F m -3 m"),
        ("F4/m-32/m", "F m -3 m"),
        ("F 4/d -3 2/m :2", "F d -3 m:2"),
        ("P 2/m -3", "P m -3"),
        ("P 63/m 2/m 2/c", "P 63/m m c"),
        ("I 4/m 2/m 2/m", "I 4/m m m"),
        ("P 21/n 21/m 21/a", "P n m a"),
        ("R -3 2/m :H", "R -3 m:H"),
        ("P -3 1 2/m", "P -3 1 m"),
        ("P 21/c (15)", None),
    ],
)
def test_names_of_space_groups(name: str, group: str | None) -> None:
    tabulated = find_spacegroup(name)
    assert (tabulated.xhm() if tabulated else None) == group


def test_a_name_is_not_replaced_by_the_setting_of_its_number(read: Read) -> None:
    crystal, _ = notes_of("f02_name_unknown_number_known.cif")
    assert crystal.spacegroup == "P 1 21/n 1"
    unknown = "_space_group_name_H-M_alt 'P 1 21/q 1'\n_space_group_IT_number 14\n"
    with pytest.raises(ArgandError, match=r"'P 1 21/q 1' is not known, its number 14 leaves \d+"):
        read(HEAD + unknown + sites("C1 C 0.1 0.2 0.3"))


@pytest.mark.parametrize(
    ("tag", "note"),
    [
        ("_space_group_IT_number 62", "number 14, its number is 62"),
        ("_space_group_name_Hall '-P 2yn'", "not those of its Hall symbol -P 2yn"),
    ],
)
def test_operations_are_compared_with_every_statement(read: Read, tag: str, note: str) -> None:
    listed = loop(OPS, "x,y,z", "-x,y+1/2,-z+1/2", "-x,-y,-z", "x,-y+1/2,z+1/2")
    with pytest.warns(ArgandWarning, match=note):
        read(f"{HEAD}{GROUP}{listed}{tag}\n" + sites("C1 C 0.1 0.2 0.3"))


def test_stated_multiplicities_or_content_choose_the_origin() -> None:
    crystal, notes = notes_of("h10_origin_choice.cif")
    assert crystal.spacegroup == "P m n m:2"
    # O6 lies .17 A off a mirror: the file states four of it, each there for one half.
    atoms = crystal.occ * crystal.multiplicity()
    np.testing.assert_allclose(atoms[-3:], [4, 2, 2])
    # 2 (4 x 11 + 1.51 x 16 + .49 x 6 + 7.51 x 8), of the formula
    assert crystal.f000() == pytest.approx(262.36)
    assert "P m n m:2 is assumed, since its multiplicities are those stated" in notes
    crystal, notes = notes_of("a03_F_d_3_m.cif")
    assert crystal.spacegroup == "F d -3 m:2"
    # 8 (Mg Al2 O4) = 8 (12 + 26 + 32)
    assert crystal.f000() == 560
    assert "since its content is that stated" in notes


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("_cell_angle_beta 100.5(2)", "_cell_angle_beta 0", "angles"),
        ("_cell_angle_alpha 90", "_cell_angle_alpha 0.0", "angles"),
    ],
)
def test_an_angle_of_zero_is_no_right_angle(read: Read, old: str, new: str, message: str) -> None:
    with pytest.raises(ArgandError, match=message):
        read(HEAD.replace(old, new) + GROUP + sites("C1 C 0.1 0.2 0.3"))
    with pytest.raises(ArgandError, match="needs degrees"):
        argand.read_crystal(FIELD / "a29_angle_zero.cif")


def test_a_cell_is_compared_with_its_volume_and_its_instructions(read: Read) -> None:
    # 5 x 6 x 7 sin(100.5) = 206.5
    text = HEAD + GROUP + sites("C1 C 0.1 0.2 0.3")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(text + "_cell_volume 206.5(3)\n")
    with pytest.warns(ArgandWarning, match=r"has 206\.48\d A\^3, its stated volume is 226"):
        read(text + "_cell_volume 226(1)\n")
    res = "TITL x\nCELL 0.71 5.0 6.0 7.1 90 100.5 90\nSFAC C\nUNIT 4\nHKLF 4\nEND"
    with pytest.warns(ArgandWarning, match=r"in the SHELX instructions .*7\.1, 90\.0, 100\.5"):
        read(f"{text}_shelx_res_file\n;\n{res}\n;\n")


def test_a_stated_density_is_compared(read: Read) -> None:
    # 4 x 12.011 x 1.66054 / 206.48 = 0.386
    text = HEAD + GROUP + sites("C1 C 0.1 0.2 0.3")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(text + "_exptl_crystal_density_diffrn 0.386\n")
    with pytest.warns(ArgandWarning, match=r"have 0\.3864 g/cm\^3, the stated density is 0\.773"):
        read(text + "_exptl_crystal_density_diffrn 0.773\n")


def test_a_crystal_from_no_file_is_doubted_too() -> None:
    crystal = argand.Crystal((5, 6, 7, 90, 90, 90), "P 1", types=("C", "C"), frac=np.zeros((2, 3)))
    assert "atoms on top of each other: C-C" in structure_doubts(crystal)


@pytest.mark.parametrize(
    ("x", "order", "is_said"), [(0.2, 2, True), (0.2, 1, False), (0, 2, False)]
)
def test_a_stated_site_order_that_the_position_lacks_is_said(
    read: Read, x: float, order: int, is_said: bool
) -> None:
    tags = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "site_symmetry_order")
    columns = "\n".join(f"_atom_site_{tag}" for tag in tags)
    text = f"{HEAD}_space_group_name_H-M_alt 'P -1'\nloop_\n{columns}\nC1 C {x} 0 0 {order}\n"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read(text)
    notes = [str(warning.message) for warning in caught]
    assert any("site order is: C1" in note for note in notes) == is_said


@pytest.mark.parametrize(("b", "is_refused"), [(6, False), (12, True)])
def test_a_cell_is_compared_with_the_group_in_every_format(
    tmp_path: Path, b: int, is_refused: bool
) -> None:
    """A fourfold axis wants a = b; where they differ by a factor of two, one of them is wrong."""
    instructions = f"TITL x\nCELL 0.71073 5 {b} 7 90 90 90\nLATT -1\n"
    instructions += "SYMM -Y,X,Z\nSYMM -X,-Y,Z\nSYMM Y,-X,Z\nSFAC C\nUNIT 4\n"
    instructions += "C1 1 .1 .2 .3 11 .05\nHKLF 4\nEND\n"
    (tmp_path / "x.res").write_text(instructions)
    mtz = gemmi.Mtz(with_base=True)
    mtz.spacegroup = gemmi.SpaceGroup("P 4")
    mtz.set_cell_for_all(gemmi.UnitCell(5, b, 7, 90, 90, 90))
    mtz.add_dataset("x")
    for label, kind in (("F", "F"), ("SIGF", "Q")):
        mtz.add_column(label, kind)
    mtz.set_data(np.array([[1, 0, 0, 10, 1], [0, 1, 2, 20, 1]], np.float32))
    mtz.write_to_file(str(tmp_path / "x.mtz"))
    message = r"cell \(5\.0, .*\) does not have the symmetry of P 4"
    for read, name in ((argand.read_crystal, "x.res"), (argand.read_reflections, "x.mtz")):
        if is_refused:
            with pytest.raises(ArgandError, match=f"{name}: {message}, needs edges"):
                read(tmp_path / name)
        else:
            with pytest.warns(ArgandWarning, match=f"{name}: {message}$"):
                read(tmp_path / name)
