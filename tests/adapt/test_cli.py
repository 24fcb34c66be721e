"""`argand adapt`, and `argand predict` with what it has made."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.cli import main
from argand.io import write_crystal
from argand.radiation import Radiation
from argand.simulate import Independent, Measurement, Perturbation, Simulation, write_folder

pytest.importorskip("safetensors")


@pytest.fixture
def cif(crystal: argand.Crystal, tmp_path: Path) -> Path:
    write_crystal(tmp_path / "known.cif", crystal)
    return tmp_path / "known.cif"


def test_learns_and_predicts(cif: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, out = tmp_path / "run", tmp_path / "out"
    options = ["--d-min", "1.2", "--samples", "600", "--width", "0.15", "0.3", "--test", "4"]
    assert main(["adapt", str(cif), "-o", str(run), *options]) == 0
    said = capsys.readouterr().out
    assert f"{run}: 24 displacements from" in said
    table = said.splitlines()[-2:]
    assert [line.split()[0] for line in table] == ["0.15", "0.3"]
    assert all(0.9 < float(line.split()[5]) <= 1.0 for line in table)
    known = argand.read_crystal(cif)
    simulation = Simulation(
        known, Perturbation([Independent(0.2)]), Measurement(noise=0.02), d_min=1.2, seed=5
    )
    write_folder(tmp_path / "files", simulation, range(3), truth=False)
    argv = [
        "predict",
        str(run),
        str(tmp_path / "files"),
        "-o",
        str(out),
        "--workers",
        "1",
        "--no-report",
    ]
    assert main(argv) == 0
    records = json.loads((out / "table.json").read_text())
    rows = records["files"] if isinstance(records, dict) else records
    found = np.array([row["displacement"] for row in rows])
    np.testing.assert_allclose(found, simulation.draw(range(3)).displacement, atol=0.06)
    assert "adaptation" in json.loads((out / "series.json").read_text())["estimator"]


def test_a_broken_symmetry_is_warned_of(
    cif: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [
        "--d-min",
        "1.0",
        "--samples",
        "60",
        "--width",
        "0.2",
        "--test",
        "0",
        "--break-symmetry",
    ]
    run, out = tmp_path / "run", tmp_path / "out"
    assert main(["adapt", str(cif), "-o", str(run), *options]) == 0
    assert "warning: the known structure has a centre of symmetry" in capsys.readouterr().out
    known = argand.read_crystal(cif).to_p1()
    simulation = Simulation(
        known, Perturbation([Independent(0.1)]), Measurement(noise=0.02), d_min=1.0, seed=5
    )
    write_folder(tmp_path / "files", simulation, range(1), truth=False)
    argv = [
        "predict",
        str(run),
        str(tmp_path / "files"),
        "-o",
        str(out),
        "--no-report",
        "--no-refine",
    ]
    assert main(argv) == 0
    assert "its mirror image explains it as well" in capsys.readouterr().out
    for answers in ("atoms/sample_0000{}.cif", "phases/sample_0000{}.mtz"):
        assert (out / answers.format("")).exists()
        assert (out / answers.format("_other")).exists()
    one, other = (
        argand.read_reflections(out / f"phases/sample_0000{name}.mtz") for name in ("", "_other")
    )
    np.testing.assert_allclose(one.amplitude, other.amplitude, rtol=1e-5)


@pytest.mark.parametrize(
    ("stated", "options", "table", "energy"),
    [
        ("", [], "it92", None),
        ("_diffrn_radiation_wavelength 1.0", [], "it92", 12.398),
        ("_diffrn_radiation_wavelength 1.0", ["--table", "neutron"], "neutron", None),
        ("_diffrn_radiation_probe neutron", [], "neutron", None),
    ],
)
def test_radiation_is_what_the_file_names(
    stated: str, options: list[str], table: str, energy: float | None, cif: Path, tmp_path: Path
) -> None:
    cif.write_text(f"{cif.read_text()}\n{stated}\n")
    cheap = ["--samples", "60", "--width", "0.2", "--test", "0"]
    assert main(["adapt", str(cif), "-o", str(tmp_path / "run"), *cheap, *options]) == 0
    about = json.loads((tmp_path / "run" / "adaptation.json").read_text())
    radiation = Radiation(**about["settings"]["radiation"])
    assert radiation.table == table
    assert radiation.energy_kev == (None if energy is None else pytest.approx(energy, abs=1e-3))
    samples = ["--samples", "2", "--d-min", "2", "-o", str(tmp_path / "samples.npz")]
    assert main(["simulate", str(cif), *samples, *options]) == 0
    drawn = np.load(tmp_path / "samples.npz")
    f0 = argand.structure_factors(
        argand.read_crystal(cif), drawn["hkl"], table=table, energy_kev=energy
    )
    np.testing.assert_allclose(drawn["f0"], f0, atol=1e-3)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["nowhere.cif", "-o", "run"], "nowhere.cif"),
        (["known.cif"], "--output"),
        (["known.cif", "-o", "run", "--d-min", "5"], "too few"),
        (["known.cif", "-o", "run", "--width", "-1"], "widths is"),
        (["known.cif", "-o", "run", "--samples", "2"], "samples is 2"),
        (["known.cif", "-o", "run", "--unmodelled", "Xx"], "Xx"),
        (["known.cif", "-o", "run", "--test", "-2"], "test is -2"),
        (["known.cif", "-o", "run", "--time-limit", "-1"], "time_limit is -1"),
        (["known.cif", "-o", "known.cif/run"], "known.cif/run"),
    ],
)
def test_bad_input_is_one_line(
    argv: list[str],
    words: str,
    cif: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(cif.parent)
    cheap = ["--samples", "60"] if "--samples" not in argv else []
    assert main(["adapt", *argv, *cheap]) == 2
    said = capsys.readouterr()
    assert len(said.err.strip().splitlines()) == 1
    assert words in said.err
    assert not Path("run").exists()
