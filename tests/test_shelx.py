"""SHELX files: what their instructions and atom lines mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.errors import ArgandError, ArgandWarning
from argand.io import read_experiment, read_instructions
from argand.radiation import Radiation
from data_dir import SHARED, needs_shared

HEAD = """TITL a test
CELL 0.71073 7.1 8.3 9.7 90 103 90
ZERR 4 0.001 0.001 0.001 0 0.01 0
LATT 1
SYMM -X, 0.5+Y, 0.5-Z
SFAC C H O
UNIT 8 12 4
REM PLAN 20
PLAN 20 0 0 0
WGHT 0.05 0.3
EXTI 0.012
FVAR 0.5 0.7 0.04
"""
ATOMS = """C1 1 0.1 0.2 0.3 11.0 0.01 0.02 0.03 =
    0.001 0.002 0.003
AFIX 43
H1 2 0.15 0.25 0.35 11.0 -1.2
AFIX 0
C1A 1 0.4 0.2 0.3 21.0 31.0
O2 3 0.6 0.2 0.3 -21.0 10.05 ! fixed
HKLF 4 2.0 0 1 0 1 0 0 0 0 -1
Q1 1 0.5 0.5 0.5 11.0 0.05 3.1
END
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "x.res"
    path.write_text(text)
    return path


def test_instructions(tmp_path: Path) -> None:
    instructions = read_instructions(written(tmp_path, HEAD + ATOMS))
    assert instructions.title == "a test"
    assert instructions.wavelength == 0.71073
    assert instructions.cell == (7.1, 8.3, 9.7, 90, 103, 90)
    assert instructions.spacegroup == "P 1 21/c 1"
    assert instructions.content == {"C": 8, "H": 12, "O": 4}
    assert (instructions.hklf, instructions.hkl_scale) == (4, 2.0)
    assert (instructions.weights, instructions.extinction) == ((0.05, 0.3), 0.012)
    assert [atom[0] for atom in instructions.atoms] == ["C1", "H1", "C1A", "O2"]
    experiment = read_experiment(tmp_path / "x.res")
    assert (experiment.wavelength, experiment.extinction, experiment.radiation().table) == (
        0.71073,
        0.012,
        "it92",
    )
    assert experiment.radiation().energy_kev == pytest.approx(17.4446, abs=1e-3)
    assert experiment.refined_extinction == 0.012
    assert experiment.radiation("neutron") == Radiation("neutron")
    assert replace(experiment, dispersion=False).radiation() == Radiation()
    assert replace(experiment, wavelength=None).radiation() == Radiation()
    assert replace(experiment, probe="neutron").radiation() == Radiation("neutron")


def test_atoms(tmp_path: Path) -> None:
    """11 is fixed at 1, 21 is fv(2), -21 is 1 - fv(2); U = -1.2 is 1.2 times the U of C1."""
    crystal = argand.read_crystal(written(tmp_path, HEAD + ATOMS))
    assert crystal.types == ("C", "H", "C", "O")
    assert crystal.labels == ("C1", "H1", "C1A", "O2")
    assert crystal.occ.tolist() == pytest.approx([1, 1, 0.7, 0.3])
    assert crystal.u_aniso is not None
    np.testing.assert_allclose(crystal.u_aniso[0], [0.01, 0.02, 0.03, 0.003, 0.002, 0.001])
    u = crystal.b_iso / (8 * np.pi**2)
    assert u[1:].tolist() == pytest.approx([1.2 * u[0], 0.04, 0.05])


@pytest.mark.parametrize(
    ("latt", "count"), [(1, 2), (-1, 1), (2, 4), (3, 6), (-3, 3), (4, 8), (5, 4), (6, 4), (-7, 2)]
)
def test_lattices(tmp_path: Path, latt: int, count: int) -> None:
    text = HEAD.replace("LATT 1\n", f"LATT {latt}\n").replace("SYMM -X, 0.5+Y, 0.5-Z\n", "")
    text = text.replace("7.1 8.3 9.7 90 103 90", "7 7 9 90 90 120")
    assert len(argand.read_crystal(written(tmp_path, text + ATOMS)).symops) == count


def test_occupancies_on_special_positions(tmp_path: Path) -> None:
    """SHELX counts the multiplicity of a site in its occupancy, argand does not."""
    text = """TITL salt
CELL 0.71073 5.64 5.64 5.64 90 90 90
LATT 1
SFAC NA CL
UNIT 1 1
FVAR 1
NA1 1 0 0 0 10.5 0.02
CL1 2 0.5 0.5 0.5 10.25 0.02
HKLF 4
"""
    crystal = argand.read_crystal(written(tmp_path, text))
    assert crystal.occ.tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    "translation", ["1/3+X, 2/3+Y, Z", "0.33333+X, .66667+Y, Z", " X+.3333,Y+ 0.6666667, Z"]
)
def test_thirds(tmp_path: Path, translation: str) -> None:
    text = HEAD.replace("-X, 0.5+Y, 0.5-Z", translation).replace("LATT 1", "LATT -1")
    text = text.replace("Z\nSFAC", "Z\nSYMM 2/3+X, 1/3+Y, Z\nSFAC")
    ops = argand.read_crystal(written(tmp_path, text + ATOMS)).symops
    assert "x+1/3,y+2/3,z" in ops


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("LATT 1", "LATT 9", "LATT.* is 9, needs 1 to 7"),
        ("SYMM -X, 0.5+Y, 0.5-Z", "SYMM -X, 0.5+Q", "LATT and SYMM"),
        ("SYMM -X, 0.5+Y, 0.5-Z", "SYMM -X, X, Z", "LATT and SYMM"),
        ("SFAC C H O", "SFAC C H Xy", "unknown atom type 'Xy'"),
        ("SFAC C H O", "SFAC C H", "atom O2 is of type 3, SFAC names 2"),
        ("FVAR 0.5 0.7 0.04", "FVAR 0.5", "asks for free variable 2"),
        (
            "FVAR 0.5 0.7 0.04",
            "OMIT 0 0 inf",
            "line 12 .OMIT. is '0 0 inf', needs numbers up to 1e.30",
        ),
        ("FVAR 0.5 0.7 0.04", "FVAR half", "line 12 .FVAR. is 'half', needs 1 number"),
        (
            "CELL 0.71073 7.1 8.3 9.7 90 103 90",
            "CELL 0.71073 7.1 8.3 9.7 90 203 90",
            "no parallelepiped",
        ),
        ("0.4 0.2 0.3 21.0", "0.4 0.2 0.3 x", "atom C1A has 'x', needs a number"),
        ("0.4 0.2 0.3 21.0", "0.4 0.2 0.3 1e999", "atom C1A has '1e999', needs a number"),
        (ATOMS, "HKLF 4\n", "no atom sites"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = written(tmp_path, (HEAD + ATOMS).replace(old, new))
    with pytest.raises(ArgandError, match=words) as error:
        argand.read_crystal(path)
    assert str(error.value).startswith(str(path))


@needs_shared
@pytest.mark.parametrize("name", ["nacl_hikari", "shelxfile_2240189", "structurefinder_051a"])
def test_a_res_file_is_the_crystal_of_its_cif(name: str) -> None:
    """SHELXL wrote both from one refinement: |F| agree to the digits of the files."""
    first = argand.read_crystal(SHARED / "measured" / f"{name}.res")
    second = argand.read_crystal(
        SHARED / "measured" / f"{name}.cif", block="NaCl" if "nacl" in name else None
    )
    hkl = argand.miller_indices(second.cell, second.spacegroup, d_min=1.0)
    f, g = (np.abs(argand.structure_factors(crystal, hkl)) for crystal in (first, second))
    assert np.abs(f - g).sum() < 0.002 * g.sum()
    assert first.spacegroup == second.spacegroup
    assert first.composition() == pytest.approx(second.composition(), rel=1e-3)


SMALL = """TITL x
CELL 0.71073 5 6 7 90 90 90
LATT -1
SFAC C Fe
UNIT 1 1
{extra}
FVAR 1
C1 1 0.1 0.2 0.3 11.0 0.05
{between}
Fe1 2 0.4 0.1 10.25 11.0 0.05
HKLF 4
END
"""


def test_move_shifts_and_inverts_the_atoms_that_follow(tmp_path: Path) -> None:
    """MOVE dx dy dz sign: x' = dx + sign x; SHELXL moves coordinates that are fixed, too."""
    path = written(tmp_path, SMALL.format(extra="", between="MOVE 1 1 1 -1"))
    np.testing.assert_allclose(
        argand.read_crystal(path).frac, [[0.1, 0.2, 0.3], [0.6, 0.9, 0.75]], atol=1e-12
    )
    path = written(tmp_path, SMALL.format(extra="MOVE 0.5 0 0", between="MOVE"))
    np.testing.assert_allclose(
        argand.read_crystal(path).frac, [[0.6, 0.2, 0.3], [0.4, 0.1, 0.25]], atol=1e-12
    )


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("SWAT 0.5 2", r"line 6 \(SWAT\): diffuse solvent is not part of F"),
        ("HFIX 43 C1", r"line 6 \(HFIX\): hydrogens that it would make are not part of F"),
        ("ABIN 2", r"line 6 \(ABIN\): partial structure factors of a .fab file are not part of F"),
        ("TWIN 0 1 0 1 0 0 0 0 -1 3", r"line 6 \(TWIN\): a twin of 3 domains is treated as one of"),
        ("SFAC O 1 2 3 4 5 6 7 8 9 0 0 0 0 0", r"\(SFAC\): the form factor that it states is not"),
    ],
)
def test_what_changes_f_and_is_not_used_is_said(tmp_path: Path, line: str, note: str) -> None:
    path = written(tmp_path, SMALL.format(extra=line, between=""))
    with pytest.warns(ArgandWarning, match=note):
        argand.read_crystal(path)


def read_small(tmp_path: Path, extra: str, between: str = "") -> argand.Crystal:
    """Read a carbon and an iron, with instructions before each of them."""
    return argand.read_crystal(written(tmp_path, SMALL.format(extra=extra, between=between)))


@pytest.mark.parametrize(
    ("extra", "between", "occupancies"),
    [
        ("FVAR 1 0.7\nPART 1 21", "PART 2 -21", [0.7, 0.3]),
        ("FVAR 1 0.7\nPART 1 21", "PART 0", [0.7, 1.0]),
        ("PART -1 10.5", "PART 0", [0.5, 1.0]),
        ("PART 1", "PART 2", [1.0, 1.0]),
        ("AFIX 43 0.93 10.25", "AFIX 0", [0.25, 1.0]),
        ("PART 1 10.5\nAFIX 43 0.93 10.25", "AFIX 0\nPART 0", [0.5, 1.0]),
    ],
)
def test_part_and_afix_state_occupancies(
    tmp_path: Path, extra: str, between: str, occupancies: list[float]
) -> None:
    """SHELXL: the occupancy of PART overrides that of AFIX, and both those of the atoms."""
    text = SMALL.replace("FVAR 1\n", "") if "FVAR" in extra else SMALL
    path = written(tmp_path, text.format(extra=extra, between=between))
    assert argand.read_crystal(path).occ.tolist() == pytest.approx(occupancies)


def test_afix_states_u_of_isotropic_atoms(tmp_path: Path) -> None:
    crystal = read_small(tmp_path, "", "AFIX 3 0.93 11 -1.5")
    np.testing.assert_allclose(crystal.b_iso / (8 * np.pi**2), [0.05, 0.075])
    tensor = "0.05 0.05 0.05 0 0 0"
    text = SMALL.replace("11.0 0.05\n{between}", f"11.0 {tensor}\n{{between}}")
    path = written(tmp_path, text.format(extra="AFIX 3 0.93 11 0.2", between="AFIX 0"))
    tensors = argand.read_crystal(path).u_aniso
    assert tensors is not None
    np.testing.assert_allclose(tensors[0], [0.05] * 3 + [0.0] * 3)


@pytest.mark.parametrize("title", ["TITL a = b =", "TITL =", "titl P21/c!", "TITL", "TITL  CELL="])
def test_a_title_is_one_line(tmp_path: Path, title: str) -> None:
    text = SMALL.format(extra="REM no more =", between="").replace("TITL x", title)
    assert len(argand.read_crystal(written(tmp_path, text)).types) == 2


def test_a_tensor_that_is_cut_short_is_said(tmp_path: Path) -> None:
    text = SMALL.format(extra="", between="C2 1 0.2 0.2 0.3 11.0 0.05 0.05 0.05")
    with pytest.warns(ArgandWarning, match=r"line 9 \(C2\): 3 numbers of U, needs 1 or 6"):
        argand.read_crystal(written(tmp_path, text))
    peaks = SMALL.format(extra="", between="C2 1 0.2 0.2 0.3 11.0 0.05 3.25")
    assert len(argand.read_crystal(written(tmp_path, peaks)).types) == 3
