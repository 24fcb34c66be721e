"""`argand <verb>`: what it writes, and that bad input is one line and exit code 2."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.cli import main

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
    path = tmp_path / "salt.cif"
    path.write_text(SALT)
    return path


def run(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "argand.cli", *argv],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Exit code 2, nothing on stdout, one line on stderr: that line."""
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith(f"argand {argv[0]}: ")
    return err


class TestStructureFactors:
    def test_writes_what_the_library_computes(
        self, salt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        target = tmp_path / "salt.mtz"
        assert main(["sf", str(salt), "--d-min", "1.0", "-o", str(target)]) == 0
        crystal, found = argand.read_crystal(salt), argand.read_reflections(target)
        assert (
            found.hkl.tolist()
            == argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=1.0).tolist()
        )
        assert found.f == pytest.approx(
            np.asarray(argand.structure_factors(crystal, found.hkl)), rel=1e-5
        )
        out, err = capsys.readouterr()
        assert "Cl4 Na4" in out
        assert f"{len(found.hkl)} reflections to 1 Å, table it92, no dispersion" in out
        assert err == ""

    def test_options(self, salt: Path, tmp_path: Path) -> None:
        target = tmp_path / "salt.mtz"
        options = ["--d-min", "1.5", "--table", "it92", "--energy-kev", "8", "--sphere"]
        assert main(["sf", str(salt), *options, "--output", str(target)]) == 0
        crystal, found = argand.read_crystal(salt), argand.read_reflections(target)
        assert len(found.hkl) > 2 * len(
            argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=1.5)
        )
        expected = argand.structure_factors(crystal, found.hkl, energy_kev=8)
        assert found.f == pytest.approx(np.asarray(expected), rel=1e-5)

    @pytest.mark.parametrize("name", BROKEN)
    def test_broken_files(
        self, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path, target = tmp_path / name, tmp_path / "out.mtz"
        path.write_bytes(BROKEN[name])
        assert name in refused(capsys, "sf", str(path), "--d-min", "1", "-o", str(target))
        assert sorted(p.name for p in tmp_path.iterdir()) == [name]

    def test_missing_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        line = refused(
            capsys, "sf", str(tmp_path / "no.cif"), "--d-min", "1", "-o", str(tmp_path / "o.mtz")
        )
        assert line.endswith("no.cif: cannot be read: No such file or directory\n")

    def test_a_folder_is_no_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert str(tmp_path) in refused(
            capsys, "sf", str(tmp_path), "--d-min", "1", "-o", str(tmp_path / "o.mtz")
        )

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
        capsys: pytest.CaptureFixture[str],
        options: list[str],
        words: str,
    ) -> None:
        target = tmp_path / "o.mtz"
        assert words in refused(capsys, "sf", str(salt), *options, "-o", str(target))
        assert not target.exists()

    def test_where_it_cannot_write(
        self, salt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        target = tmp_path / "nowhere" / "o.mtz"
        assert "o.mtz: cannot be written" in refused(
            capsys, "sf", str(salt), "--d-min", "1", "-o", str(target)
        )
        assert "ends in .mtz" in refused(
            capsys, "sf", str(salt), "--d-min", "1", "-o", str(tmp_path / "o.txt")
        )


class TestMap:
    @pytest.fixture
    def mtz(self, salt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
        target = tmp_path / "salt.mtz"
        assert main(["sf", str(salt), "--d-min", "0.8", "-o", str(target)]) == 0
        capsys.readouterr()
        return target

    def test_atoms_are_where_they_are(
        self, mtz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        target = tmp_path / "salt.ccp4"
        assert main(["map", str(mtz), "-o", str(target)]) == 0
        rho, cell, spacegroup = argand.read_map(target)
        assert spacegroup == "F m -3 m"
        assert cell == pytest.approx((5.6402, 5.6402, 5.6402, 90, 90, 90))
        assert rho[0, 0, 0] > 0.4 * rho.max()
        assert np.unravel_index(rho.argmax(), rho.shape)[0] in (0, rho.shape[0] // 2)
        assert rho.max() == rho[rho.shape[0] // 2, rho.shape[1] // 2, rho.shape[2] // 2]  # chlorine
        assert "e/Å³" in capsys.readouterr().out

    def test_shape(self, mtz: Path, tmp_path: Path) -> None:
        target = tmp_path / "salt.ccp4"
        assert main(["map", str(mtz), "-o", str(target), "--shape", "16", "24", "32"]) == 0
        assert argand.read_map(target)[0].shape == (16, 24, 32)

    def test_sample_rate(self, mtz: Path, tmp_path: Path) -> None:
        sizes = []
        for rate in ("2.5", "5"):
            assert (
                main(["map", str(mtz), "-o", str(tmp_path / "m.ccp4"), "--sample-rate", rate]) == 0
            )
            sizes.append(argand.read_map(tmp_path / "m.ccp4")[0].shape[0])
        assert sizes[1] > 1.5 * sizes[0]

    def test_bad_input(self, mtz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        target = str(tmp_path / "m.ccp4")
        (tmp_path / "cut.mtz").write_bytes(mtz.read_bytes()[:100])
        assert "cut.mtz" in refused(capsys, "map", str(tmp_path / "cut.mtz"), "-o", target)
        assert "no.mtz" in refused(capsys, "map", str(tmp_path / "no.mtz"), "-o", target)
        assert "sample_rate" in refused(capsys, "map", str(mtz), "-o", target, "--sample-rate", "0")
        assert "shape" in refused(capsys, "map", str(mtz), "-o", target, "--shape", "0", "8", "8")
        assert not Path(target).exists()

    def test_intensities_have_no_phases(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        mtz = tmp_path / "amplitudes.mtz"
        argand.write_reflections(mtz, [[1, 0, 0]], np.array([5.0]), cell=(5, 5, 5, 90, 90, 90))
        assert "no amplitude with a phase" in refused(
            capsys, "map", str(mtz), "-o", str(tmp_path / "m.ccp4")
        )


class TestCommand:
    def test_help_names_every_verb(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--help"]) == 0
        out = capsys.readouterr().out
        assert all(
            verb in out for verb in ("demo", "sf", "map", "train", "evaluate", "predict", "info")
        )

    @pytest.mark.parametrize("verb", ["sf", "map", "info"])
    def test_help_of_a_verb(self, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([verb, "--help"]) == 0
        assert f"argand {verb}" in capsys.readouterr().out

    def test_info(self, salt: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["info"]) == 0
        assert argand.__version__ in capsys.readouterr().out
        assert main(["info", str(salt)]) == 0
        assert "Cl4 Na4: 2 sites, 8 in the cell, space group F m -3 m" in capsys.readouterr().out

    def test_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--version"]) == 0
        assert capsys.readouterr().out == f"argand {argand.__version__}\n"

    def test_unknown_verb(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["refine"]) == 2
        assert capsys.readouterr().err.startswith("argand: no such verb: 'refine'")

    def test_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([]) == 2
        assert "usage" in capsys.readouterr().out

    def test_as_a_process(self, tmp_path: Path) -> None:
        done = run("sf", str(tmp_path / "no.cif"), "--d-min", "1", "-o", "o.mtz")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)

    def test_traceback_on_demand(self, tmp_path: Path) -> None:
        done = run(
            "sf", str(tmp_path / "no.cif"), "--d-min", "1", "-o", "o.mtz", ARGAND_TRACEBACK="1"
        )
        assert "Traceback" in done.stderr

    def test_light_verbs_import_no_torch(self, salt: Path, tmp_path: Path) -> None:
        code = (
            "import sys; from argand.cli import main; "
            f"main(['sf', {str(salt)!r}, '--d-min', '2', '-o', {str(tmp_path / 'o.mtz')!r}]); "
            "sys.exit(any(m in sys.modules for m in ('torch', 'jsonargparse', 'matplotlib', 'plotly', 'lightning')))"
        )
        assert (
            subprocess.run(
                [sys.executable, "-c", code], check=False, capture_output=True
            ).returncode
            == 0
        )

    def test_warnings_are_one_line(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "odd.cif"
        path.write_text(SALT.replace(" Cl 0.5", " Cl7+ 0.5"))
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            assert main(["sf", str(path), "--d-min", "2", "-o", str(tmp_path / "o.mtz")]) == 0
        assert "argand sf: warning: " in capsys.readouterr().err

    def test_interruption(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("argand.build_config", stop)
        assert main(["info"]) == 130
        assert capsys.readouterr().err == "\nargand info: interrupted\n"


QUICK = (
    "--metals",
    "Au",
    "Fe",
    "Pb",
    "V",
    "--steps",
    "2",
    "--batch-size",
    "2",
    "--score-samples",
    "4",
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("lightning")
    pytest.importorskip("jsonargparse")
    out = tmp_path_factory.mktemp("train")
    assert main(["train", "--model", "linear", "--out", str(out), "--no-progress", *QUICK]) == 0
    return out


class TestNetworks:
    """The verbs that need torch, in one tiny training."""

    def test_train_writes_weights(self, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert {"weights.safetensors", "weights.json"} <= {path.name for path in weights.iterdir()}
        assert (
            main(["train", "--model", "linear", "--out", str(weights), *QUICK]) == 0
        )  # done already
        assert "2 steps" in capsys.readouterr().out

    def test_another_run_in_the_same_folder(
        self, weights: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        line = refused(capsys, "train", "--model", "mlp", "--out", str(weights), *QUICK)
        assert "another folder" in line

    def test_configuration_file(
        self, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        config = tmp_path / "run.yaml"
        config.write_text(
            "model: linear\nmetals: [Au, Fe, Pb, V]\nsteps: 2\nbatch_size: 2\nscore_samples: 4\n"
        )
        assert (
            main(["train", "--config", str(config), "--out", str(weights)]) == 0
        )  # the very same run
        assert main(["train", "--config", str(config), "--print_config"]) == 0
        assert "score_samples: 4" in capsys.readouterr().out
        config.write_text("modell: linear\n")
        assert "modell" in refused(capsys, "train", "--config", str(config))
        assert "no.yaml" in refused(capsys, "train", "--config", str(tmp_path / "no.yaml"))

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--model", "transformer"], "transformer"),
            (["--metals", "Au", "Xx"], "Xx"),
            (["--held-out", "Au", "--metals", "Fe", "V"], "Au"),
            (["--folder", "/nowhere"], "/nowhere"),
            (["--steps", "many"], "steps"),
            (["--hyper", "3"], "hyper"),
            (["--hyper", '{"depth": 9}'], "hyper"),
        ],
    )
    def test_bad_options(
        self, options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pytest.importorskip("jsonargparse")
        assert words in refused(capsys, "train", "--out", str(tmp_path / "run"), *options)

    def test_evaluate(
        self, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        scores = tmp_path / "scores.json"
        assert main(["evaluate", str(weights), "--samples", "8", "-o", str(scores)]) == 0
        out = capsys.readouterr().out
        assert all(
            word in out
            for word in ("unseen samples: Au, Fe", "unseen crystals: Pb, V", "floor", "all_zero")
        )
        assert json.loads(scores.read_text()).keys() == {
            "kind",
            "format",
            "unseen samples",
            "unseen crystals",
        }

    def test_missing_weights(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        pytest.importorskip("jsonargparse")
        assert "is missing" in refused(capsys, "evaluate", str(tmp_path / "none"))

    def test_predict(
        self, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        crystal = argand.learn.metal("Au")
        hkl = argand.miller_indices(crystal.cell, "P 1", d_min=0.9)
        f = argand.structure_factors(crystal, hkl)
        measured, phased, density = (
            tmp_path / name for name in ("au.mtz", "phased.mtz", "au.ccp4")
        )
        argand.write_reflections(measured, hkl, f, cell=crystal.cell)
        options = [
            "--weights",
            str(weights),
            "--contents",
            "Au4",
            "-o",
            str(phased),
            "--map",
            str(density),
        ]
        assert main(["predict", str(measured), *options]) == 0
        assert "mean error" in capsys.readouterr().out
        found = argand.read_reflections(phased)
        expected = np.abs(np.asarray(argand.structure_factors(crystal, found.hkl)))
        assert np.abs(found.f) == pytest.approx(expected, abs=1e-3)
        assert argand.read_map(density)[1] == pytest.approx(crystal.cell)

    def test_predict_bad_input(
        self, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rest = ("--weights", str(weights), "-o", str(tmp_path / "o.mtz"))
        line = refused(capsys, "predict", str(tmp_path / "no.mtz"), "--contents", "Au4", *rest)
        assert "no.mtz" in line
        mtz = tmp_path / "a.mtz"
        argand.write_reflections(mtz, [[1, 1, 1]], np.array([5.0]), cell=(4, 4, 4, 90, 90, 90))
        assert "contents" in refused(capsys, "predict", str(mtz), "--contents", "4Au", *rest)
        assert "Xx" in refused(capsys, "predict", str(mtz), "--contents", "Xx4", *rest)
        assert not (tmp_path / "o.mtz").exists()

    @pytest.mark.parametrize("verb", ["demo", "train", "evaluate", "predict"])
    def test_help(self, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
        pytest.importorskip("jsonargparse")
        assert main([verb, "--help"]) == 0
        assert f"argand {verb}" in capsys.readouterr().out

    @pytest.mark.parametrize("missing", ["torch", "jsonargparse"])
    def test_core_install_says_what_is_missing(self, missing: str) -> None:
        code = f"import sys; sys.modules[{missing!r}] = None; from argand.cli import main; sys.exit(main(['demo']))"
        done = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (
            2,
            f"argand demo: needs {missing}: pip install 'argand[learn]'\n",
        )

    @pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
    def test_ctrl_c(self, tmp_path: Path) -> None:
        pytest.importorskip("jsonargparse")
        out = tmp_path / "long"
        options = [
            "--model",
            "linear",
            "--metals",
            "Au",
            "Fe",
            "--steps",
            "1000000",
            "--score-samples",
            "4",
        ]
        process = subprocess.Popen(
            [sys.executable, "-m", "argand.cli", "train", "--out", str(out), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while not (out / "run.json").exists():
            assert process.poll() is None
            time.sleep(0.1)
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Traceback" not in err
        assert "argand train: " in err.splitlines()[-1]
