"""Files that an earlier argand wrote are read, and hold the samples that are drawn today."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

import argand
from argand.simulate import Simulation, from_json, read_samples, write_folder

GOLDEN = Path(__file__).parents[1] / "golden" / "simulate"


def described(about: dict[str, object]) -> Simulation:
    """Make the simulation that a description tells of."""
    crystal = argand.Crystal(
        cell=(5.0, 6.0, 7.0, 90.0, 97.0, 90.0),
        spacegroup="P 1 21/c 1",
        types=("C", "O2-"),
        frac=np.array([[0.1, 0.1, 0.2], [0.3, 0.2, 0.1]]),
        b_iso=2.0,
    )
    perturbation = from_json(about["perturbation"])
    measurement = from_json(about["measurement"])
    return Simulation(crystal, perturbation, measurement, d_min=2.0, seed=3, dtype="float64")


def test_archive():
    saved, hkl, about = read_samples(GOLDEN / "samples.npz")
    simulation = described(about)
    np.testing.assert_array_equal(hkl, simulation.hkl)
    samples = simulation.draw(range(3))
    for name in samples._fields:
        drawn, expected = getattr(samples, name), getattr(saved, name)
        np.testing.assert_allclose(drawn, expected, rtol=1e-9, atol=1e-9, err_msg=name)


def test_folder():
    about = json.loads((GOLDEN / "series" / "simulation.json").read_text())
    simulation = described(about)
    samples = simulation.draw(range(2))
    for row in range(2):
        mask = samples.mask[row]
        measured = argand.read_reflections(GOLDEN / "series" / f"sample_000{row}.hkl")
        np.testing.assert_array_equal(measured.hkl, simulation.hkl[mask])
        truth = argand.read_reflections(GOLDEN / "series" / "truth" / f"sample_000{row}.mtz")
        largest = np.abs(samples.f).max()
        np.testing.assert_allclose(truth.f, samples.f[row], atol=1e-5 * largest)


def test_a_folder_of_this_version_is_completed(tmp_path):
    about = json.loads((GOLDEN / "series" / "simulation.json").read_text())
    about["argand"] = argand.__version__
    folder = tmp_path / "series"
    shutil.copytree(GOLDEN / "series", folder)
    (folder / "simulation.json").write_text(json.dumps(about))
    (folder / "sample_0001.hkl").unlink()
    write_folder(folder, described(about), range(2))
    written = (folder / "sample_0001.hkl").read_bytes()
    assert written == (GOLDEN / "series" / "sample_0001.hkl").read_bytes()


def test_import_leaves_scipy_until_it_is_used():
    """What `import argand` itself loads does not count."""
    code = (
        "import sys, argand; before = set(sys.modules); import argand.simulate; "
        "print([name for name in set(sys.modules) - before if name.startswith('scipy')])"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
