"""What `argand <verb>` refuses before its work begins, and its exit codes."""

from __future__ import annotations

import os
import re
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.cli._outputs import check_output_folder
from argand.errors import ArgandError
from argand.io import write_crystal
from argand.simulate import Independent, Measurement, Perturbation, Simulation, write_folder
from command_line import Capture, call, refused, run_code
from data_dir import DATA
from stand_in import KNOWN

PYROCHLORE = DATA / "2002248.cif"

INSTALL = 'pip install ".[learn]" in argand\'s source folder'


@pytest.fixture
def mtz(tmp_path: Path, capsys: Capture) -> Path:
    """Write structure factors of a pyrochlore."""
    path = tmp_path / "x.mtz"
    assert call("sf", PYROCHLORE, "--d-min", "1.5", "-o", path) == 0
    capsys.readouterr()
    return path


class TestOutputs:
    """Outputs never replace inputs, and have names that say what they are."""

    @pytest.mark.parametrize("name", ["x.mtz", "x.png", "x", "x.npz"])
    def test_a_map_has_the_name_of_a_map(self, name: str, mtz: Path, capsys: Capture) -> None:
        before = mtz.read_bytes()
        complaint = refused(capsys, "map", mtz, "-o", mtz.parent / name)
        expected = "ends in .ccp4 or .map or .mrc or .cube or .grd or .mtz"
        assert ("would overwrite the input" if name == "x.mtz" else expected) in complaint
        assert [path.name for path in mtz.parent.iterdir()] == ["x.mtz"]
        assert mtz.read_bytes() == before

    @pytest.mark.parametrize("name", ["m.ccp4", "m.map", "m.MRC"])
    def test_names_of_maps(self, name: str, mtz: Path) -> None:
        assert call("map", mtz, "-o", mtz.parent / name) == 0
        assert argand.read_map(mtz.parent / name)[0].std() > 0

    def test_an_input_with_the_name_of_a_map(self, mtz: Path, capsys: Capture) -> None:
        """The name of a file does not save it: an MTZ file may be called x.map."""
        odd, link = mtz.parent / "x.map", mtz.parent / "link.map"
        mtz.rename(odd)
        link.symlink_to(odd)
        before = odd.read_bytes()
        for output in (odd, link):
            assert "would overwrite the input" in refused(capsys, "map", odd, "-o", output)
        assert odd.read_bytes() == before
        assert link.is_symlink()

    def test_a_structure_called_mtz(self, tmp_path: Path, capsys: Capture) -> None:
        structure = tmp_path / "s.mtz"
        shutil.copy(PYROCHLORE, structure)
        complaint = refused(capsys, "sf", structure, "--d-min", "2", "-o", structure)
        assert "would overwrite the input" in complaint
        assert structure.read_bytes() == PYROCHLORE.read_bytes()

    def test_scores_do_not_replace_the_weights(self, tmp_path: Path, capsys: Capture) -> None:
        pytest.importorskip("jsonargparse")
        settings = tmp_path / "weights.json"
        settings.write_text("{}")
        complaint = refused(capsys, "evaluate", tmp_path, "-o", settings)
        assert "would overwrite the input" in complaint
        assert settings.read_text() == "{}"

    def test_a_picture_has_the_name_of_a_picture(self, tmp_path: Path, capsys: Capture) -> None:
        complaint = refused(capsys, "simulate", PYROCHLORE, "--picture", tmp_path / "x.abc")
        assert "x.abc: needs a name that ends in .png" in complaint

    def test_a_folder_is_no_output_file(self, mtz: Path, capsys: Capture) -> None:
        (mtz.parent / "m.ccp4").mkdir()
        assert "is a folder" in refused(capsys, "map", mtz, "-o", mtz.parent / "m.ccp4")

    def test_a_full_disk_is_refused_before_the_work(
        self, mtz: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 0))
        complaint = refused(capsys, "map", mtz, "-o", mtz.parent / "m.ccp4")
        assert "is full" in complaint
        with pytest.raises(ArgandError, match="is full"):
            check_output_folder(mtz.parent / "new" / "folder")

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
    def test_a_folder_without_permission(self, mtz: Path, capsys: Capture) -> None:
        mtz.parent.chmod(0o555)
        try:
            complaint = refused(capsys, "map", mtz, "-o", mtz.parent / "m.ccp4")
        finally:
            mtz.parent.chmod(0o755)
        assert "no permission" in complaint


@pytest.mark.parametrize("d_min", ["0.049", "0.001", "1e-9"])
def test_a_resolution_that_no_experiment_has(d_min: str, tmp_path: Path, capsys: Capture) -> None:
    output = tmp_path / "o.mtz"
    complaint = refused(capsys, "sf", PYROCHLORE, "--d-min", d_min, "-o", output)
    assert "needs to be 0.05 or more" in complaint
    assert not output.exists()


@pytest.mark.parametrize("option", ["--missing", "--strongest"])
def test_samples_of_which_nothing_is_measured(option: str, tmp_path: Path, capsys: Capture) -> None:
    output = tmp_path / "o.npz"
    words = ("--d-min", "2", "--samples", "2", option, "1", "-o", output)
    complaint = refused(capsys, "simulate", PYROCHLORE, *words)
    assert "none of 2 samples has a measured reflection" in complaint
    assert not output.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--accelerator", "tpu"], "accelerator is 'tpu', needs to be one of cpu, gpu, auto"),
        (["--steps", "-3"], "steps is -3, needs to be 1 or more"),
        (["--steps", "0"], "steps is 0, needs to be 1 or more"),
        (["--threads", "0"], "threads is 0"),
        (["--checkpoint-every", "0"], "checkpoint_every is 0"),
        (["--batch-size", "0"], "batch_size is 0"),
        (["--score-every", "0"], "score_every is 0"),
        (["--score-samples", "0"], "score_samples is 0"),
        (["--patience", "0"], "patience is 0"),
        (["--workers", "-1"], "workers is -1"),
        (["--hkl-max", "0"], "hkl_max is 0"),
        (["--lr", "-1"], "lr is -1.0"),
        (["--energy-kev", "-1"], "energy_kev is -1.0"),
    ],
)
def test_settings_of_a_training_that_cannot_be(
    options: list[str], words: str, tmp_path: Path, capsys: Capture
) -> None:
    pytest.importorskip("lightning")
    pytest.importorskip("jsonargparse")
    out = tmp_path / "run"
    assert words in refused(capsys, "train", "--out", out, *options)
    assert not out.exists()


def test_a_gpu_that_is_not_there(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("lightning")
    pytest.importorskip("jsonargparse")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    out = tmp_path / "run"
    complaint = refused(capsys, "train", "--out", out, "--accelerator", "gpu")
    assert "torch finds no CUDA device" in complaint
    assert not out.exists()


class TestExtras:
    """Optional packages are asked for before the work, with advice that works."""

    @pytest.mark.parametrize(
        ("package", "words"),
        [
            ("plotly", ["predict", "known.cif", "data", "-o", "out"]),
            ("matplotlib", ["predict", "known.cif", "data", "-o", "out"]),
            ("matplotlib", ["simulate", "known.cif", "--picture", "p.png", "--folder", "out"]),
            ("safetensors", ["adapt", "known.cif", "-o", "out"]),
            ("torch", ["adapt", "known.cif", "-o", "out", "--network"]),
            ("torch", ["train", "--out", "out"]),
            ("lightning", ["demo", "--out", "out"]),
        ],
    )
    def test_they_are_named_before_the_work(
        self, package: str, words: list[str], tmp_path: Path
    ) -> None:
        write_crystal(tmp_path / "known.cif", KNOWN)
        code = f"""
import os, sys
os.chdir({str(tmp_path)!r})
sys.modules[{package!r}] = None
from argand.cli import main
sys.exit(main({words!r}))
"""
        process = run_code(code)
        assert (process.returncode, process.stdout) == (2, "")
        assert f"needs {package}: {INSTALL}\n" in process.stderr
        assert process.stderr.count("\n") == 1
        assert [path.name for path in tmp_path.iterdir()] == ["known.cif"]

    def test_the_advice_names_an_extra(self) -> None:
        """The folder with argand's sources defines the extra that the advice installs."""
        project = Path(__file__).parents[1] / "pyproject.toml"
        assert "\nlearn = [\n" in project.read_text(encoding="utf-8")


class TestExitCodes:
    """Exit codes tell done, fault, bad input, some files unusable."""

    @pytest.fixture
    def series(self, tmp_path: Path) -> list[object]:
        """Write a known crystal and three files; return the words that predict two of them."""
        write_crystal(tmp_path / "known.cif", KNOWN)
        changes = Perturbation([Independent(0.08)])
        simulation = Simulation(KNOWN, changes, Measurement(noise=0.02), d_min=1.5)
        write_folder(tmp_path / "data", simulation, range(2), truth=False)
        options = ["-o", tmp_path / "out", "--no-report", "--no-refine", "--workers", "1"]
        return ["predict", tmp_path / "known.cif", tmp_path / "data", *options]

    def test_all_files_used(self, series: list[object], capsys: Capture) -> None:
        assert call(*series) == 0
        assert capsys.readouterr().err == ""

    def test_unusable_files_are_named(
        self, series: list[object], tmp_path: Path, capsys: Capture
    ) -> None:
        (tmp_path / "data" / "=broken.hkl").write_text("nothing")
        (tmp_path / "data" / "gone.hkl").symlink_to(tmp_path / "absent.hkl")
        assert call(*series) == 3
        printed = capsys.readouterr().out
        assert "2 of 4 files could not be used:" in printed
        assert "  =broken: " in printed
        assert "  gone: cannot be read: No such file or directory" in printed
        table = (tmp_path / "out" / "table.csv").read_text().splitlines()
        # A spreadsheet would run a cell that begins with "=".
        assert not any(cell.startswith("=") for line in table for cell in line.split(","))
        assert any(line.startswith("'=broken,") for line in table)

    def test_no_file_used(self, series: list[object], tmp_path: Path, capsys: Capture) -> None:
        for path in (tmp_path / "data").glob("*.hkl"):
            path.write_text("nothing")
        assert call(*series) == 3
        assert "2 of 2 files could not be used" in capsys.readouterr().out

    def test_results_are_no_input(
        self, series: list[object], tmp_path: Path, capsys: Capture
    ) -> None:
        """Phases of an answer would replace the reflections that they were found from."""
        assert call(*series) == 0
        capsys.readouterr()
        phases = sorted((tmp_path / "out" / "phases").iterdir())
        before = phases[0].read_bytes()
        verb, known, _, *options = series
        complaint = refused(capsys, verb, known, tmp_path / "out" / "phases", *options)
        assert "which the results overwrite" in complaint
        assert phases[0].read_bytes() == before

    def test_a_fault_is_one_line(self, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("the sky\nfell")

        monkeypatch.delenv("ARGAND_TRACEBACK", raising=False)
        monkeypatch.setattr("argand.build_config", fail)
        assert call("info") == 1
        complaint = capsys.readouterr().err
        assert complaint.count("\n") == 1
        assert "a fault of argand: RuntimeError: the sky fell" in complaint

    def test_memory_is_bad_input(self, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            np.empty(2**62, dtype=np.int8)

        monkeypatch.setattr("argand.build_config", fail)
        assert "out of memory: " in refused(capsys, "info")

    def test_they_are_documented(self, capsys: Capture) -> None:
        assert call("--help") == 0
        overview = capsys.readouterr().out
        for words in ("0 done", "1 a fault", "2 bad input", "3 some files", "130 interrupted"):
            assert words in overview


def test_samples_that_no_disk_holds(tmp_path: Path, capsys: Capture) -> None:
    """A billion samples of some hundred reflections take terabytes."""
    folder = tmp_path / "out"
    command = ("simulate", DATA / "9000905.cif", "--d-min", 1, "--folder", folder)
    words = refused(capsys, *command, "--samples", 10**9)
    assert re.search(r"out: its files take [\d,.]+ GiB at least, the disk has", words)
    assert not folder.exists()


@pytest.mark.parametrize("verb", ["predict", "solve"])
def test_a_name_with_a_line_feed_has_one_row(verb: str, tmp_path: Path, capsys: Capture) -> None:
    """An escape in a name would change the colours of a terminal, or clear it."""
    (tmp_path / "new\nline\x1b[2J.hkl").write_text("no reflections\n")
    write_crystal(tmp_path / "known.cif", KNOWN)
    (tmp_path / "other.hkl").write_text("none either\n")
    files = [tmp_path / "new\nline\x1b[2J.hkl", tmp_path / "other.hkl"]
    known = [tmp_path / "known.cif"] if verb == "predict" else []
    command = (verb, *known, *files, "-o", tmp_path / "out", "--no-report", "--workers", 1)
    assert call(*command) == 3
    printed = capsys.readouterr().out
    rows = [line for line in printed.splitlines() if "line" in line and "no reflections" in line]
    assert rows
    assert all(row.lstrip().startswith("new_line_[2J") for row in rows)
    assert "\x1b" not in printed
