"""A series from its files to its table: what is found, what is written, and that nothing is done twice."""

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
import argand.series
import stand_in
from argand.series import predict_series
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
    folder = tmp_path_factory.mktemp("measured")
    write_folder(folder, SIMULATION, range(12), format="hkl")
    return folder


def run(measured: Path, out: Path, **options: object) -> list[argand.series.Record]:
    return predict_series("known", [measured], out, load=stand_in.load, **options)


def stamps(out: Path) -> dict[str, int]:
    return {
        str(p.relative_to(out)): p.stat().st_mtime_ns
        for part in ("results", "phases", "atoms", "maps")
        for p in (out / part).glob("[!.]*")
    }


def test_finds_and_writes(measured: Path, tmp_path: Path) -> None:
    records = run(measured, tmp_path / "out", maps=True, workers=1)
    samples = SIMULATION.draw(range(12))
    assert [record.name for record in records] == [f"sample_{i:04d}" for i in range(12)]
    for row, record in enumerate(records):
        assert record.error == ""
        assert record.r < 0.03 < record.r_known or record.rms < 0.06
        np.testing.assert_allclose(record.displacement, samples.displacement[row], atol=0.02)
        assert record.largest == pytest.approx(
            np.linalg.norm(samples.displacement[row], axis=1).max(), abs=0.02
        )
        assert record.reflections == len(SIMULATION.hkl)
        crystal = argand.read_crystal(tmp_path / "out" / "atoms" / f"{record.name}.cif")
        np.testing.assert_allclose(crystal.frac, samples.frac[row], atol=0.004)
        found = argand.read_reflections(tmp_path / "out" / "phases" / f"{record.name}.mtz")
        assert found.cell == pytest.approx(KNOWN.cell)
        assert found.amplitude is not None
        f = found.amplitude * np.exp(1j * found.phase)
        assert argand.map_correlation(found.hkl, f, samples.f[row], KNOWN.spacegroup) > 0.995
        np.testing.assert_allclose(found.amplitude.sum(), np.abs(samples.f[row]).sum(), rtol=0.02)
        rho, cell, group = argand.read_map(tmp_path / "out" / "maps" / f"{record.name}.ccp4")
        assert (cell, group) == (pytest.approx(KNOWN.cell), KNOWN.spacegroup)
        assert rho.max() > 5
    table = (tmp_path / "out" / "table.csv").read_text().splitlines()
    assert len(table) == 13
    assert len(json.loads((tmp_path / "out" / "table.json").read_text())["files"]) == 12


def test_nothing_is_done_twice(measured: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said: list[str] = []
    first = run(measured, out, workers=1)
    before = stamps(out)
    assert run(measured, out, workers=1, say=said.append) == first
    assert stamps(out) == before
    assert "12 of 12 files are done already" in said[0]
    # one was lost, one has changed
    (out / "results" / "sample_0003.json").unlink()
    again = tmp_path / "measured"
    again.mkdir()
    for path in measured.glob("*.hkl"):
        (again / path.name).write_bytes(path.read_bytes())
        os.utime(again / path.name, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    changed = again / "sample_0005.hkl"
    os.utime(changed, ns=(0, 12345))
    run(again, out, workers=1)
    after = stamps(out)
    redone = {Path(name).stem for name in after if before[name] != after[name]}
    assert redone == {"sample_0003", "sample_0005"}
    with pytest.raises(argand.ArgandError, match="another refine"):
        run(measured, out, workers=1, refine=False)


def test_bad_files_are_named_and_tried_again(measured: Path, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.hkl").write_bytes((measured / "sample_0000.hkl").read_bytes())
    (folder / "b.hkl").write_text("no reflections at all\n")
    (folder / "c.hkl").write_text("")
    records = run(folder, tmp_path / "out", workers=1)
    assert [bool(record.error) for record in records] == [False, True, True]
    assert "b.hkl" not in records[1].error
    assert "\n" not in records[1].error
    (folder / "b.hkl").write_bytes((measured / "sample_0001.hkl").read_bytes())
    assert [bool(record.error) for record in run(folder, tmp_path / "out", workers=1)] == [
        False,
        False,
        True,
    ]


def test_what_is_no_relative_is_named(measured: Path, tmp_path: Path) -> None:
    """Amplitudes where intensities are meant, and numbers that have nothing to do with the crystal."""
    folder = tmp_path / "files"
    folder.mkdir()
    found = argand.read_reflections(measured / "sample_0000.hkl")
    assert found.intensity is not None
    from argand.io import write_hklf4

    rng = np.random.default_rng(3)
    write_hklf4(folder / "a.hkl", found.hkl, found.intensity, found.sigma)
    write_hklf4(folder / "b.hkl", found.hkl, rng.permutation(found.intensity), found.sigma)
    write_hklf4(
        folder / "c.hkl", found.hkl, np.sqrt(np.maximum(found.intensity, 0)), found.sigma / 100
    )
    records = run(folder, tmp_path / "out", workers=1)
    assert not records[0].error
    assert records[1].error or records[1].flags
    assert records[2].error or records[2].flags


def test_processes_find_the_same(measured: Path, tmp_path: Path) -> None:
    alone = run(measured, tmp_path / "one", workers=1)
    spread = run(measured, tmp_path / "two", workers=2)
    assert [record.displacement for record in spread] == [record.displacement for record in alone]


def test_refusals(measured: Path, tmp_path: Path) -> None:
    for options, words in (({"workers": 0}, "workers"), ({"cell": (1, 2)}, "cell has 2 numbers")):
        with pytest.raises(argand.ArgandError, match=words):
            run(measured, tmp_path / "out", **options)
    with pytest.raises(argand.ArgandError, match="no such file"):
        run(tmp_path / "absent", tmp_path / "out")


def test_a_quick_estimate_serves_small_displacements(measured: Path, tmp_path: Path) -> None:
    one = run(measured, tmp_path / "one", refine=False, workers=1)
    many = run(measured, tmp_path / "many", workers=1)
    assert all(a.r < a.r_known for a in one if a.rms > 0.05)
    for a, b in zip(one, many, strict=True):
        np.testing.assert_allclose(a.displacement, b.displacement, atol=0.02)


def test_uncertainties_are_those_of_the_errors(measured: Path, tmp_path: Path) -> None:
    records = run(measured, tmp_path / "out", workers=1)
    error = np.array([r.displacement for r in records]) - SIMULATION.draw(range(12)).displacement
    pull = np.linalg.norm(error, axis=2) / np.array([r.sigma for r in records])
    assert np.sqrt(np.square(pull).mean()) == pytest.approx(1.0, abs=0.3)


def test_strained_cells_of_mtz_files(tmp_path: Path) -> None:
    strained = Simulation(
        KNOWN,
        Perturbation([Independent(0.05)], strain=0.01),
        Measurement(noise=0.01),
        d_min=1.2,
        seed=2,
    )
    write_folder(tmp_path / "files", strained, range(3), format="mtz")
    records = run(tmp_path / "files", tmp_path / "out", workers=1)
    samples = strained.draw(range(3))
    for row, record in enumerate(records):
        assert record.r < 0.05
        np.testing.assert_allclose(record.displacement, samples.displacement[row], atol=0.02)
        crystal = argand.read_crystal(tmp_path / "out" / "atoms" / f"{record.name}.cif")
        assert crystal.cell == pytest.approx(tuple(samples.cell[row]), abs=1e-3)


def test_one_at_a_time(measured: Path, tmp_path: Path) -> None:
    folder = argand.series.SeriesFolder(tmp_path / "out")
    with folder.locked(), pytest.raises(argand.ArgandError, match="another process"):
        run(measured, tmp_path / "out", workers=1)
    (tmp_path / "out" / "phases").mkdir()
    (tmp_path / "out" / "phases" / ".half.mtz").write_text("")
    with folder.locked():
        assert not list((tmp_path / "out" / "phases").iterdir())


# A program that was started in the background has inherited that SIGINT is ignored.
SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {tests!r})
import stand_in
from argand.series import predict_series
if __name__ == "__main__":
    predict_series("known", [{measured!r}], {out!r}, load=stand_in.load, workers={workers}, refine=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("how", "workers"), [(signal.SIGKILL, 2), (signal.SIGINT, 1)])
def test_killed_in_the_middle_it_goes_on(
    measured: Path, tmp_path: Path, how: int, workers: int
) -> None:
    out = tmp_path / "out"
    script = tmp_path / "series.py"
    script.write_text(
        SCRIPT.format(tests=str(TESTS), measured=str(measured), out=str(out), workers=workers)
    )
    environment = {**os.environ, "ARGAND_TEST_PAUSE": "1.5"}
    # a chunk is six files with two processes, eight with one: the second is being worked on when the first is there
    process = subprocess.Popen(
        [sys.executable, str(script)], env=environment, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not list(out.glob("results/[!.]*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(how)
    process.wait(timeout=60)
    time.sleep(0.5)  # a process that was writing when its parent was killed has ended
    assert process.returncode != 0
    done = {path.name for path in out.glob("results/[!.]*.json")}
    assert not list(out.rglob("table.csv"))
    assert 0 < len(done) <= 12
    before = stamps(out)
    records = run(measured, out, workers=1)
    assert len(records) == 12
    assert not any(record.error for record in records)
    after = stamps(out)
    for name in done:
        stem = Path(name).stem
        for part in (f"results/{stem}.json", f"phases/{stem}.mtz", f"atoms/{stem}.cif"):
            assert after[part] == before[part]
    assert not list(out.rglob(".*"))  # nothing half-written is left
