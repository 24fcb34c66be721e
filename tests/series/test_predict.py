"""`predict_series`: what it finds and writes, and how an interrupted series goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.estimate.least_squares import LeastSquares
from argand.io import write_hklf4
from argand.radiation import Radiation
from argand.series import Record, SeriesFolder, predict_series
from argand.simulate import Independent, Measurement, Perturbation, Simulation, write_folder
from stand_in import KNOWN

SIMULATION = Simulation(
    KNOWN,
    Perturbation([Independent((0.02, 0.15))]),
    Measurement(noise=0.01, scale=(0.5, 2.0)),
    d_min=1.2,
    seed=8,
)
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of twelve reflection files."""
    folder = tmp_path_factory.mktemp("measured")
    write_folder(folder, SIMULATION, range(12), format="hkl")
    return folder


def predict(files: Path, out: Path, workers: int = 1, **options: object) -> list[Record]:
    """Predict the files of a folder by least squares from the known crystal."""
    estimator = LeastSquares(KNOWN)
    return predict_series(estimator, [files], out, workers=workers, **options)  # type: ignore[arg-type]


def change_times(out: Path) -> dict[str, int]:
    """Return the time of the last change of every result, by its path."""
    times = {}
    for part in ("results", "phases", "atoms", "maps"):
        for path in (out / part).glob("[!.]*"):
            times[str(path.relative_to(out))] = path.stat().st_mtime_ns
    return times


def test_finds_displacements_and_writes_all_results(measured: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    records = predict(measured, out, maps=True)
    samples = SIMULATION.draw(range(12))
    assert [record.name for record in records] == [f"sample_{i:04d}" for i in range(12)]
    for row, record in enumerate(records):
        displacement = samples.displacement[row]
        assert record.error == ""
        assert record.r < 0.03 < record.r_known or record.rms < 0.06
        np.testing.assert_allclose(record.displacement, displacement, atol=0.02)
        largest = np.linalg.norm(displacement, axis=1).max()
        assert record.largest == pytest.approx(largest, abs=0.02)
        assert record.reflections == len(SIMULATION.hkl)
        crystal = argand.read_crystal(out / "atoms" / f"{record.name}.cif")
        np.testing.assert_allclose(crystal.frac, samples.frac[row], atol=0.004)
        phased = argand.read_reflections(out / "phases" / f"{record.name}.mtz")
        assert phased.cell == pytest.approx(KNOWN.cell)
        assert phased.amplitude is not None
        f = phased.amplitude * np.exp(1j * phased.phase)
        assert argand.map_correlation(phased.hkl, f, samples.f[row], KNOWN.spacegroup) > 0.995
        total = np.abs(samples.f[row]).sum()
        np.testing.assert_allclose(phased.amplitude.sum(), total, rtol=0.02)
        density, cell, spacegroup = argand.read_map(out / "maps" / f"{record.name}.ccp4")
        assert (cell, spacegroup) == (pytest.approx(KNOWN.cell), KNOWN.spacegroup)
        assert density.max() > 5
    assert len((out / "table.csv").read_text().splitlines()) == 13
    assert len(json.loads((out / "table.json").read_text())["files"]) == 12


def test_files_that_are_done_are_left_alone(measured: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    lines: list[str] = []
    records = predict(measured, out)
    before = change_times(out)
    assert predict(measured, out, say=lines.append) == records
    assert change_times(out) == before
    assert "12 of 12 files are done already" in lines[0]
    # One record is lost, and one reflection file has changed.
    (out / "results" / "sample_0003.json").unlink()
    copies = tmp_path / "measured"
    copies.mkdir()
    for path in measured.glob("*.hkl"):
        (copies / path.name).write_bytes(path.read_bytes())
        status = path.stat()
        os.utime(copies / path.name, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.utime(copies / "sample_0005.hkl", ns=(0, 12345))
    predict(copies, out)
    after = change_times(out)
    changed = {Path(name).stem for name in after if before[name] != after[name]}
    assert changed == {"sample_0003", "sample_0005"}
    with pytest.raises(argand.ArgandError, match="another refine"):
        predict(measured, out, refine=False)


def test_a_damaged_record_is_made_again(measured: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    records = predict(measured, out)
    path = out / "results" / "sample_0002.json"
    path.write_text(path.read_text()[:-30])
    again = predict(measured, out)
    assert again[2].displacement == records[2].displacement
    assert json.loads(path.read_text())["name"] == "sample_0002"


def test_bad_files_are_named_and_tried_again(measured: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "files", tmp_path / "out"
    folder.mkdir()
    (folder / "a.hkl").write_bytes((measured / "sample_0000.hkl").read_bytes())
    (folder / "b.hkl").write_text("no reflections at all\n")
    (folder / "c.hkl").write_text("")
    records = predict(folder, out)
    assert [bool(record.error) for record in records] == [False, True, True]
    assert "b.hkl" not in records[1].error
    assert "\n" not in records[1].error
    (folder / "b.hkl").write_bytes((measured / "sample_0001.hkl").read_bytes())
    records = predict(folder, out)
    assert [bool(record.error) for record in records] == [False, False, True]


def test_data_of_no_relative_are_named(measured: Path, tmp_path: Path) -> None:
    """Shuffled intensities, and amplitudes where intensities are meant, are refused or flagged."""
    folder = tmp_path / "files"
    folder.mkdir()
    data = argand.read_reflections(measured / "sample_0000.hkl")
    assert data.intensity is not None
    assert data.sigma is not None
    shuffled = np.random.default_rng(3).permutation(data.intensity)
    amplitude = np.sqrt(np.maximum(data.intensity, 0))
    write_hklf4(folder / "a.hkl", data.hkl, data.intensity, data.sigma)
    write_hklf4(folder / "b.hkl", data.hkl, shuffled, data.sigma)
    write_hklf4(folder / "c.hkl", data.hkl, amplitude, data.sigma / 100)
    records = predict(folder, tmp_path / "out")
    assert not records[0].error
    assert records[1].error or records[1].flags
    assert records[2].error or records[2].flags


def test_two_processes_find_the_same(measured: Path, tmp_path: Path) -> None:
    serial = predict(measured, tmp_path / "one")
    parallel = predict(measured, tmp_path / "two", workers=2)
    assert [record.displacement for record in parallel] == [
        record.displacement for record in serial
    ]


def test_refusals(measured: Path, tmp_path: Path) -> None:
    with pytest.raises(argand.ArgandError, match="workers"):
        predict(measured, tmp_path / "out", workers=0)
    with pytest.raises(argand.ArgandError, match="cell has 2 numbers"):
        predict(measured, tmp_path / "out", cell=(1, 2))
    with pytest.raises(argand.ArgandError, match="no such file"):
        predict(tmp_path / "absent", tmp_path / "out")


def test_a_quick_estimate_is_enough_for_small_displacements(measured: Path, tmp_path: Path) -> None:
    quick = predict(measured, tmp_path / "quick", refine=False)
    refined = predict(measured, tmp_path / "refined")
    assert all(record.r < record.r_known for record in quick if record.rms > 0.05)
    for quick_record, record in zip(quick, refined, strict=True):
        np.testing.assert_allclose(quick_record.displacement, record.displacement, atol=0.02)


def test_uncertainties_are_the_size_of_the_errors(measured: Path, tmp_path: Path) -> None:
    records = predict(measured, tmp_path / "out")
    displacement = np.array([record.displacement for record in records])
    sigma = np.array([record.sigma for record in records])
    error = displacement - SIMULATION.draw(range(12)).displacement
    normalised = np.linalg.norm(error, axis=2) / sigma
    assert np.sqrt(np.square(normalised).mean()) == pytest.approx(1.0, abs=0.3)


def test_mtz_files_of_strained_cells(tmp_path: Path) -> None:
    files, out = tmp_path / "files", tmp_path / "out"
    changes = Perturbation([Independent(0.05)], strain=0.01)
    strained = Simulation(KNOWN, changes, Measurement(noise=0.01), d_min=1.2, seed=2)
    write_folder(files, strained, range(3), format="mtz")
    records = predict(files, out)
    samples = strained.draw(range(3))
    for row, record in enumerate(records):
        assert record.r < 0.05
        np.testing.assert_allclose(record.displacement, samples.displacement[row], atol=0.02)
        crystal = argand.read_crystal(out / "atoms" / f"{record.name}.cif")
        assert crystal.cell == pytest.approx(tuple(samples.cell[row]), abs=1e-3)


def test_one_process_at_a_time_works_in_a_folder(measured: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    folder = SeriesFolder(out)
    with folder.locked(), pytest.raises(argand.ArgandError, match="another process"):
        predict(measured, out)
    (out / "phases").mkdir()
    (out / "phases" / ".argand-half.mtz").write_text("")
    (out / "phases" / ".ipynb_checkpoints").mkdir()
    (out / "phases" / ".notes").write_text("")
    with folder.locked():
        names = sorted(path.name for path in (out / "phases").iterdir())
        assert names == [".ipynb_checkpoints", ".notes"]


def damage_json(field: str, value: object) -> Callable[[Path], object]:
    """Return what writes another value into a field of the first record."""

    def damage(out: Path) -> None:
        path = out / "results" / "sample_0000.json"
        content = json.loads(path.read_text())
        assert field in content
        path.write_text(json.dumps({**content, field: value}))

    return damage


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty MTZ": lambda out: (out / "phases" / "sample_0000.mtz").write_bytes(b""),
    "no MTZ": lambda out: (out / "phases" / "sample_0000.mtz").unlink(),
    "empty CIF": lambda out: (out / "atoms" / "sample_0000.cif").write_text(""),
    "empty record": lambda out: (out / "results" / "sample_0000.json").write_text(""),
    "another name": damage_json("name", "../../x"),
    "a site too few": damage_json("displacement", [[0.0, 0.0, 0.0]] * 3),
    "a null displacement": damage_json("displacement", [[None, 0.0, 0.0]] * 4),
    "an infinite displacement": damage_json("displacement", [[1e308, 1e308, 0.0]] * 4),
    "an uncertainty too few": damage_json("sigma", [0.1, 0.1, 0.1]),
    "flags that are lists": damage_json("flags", [["a"]]),
    "a label that is a list": damage_json("atom", ["C1"]),
    "a count that is true": damage_json("reflections", True),
    "a negative count": damage_json("reflections", -3),
    "an integer beyond floats": damage_json("r", 10**400),
    "a negative R": damage_json("r1", -0.1),
}


@pytest.fixture(scope="module")
def two_done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Predict two files, and return the folder of the files and that of their results."""
    folder = tmp_path_factory.mktemp("two")
    write_folder(folder / "in", SIMULATION, range(2), format="hkl", truth=False)
    predict(folder / "in", folder / "out")
    return folder / "in", folder / "out"


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_result_is_made_again(
    two_done: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    """The other file is left alone, and the end is the same as without the damage."""
    files, undamaged = two_done
    out = tmp_path / "out"
    shutil.copytree(undamaged, out)
    times = change_times(out)
    DAMAGES[name](out)
    records = predict(files, out)
    after = change_times(out)
    assert {path for path in times if after[path] == times[path]} == {
        path for path in times if "sample_0001" in path
    }
    assert [record.error for record in records] == ["", ""]
    for part in ("phases/sample_0000.mtz", "atoms/sample_0000.cif"):
        assert (out / part).read_bytes() == (undamaged / part).read_bytes()


@pytest.mark.parametrize("stem", ["with space", "quote'\"", "line\nbreak", "Å #1", "data_"])
def test_odd_names_give_readable_files(
    two_done: tuple[Path, Path], tmp_path: Path, stem: str
) -> None:
    path = tmp_path / f"{stem}.hkl"
    shutil.copy(two_done[0] / "sample_0000.hkl", path)
    (record,) = predict(path, tmp_path / "out")
    assert (record.error, record.name) == ("", stem)
    crystal = argand.read_crystal(tmp_path / "out" / "atoms" / f"{stem}.cif")
    assert crystal.types == KNOWN.types
    # The name of the data block is one word, as CIF needs it.
    header = (tmp_path / "out" / "atoms" / f"{stem}.cif").read_text().splitlines()[0]
    assert header.split() == [header]


def test_a_broken_link_is_a_file_that_could_not_be_used(
    two_done: tuple[Path, Path], tmp_path: Path
) -> None:
    files = tmp_path / "in"
    shutil.copytree(two_done[0], files)
    (files / "gone.hkl").symlink_to(tmp_path / "nowhere.hkl")
    records = predict(files, tmp_path / "out")
    assert [record.name for record in records] == ["gone", "sample_0000", "sample_0001"]
    assert "No such file" in records[0].error
    assert not records[1].error


# A program that was started in the background has inherited that SIGINT is ignored.
SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {tests!r})
import stand_in
from argand.series import predict_series
if __name__ == "__main__":
    estimator = stand_in.Slow(stand_in.KNOWN)
    predict_series(estimator, [{measured!r}], {out!r}, workers={workers}, refine=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("how", "workers"), [(signal.SIGKILL, 2), (signal.SIGINT, 1)])
def test_a_killed_series_goes_on(measured: Path, tmp_path: Path, how: int, workers: int) -> None:
    out = tmp_path / "out"
    script = tmp_path / "series.py"
    script.write_text(
        SCRIPT.format(tests=str(TESTS), measured=str(measured), out=str(out), workers=workers)
    )
    environment = {**os.environ, "ARGAND_TEST_PAUSE": "1.5"}
    # A chunk is six files with two processes, eight with one: when the first record appears, the
    # second chunk is being worked on.
    command = [sys.executable, str(script)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(out.glob("results/[!.]*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(how)
    process.wait(timeout=60)
    # A worker that was writing when its parent was killed needs a moment to end.
    time.sleep(0.5)
    assert process.returncode != 0
    done = {path.name for path in out.glob("results/[!.]*.json")}
    assert not list(out.rglob("table.csv"))
    assert 0 < len(done) <= 12
    before = change_times(out)
    records = predict(measured, out)
    assert len(records) == 12
    assert not any(record.error for record in records)
    after = change_times(out)
    for name in done:
        stem = Path(name).stem
        for result in (f"results/{stem}.json", f"phases/{stem}.mtz", f"atoms/{stem}.cif"):
            assert after[result] == before[result]
    # No half-written file is left.
    assert not list(out.rglob(".*"))


def test_maps_of_neutrons_say_their_unit(measured: Path, tmp_path: Path) -> None:
    files = [next(iter(sorted(measured.glob("*.hkl"))))]
    for probe, words in (("neutron", "the map is of neutrons, in fm/Å³"), ("x-ray", "")):
        estimator = LeastSquares(KNOWN, Radiation(probe))
        out = tmp_path / probe
        (record,) = predict_series(estimator, files, out, refine=False, maps=True, workers=1)
        assert [flag for flag in record.flags if "the map is of" in flag] == [words] * bool(words)


def test_a_hopeless_file_ends_at_the_time_limit(measured: Path, tmp_path: Path) -> None:
    """A file that nothing explains is stopped at the limit, says so, and has results."""
    unrelated = KNOWN.replace(frac=KNOWN.frac[:, [1, 2, 0]])
    simulation = Simulation(unrelated, Perturbation([Independent(0.2)]), d_min=1.2, seed=5)
    folder = tmp_path / "in"
    write_folder(folder, simulation, [0], format="hkl", truth=False)
    shutil.copy(measured / "sample_0001.hkl", folder)
    out = tmp_path / "out"
    options = {"force": True, "time_limit": 1e-6}
    hopeless, explained = predict(folder, out, **options)
    assert hopeless.error == ""
    assert any("stopped at the time limit" in flag for flag in hopeless.flags)
    assert hopeless.r <= hopeless.r_known
    assert not any("time limit" in flag for flag in explained.flags)
    assert "stopped at the time limit" in (out / "table.csv").read_text()
    assert (out / "phases" / "sample_0000.mtz").is_file()
    with pytest.raises(argand.ArgandError, match=r"time_limit \(1e-06 there, None here\)"):
        predict(folder, out, force=True)
