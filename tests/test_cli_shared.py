"""Options of all verbs: help without imports, -q, JSON, progress in a log, completion."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.cli import _FUNCTIONS, _SUMMARIES
from argand.cli._arguments import parser_of
from argand.cli._completion import completion_script
from argand.cli._outline import outline
from argand.errors import ArgandError, ArgandWarning
from argand.io import write_hklf4
from argand.jobs import ProgressLine
from command_line import Capture, call, refused, run_code
from data_dir import DATA

VERBS = tuple(_SUMMARIES)
PYROCHLORE = DATA / "2002248.cif"
GOLDEN = Path(__file__).parent / "golden"


class TestOutline:
    """The help of a verb is made of its source, and is that of the function."""

    @pytest.mark.parametrize("verb", VERBS)
    def test_the_help_is_that_of_the_function(self, verb: str) -> None:
        module, _, name = _FUNCTIONS[verb].partition(":")
        if verb == "train":
            pytest.importorskip("torch")
        function = getattr(__import__(module, fromlist=[name]), name)
        program = f"argand {verb}"
        assert parser_of(outline(verb), program).format_help() == (
            parser_of(function, program).format_help()
        )

    @pytest.mark.parametrize("verb", VERBS)
    def test_help_imports_neither_numpy_nor_gemmi(self, verb: str) -> None:
        """They and the rooms of argand take longer than the rest of the command."""
        code = f"""
import sys
from argand.cli import main
code = main([{verb!r}, "--help"])
loaded = {{name.partition(".")[0] for name in sys.modules}}
rooms = [name for name in sys.modules if name.count(".") == 1 and name.startswith("argand.")]
print(code, loaded & {{"numpy", "gemmi", "scipy", "torch"}}, sorted(rooms), file=sys.stderr)
"""
        process = run_code(code)
        assert process.stdout.startswith(f"usage: argand {verb} ")
        rooms = "['argand._interpreter', 'argand._version', 'argand.cli', 'argand.errors']"
        assert process.stderr == f"0 set() {rooms}\n"

    def test_import_argand_loads_none_of_them(self) -> None:
        code = "import sys, argand; print('numpy' in sys.modules, argand.Crystal.__name__)"
        assert run_code(code).stdout == "False Crystal\n"


class TestQuiet:
    """With -q a verb prints errors, warnings and JSON alone."""

    @pytest.mark.parametrize("flag", ["-q", "--quiet"])
    def test_nothing_is_printed(self, flag: str, tmp_path: Path, capsys: Capture) -> None:
        target = tmp_path / "x.mtz"
        assert call("sf", PYROCHLORE, "--d-min", "1.5", "-o", target, flag) == 0
        assert call("map", target, "-o", tmp_path / "x.ccp4", flag) == 0
        assert call("info", target, flag) == 0
        assert capsys.readouterr() == ("", "")
        assert (tmp_path / "x.ccp4").stat().st_size > 1000

    def test_errors_and_json_are(self, tmp_path: Path, capsys: Capture) -> None:
        assert "no.cif" in refused(capsys, "info", tmp_path / "no.cif", "-q")
        assert call("info", PYROCHLORE, "-q", "--json") == 0
        assert json.loads(capsys.readouterr().out)["structure"]["sites"] == 4

    def test_printing_goes_on_afterwards(self, capsys: Capture) -> None:
        assert call("info", PYROCHLORE, "-q") == 0
        assert call("info", PYROCHLORE) == 0
        assert "space group" in capsys.readouterr().out


class TestJson:
    """Verbs print one JSON document on standard output, and nothing else."""

    def test_predict(self, tmp_path: Path, capsys: Capture) -> None:
        """Records of all files; files that could not be used have exit code 3."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ArgandWarning)
            crystal = argand.read_crystal(PYROCHLORE)
        hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, 0.9)
        intensity = np.abs(argand.structure_factors(crystal, hkl)) ** 2
        data = tmp_path / "data"
        data.mkdir()
        write_hklf4(data / "good.hkl", hkl, intensity, 0.01 * intensity + 1.0)
        words = ["predict", PYROCHLORE, data, "--no-report", "--workers", "1", "--json", "-o"]
        assert call(*words, tmp_path / "first") == 0
        found = json.loads(capsys.readouterr().out)
        assert found["unusable"] == {}
        (record,) = found["records"]
        assert record["name"] == "good"
        assert record["r"] < 0.05
        (data / "broken.hkl").write_text("no reflections\n")
        assert call(*words, tmp_path / "second") == 3
        found = json.loads(capsys.readouterr().out)
        assert list(found["unusable"]) == ["broken"]
        assert "needs h k l" in found["unusable"]["broken"]
        assert [record["name"] for record in found["records"]] == ["broken", "good"]
        # What is printed is what the folder holds.
        stored = (tmp_path / "second" / "table.csv").read_text().splitlines()
        assert len(stored) == 3

    def test_predict_by_a_network_has_none(self, tmp_path: Path, capsys: Capture) -> None:
        words = ["predict", "x.mtz", "--weights", "run", "--contents", "Pb4", "--json"]
        assert "--json is of a series" in refused(capsys, *words, "-o", tmp_path / "y.mtz")

    def test_evaluate(self, tmp_path: Path, capsys: Capture) -> None:
        pytest.importorskip("lightning")
        run = tmp_path / "run"
        shutil.copytree(GOLDEN / "learn" / "training", run)
        target = tmp_path / "scores.json"
        assert call("evaluate", run, "--samples", "4", "--json", "--output", target) == 0
        printed = json.loads(capsys.readouterr().out)
        stored = json.loads(target.read_text())
        for group, scores in printed.items():
            assert scores["model"]["loss"]["mean"] > 0.0
            assert group in json.dumps(stored)


class TestProgress:
    """A line is overwritten on a terminal, and printed now and then in a log."""

    def test_a_terminal(self, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        line = ProgressLine()
        line.show("1 of 2")
        line.show("2 of 2")
        line.end()
        printed = capsys.readouterr().err
        assert printed.split("\r")[1].rstrip() == "1 of 2"
        assert printed.endswith("\n")
        assert printed.count("\n") == 1

    def test_a_log(self, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
        now = 100.0
        monkeypatch.setattr("argand.jobs.progress.time.monotonic", lambda: now)
        line = ProgressLine(log_period=30.0)
        for second in range(100):
            now = 100.0 + second
            line.show(f"{second} s")
        line.end()
        assert capsys.readouterr().err == "30 s\n60 s\n90 s\n"

    def test_short_work_says_nothing_in_a_log(self, tmp_path: Path, capsys: Capture) -> None:
        words = ["simulate", PYROCHLORE, "--samples", "3", "--folder", tmp_path / "s"]
        assert call(*words, "--d-min", "2.0") == 0
        assert "files written" not in capsys.readouterr().err


class TestCompletion:
    """Scripts by which shells complete verbs and options."""

    def test_unknown_shells(self, capsys: Capture) -> None:
        assert call("--completion", "cmd") == 2
        complaint = capsys.readouterr().err
        assert complaint == (
            "argand: completion for 'cmd': there are bash, zsh (argand --completion bash)\n"
        )

    def test_without_shtab(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("argand.cli._completion.is_installed", lambda _: False)
        with pytest.raises(ArgandError, match="completion needs shtab"):
            completion_script("bash", _SUMMARIES)

    @pytest.mark.parametrize("shell", ["bash", "zsh"])
    def test_scripts_name_verbs_and_options(self, shell: str, capsys: Capture) -> None:
        pytest.importorskip("shtab", reason="needs shtab")
        assert call("--completion", shell) == 0
        script = capsys.readouterr().out
        for word in (*VERBS, "--difference", "--energy-kev", "2Fo-Fc"):
            assert word in script

    def test_bash_completes(self, tmp_path: Path) -> None:
        """The script, sourced by bash, completes verbs, options and choices."""
        pytest.importorskip("shtab", reason="needs shtab")
        bash = shutil.which("bash")
        if bash is None:
            pytest.skip("needs bash")
        path = tmp_path / "argand.bash"
        path.write_text(completion_script("bash", _SUMMARIES))
        for words, expected in (
            (["argand", "sol"], {"solve"}),
            (["argand", "map", "--diff"], {"--difference"}),
            (["argand", "sf", "--table", ""], {"it92", "electron", "neutron"}),
        ):
            line = " ".join(f"'{word}'" for word in words)
            code = f"source {path}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; "
            code += "_shtab_argand; printf '%s\\n' \"${COMPREPLY[@]}\""
            done = subprocess.run([bash, "-c", code], capture_output=True, text=True, check=False)
            assert set(done.stdout.split()) == expected, done.stderr
