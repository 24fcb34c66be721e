"""`argand info`: what it prints of files of every kind, and how it refuses others."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import argand
from argand.cli import main
from data_dir import needs_shared, shared_files
from intensities import measured, random_crystal
from test_cli import SALT


def printed(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    """Run `argand info` and return what it prints."""
    assert main(["info", *map(str, argv)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def complaint(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    assert main(["info", *map(str, argv)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("argand info: ")
    assert err.count("\n") == 1
    return err


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write x.hkl and x.cif of a random crystal into a folder."""
    crystal = random_crystal("P 1 21/c 1", 8)
    reflections = measured(crystal, noise=0.03, scale=1.0)
    rows = zip(reflections.hkl, reflections.intensity, reflections.sigma, strict=True)
    (tmp_path / "x.hkl").write_text(
        "".join(f"{h:4d}{k:4d}{l:4d}{i:8.2f}{s:8.2f}\n" for (h, k, l), i, s in rows)
    )
    a, b, c, alpha, beta, gamma = crystal.cell
    sites = "\n".join(
        f"{t}{n} {t} {x:.6f} {y:.6f} {z:.6f} {2.0 / (8 * np.pi**2):.6f}"
        for n, (t, (x, y, z)) in enumerate(zip(crystal.types, crystal.frac, strict=True))
    )
    names = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "U_iso_or_equiv")
    tags = "\n".join(f"_atom_site_{name}" for name in names)
    (tmp_path / "x.cif").write_text(
        f"data_x\n_cell_length_a {a}\n_cell_length_b {b}\n_cell_length_c {c}\n"
        f"_cell_angle_alpha {alpha}\n_cell_angle_beta {beta}\n_cell_angle_gamma {gamma}\n"
        "_space_group_name_H-M_alt 'P 1 21/c 1'\n"
        f"loop_\n{tags}\n{sites}\n"
    )
    return tmp_path


def test_reflections_with_their_structure(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, data / "x.hkl")
    assert f"structure in {data / 'x.cif'}" in out
    r1 = re.search(r"R1 (0\.\d+) \(\d+ above 2σ\)", out)
    assert r1 is not None
    assert float(r1[1]) < 0.03
    assert re.search(r"completeness 100\.0 %, redundancy 3\.\d", out)
    assert "systematic absences: none measured" in out
    assert re.search(r"Wilson B \d\.\d\d ± 0\.\d\d Å²", out)
    assert "random atoms 3.00" in out
    assert "worth a second look" not in out


def test_reflections_alone(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = tmp_path / "alone.hkl"
    (data / "x.hkl").rename(alone)
    out = printed(capsys, alone)
    assert "mean I/σ" in out
    assert "no cell: give --structure, or --cell, to have them merged" in out
    cell = ("--cell", "7.1", "8.3", "9.7", "90", "103", "90")
    assert "no space group: give --structure, or --spacegroup" in printed(capsys, alone, *cell)
    out = printed(capsys, alone, *cell, "--spacegroup", "P 21/c")
    assert "unique in the Laue group of P 1 21/c 1" in out
    assert "R1" not in out
    assert "agreement with the structure" in printed(capsys, alone, "--structure", data / "x.cif")


def test_twins_are_announced(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (data / "x.hkl").read_text().splitlines()
    rows = [f"{line}   1" for line in lines]
    rows[3:5] = [f"{lines[3]}  -2", f"{lines[4][:12]}{lines[3][12:]}   1"]
    (data / "x.hkl").write_text("\n".join(rows) + "\n")
    out = printed(capsys, data / "x.hkl")
    assert "reflections: SHELX HKLF 5" in out
    assert "2 cannot be used or are flagged" in out
    assert "a twin (HKLF 5)" in out


def test_what_is_wrong_is_said(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, data / "x.hkl", "--hklf", "3")
    assert "intensities given as amplitudes" in out
    (data / "salt.cif").write_text(SALT)
    out = printed(capsys, data / "x.hkl", "--structure", data / "salt.cif")
    assert "another space group, or cell" in out
    out = printed(
        capsys,
        data / "x.hkl",
        "--structure",
        data / "x.cif",
        "--spacegroup",
        "P -1",
        "--wavelength",
        "2.5",
    )
    assert "another cell or wavelength" in out


def test_the_example_of_the_documentation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(__file__).parents[1]
    monkeypatch.chdir(root)
    out = printed(capsys, "tests/data/4003024.cif")
    assert out in (root / "docs" / "measured.md").read_text()


def test_structure_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "salt.cif"
    path.write_text(SALT)
    out = printed(capsys, path)
    assert "Cl4 Na4: 2 sites, 8 in the cell, space group F m -3 m" in out
    assert "density 2.163 g/cm³, F(000) = 112" in out
    assert "B 1.58 to 1.58 Å²" in out
    assert "worth a second look" not in out


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("5.6402", "25.6402", "is the content complete?"),
        ("0.5 0.5 0.5 0.02", "0.5 0.5 0.5 0.9", "B above 25 Å²: Cl"),
        ("0.5 0.5 0.5 0.02", "0.5 0.5 0.5 -0.02", "negative displacement: Cl"),
        ("Cl Cl 0.5 0.5 0.5", "Cl Cl 0.05 0.05 0.05", "atoms nearer than 0.6 Å: Cl-Na"),
    ],
)
def test_odd_structures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, words: str
) -> None:
    path = tmp_path / "salt.cif"
    path.write_text(SALT.replace(old, new))
    assert words in printed(capsys, path)


def test_a_broken_half_does_not_hide_the_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = "loop_\n_refln_index_h\n_refln_index_k\n_refln_index_l\n_refln_F_meas\n"
    path = tmp_path / "x.cif"
    path.write_text(SALT + loop + "2 0 0 x\n")
    out = printed(capsys, path)
    assert "no reflections: _refln_f_meas is 'x', needs a number" in out
    assert "Cl4 Na4" in out
    path.write_text(SALT.replace("Cl 0.5 0.5", "Cl 0.5 half") + loop + "2 0 0 3.0\n")
    out = printed(capsys, path)
    assert "no structure: _atom_site_fract_y is 'half'" in out
    assert "1 reflections" in out


def test_shelx_instructions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.ins"
    path.write_text(
        "TITL test\nCELL 0.71073 5 6 7 90 90 90\nLATT -1\nSFAC C O\nUNIT 4 2\nTREF\nHKLF 4\nEND\n"
    )
    out = printed(capsys, path)
    assert all(words in out for words in ("space group P 1", "content C4 O2", "210 Å³", "no atoms"))
    path.write_text(
        path.read_text().replace("TREF", "FVAR 1\nC1 1 0 0 0 11 0.05\nO1 2 .5 .5 .5 11 .05")
    )
    assert "F(000) of the sites is 14, of UNIT 40" in printed(capsys, path)


def test_cell_and_content_from_elsewhere(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Cell and content come from instructions, from a CIF of the cell alone, or from arguments."""
    crystal = argand.read_crystal(data / "x.cif")
    text = (data / "x.cif").read_text()
    (data / "x.cif").unlink()
    cell = " ".join(f"{value:g}" for value in crystal.cell)
    content = crystal.composition()
    (data / "x.ins").write_text(
        f"TITL x\nCELL 0.71073 {cell}\nLATT 1\nSYMM -X, .5+Y, .5-Z\nSFAC {' '.join(content)}\n"
        f"UNIT {' '.join(f'{n:g}' for n in content.values())}\nHKLF 4\nEND\n"
    )
    out = printed(capsys, data / "x.hkl")
    assert "unique in the Laue group of P 1 21/c 1" in out
    wilson = re.search(r"Wilson B \d.*", out)
    assert wilson is not None
    (data / "x.ins").unlink()
    (data / "lattice.cif").write_text(text[: text.index("loop_")])
    out = printed(capsys, data / "x.hkl", "--structure", data / "lattice.cif")
    assert "unique in the Laue group of P 1 21/c 1" in out
    assert "Wilson B" not in out
    formula = " ".join(f"{element}{number:g}" for element, number in content.items())
    out = printed(
        capsys, data / "x.hkl", "--structure", data / "lattice.cif", "--contents", formula
    )
    assert wilson[0] in out
    assert "contents is '4X'" in complaint(capsys, data / "x.hkl", "--contents", "4X")


def test_the_setting_that_instructions_name(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """HKLF 4 1 0 0 1 0 -1 0 1 0 0: indices l, -k, h of the list are h, k, l of the structure."""
    rows = [
        (line[:4], line[4:8], line[8:12], line[12:])
        for line in (data / "x.hkl").read_text().splitlines()
    ]
    (data / "x.hkl").write_text("".join(f"{l}{-int(k):4d}{h}{rest}\n" for h, k, l, rest in rows))
    assert "another" in printed(capsys, data / "x.hkl")
    crystal = argand.read_crystal(data / "x.cif")
    atoms = "\n".join(
        f"{label} {1 + 'CNO'.index(kind)} {x:.6f} {y:.6f} {z:.6f} 11 {b / (8 * np.pi**2):.6f}"
        for label, kind, (x, y, z), b in zip(
            (f"X{n}" for n in range(99)), crystal.types, crystal.frac, crystal.b_iso, strict=False
        )
    )
    (data / "x.cif").unlink()
    cell = " ".join(f"{value:g}" for value in crystal.cell)
    (data / "x.res").write_text(
        f"TITL x\nCELL 0.71073 {cell}\nLATT 1\nSYMM -X, .5+Y, .5-Z\n"
        f"SFAC C N O\nUNIT 1 1 1\nFVAR 1\n{atoms}\n"
        "HKLF 4 1 0 0 1 0 -1 0 1 0 0\nEND\n"
    )
    r1 = re.search(r"R1 (0\.\d+) \(\d+ above 2σ\)", printed(capsys, data / "x.hkl"))
    assert r1 is not None
    # The data were made without dispersion, which is included where a wavelength is stated.
    assert float(r1[1]) < 0.05


def test_maps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argand.write_map(tmp_path / "m.ccp4", np.arange(120.0).reshape(4, 5, 6), (4, 5, 6, 90, 90, 90))
    out = printed(capsys, tmp_path / "m.ccp4")
    assert "4 x 5 x 6 points, space group P 1" in out
    assert "0 to 119, mean 59.5" in out
    (tmp_path / "bad.ccp4").write_bytes(b"MAP ")
    assert "no valid CCP4 map" in complaint(capsys, tmp_path / "bad.ccp4")


def test_phased_reflections(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crystal = random_crystal("P 1")
    hkl = argand.miller_indices(crystal.cell, d_min=1.5)
    f = np.asarray(argand.structure_factors(crystal, hkl))
    argand.write_reflections(
        tmp_path / "x.mtz", hkl, cell=crystal.cell, F=2 * np.abs(f), SIGF=0.1 * np.abs(f), FC=f
    )
    out = printed(capsys, tmp_path / "x.mtz")
    assert "amplitude calc, phase" in out
    assert re.search(r"R1 0\.0000 .* of the Fc in the list itself", out)


@needs_shared
@pytest.mark.parametrize("path", shared_files("measured"), ids=lambda path: path.name)
def test_measured_files(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, path)
    assert "no reflections" not in out
    assert "no structure" not in out
    if path.suffix in (".hkl", ".fcf"):
        assert "agreement with the structure" in out
        assert "stated: R1 0.0" in out
    doubts = out.partition("worth a second look")[2].strip().splitlines()
    assert all("several structures" in line for line in doubts)


@needs_shared
@pytest.mark.parametrize("path", shared_files("hostile"), ids=lambda path: path.name)
def test_hostile_files(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["info", str(path)])
    out, err = capsys.readouterr()
    assert code in (0, 2)
    if code == 2:
        assert (out, err.count("\n")) == ("", 1)
        assert err.startswith(f"argand info: {path}: ")
        assert len(err) < len(str(path)) + 220
    else:
        assert err == ""
        assert out.startswith(str(path))
        assert "nan" not in out


@pytest.mark.parametrize("name", ["missing.cif", "folder", "empty.hkl", "words.hkl", "zeros.bin"])
def test_what_is_no_such_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.hkl").write_text("")
    (tmp_path / "words.hkl").write_text("nothing of the kind\n")
    (tmp_path / "zeros.bin").write_bytes(b"\0" * 500)
    assert str(tmp_path / name) in complaint(capsys, tmp_path / name)


def test_the_structure_beside_may_be_broken(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "x.cif").write_text("no CIF\n")
    out = printed(capsys, data / "x.hkl")
    assert f"{data / 'x.cif'}: no valid CIF" in out
    assert "mean I/σ" in out
    assert str(data / "x.cif") in complaint(capsys, data / "x.hkl", "--structure", data / "x.cif")


@pytest.mark.parametrize("name", ["x.cif", "x.hkl"])
@given(st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_files(
    data: Path, name: str, capsys: pytest.CaptureFixture[str], drawn: st.DataObject
) -> None:
    whole = bytearray(
        (data / "x.cif").read_bytes()
        + b"_shelx_hkl_file\n;\n"
        + (data / "x.hkl").read_bytes()[:2900]
        + b";\n"
    )
    content = whole if name == "x.cif" else whole[whole.index(b"\n;\n") + 3 : -2]
    del content[drawn.draw(st.integers(1, len(content))) :]
    for _ in range(drawn.draw(st.integers(0, 3))):
        position = drawn.draw(st.integers(0, len(content)))
        content[position : position + drawn.draw(st.integers(0, 2))] = drawn.draw(
            st.binary(max_size=3)
        )
    path = data / f"damaged_{name}"
    path.write_bytes(bytes(content))
    code = main(["info", str(path)])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "") or (code, out, err.count("\n")) == (2, "", 1)
    assert str(path) in out + err
