"""`argand <verb>`: its help, what it writes, and that bad input is one line and exit code 2."""

from __future__ import annotations

import inspect
import json
import os
import pkgutil
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest

import argand
from argand.cli._arguments import parser_of
from command_line import Capture, call, refused, run_code

VERBS = (
    *("demo", "sf", "map", "solve", "simulate", "generate", "adapt", "train", "evaluate"),
    *("predict", "info"),
)

SALT = """data_salt
_cell_length_a 5.6402
_cell_length_b 5.6402
_cell_length_c 5.6402
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F m -3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_U_iso_or_equiv
Na Na 0 0 0 0.02
Cl Cl 0.5 0.5 0.5 0.02
"""

BROKEN = {
    "empty.cif": b"",
    "blank.cif": b"\n \n",
    "binary.cif": bytes(range(256)) * 8,
    "words.cif": b"this is no CIF at all\n",
    "cut.cif": SALT.encode()[:-30],
    "nocell.cif": SALT.replace("_cell_length_b 5.6402", "").encode(),
    "noatoms.cif": SALT[: SALT.index("loop_")].encode(),
    "notanumber.cif": SALT.replace("0.5 0.5 0.5", "0.5 half 0.5").encode(),
    "gzip.cif": b"\x1f\x8b\x08 not gzip",
}


@pytest.fixture
def salt(tmp_path: Path) -> Path:
    """Write the structure of rock salt."""
    path = tmp_path / "salt.cif"
    path.write_text(SALT)
    return path


def run(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "argand.cli", *argv]
    variables = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=variables, check=False)


def options_of(text: str) -> list[str]:
    """Return the lines of a help text that name arguments and what is typed after them."""
    return re.findall(r"^  (\S.*?)(?:  .*)?$", text, re.MULTILINE)


class TestHelp:
    """What `argand --help` and `argand <verb> --help` print."""

    def test_it_names_every_verb(self, capsys: Capture) -> None:
        assert call("--help") == 0
        overview = capsys.readouterr().out
        for verb in VERBS:
            assert f"  {verb} " in overview

    @pytest.mark.parametrize("verb", VERBS)
    def test_a_verb_tells_what_to_type(self, verb: str, capsys: Capture) -> None:
        """No option asks for a NAME, for JSON, or for a row of N."""
        if verb in ("demo", "train", "evaluate"):
            pytest.importorskip("jsonargparse")
        assert call(verb, "--help") == 0
        text = capsys.readouterr().out
        assert text.startswith(f"usage: argand {verb} ")
        usage = text[: text.index("\n\n")]
        arguments = options_of(text[text.index("options:") :])
        assert len(arguments) >= 3
        for line in (usage, *arguments):
            assert not re.search(r"\b(NAME|JSON|PATH|N N)\b", line), line
            assert not re.search(r"\[(\w+) \.\.\.\]", line), line

    @pytest.mark.parametrize(
        ("verb", "words"),
        [
            ("simulate", ["--rms A [A_MAX]", "--scale X [X_MAX]", "--d-min A", "--seed N"]),
            ("simulate", ["-o FILE, --output FILE", "--folder FOLDER"]),
            ("adapt", ["-o FOLDER, --output FOLDER", "--width A..."]),
            ("predict", ["--cell A B C ALPHA BETA GAMMA", "-o FOLDER, --output FOLDER"]),
            ("info", ["--cell A B C ALPHA BETA GAMMA"]),
            ("sf", ["--energy-kev KEV", "-o FILE, --output FILE"]),
            ("train", ["--metals ELEMENT...", "--energy-kev KEV"]),
        ],
    )
    def test_metavars(self, verb: str, words: list[str], capsys: Capture) -> None:
        if verb == "train":
            pytest.importorskip("jsonargparse")
        assert call(verb, "--help") == 0
        text = capsys.readouterr().out
        for option in words:
            assert f"  {option}" in text

    @pytest.mark.parametrize("verb", VERBS)
    def test_every_option_has_a_help_text(self, verb: str) -> None:
        function = pkgutil.resolve_name(f"argand.cli.{verb}:{verb}")
        parser = parser_of(function, f"argand {verb}")
        for action in parser._actions:
            assert action.help, action.dest

    def test_train_has_the_parameters_of_the_library(self) -> None:
        pytest.importorskip("lightning")
        from argand.cli.train import train
        from argand.learn.train import train as train_model

        parameters = dict(inspect.signature(train).parameters)
        expected = inspect.signature(train_model).parameters
        # The library has functions of their own for what a dry run prints.
        del parameters["dry_run"]
        assert list(parameters) == list(expected)
        for name, parameter in expected.items():
            assert parameters[name].default == parameter.default
        hints, expected_hints = get_type_hints(train), get_type_hints(train_model)
        for name in expected:
            assert hints[name] == expected_hints[name], name

    def test_it_imports_nothing_heavy(self) -> None:
        code = """
import sys
from argand.cli import main
main(["--help"])
main(["sf", "--help"])
heavy = ("torch", "lightning", "matplotlib", "plotly", "jsonargparse")
sys.exit(any(name in sys.modules for name in heavy))
"""
        assert run_code(code).returncode == 0


class TestStructureFactors:
    """The verb `argand sf`."""

    def test_writes_what_the_library_computes(
        self, salt: Path, tmp_path: Path, capsys: Capture
    ) -> None:
        target = tmp_path / "salt.mtz"
        assert call("sf", salt, "--d-min", "1.0", "-o", target) == 0
        crystal, written = argand.read_crystal(salt), argand.read_reflections(target)
        hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=1.0)
        assert written.hkl.tolist() == hkl.tolist()
        expected = np.asarray(argand.structure_factors(crystal, written.hkl))
        assert written.f == pytest.approx(expected, rel=1e-5)
        printed, complaint = capsys.readouterr()
        assert "Cl4 Na4" in printed
        assert f"{len(hkl)} reflections to 1 Å, table it92, no dispersion" in printed
        assert complaint == ""

    def test_options(self, salt: Path, tmp_path: Path) -> None:
        target = tmp_path / "salt.mtz"
        options = ["--d-min", "1.5", "--table", "it92", "--energy-kev", "8", "--sphere"]
        assert call("sf", salt, *options, "--output", target) == 0
        crystal, written = argand.read_crystal(salt), argand.read_reflections(target)
        unique = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=1.5)
        assert len(written.hkl) > 2 * len(unique)
        expected = argand.structure_factors(crystal, written.hkl, energy_kev=8)
        assert written.f == pytest.approx(np.asarray(expected), rel=1e-5)

    @pytest.mark.parametrize("name", BROKEN)
    def test_broken_files(self, name: str, tmp_path: Path, capsys: Capture) -> None:
        path, target = tmp_path / name, tmp_path / "out.mtz"
        path.write_bytes(BROKEN[name])
        assert name in refused(capsys, "sf", path, "--d-min", "1", "-o", target)
        assert sorted(p.name for p in tmp_path.iterdir()) == [name]

    def test_missing_file(self, tmp_path: Path, capsys: Capture) -> None:
        options = ["--d-min", "1", "-o", tmp_path / "o.mtz"]
        complaint = refused(capsys, "sf", tmp_path / "no.cif", *options)
        assert complaint.endswith("no.cif: cannot be read: No such file or directory\n")

    def test_a_folder_is_no_file(self, tmp_path: Path, capsys: Capture) -> None:
        options = ["--d-min", "1", "-o", tmp_path / "o.mtz"]
        assert str(tmp_path) in refused(capsys, "sf", tmp_path, *options)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--d-min", "-1"], "d_min"),
            (["--d-min", "nan"], "d_min"),
            (["--d-min", "100"], "no reflections to 100.0 Å"),
            (["--d-min", "one"], "invalid float value: 'one'"),
            ([], "--d-min"),
            (["--d-min", "1", "--table", "x"], "--table"),
            (["--d-min", "1", "--energy-kev", "0"], "energy"),
            (["--d-min", "1", "--colour", "red"], "--colour"),
        ],
    )
    def test_bad_options(
        self,
        salt: Path,
        tmp_path: Path,
        capsys: Capture,
        options: list[str],
        words: str,
    ) -> None:
        target = tmp_path / "o.mtz"
        assert words in refused(capsys, "sf", salt, *options, "-o", target)
        assert not target.exists()

    def test_where_it_cannot_write(self, salt: Path, tmp_path: Path, capsys: Capture) -> None:
        options = ["--d-min", "1", "-o"]
        nowhere, odd = tmp_path / "nowhere" / "o.mtz", tmp_path / "o.txt"
        complaint = refused(capsys, "sf", salt, *options, nowhere)
        assert "o.mtz: cannot be written" in complaint
        assert "ends in .mtz" in refused(capsys, "sf", salt, *options, odd)


class TestMap:
    """The verb `argand map`."""

    @pytest.fixture
    def mtz(self, salt: Path, tmp_path: Path, capsys: Capture) -> Path:
        """Write structure factors of rock salt."""
        target = tmp_path / "salt.mtz"
        assert call("sf", salt, "--d-min", "0.8", "-o", target) == 0
        capsys.readouterr()
        return target

    def test_density_is_highest_at_atoms(self, mtz: Path, tmp_path: Path, capsys: Capture) -> None:
        target = tmp_path / "salt.ccp4"
        assert call("map", mtz, "-o", target) == 0
        density, cell, spacegroup = argand.read_map(target)
        assert spacegroup == "F m -3 m"
        assert cell == pytest.approx((5.6402, 5.6402, 5.6402, 90, 90, 90))
        middle = density.shape[0] // 2
        sodium, chlorine = density[0, 0, 0], density[middle, middle, middle]
        assert sodium > 0.4 * density.max()
        assert chlorine == density.max()
        assert np.unravel_index(density.argmax(), density.shape)[0] in (0, middle)
        assert "e/Å³" in capsys.readouterr().out

    def test_shape(self, mtz: Path, tmp_path: Path) -> None:
        target = tmp_path / "salt.ccp4"
        assert call("map", mtz, "-o", target, "--shape", "16", "24", "32") == 0
        assert argand.read_map(target)[0].shape == (16, 24, 32)

    def test_sample_rate(self, mtz: Path, tmp_path: Path) -> None:
        target = tmp_path / "m.ccp4"
        sizes = []
        for rate in ("2.5", "5"):
            assert call("map", mtz, "-o", target, "--sample-rate", rate) == 0
            sizes.append(argand.read_map(target)[0].shape[0])
        assert sizes[1] > 1.5 * sizes[0]

    def test_bad_input(self, mtz: Path, tmp_path: Path, capsys: Capture) -> None:
        target = str(tmp_path / "m.ccp4")
        (tmp_path / "cut.mtz").write_bytes(mtz.read_bytes()[:100])
        assert "cut.mtz" in refused(capsys, "map", tmp_path / "cut.mtz", "-o", target)
        assert "no.mtz" in refused(capsys, "map", tmp_path / "no.mtz", "-o", target)
        assert "sample_rate" in refused(capsys, "map", mtz, "-o", target, "--sample-rate", "0")
        assert "shape" in refused(capsys, "map", mtz, "-o", target, "--shape", "0", "8", "8")
        assert not Path(target).exists()

    def test_intensities_have_no_phases(self, tmp_path: Path, capsys: Capture) -> None:
        mtz = tmp_path / "amplitudes.mtz"
        argand.write_reflections(mtz, [[1, 0, 0]], np.array([5.0]), cell=(5, 5, 5, 90, 90, 90))
        assert "no amplitude with a phase" in refused(capsys, "map", mtz, "-o", tmp_path / "m.ccp4")


class TestCommand:
    """What all verbs share: errors, warnings, interruptions."""

    def test_info(self, salt: Path, capsys: Capture) -> None:
        assert call("info") == 0
        assert argand.__version__ in capsys.readouterr().out
        assert call("info", salt) == 0
        assert "Cl4 Na4: 2 sites, 8 in the cell, space group F m -3 m" in capsys.readouterr().out

    def test_a_build_with_cuda_is_no_device(
        self, capsys: Capture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """That CUDA is built in, and that a device is usable, are two facts."""
        build = {"version": "1", "cuda": True, "cuda_architectures": "90"}
        monkeypatch.setattr("argand.build_config", lambda: build)
        monkeypatch.setattr("argand.cuda.is_available", lambda: False)
        assert call("info") == 0
        printed = capsys.readouterr().out
        assert re.search(r"^cuda built in +yes$", printed, re.MULTILINE)
        assert re.search(r"^cuda device usable +no$", printed, re.MULTILINE)
        assert call("info", "--json") == 0
        facts = json.loads(capsys.readouterr().out)
        assert (facts["cuda_built_in"], facts["cuda_device_usable"]) == (True, False)

    def test_version(self, capsys: Capture) -> None:
        assert call("--version") == 0
        assert capsys.readouterr().out == f"argand {argand.__version__}\n"

    def test_unknown_verb(self, capsys: Capture) -> None:
        assert call("refine") == 2
        assert capsys.readouterr().err.startswith("argand: no such verb: 'refine'")

    def test_nothing(self, capsys: Capture) -> None:
        assert call() == 2
        assert "usage" in capsys.readouterr().out

    def test_as_a_process(self, tmp_path: Path) -> None:
        process = run("sf", str(tmp_path / "no.cif"), "--d-min", "1", "-o", "o.mtz")
        assert (process.returncode, process.stdout) == (2, "")
        assert process.stderr.count("\n") == 1

    def test_traceback_on_demand(self, tmp_path: Path) -> None:
        argv = ["sf", str(tmp_path / "no.cif"), "--d-min", "1", "-o", "o.mtz"]
        assert "Traceback" in run(*argv, ARGAND_TRACEBACK="1").stderr

    def test_light_verbs_import_no_torch(self, salt: Path, tmp_path: Path) -> None:
        argv = ["sf", str(salt), "--d-min", "2", "-o", str(tmp_path / "o.mtz")]
        code = f"""
import sys
from argand.cli import main
main({argv!r})
heavy = ("torch", "jsonargparse", "matplotlib", "plotly", "lightning")
sys.exit(any(name in sys.modules for name in heavy))
"""
        assert run_code(code).returncode == 0

    def test_warnings_are_one_line(self, tmp_path: Path, capsys: Capture) -> None:
        path = tmp_path / "odd.cif"
        path.write_text(SALT.replace(" Cl 0.5", " Cl7+ 0.5"))
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            assert call("sf", path, "--d-min", "2", "-o", tmp_path / "o.mtz") == 0
        assert "argand sf: warning: " in capsys.readouterr().err

    def test_interruption(self, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("argand.build_config", stop)
        assert call("info") == 130
        assert capsys.readouterr().err == "\nargand info: interrupted\n"
