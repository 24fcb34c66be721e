"""Samples on disk: what is written is read back, and a folder that was interrupted is completed."""

from __future__ import annotations

import json

import numpy as np
import pytest

import argand
from argand.io import write_crystal, write_hklf4
from argand.radiation import Radiation
from argand.simulate import (
    Independent,
    Measurement,
    Perturbation,
    Simulation,
    read_samples,
    write_folder,
    write_samples,
)
from data_dir import cif_files

CRYSTAL = argand.Crystal(
    cell=(9.0, 10.0, 11.0, 90.0, 97.0, 90.0),
    spacegroup="P 1 21/c 1",
    types=("C", "N", "O2-", "Cl"),
    frac=np.array([[0.1, 0.1, 0.2], [0.3, 0.2, 0.1], [0.2, 0.4, 0.3], [0.4, 0.35, 0.15]]),
    b_iso=2.0,
)


@pytest.fixture
def simulation() -> Simulation:
    """Displaced and strained crystals, measured with noise and gaps."""
    changes = Perturbation([Independent(0.1)], strain=0.01)
    measurement = Measurement(noise=0.03, missing=0.1)
    return Simulation(CRYSTAL, changes, measurement, d_min=1.5, seed=3)


def test_archive(simulation, tmp_path):
    samples = simulation.draw(range(5))
    path = write_samples(tmp_path / "s.npz", simulation, samples)
    read, hkl, about = read_samples(path)
    for name in samples._fields:
        np.testing.assert_array_equal(getattr(read, name), getattr(samples, name))
    np.testing.assert_array_equal(hkl, simulation.hkl)
    assert about["perturbation"]["strain"] == 0.01
    assert [file.name for file in tmp_path.iterdir()] == ["s.npz"]
    with pytest.raises(argand.ArgandError, match=r"\.npz"):
        write_samples(tmp_path / "s.zip", simulation, samples)
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    with pytest.raises(argand.ArgandError, match=r"bad\.npz"):
        read_samples(tmp_path / "bad.npz")


@pytest.mark.parametrize("format", ["hkl", "mtz"])
def test_folder(simulation, tmp_path, format):
    paths = write_folder(tmp_path, simulation, range(3), format=format)
    assert [path.name for path in paths] == [f"sample_000{i}.{format}" for i in range(3)]
    samples = simulation.draw(range(3))
    largest = np.abs(samples.f).max()
    for row, path in enumerate(paths):
        measured = argand.read_reflections(path)
        mask = samples.mask[row]
        np.testing.assert_array_equal(measured.hkl, simulation.hkl[mask])
        intensity = samples.intensity[row, mask]
        expected = intensity * (measured.intensity.max() / intensity.max())
        np.testing.assert_allclose(measured.intensity, expected, atol=2e-6 * expected.max())
        cell = tuple(samples.cell[row])
        if format == "mtz":
            assert measured.cell == pytest.approx(cell, abs=1e-4)
        truth = tmp_path / "truth" / path.name
        true_f = argand.read_reflections(truth.with_suffix(".mtz")).f
        np.testing.assert_allclose(true_f, samples.f[row], atol=1e-4 * largest)
        crystal = argand.read_crystal(truth.with_suffix(".cif"))
        assert crystal.cell == pytest.approx(cell, abs=1e-4)
        f = argand.structure_factors(crystal, simulation.hkl)
        np.testing.assert_allclose(f, samples.f[row], atol=1e-3 * largest)


def test_an_interrupted_folder_is_completed(simulation, tmp_path):
    paths = write_folder(tmp_path, simulation, range(4), truth=False)
    contents = [path.read_bytes() for path in paths]
    written_at = paths[0].stat().st_mtime_ns
    paths[2].unlink()
    counted: list[int] = []
    completed = write_folder(tmp_path, simulation, range(4), truth=False, progress=counted.append)
    assert completed == paths
    assert counted == [1]
    assert [path.read_bytes() for path in paths] == contents
    assert paths[0].stat().st_mtime_ns == written_at
    description = json.loads((tmp_path / "simulation.json").read_text())
    assert description["seed"] == 3
    assert description["kind"] == "simulation"
    other = Simulation(CRYSTAL, d_min=1.5)
    with pytest.raises(argand.ArgandError, match="another simulation"):
        write_folder(tmp_path, other, range(2))


@pytest.mark.filterwarnings("ignore::argand.errors.ArgandWarning")
@pytest.mark.parametrize("path", cif_files()[:12], ids=lambda path: path.stem)
def test_crystals_survive_a_cif(path, tmp_path):
    crystal = argand.read_crystal(path)
    write_crystal(tmp_path / "again.cif", crystal)
    again = argand.read_crystal(tmp_path / "again.cif")
    assert again.types == crystal.types
    assert again.symops == crystal.symops
    hkl = argand.miller_indices(crystal.cell, crystal.symops, d_min=1.5)
    f = argand.structure_factors(crystal, hkl)
    f_again = argand.structure_factors(again, hkl)
    np.testing.assert_allclose(f, f_again, atol=2e-4 * np.abs(f).max())


def test_labels_that_are_met_twice_get_a_number(tmp_path):
    crystal = CRYSTAL.replace(labels=("C", "C", "C_2", "C"))
    write_crystal(tmp_path / "x.cif", crystal)
    assert len(set(argand.read_crystal(tmp_path / "x.cif").labels)) == 4


def test_hklf4_refusals(tmp_path):
    for arguments, words in (
        (([[1, 0, 0]], [1.0, 2.0], [1.0]), "intensity"),
        (([[1, 0, 0]], [1.0], [np.nan]), "sigma"),
        (([[1000, 0, 0]], [1.0], [1.0]), "hkl"),
    ):
        with pytest.raises(argand.ArgandError, match=words):
            write_hklf4(tmp_path / "x.hkl", *arguments)
    assert not list(tmp_path.iterdir())


def test_mtz_files_state_the_wavelength(tmp_path):
    """Measured reflections and the true structure factors are of the radiation of the samples."""
    radiation = Radiation(wavelength=0.71073, dispersion=True)
    changes = Perturbation([Independent(0.1)])
    simulation = Simulation(CRYSTAL, changes, Measurement(), d_min=1.5, radiation=radiation)
    (path,) = write_folder(tmp_path, simulation, range(1), format="mtz")
    written = [path, *tmp_path.rglob("*.mtz")]
    assert len(written) == 3
    for file in written:
        assert argand.read_reflections(file).wavelength == pytest.approx(0.71073)


def test_the_version_of_the_format_decides_not_that_of_argand(simulation, tmp_path):
    """A folder that another version of argand has begun is completed; another format is refused."""
    write_folder(tmp_path, simulation, range(2), truth=False)
    path = tmp_path / "simulation.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"argand": "0.0.1"}))
    assert len(write_folder(tmp_path, simulation, range(4), truth=False)) == 4
    assert json.loads(path.read_text())["argand"] == "0.0.1"
    path.write_text(json.dumps(content | {"format": content["format"] + 1}))
    with pytest.raises(argand.ArgandError, match="format"):
        write_folder(tmp_path, simulation, range(4), truth=False)
