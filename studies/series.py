"""A series of a thousand data sets of a cell of 100 atoms: ``python benchmarks/series.py``.

Files are simulated, `argand adapt` learns of the known crystal, and `argand predict` is timed on the folder, at once
(regression) and refined, from the first process that starts to the table on disk. Then it is killed in the middle and
started again: what was done must not be done again.
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
from goals import Goal, verdict
from section import Section, main

CRYSTAL = (
    Path(__file__).parents[1] / "tests" / "data" / "9000905.cif"
)  # 13 sites, 100 atoms in the cell
PREDICT = ("predict", "--no-report")
FILES = 1000
D_MIN = 1.0
AT_ONCE, REFINED, REPEATED = Goal("≤", 10.0, "s"), Goal("≤", 180.0, "s"), Goal("≤", 0.0, "files")


def command(*argv: str) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "argand.cli", *argv]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def finished(*argv: str) -> float:
    """Seconds that a verb takes."""
    begun = time.perf_counter()
    if command(*argv).wait():
        raise RuntimeError(f"argand {' '.join(argv)} failed")
    return time.perf_counter() - begun


def records(out: Path, files: Path) -> list[Record]:
    folder = SeriesFolder(out)
    return [
        record for source in find_sources([files]) if (record := folder.record(source)) is not None
    ]


def stamps(out: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (out / "results").glob("[!.]*.json")}


def accuracy(found: list[Record], simulation: Simulation) -> tuple[float, float]:
    """Median correlation of the map with the truth, before and after."""
    samples = simulation.draw(range(0, FILES, FILES // 100))
    group = simulation.crystal.spacegroup
    scores = []
    for row, record in enumerate(found[:: FILES // 100]):
        f = samples.f[row]
        moved = simulation.structure_factors(np.array([record.displacement]))[0]
        phases = np.angle(simulation.f0), np.angle(moved)
        scores.append(
            [
                argand.map_correlation(simulation.hkl, np.abs(f) * np.exp(1j * p), f, group)
                for p in phases
            ]
        )
    before, after = np.median(scores, axis=0)
    return float(before), float(after)


def killed(adapted: Path, files: Path, out: Path) -> tuple[int, int]:
    """How many files were done when the process was killed, and how many of these were done again."""
    process = command(*PREDICT, str(adapted), str(files), "-o", str(out))
    while len(stamps(out)) < FILES // 10:
        if process.poll() is not None:
            raise RuntimeError("argand predict ended before it could be killed")
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1.0)
    before = stamps(out)
    finished(*PREDICT, str(adapted), str(files), "-o", str(out))
    after = stamps(out)
    return len(before), sum(after[name] != stamp for name, stamp in before.items())


def measure() -> Section:
    """A series of a thousand files."""
    known = argand.read_crystal(CRYSTAL)
    root = Path(tempfile.mkdtemp(prefix="argand-series-"))
    try:
        simulation = Simulation(
            known,
            Perturbation([Independent((0.05, 0.3))]),
            Measurement(noise=0.04, scale=(0.5, 2.0)),
            d_min=D_MIN,
        )
        files, adapted = root / "files", root / "adapted"
        write_folder(files, simulation, range(FILES), truth=False)
        learning = finished(
            "adapt", "--d-min", str(D_MIN), "--test", "0", str(CRYSTAL), "-o", str(adapted)
        )
        times, scores = {}, {}
        for how in ("no-refine", "refine"):
            out = root / how
            times[how] = finished(*PREDICT, str(adapted), str(files), "-o", str(out), f"--{how}")
            found = records(out, files)
            assert len(found) == FILES, f"{len(found)} of {FILES} files were done"
            scores[how] = accuracy(found, simulation)
        done, again = killed(adapted, files, root / "killed")
    finally:
        shutil.rmtree(root)
    goals = [
        {"group": "series, at once", "who": f"{FILES} files", **AT_ONCE.judge(times["no-refine"])},
        {"group": "series, refined", "who": f"{FILES} files", **REFINED.judge(times["refine"])},
        {
            "group": "series, done again after a kill",
            "who": f"{done} files done",
            **REPEATED.judge(again),
        },
    ]
    words = {"no-refine": "at once", "refine": "refined"}
    return Section(
        f"A series of {FILES:,} data sets",
        "python benchmarks/series.py",
        [
            f"{known.formula}, {len(known.types)} sites, {len(simulation.hkl)} reflections to {D_MIN:g} Å",
            f"4 % noise, displacements of 0.05 to 0.3 Å; learned in {learning:.0f} s",
            f"{os.cpu_count()} cores; files are read, merged, estimated, and phases, atoms and numbers written",
            f"killed when {done} files were done, {again} of them were done again",
            *(f"{goal['group']}: {verdict(goal)}" for goal in goals),
        ],
        [
            ("", "seconds", "files/s", "map correlation before", "after"),
            *(
                (
                    words[how],
                    f"{times[how]:.1f}",
                    f"{FILES / times[how]:.0f}",
                    f"{before:.4f}",
                    f"{after:.4f}",
                )
                for how, (before, after) in scores.items()
            ),
        ],
        (1, 2, 3, 4),
        goals,
        {words[how]: {"seconds": times[how], "map correlation": scores[how]} for how in times},
    )


if __name__ == "__main__":
    main(measure, libraries_have_threads=True)
