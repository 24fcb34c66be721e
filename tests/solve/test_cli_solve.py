"""`argand solve`: what it reads by itself, what it refuses, what it writes, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import argand
import solve_stand_in
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io import open_file, write_crystal, write_hklf4, write_map, write_reflections
from argand.reflections import miller_indices
from argand.solve.problem import read_problem
from command_line import Capture, call, refused
from data_dir import SHARED, needs_shared
from solve_stand_in import UNLUCKY_SEED, known_crystal, write_data

CELL = ("6.5", "7.0", "8.0", "90", "100", "90")


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the stand-in solve."""
    solve_stand_in.use(monkeypatch)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write data of one crystal."""
    return write_data(tmp_path / "in", "jadeite", known_crystal("9000905"))


class TestReading:
    """Check the data, cell, group and content that `read_problem` finds in files."""

    @pytest.mark.parametrize("suffix", [".hkl", ".ins"])
    def test_a_list_and_its_instructions_belong_together(self, data: Path, suffix: str) -> None:
        problem = read_problem(data.with_suffix(suffix))
        crystal = known_crystal("9000905")
        assert problem.name == "jadeite"
        assert problem.cell == pytest.approx(crystal.cell, abs=1e-4)
        assert problem.spacegroup == crystal.spacegroup
        assert problem.content == pytest.approx(crystal.composition(), rel=1e-3)
        assert problem.radiation.wavelength == pytest.approx(0.71073)
        assert problem.radiation.dispersion
        assert problem.notes == ()

    def test_options_replace_what_files_state(self, data: Path) -> None:
        crystal = known_crystal("9000905")
        units = " ".join(f"{e}{n / 4:g}" for e, n in crystal.composition().items())
        problem = read_problem(data, contents=units, wavelength=0.8, spacegroup="C 1 c 1")
        assert problem.content == pytest.approx(crystal.composition(), rel=1e-3)
        assert problem.radiation.wavelength == 0.8
        assert problem.spacegroup == "C 1 c 1"

    def test_a_formula_without_a_number_of_units(self, data: Path) -> None:
        crystal = known_crystal("9000905")
        data.with_suffix(".ins").unlink()
        path = data.with_suffix(".cif")
        write_crystal(path, crystal)
        formula = " ".join(f"{e}{n / 4:g}" for e, n in crystal.composition().items())
        without_z = path.read_text() + f"\n_chemical_formula_sum '{formula}'\n"
        path.write_text(without_z)
        assert read_problem(data).content == pytest.approx(crystal.composition(), rel=1e-3)
        path.write_text(path.read_text().replace(formula, "C900 H900"))
        problem = read_problem(data)
        assert problem.content is None
        assert "does not fit the volume of the cell" in problem.notes[0]

    def test_an_mtz_file_alone(self, data: Path, tmp_path: Path) -> None:
        crystal = known_crystal("9000905")
        reflections = argand.read_reflections(data)
        path = tmp_path / "alone.mtz"
        write_reflections(
            path,
            reflections.hkl,
            cell=crystal.cell,
            spacegroup=crystal.spacegroup,
            wavelength=0.71073,
            I=reflections.intensity,
            SIGI=reflections.sigma,
        )
        problem = read_problem(path)
        assert problem.cell == pytest.approx(crystal.cell, abs=1e-3)
        assert problem.content is None
        assert problem.radiation.wavelength == pytest.approx(0.71073)

    def test_a_solution_can_be_solved_again_from_its_cif(self, data: Path, tmp_path: Path) -> None:
        assert call("solve", data, "-o", tmp_path / "out", "--no-report") == 0
        problem = read_problem(tmp_path / "out" / "jadeite.cif")
        assert problem.content == pytest.approx(known_crystal("9000905").composition(), rel=1e-3)
        assert len(problem.reflections.hkl) > 300

    def test_amplitudes_given_as_intensities(self, tmp_path: Path) -> None:
        generator = np.random.default_rng(5)
        crystal = Crystal(
            cell=(7.0, 8.0, 9.0, 90.0, 100.0, 90.0),
            spacegroup="P 1 21 1",
            types=("C",) * 14,
            frac=generator.random((14, 3)),
            b_iso=2.0,
        )
        hkl = miller_indices(crystal.cell, crystal.spacegroup, d_min=0.8)
        amplitude = np.abs(argand.structure_factors(crystal, hkl))
        path = tmp_path / "f.hkl"
        write_hklf4(path, hkl, amplitude, 0.02 * amplitude + 1.0)
        options = {"cell": crystal.cell, "spacegroup": crystal.spacegroup}
        with pytest.raises(ArgandError, match="vary too little for intensities"):
            read_problem(path, **options)
        as_amplitudes = read_problem(path, hklf=3, **options).reflections
        assert as_amplitudes.amplitude is not None
        assert read_problem(path, hklf=4, **options).reflections.intensity is not None
        intensities = tmp_path / "i.hkl"
        write_hklf4(intensities, hkl, amplitude**2, 0.02 * amplitude**2 + 1.0)
        assert len(read_problem(intensities, **options).reflections.hkl) == len(hkl)

    def test_the_number_of_hklf_may_follow_without_a_gap(self, data: Path) -> None:
        path = data.with_suffix(".ins")
        path.write_text(path.read_text().replace("HKLF 4", "HKLF4"))
        assert open_file(path).experiment().hklf == 4

    @needs_shared
    @pytest.mark.parametrize(
        ("name", "spacegroup", "carbons"),
        [
            ("unsolved/cod_2013000.hkl", "P -1", 40),
            ("unsolved/cry_cyclo.ins", "P 21 21 21", 28),
            ("unsolved/cry_ccdc677069.ins", "C 1 2/m 1", 120),
            ("unsolved/mce_293k.cif", "P -1", 20),
            ("measured/structurefinder_106c_hkl.hkl", "P -1", 36),
        ],
    )
    def test_measured_data_as_they_lie_there(
        self, name: str, spacegroup: str, carbons: int
    ) -> None:
        problem = read_problem(SHARED / name)
        assert problem.spacegroup == spacegroup
        assert problem.content["C"] == carbons
        assert problem.notes == ()


class TestRefusals:
    """Bad input is one line and exit code 2."""

    @pytest.fixture(autouse=True)
    def in_a_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    def test_a_missing_file(self, capsys: Capture) -> None:
        assert "nothing.hkl: cannot be read" in refused(capsys, "solve", "nothing.hkl")

    def test_no_cell(self, data: Path, capsys: Capture) -> None:
        data.with_suffix(".ins").unlink()
        words = refused(capsys, "solve", data, "--no-report")
        assert "no unit cell is known: give --cell A B C ALPHA BETA GAMMA" in words

    def test_an_empty_list(self, tmp_path: Path, capsys: Capture) -> None:
        (tmp_path / "empty.hkl").write_text("   0   0   0    0.00    0.00\n")
        words = refused(capsys, "solve", "empty.hkl", "--cell", *CELL, "--no-report")
        assert "empty.hkl: " in words

    def test_a_wrong_cell(self, data: Path, capsys: Capture) -> None:
        cell = ("2.5", "2.7", "1.8", "90", "100", "90")
        words = refused(capsys, "solve", data, "--cell", *cell, "--no-report")
        assert "lie at d < λ/2" in words
        assert "the cell or the wavelength is wrong" in words

    def test_a_content_that_cannot_be(self, data: Path, capsys: Capture) -> None:
        words = refused(capsys, "solve", data, "--contents", "C900 H900", "--no-report")
        assert "contents is 'C900 H900', which needs about" in words
        words = refused(capsys, "solve", data, "--contents", "what", "--no-report")
        assert "contents is 'what', needs a formula" in words

    @pytest.mark.parametrize("name", ["neutron_one_block.cif", "d15_pow_two_phases_one_loop.cif"])
    def test_neutrons_and_powders(self, name: str, capsys: Capture) -> None:
        path = Path(__file__).parents[1] / "data" / "field" / name
        words = refused(capsys, "solve", path, "--no-report")
        assert name in words

    def test_electrons(self, data: Path, capsys: Capture) -> None:
        crystal = known_crystal("9000905")
        write_crystal(data.with_suffix(".cif"), crystal)
        text = data.with_suffix(".cif").read_text() + "\n_diffrn_radiation_probe electron\n"
        data.with_suffix(".cif").write_text(text)
        words = refused(capsys, "solve", data, "--no-report")
        assert "electrons were scattered" in words
        assert read_problem(data, force=True).radiation.probe == "electron"

    def test_a_powder(self, data: Path, capsys: Capture) -> None:
        crystal = known_crystal("9000905")
        write_crystal(data.with_suffix(".cif"), crystal)
        text = data.with_suffix(".cif").read_text() + "\n_pd_meas_2theta_range_min 5\n"
        data.with_suffix(".cif").write_text(text)
        assert "is of a powder" in refused(capsys, "solve", data, "--no-report")

    def test_a_structure_without_reflections(self, data: Path, capsys: Capture) -> None:
        data.unlink()
        words = refused(capsys, "solve", data.with_suffix(".ins"), "--no-report")
        assert "holds no reflections, and no jadeite.hkl lies beside it" in words

    def test_a_map(self, tmp_path: Path, capsys: Capture) -> None:
        write_map(tmp_path / "m.ccp4", np.zeros((4, 4, 4)), (5, 5, 5, 90, 90, 90))
        assert "is a map" in refused(capsys, "solve", "m.ccp4", "--no-report")

    def test_a_start_of_one_crystal_for_a_folder(self, data: Path, capsys: Capture) -> None:
        words = refused(capsys, "solve", data.parent, "--start", "part.cif", "--no-report")
        assert "--start is part.cif, the phases of one crystal: give one file" in words

    def test_a_start_without_phases(self, data: Path, capsys: Capture) -> None:
        words = refused(capsys, "solve", data, "--start", data, "--no-report")
        assert "jadeite.hkl: has no phases, needs atoms, a map or reflections with phases" in words

    def test_the_folder_of_the_data_is_not_written_into(self, data: Path, capsys: Capture) -> None:
        words = refused(capsys, "solve", data, "-o", data.parent, "--no-report")
        assert "holds the input jadeite.hkl, needs another folder" in words

    def test_predict_without_a_known_structure_names_solve(
        self, data: Path, tmp_path: Path, capsys: Capture
    ) -> None:
        words = refused(capsys, "predict", data, "-o", tmp_path / "out")
        assert "argand solve needs no known crystal" in words


class TestAnswers:
    """Check what the command prints and writes, and its exit code."""

    def test_a_solved_crystal(self, data: Path, tmp_path: Path, capsys: Capture) -> None:
        out = tmp_path / "out"
        assert call("solve", data, "-o", out, "--no-report") == 0
        printed = capsys.readouterr().out
        assert printed.splitlines()[:2] == ["jadeite", "verdict      solved, probability 0.998"]
        assert len(printed.splitlines()) < 24
        names = {path.suffix for path in out.iterdir()}
        assert names == {".cif", ".res", ".ins", ".hkl", ".mtz", ".ccp4", ".json"}
        stored = json.loads((out / "jadeite.json").read_text())
        assert stored["verdict"] == "solved"
        assert stored["kind"] == "solution"

    def test_json(self, data: Path, tmp_path: Path, capsys: Capture) -> None:
        assert call("solve", data, "-o", tmp_path / "out", "--no-report", "--json") == 0
        printed = json.loads(capsys.readouterr().out)
        assert printed["spacegroup"] == known_crystal("9000905").spacegroup
        assert printed["model"]["r1"] < 0.05
        assert printed["flack"] is None

    def test_not_solved_is_exit_code_3(self, data: Path, tmp_path: Path, capsys: Capture) -> None:
        out = tmp_path / "out"
        options = ("--seed", UNLUCKY_SEED, "--no-report")
        assert call("solve", data, "-o", out, *options) == 3
        assert "not solved" in capsys.readouterr().out
        assert (out / "jadeite.mtz").is_file()

    def test_the_default_folder_has_the_name_of_the_data(
        self, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert call("solve", data.with_suffix(".ins"), "--no-report") == 0
        assert (tmp_path / "jadeite-solved" / "jadeite.cif").is_file()
