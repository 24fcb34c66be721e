"""What a file states about its measurement in another block, or in embedded instructions."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from argand.describe import describe_file
from argand.errors import ArgandError
from argand.io import read_crystal, read_experiment, read_instructions, read_reflections
from cif_text import GROUP, HEAD, ONE
from data_dir import DATA

FIELD = DATA / "field"


def test_the_probe_may_stand_in_another_block() -> None:
    of_one = describe_file(FIELD / "neutron_one_block.cif")
    of_two = describe_file(FIELD / "neutron_two_blocks.cif")
    assert of_one.agreement is not None
    assert of_two.agreement is not None
    r1 = of_two.agreement.without_extinction.r1
    assert r1 == of_one.agreement.without_extinction.r1
    assert r1 == pytest.approx(0.083, abs=0.001)
    assert read_experiment(FIELD / "neutron_two_blocks.cif").probe == "neutron"


def written(folder: Path, text: str) -> Path:
    path = folder / "x.cif"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("others", "probe", "wavelength"),
    [
        (["_diffrn_radiation_probe neutron\n_diffrn_radiation_wavelength 1.5"], "neutron", 1.5),
        (["_diffrn_radiation_probe neutron", "_diffrn_radiation_probe x-ray"], "x-ray", None),
        ([ONE + "_diffrn_radiation_probe neutron"], "x-ray", None),
        (["_shelx_res_file\n;\nCELL 1.1 (\n;"], "x-ray", None),
        ([], "x-ray", None),
    ],
)
def test_blocks_without_a_structure_tell_what_it_does_not(
    tmp_path: Path, others: list[str], probe: str, wavelength: float | None
) -> None:
    text = HEAD + GROUP + ONE
    for number, other in enumerate(others):
        text += f"data_other{number}\n{other}\n"
    experiment = read_experiment(written(tmp_path, text))
    assert (experiment.probe, experiment.wavelength) == (probe, wavelength)
    # What the block of the structure states is not overruled.
    text = text.replace(GROUP, GROUP + "_diffrn_radiation_probe electron\n")
    assert read_experiment(written(tmp_path, text)).probe == "electron"


def test_embedded_instructions_tell_of_neutrons_and_wavelength(tmp_path: Path) -> None:
    res = "TITL x\nCELL 1.17 5.0 6.0 7.0 90 100.5 90\nNEUT\nSFAC C\nUNIT 4\nHKLF 4\nEND"
    text = f"{HEAD}{GROUP}{ONE}_shelx_res_file\n;\n{res}\n;\n"
    experiment = read_experiment(written(tmp_path, text))
    assert (experiment.probe, experiment.wavelength) == ("neutron", 1.17)


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ("_diffrn_radiation_wavelength 1e20", "wavelength"),
        ("_diffrn_radiation_wavelength -1.54", "wavelength"),
        ("_chemical_formula_sum C\n_cell_formula_units_Z 1e20", "content"),
    ],
)
def test_what_no_measurement_has_is_not_known(tmp_path: Path, lines: str, name: str) -> None:
    path = tmp_path / "x.cif"
    path.write_text(f"data_x\n_refine_ls_R_factor_gt 0.05\n_cell_length_a 5\n{lines}\n")
    assert getattr(read_experiment(path), name) is None


@pytest.mark.parametrize("wavelength", ["-0.71073", "71073"])
def test_instructions_with_a_wavelength_of_no_radiation(tmp_path: Path, wavelength: str) -> None:
    path = tmp_path / "x.ins"
    path.write_text(f"TITL x\nCELL {wavelength} 5 6 7 90 90 90\nLATT -1\nSFAC C\nUNIT 1\nHKLF 4\n")
    with pytest.raises(ArgandError, match=f"x.ins.*wavelength is {wavelength}, needs angstrom"):
        read_instructions(path)


@pytest.mark.parametrize(
    ("words", "probe"),
    [
        ("'synchrotron, electron storage ring'", "x-ray"),
        ("'electrons, 200 kV'", "electron"),
        ("'X-rays, electron impact source'", "x-ray"),
        ("neutron", "neutron"),
    ],
)
def test_an_electron_storage_ring_makes_x_rays(tmp_path: Path, words: str, probe: str) -> None:
    path = written(tmp_path, f"{HEAD}{GROUP}{ONE}_diffrn_radiation_type {words}\n")
    assert read_experiment(path).probe == probe


LIST = "loop_\n_refln_index_h\n_refln_index_k\n_refln_index_l\n_refln_F_meas\n1 0 0 5\n"


@pytest.mark.parametrize(
    ("wavelengths", "is_said"), [("1.54056 1.54439", False), ("0.9 1.2", True), ("0.9", False)]
)
def test_several_wavelengths_are_said(tmp_path: Path, wavelengths: str, is_said: bool) -> None:
    """K alpha 1 and 2 are one radiation."""
    rows = "\n".join(wavelengths.split())
    text = f"{HEAD}{GROUP}{LIST}loop_\n_diffrn_radiation_wavelength\n{rows}\n"
    path = written(tmp_path, text)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        reflections = read_reflections(path)
    assert reflections.wavelength == float(wavelengths.split()[0])
    notes = [str(note.message) for note in caught]
    expected = [f"{path}: several wavelengths are stated: 0.9 is used, not 1.2"]
    assert notes == (expected if is_said else [])


@pytest.mark.parametrize("twin", ["", "TWIN -1 0 0 0 -1 0 0 0 1\n"])
def test_a_twin_of_the_twin_dictionary_is_said(tmp_path: Path, twin: str) -> None:
    """SHELX instructions in the CIF tell its law."""
    res = f"_shelx_res_file\n;\nTITL x\nCELL 0.7 5 6 7 90 100.5 90\nLATT -1\n{twin}HKLF 4\nEND\n;\n"
    text = f"{HEAD}{GROUP}{ONE}_twin_individual_mass_fraction_refined 0.4\n"
    path = written(tmp_path, text + (res if twin else ""))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_crystal(path)
    is_said = any("a twin: its domains are not read" in str(note.message) for note in caught)
    assert is_said == (not twin)
