"""`argand train`, `evaluate` and `predict` with networks, in one tiny training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import argand
from command_line import Capture, call, refused, run_code

# A training of two steps.
QUICK_METALS = ["--metals", "Au", "Fe", "Pb", "V"]
QUICK = [*QUICK_METALS, "--steps", "2", "--batch-size", "2", "--score-samples", "4"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a tiny network, and return its folder."""
    pytest.importorskip("lightning")
    pytest.importorskip("jsonargparse")
    out = tmp_path_factory.mktemp("train")
    assert call("train", "--model", "linear", "--out", out, "--no-progress", *QUICK) == 0
    return out


class TestNetworks:
    """The verbs that need torch, in one tiny training."""

    def test_train_writes_weights(self, weights: Path, capsys: Capture) -> None:
        assert {"weights.safetensors", "weights.json"} <= {path.name for path in weights.iterdir()}
        # A finished training is not repeated.
        assert call("train", "--model", "linear", "--out", weights, *QUICK) == 0
        assert "2 steps" in capsys.readouterr().out

    def test_another_run_in_the_same_folder(self, weights: Path, capsys: Capture) -> None:
        complaint = refused(capsys, "train", "--model", "mlp", "--out", weights, *QUICK)
        assert "another folder" in complaint

    def test_configuration_file(self, weights: Path, tmp_path: Path, capsys: Capture) -> None:
        config = tmp_path / "run.yaml"
        settings = ["model: linear", "metals: [Au, Fe, Pb, V]", "steps: 2", "batch_size: 2"]
        config.write_text("\n".join([*settings, "score_samples: 4", ""]))
        # These are the settings of the folder: the run is finished already.
        assert call("train", "--config", config, "--out", weights) == 0
        assert call("train", "--config", config, "--print_config") == 0
        assert "score_samples: 4" in capsys.readouterr().out
        config.write_text("modell: linear\n")
        assert "modell" in refused(capsys, "train", "--config", config)
        assert "no.yaml" in refused(capsys, "train", "--config", tmp_path / "no.yaml")

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
        self, options: list[str], words: str, tmp_path: Path, capsys: Capture
    ) -> None:
        pytest.importorskip("jsonargparse")
        assert words in refused(capsys, "train", "--out", tmp_path / "run", *options)

    def test_evaluate(self, weights: Path, tmp_path: Path, capsys: Capture) -> None:
        target = tmp_path / "scores.json"
        assert call("evaluate", weights, "--samples", "8", "-o", target) == 0
        printed = capsys.readouterr().out
        for words in (
            "unseen samples: Au, Fe",
            "unseen crystals: Pb, V",
            "floor",
            "all_zero",
        ):
            assert words in printed
        scores = json.loads(target.read_text())
        assert scores.keys() == {"kind", "format", "unseen samples", "unseen crystals"}

    def test_missing_weights(self, tmp_path: Path, capsys: Capture) -> None:
        pytest.importorskip("jsonargparse")
        assert "is missing" in refused(capsys, "evaluate", tmp_path / "none")

    def test_predict(self, weights: Path, tmp_path: Path, capsys: Capture) -> None:
        crystal = argand.learn.metal("Au")
        hkl = argand.miller_indices(crystal.cell, "P 1", d_min=0.9)
        f = argand.structure_factors(crystal, hkl)
        measured, phased = tmp_path / "au.mtz", tmp_path / "phased.mtz"
        density = tmp_path / "au.ccp4"
        argand.write_reflections(measured, hkl, f, cell=crystal.cell)
        network = ["--weights", weights, "--contents", "Au4"]
        outputs = ["-o", phased, "--map", density]
        assert call("predict", measured, *network, *outputs) == 0
        assert "mean error" in capsys.readouterr().out
        written = argand.read_reflections(phased)
        expected = np.abs(np.asarray(argand.structure_factors(crystal, written.hkl)))
        assert np.abs(written.f) == pytest.approx(expected, abs=1e-3)
        assert argand.read_map(density)[1] == pytest.approx(crystal.cell)

    def test_predict_bad_input(self, weights: Path, tmp_path: Path, capsys: Capture) -> None:
        rest = ("--weights", weights, "-o", tmp_path / "o.mtz")
        line = refused(capsys, "predict", tmp_path / "no.mtz", "--contents", "Au4", *rest)
        assert "no.mtz" in line
        mtz = tmp_path / "a.mtz"
        argand.write_reflections(mtz, [[1, 1, 1]], np.array([5.0]), cell=(4, 4, 4, 90, 90, 90))
        assert "contents" in refused(capsys, "predict", mtz, "--contents", "4Au", *rest)
        assert "Xx" in refused(capsys, "predict", mtz, "--contents", "Xx4", *rest)
        assert not (tmp_path / "o.mtz").exists()

    @pytest.mark.parametrize("missing", ["torch", "jsonargparse"])
    def test_core_install_says_what_is_missing(self, missing: str) -> None:
        code = f"""
import sys
sys.modules[{missing!r}] = None
from argand.cli import main
sys.exit(main(["demo"]))
"""
        process = run_code(code)
        advice = 'pip install ".[learn]" in argand\'s source folder'
        complaint = f"argand demo: needs {missing}: {advice}\n"
        assert (process.returncode, process.stderr) == (2, complaint)

    @pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
    def test_ctrl_c(self, tmp_path: Path) -> None:
        pytest.importorskip("jsonargparse")
        out = tmp_path / "long"
        model = ["--model", "linear", "--metals", "Au", "Fe"]
        options = [*model, "--steps", "1000000", "--score-samples", "4"]
        command = [sys.executable, "-m", "argand.cli", "train", "--out", str(out), *options]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        while not (out / "run.json").exists():
            assert process.poll() is None
            time.sleep(0.1)
        # The training needs some seconds to begin.
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Traceback" not in complaint
        assert "argand train: " in complaint.splitlines()[-1]
