"""`argand predict` on crystals like a known one: what it prints, writes and refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from argand.io import write_crystal
from argand.simulate import Independent, Measurement, Perturbation, Simulation, write_folder
from command_line import Capture, call, run_code
from stand_in import KNOWN

SIMULATION = Simulation(
    KNOWN, Perturbation([Independent(0.08)]), Measurement(noise=0.02), d_min=1.2
)


@pytest.fixture
def cif(tmp_path: Path) -> Path:
    """Write the known crystal."""
    write_crystal(tmp_path / "known.cif", KNOWN)
    return tmp_path / "known.cif"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Make a folder of 25 reflection files."""
    write_folder(tmp_path / "files", SIMULATION, range(25), truth=False)
    return tmp_path / "files"


def test_a_folder(cif: Path, files: Path, tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("plotly")
    out = tmp_path / "out"
    (files / "bad.hkl").write_text("nothing")
    argv = ["predict", cif, files, "-o", out, "--workers", "1"]
    assert call(*argv) == 3
    printed = capsys.readouterr().out
    assert "sample_0003" in printed
    assert "... 6 more in table.csv" in printed
    assert "rms (Å)   ± (Å)" in printed
    assert "1 of 26 files could not be used:\n  bad: line 1 is 'nothing'" in printed
    written = {path.name for path in out.iterdir()}
    assert written >= {"table.csv", "table.json", "report.html", "phases", "atoms"}
    assert call(*argv, "--no-report") == 3
    assert "25 of 26 files are done already" in capsys.readouterr().out


def test_some_files_quickly(cif: Path, files: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    chosen = [files / f"sample_000{i}.hkl" for i in (3, 1)]
    options = ["-o", out, "--no-refine", "--maps", "--no-report"]
    assert call("predict", cif, *chosen, *options) == 0
    maps = sorted(path.name for path in (out / "maps").iterdir())
    assert maps == ["sample_0001.ccp4", "sample_0003.ccp4"]
    assert not (out / "report.html").exists()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["known.cif"], "needs the known crystal and reflection files"),
        (["files", "files"], "files: needs the known structure"),
        (["known.cif", "absent"], "absent: no such file"),
        (["known.cif", "files", "--contents", "C4"], "--contents"),
        (["known.cif", "files", "--cell", "1", "2"], "cell has 2 numbers"),
        (["known.cif", "files", "--time-limit", "-1"], "time_limit is -1"),
        (["known.cif", "files", "--weights", "w", "--contents", "C4"], "one file"),
        (["known.cif", "--weights", "w"], "--contents"),
    ],
)
def test_refusals(
    cif: Path,
    files: Path,
    argv: list[str],
    words: str,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(cif.parent)
    assert call("predict", *argv, "-o", "out") == 2
    printed, complaint = capsys.readouterr()
    assert printed == ""
    assert complaint.count("\n") == 1
    assert words in complaint
    assert not (cif.parent / "out").exists()


def test_an_output_folder_that_is_a_file_is_refused_before_the_work(
    cif: Path, files: Path, capsys: Capture
) -> None:
    assert call("predict", cif, files, "-o", cif) == 2
    assert "known.cif is no folder" in capsys.readouterr().err


def test_a_report_without_its_packages_is_refused_before_the_work(
    cif: Path, files: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    argv = ["predict", str(cif), str(files), "-o", str(out)]
    code = f"""
import sys
sys.modules["plotly"] = None
from argand.cli import main
sys.exit(main({argv!r}))
"""
    process = run_code(code)
    assert process.returncode == 2
    assert "needs plotly" in process.stderr
    assert not out.exists()


def test_an_adaptation_is_an_estimator(
    cif: Path, files: Path, tmp_path: Path, capsys: Capture
) -> None:
    pytest.importorskip("safetensors")
    adapted, out = tmp_path / "adapted", tmp_path / "out"
    options = ["--d-min", "1.2", "--samples", "400", "--width", "0.1", "--test", "0"]
    assert call("adapt", cif, *options, "--no-progress", "-o", adapted) == 0
    common = [files, "-o", out, "--workers", "1", "--no-report"]
    assert call("predict", adapted, *common) == 0
    capsys.readouterr()
    displacements = []
    for i in range(25):
        record = json.loads((out / "results" / f"sample_{i:04d}.json").read_text())
        displacements.append(record["displacement"])
    expected = SIMULATION.draw(range(25)).displacement
    np.testing.assert_allclose(displacements, expected, atol=0.03)
    # Results of another estimator do not go into the same folder.
    assert call("predict", cif, *common) == 2
    assert "another estimator" in capsys.readouterr().err


def test_an_adaptation_in_two_processes(cif: Path, files: Path, tmp_path: Path) -> None:
    """The estimator is handed to the processes, which must find the same as one process."""
    pytest.importorskip("safetensors")
    adapted = tmp_path / "adapted"
    options = ["--d-min", "1.2", "--samples", "400", "--width", "0.1", "--test", "0"]
    assert call("adapt", cif, *options, "--no-progress", "-o", adapted) == 0
    displacements = []
    for workers in ("1", "2"):
        out = tmp_path / workers
        common = [files, "-o", out, "--workers", workers, "--no-report"]
        assert call("predict", adapted, *common) == 0
        table = json.loads((out / "table.json").read_text())
        displacements.append([record["displacement"] for record in table["files"]])
    np.testing.assert_allclose(displacements[1], displacements[0], atol=2e-4)


def test_two_processes_print_one_table(cif: Path, files: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    argv = ["predict", str(cif), str(files), "-o", str(out), "--workers", "2", "--no-report"]
    command = [sys.executable, "-m", "argand.cli", *argv]
    process = subprocess.run(command, check=False, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert process.stdout.count("reflections") == 1
    assert len(list((out / "results").iterdir())) == 25


def test_a_prediction_needs_no_torch(cif: Path, files: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    argv = ["predict", str(cif), str(files), "-o", str(out), "--no-report", "--workers", "1"]
    code = f"""
import sys
sys.modules["torch"] = None
from argand.cli import main
code = main({argv!r})
sys.exit(code or any(name in sys.modules for name in ("lightning", "plotly")))
"""
    assert run_code(code).returncode == 0
