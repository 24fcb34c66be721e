"""What a file states about its measurement in another block, or in embedded instructions."""

from __future__ import annotations

from pathlib import Path

import pytest

from argand.describe import describe_file
from argand.errors import ArgandError
from argand.io import read_experiment, read_instructions
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
