"""f' and f'' that a file states take the place of those of the tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import argand
from argand.cli import main
from argand.errors import ArgandError
from argand.io import read_experiment
from argand.measured import calculated_intensity
from argand.radiation import KEV_ANGSTROM, Radiation
from argand.store import from_builtins, to_builtins

WAVELENGTH = 1.7433
ENERGY = KEV_ANGSTROM / WAVELENGTH

RES = """TITL iron just below its edge
CELL 1.7433 5 6 7 90 90 90
LATT -1
SFAC C
{sfac}
UNIT 1 1
{extra}
FVAR 1
C1 1 0.1 0.2 0.3 11.0 0.05
Fe1 2 0.4 0.1 10.25 11.0 0.05
HKLF 4
END
"""

CIF = """data_x
_cell_length_a 5
_cell_length_b 6
_cell_length_c 7
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'P 1'
_diffrn_radiation_wavelength 1.7433
loop_
_atom_type_symbol
_atom_type_scat_dispersion_real
_atom_type_scat_dispersion_imag
{rows}
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_U_iso_or_equiv
C1 C 0.1 0.2 0.3 0.05
Fe1 Fe 0.4 0.1 0.25 0.05
"""

HKL = np.array([[1, 0, 0], [-1, 2, 3], [0, 2, -2], [3, 1, 1]])


def write_res(tmp_path: Path, extra: str = "", sfac: str = "SFAC Fe") -> Path:
    path = tmp_path / "x.res"
    path.write_text(RES.format(extra=extra, sfac=sfac))
    return path


def write_cif(tmp_path: Path, rows: str) -> Path:
    path = tmp_path / "x.cif"
    path.write_text(CIF.format(rows=rows))
    return path


def expected_f(crystal: argand.Crystal, iron: complex) -> np.ndarray:
    """Add f' + i f'' of iron to a sum without dispersion by hand; carbon has that of the tables."""
    f = argand.structure_factors(crystal, HKL).astype(complex)
    corrections = (argand.form_factors(["C"], [0.0], energy_kev=ENERGY)[0, 0], iron)
    plain = (argand.form_factors(["C"], [0.0])[0, 0], 0.0)
    stol_squared = np.sum((HKL / np.array([5, 6, 7])) ** 2, axis=1) / 4
    for site in range(2):
        added = corrections[site] - plain[site]
        damped = np.exp(-crystal.b_iso[site] * stol_squared)
        f += added * damped * np.exp(2j * np.pi * HKL @ crystal.frac[site])
    return f


@pytest.mark.parametrize(
    ("extra", "sfac"),
    [
        ("DISP Fe -6.5 0.51", "SFAC Fe"),
        ("DISP $FE -6.5 0.51 120.", "SFAC Fe"),
        ("disp fe -6.5(1) 0.51(2)", "SFAC Fe"),
        ("", "SFAC Fe 11.04 4.65 7.37 0.31 4.13 12.05 0.44 31.28 1.01 =\n -6.5 0.51 120 1.2 55.8"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*the form factor that it states is not used")
def test_shelx(tmp_path: Path, extra: str, sfac: str) -> None:
    path = write_res(tmp_path, extra, sfac)
    radiation = read_experiment(path).radiation()
    assert radiation.corrections == (("Fe", -6.5, 0.51),)
    crystal = argand.read_crystal(path)
    calculated = calculated_intensity(crystal, HKL, radiation=radiation, merged=False)
    expected = np.abs(expected_f(crystal, -6.5 + 0.51j)) ** 2
    np.testing.assert_allclose(calculated, expected, rtol=1e-9)


def test_cif(tmp_path: Path) -> None:
    """A row without numbers, or of no element, leaves the tables in place."""
    path = write_cif(tmp_path, "C ? ?\nFe3+ -6.50(1) 0.51\nXx 1 1\nN 2 .")
    radiation = read_experiment(path).radiation()
    assert radiation.corrections == (("Fe", -6.5, 0.51),)
    crystal = argand.read_crystal(path)
    calculated = calculated_intensity(crystal, HKL, radiation=radiation, merged=False)
    expected = np.abs(expected_f(crystal, -6.5 + 0.51j)) ** 2
    np.testing.assert_allclose(calculated, expected, rtol=1e-9)


@pytest.mark.parametrize("method", ["direct", "nufft"])
def test_structure_factors(tmp_path: Path, method: str) -> None:
    """Transforms and sums over atoms take the same numbers; an ion has those of its element."""
    if method == "nufft":
        pytest.importorskip("finufft")
    crystal = argand.read_crystal(write_res(tmp_path)).replace(types=("C", "Fe3+"))
    f = argand.structure_factors(
        crystal, HKL, energy_kev=ENERGY, corrections=(("Fe", -6.5, 0.51),), method=method
    )
    expected = expected_f(crystal, -6.5 + 0.51j)
    np.testing.assert_allclose(f, expected, atol=1e-5 * np.abs(expected).max())


def test_another_wavelength_has_the_tables(tmp_path: Path) -> None:
    experiment = read_experiment(write_res(tmp_path, "DISP Fe -6.5 0.51"))
    assert experiment.corrections_at(ENERGY * 1.0005) == (("Fe", -6.5, 0.51),)
    assert experiment.corrections_at(17.44) == ()
    assert experiment.radiation("neutron").corrections == ()


def test_sf_uses_them_at_the_wavelength_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, output = write_res(tmp_path, "DISP Fe -6.5 0.51"), tmp_path / "x.mtz"
    for energy, words in ((f"{ENERGY:.3f}", "keV as stated"), ("17.44", "at 17.44 keV\n")):
        command = ["sf", str(path), "--d-min", "2", "-o", str(output), "--energy-kev", energy]
        assert main(command) == 0
        assert words in capsys.readouterr().out
        written = argand.read_reflections(output)
        iron = -6.5 + 0.51j
        if energy == "17.44":
            iron = argand.form_factors(["Fe"], [0.0], energy_kev=17.44)[0, 0]
            iron -= argand.form_factors(["Fe"], [0.0])[0, 0]
        f = argand.structure_factors(
            argand.read_crystal(path),
            written.hkl,
            energy_kev=float(energy),
            corrections=(("Fe", iron.real, iron.imag),),
        )
        np.testing.assert_allclose(written.amplitude, np.abs(f), rtol=1e-6)


@pytest.mark.parametrize("line", ["DISP Fe 1e6 0.8", "DISP Fe 0.3 -300"])
def test_numbers_that_are_no_electrons(tmp_path: Path, line: str) -> None:
    with pytest.raises(ArgandError, match=r"line 7 \(DISP\) states f' .* needs electrons"):
        argand.read_crystal(write_res(tmp_path, line))


@pytest.mark.parametrize("line", ["DISP", "DISP Fe", "DISP Fe 0.3", "DISP Xx 1 2"])
def test_lines_without_both_numbers_state_nothing(tmp_path: Path, line: str) -> None:
    assert read_experiment(write_res(tmp_path, line)).corrections == ()


@pytest.mark.parametrize(
    ("corrections", "words"),
    [
        ([("Fe", 1.0)], r"corrections hold \('Fe', 1.0\), need"),
        ({"Fe": 1.0}, "corrections hold 'Fe', need"),
        ([("Xx", 1.0, 1.0)], "unknown atom type 'Xx'"),
        ([("Fe", "a", 1.0)], "corrections is 'a', needs a number"),
        ([("Fe", np.nan, 1.0)], "need electrons, 100 at most"),
    ],
)
def test_corrections_that_are_none(tmp_path: Path, corrections: object, words: str) -> None:
    crystal = argand.read_crystal(write_res(tmp_path))
    with pytest.raises(ArgandError, match=words):
        argand.structure_factors(crystal, HKL, energy_kev=10.0, corrections=corrections)
    with pytest.raises(ArgandError, match="give energy_kev"):
        argand.structure_factors(crystal, HKL, corrections=(("Fe", 1.0, 1.0),))


@pytest.mark.parametrize("number", [np.nan, np.inf, 101.0])
def test_radiation_refuses_impossible_corrections(number: float) -> None:
    with pytest.raises(ArgandError, match="corrections hold f'"):
        Radiation("x-ray", 1.0, True, (("Fe", 0.0, number),))
    with pytest.raises(ArgandError, match="need dispersion"):
        Radiation("x-ray", 1.0, False, (("Fe", 0.0, 1.0),))


def test_a_list_of_corrections_becomes_a_tuple() -> None:
    radiation = Radiation("x-ray", 1.0, True, [["FE", 1, 2.5]])
    assert radiation.corrections == (("Fe", 1.0, 2.5),)
    assert hash(radiation) == hash(Radiation("x-ray", 1.0, True, (("Fe", 1.0, 2.5),)))


def test_stored_radiation_keeps_them() -> None:
    radiation = Radiation("x-ray", WAVELENGTH, True, (("Fe", -6.5, 0.51),))
    assert from_builtins(Radiation, to_builtins(radiation), "a test") == radiation
