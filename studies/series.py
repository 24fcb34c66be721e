"""Time a series of a thousand data sets of a cell of 100 atoms: ``python studies/series.py``.

Files are simulated, `argand adapt` learns from the known crystal, and `argand predict` is timed on
the folder, at once (regression) and refined, from the start of the first process to the table on
disk. Then it is killed in the middle and started again: files that were done must not be done
again.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import argand
from argand.series import Record, SeriesFolder, find_sources
from argand.simulate import Independent, Measurement, Perturbation, Simulation, write_folder
from helpers import Goal, Section, run_section, verdict

#: Paragonite: 13 sites, 100 atoms in the cell.
CRYSTAL = Path(__file__).parents[1] / "tests" / "data" / "9000905.cif"
PREDICT = ("predict", "--no-report")
FILES = 1000
# Resolution in angstrom.
D_MIN = 1.0
# Every so many files is compared with the truth.
COMPARED = 10

AT_ONCE = Goal("≤", 10.0, "s")
REFINED = Goal("≤", 180.0, "s")
REPEATED = Goal("≤", 0.0, "files")

# Option of `argand predict`, and how the table calls it.
WAYS = {"--no-refine": "at once", "--refine": "refined"}


def start_argand(*arguments: str) -> subprocess.Popen[bytes]:
    """Start argand's command line without its output."""
    command = [sys.executable, "-m", "argand.cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def seconds_of_argand(*arguments: str) -> float:
    """Run argand's command line and return its seconds."""
    start = time.perf_counter()
    if start_argand(*arguments).wait():
        raise RuntimeError(f"argand {' '.join(arguments)} failed")
    return time.perf_counter() - start


def read_records(results: Path, files: Path) -> list[Record]:
    """Read the records of a series in the order of its files."""
    folder = SeriesFolder(results)
    records = []
    for source in find_sources([files]):
        record = folder.record(source)
        if record is not None:
            records.append(record)
    return records


def times_of_records(results: Path) -> dict[str, int]:
    """Return when each record was written, in nanoseconds, by file name."""
    paths = (results / "results").glob("[!.]*.json")
    return {path.name: path.stat().st_mtime_ns for path in paths}


def map_correlations(records: list[Record], simulation: Simulation) -> tuple[float, float]:
    """Return the median correlation of the map with the truth, before and after prediction."""
    samples = simulation.draw(range(0, FILES, COMPARED))
    spacegroup = simulation.crystal.spacegroup
    correlations = []
    for f, record in zip(samples.f, records[::COMPARED], strict=True):
        displaced = simulation.structure_factors(np.array([record.displacement]))[0]
        of_file = []
        for phases in (np.angle(simulation.f0), np.angle(displaced)):
            calculated = np.abs(f) * np.exp(1j * phases)
            of_file.append(argand.map_correlation(simulation.hkl, calculated, f, spacegroup))
        correlations.append(of_file)
    before, after = np.median(correlations, axis=0)
    return float(before), float(after)


def kill_and_resume(adapted: Path, files: Path, results: Path) -> tuple[int, int]:
    """Kill `argand predict` after a tenth of the files, and run it again.

    Returns
    -------
    int, int
        How many files were done at the kill, and how many of them were done again.
    """
    arguments = (*PREDICT, str(adapted), str(files), "-o", str(results))
    process = start_argand(*arguments)
    while len(times_of_records(results)) < FILES // 10:
        if process.poll() is not None:
            raise RuntimeError("argand predict ended before it could be killed")
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    # Worker processes may still write the files that they are at.
    time.sleep(1.0)
    before = times_of_records(results)
    seconds_of_argand(*arguments)
    after = times_of_records(results)
    repeated = sum(after[name] != written for name, written in before.items())
    return len(before), repeated


def measure() -> Section:
    """Measure a series of a thousand files."""
    root = Path(tempfile.mkdtemp(prefix="argand-series-"))
    try:
        return _measure_in(root)
    finally:
        shutil.rmtree(root)


def _measure_in(root: Path) -> Section:
    crystal = argand.read_crystal(CRYSTAL)
    simulation = Simulation(
        crystal,
        Perturbation([Independent((0.05, 0.3))]),
        Measurement(noise=0.04, scale=(0.5, 2.0)),
        d_min=D_MIN,
    )
    files = root / "files"
    adapted = root / "adapted"
    write_folder(files, simulation, range(FILES), truth=False)
    settings = ("--d-min", str(D_MIN), "--test", "0")
    learning = seconds_of_argand("adapt", *settings, str(CRYSTAL), "-o", str(adapted))
    times = {}
    correlations = {}
    for option, way in WAYS.items():
        results = root / way.replace(" ", "_")
        arguments = (str(adapted), str(files), "-o", str(results), option)
        times[way] = seconds_of_argand(*PREDICT, *arguments)
        records = read_records(results, files)
        assert len(records) == FILES, f"{len(records)} of {FILES} files were done"
        correlations[way] = map_correlations(records, simulation)
    done, repeated = kill_and_resume(adapted, files, root / "killed")
    size = f"{len(crystal.types)} sites, {len(simulation.hkl)} reflections to {D_MIN:g} Å"
    steps = "files are read, merged, estimated, and phases, atoms and numbers written"
    goals = _judge(times, done, repeated)
    return Section(
        title=f"A series of {FILES:,} data sets",
        command="python studies/series.py",
        notes=[
            f"{crystal.formula}, {size}",
            f"4 % noise, displacements of 0.05 to 0.3 Å; learned in {learning:.0f} s",
            f"{os.cpu_count()} cores; {steps}",
            f"killed when {done} files were done, {repeated} of them were done again",
            *(f"{goal['group']}: {verdict(goal)}" for goal in goals),
        ],
        lines=_lines(times, correlations),
        figures=(1, 2, 3, 4),
        goals=goals,
        data={way: {"seconds": times[way], "map correlation": correlations[way]} for way in times},
    )


def _judge(times: dict[str, float], done: int, repeated: int) -> list[dict[str, object]]:
    """Compare times and repeated files with the goals."""
    all_files = f"{FILES} files"
    again = "series, done again after a kill"
    return [
        {"group": "series, at once", "who": all_files, **AT_ONCE.judge(times["at once"])},
        {"group": "series, refined", "who": all_files, **REFINED.judge(times["refined"])},
        {"group": again, "who": f"{done} files done", **REPEATED.judge(repeated)},
    ]


def _lines(
    times: dict[str, float], correlations: dict[str, tuple[float, float]]
) -> list[tuple[str, ...]]:
    """Format a line for each way."""
    lines: list[tuple[str, ...]] = [("", "seconds", "files/s", "map correlation before", "after")]
    for way, (before, after) in correlations.items():
        seconds = times[way]
        figures = (f"{seconds:.1f}", f"{FILES / seconds:.0f}", f"{before:.4f}", f"{after:.4f}")
        lines.append((way, *figures))
    return lines


if __name__ == "__main__":
    run_section(measure, libraries_have_threads=True)
