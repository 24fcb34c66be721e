"""`argand predict` on files of crystals like a known one: what it prints and writes, and its refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from argand.cli import main
from argand.io import write_crystal
from argand.simulate import Independent, Measurement, Perturbation, Simulation, write_folder
from stand_in import KNOWN


@pytest.fixture
def cif(tmp_path: Path) -> Path:
    write_crystal(tmp_path / "known.cif", KNOWN)
    return tmp_path / "known.cif"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    simulation = Simulation(
        KNOWN, Perturbation([Independent(0.08)]), Measurement(noise=0.02), d_min=1.2
    )
    write_folder(tmp_path / "files", simulation, range(25), truth=False)
    return tmp_path / "files"


def test_a_folder(
    cif: Path, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("plotly")
    out = tmp_path / "out"
    (files / "bad.hkl").write_text("nothing")
    argv = ["predict", str(cif), str(files), "-o", str(out), "--workers", "1"]
    assert main(argv) == 0
    said = capsys.readouterr().out
    assert "sample_0003" in said
    assert "... 6 more in table.csv" in said
    assert "1 of 26 files could not be used" in said
    assert {path.name for path in out.iterdir()} >= {
        "table.csv",
        "table.json",
        "report.html",
        "phases",
        "atoms",
    }
    assert main([*argv, "--no-report"]) == 0
    assert "25 of 26 files are done already" in capsys.readouterr().out


def test_some_files_quickly(cif: Path, files: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    chosen = [str(files / f"sample_000{i}.hkl") for i in (3, 1)]
    assert (
        main(["predict", str(cif), *chosen, "-o", str(out), "--no-refine", "--maps", "--no-report"])
        == 0
    )
    assert sorted(path.name for path in (out / "maps").iterdir()) == [
        "sample_0001.ccp4",
        "sample_0003.ccp4",
    ]
    assert not (out / "report.html").exists()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["known.cif"], "needs the known crystal and reflection files"),
        (["files", "files"], "files: needs the known structure"),
        (["known.cif", "absent"], "absent: no such file"),
        (["known.cif", "files", "--contents", "C4"], "--contents"),
        (["known.cif", "files", "--cell", "1", "2"], "cell has 2 numbers"),
        (["known.cif", "files", "--weights", "w", "--contents", "C4"], "one file"),
        (["known.cif", "--weights", "w"], "--contents"),
    ],
)
def test_refusals(
    cif: Path,
    files: Path,
    argv: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(cif.parent)
    assert main(["predict", *argv, "-o", "out"]) == 2
    said, err = capsys.readouterr()
    assert said == ""
    assert err.count("\n") == 1
    assert words in err
    assert not (cif.parent / "out").exists()


def test_what_adapt_has_made(
    cif: Path, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("safetensors")
    adapted, out = tmp_path / "adapted", tmp_path / "out"
    made = ["--d-min", "1.2", "--samples", "400", "--width", "0.1", "--test", "0", "--no-progress"]
    assert main(["adapt", str(cif), *made, "-o", str(adapted)]) == 0
    assert (
        main(["predict", str(adapted), str(files), "-o", str(out), "--workers", "1", "--no-report"])
        == 0
    )
    capsys.readouterr()
    simulation = Simulation(
        KNOWN, Perturbation([Independent(0.08)]), Measurement(noise=0.02), d_min=1.2
    )
    found = [
        json.loads((out / "results" / f"sample_{i:04d}.json").read_text())["displacement"]
        for i in range(25)
    ]
    np.testing.assert_allclose(found, simulation.draw(range(25)).displacement, atol=0.03)
    # results of another estimator do not go into the same folder
    assert (
        main(["predict", str(cif), str(files), "-o", str(out), "--workers", "1", "--no-report"])
        == 2
    )
    assert "another estimator" in capsys.readouterr().err


def test_on_two_cores(cif: Path, files: Path, tmp_path: Path) -> None:
    argv = [
        "predict",
        str(cif),
        str(files),
        "-o",
        str(tmp_path / "out"),
        "--workers",
        "2",
        "--no-report",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "argand.cli", *argv], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("reflections") == 1  # no process but the first prints
    assert len(list((tmp_path / "out" / "results").iterdir())) == 25


def test_it_needs_no_torch(cif: Path, files: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; from argand.cli import main; "
        f"code = main(['predict', {str(cif)!r}, {str(files)!r}, '-o', {str(tmp_path / 'o')!r}, '--no-report', "
        "'--workers', '1']); sys.exit(code or any(m in sys.modules for m in ('lightning', 'plotly')))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode
        == 0
    )
