"""W7: long lists of reflections are read and merged: ``python benchmarks/lists.py``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
from numpy.typing import NDArray

import argand
from argand.measured import merge
from argand.symmetry import operation_arrays
from goals import Goal, verdict
from rounds import Run, interleaved
from section import Section, main

SEED = 7
CELL = (17.0, 18.0, 19.0, 90.0, 95.0, 90.0)
SPACEGROUP = "P 1 21/c 1"
# Rows of HKLF 4, and reflections of FCF and MTZ.
ROWS = 500_000
REFLECTIONS = 1_000_000

SECONDS = 6.0
ROUNDS = (3, 5)

HEAD = ("", "rows", "ms", "goal", "error")
FILES = (
    f"random reflections (seed {SEED}), P 1 21/c 1; files lie in the system's folder for "
    "temporary files; the median of processor time"
)
ERRORS = (
    "error: the largest difference from the numbers that were written, over the largest; for the "
    "merged list, of R_int and of mean intensities, from sums over a dictionary"
)
NOTES = (FILES, ERRORS)

# Columns of the FCF.
FCF_TAGS = (
    "_refln_index_h",
    "_refln_index_k",
    "_refln_index_l",
    "_refln_F_squared_meas",
    "_refln_F_squared_sigma",
    "_refln_observed_status",
)


@dataclass(frozen=True)
class Numbers:
    """Reflections (m, 3), intensities (m,) and their standard uncertainties (m,)."""

    hkl: NDArray[np.int32]
    intensity: NDArray[np.float64]
    sigma: NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """Hold one timing: what was timed, its size, its error and its goal."""

    name: str
    rows: int
    run: Run
    error: float
    goal: Goal | None


def seconds(most: float) -> Goal:
    """Make the goal that a call takes at most `most` seconds."""
    return Goal("≤", most, "s")


def measured() -> Numbers:
    """Draw measurements of equivalents with two decimals, as HKLF 4 has them."""
    rng = np.random.default_rng(SEED)
    hkl = rng.integers(-25, 26, (2 * ROWS, 3)).astype(np.int32)
    absent = gemmi.SpaceGroup(SPACEGROUP).operations().systematic_absences(hkl)
    hkl = hkl[hkl.any(axis=1) & ~absent][:ROWS]
    true = 20.0 + np.abs(hkl @ np.array([211, 307, 401])) % 900
    sigma = np.round(0.03 * true + 1.0, 2)
    intensity = np.round(true + sigma * rng.normal(size=ROWS), 2)
    return Numbers(hkl, intensity, sigma)


def unique() -> Numbers:
    """Draw distinct reflections."""
    rng = np.random.default_rng(SEED)
    side = np.arange(-50, 51)
    hkl = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
    hkl = hkl[hkl.any(axis=1)][:REFLECTIONS].astype(np.int32)
    intensity = np.round(rng.exponential(300.0, len(hkl)), 2)
    return Numbers(hkl, intensity, np.round(np.sqrt(intensity) + 1.0, 2))


def write_hklf4(numbers: Numbers, path: Path) -> None:
    """Write 3I4, 2F8.2, and the reflection 0 0 0."""
    rows = []
    columns = (numbers.hkl.tolist(), numbers.intensity.tolist(), numbers.sigma.tolist())
    for (h, k, l), intensity, sigma in zip(*columns, strict=True):
        rows.append(f"{h:4d}{k:4d}{l:4d}{intensity:8.2f}{sigma:8.2f}\n")
    rows.append("   0   0   0    0.00    0.00\n")
    path.write_text("".join(rows), encoding="ascii")


def write_fcf(numbers: Numbers, path: Path) -> None:
    """Write a loop as SHELXL's LIST 4 does."""
    rows = ["data_a", "_shelx_refln_list_code 4", "loop_", *FCF_TAGS]
    columns = (numbers.hkl.tolist(), numbers.intensity.tolist(), numbers.sigma.tolist())
    for (h, k, l), intensity, sigma in zip(*columns, strict=True):
        rows.append(f"{h:4d}{k:4d}{l:4d} {intensity:11.2f} {sigma:10.2f} o")
    path.write_text("\n".join([*rows, ""]), encoding="ascii")


def write_mtz(numbers: Numbers, path: Path) -> None:
    """Write intensities and their sigmas by gemmi."""
    mtz = gemmi.Mtz(with_base=True)
    mtz.spacegroup = gemmi.SpaceGroup("P 1")
    mtz.set_cell_for_all(gemmi.UnitCell(*CELL))
    mtz.add_dataset("a")
    mtz.add_column("IMEAN", "J")
    mtz.add_column("SIGIMEAN", "Q")
    columns = [numbers.hkl, numbers.intensity[:, None], numbers.sigma[:, None]]
    mtz.set_data(np.concatenate(columns, axis=1).astype(np.float32))
    mtz.write_to_file(str(path))


def error_of_list(path: Path, numbers: Numbers) -> float:
    """Return the largest difference of a list from its numbers, over the largest; 1 of others."""
    read = argand.read_reflections(path)
    if not np.array_equal(read.hkl, numbers.hkl):
        return 1.0
    pairs = ((read.intensity, numbers.intensity), (read.sigma, numbers.sigma))
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)


def error_of_merged(merged: Any, numbers: Numbers) -> float:
    """Return the largest relative error of R_int and of mean intensities; 1 of other hkl."""
    rotations = operation_arrays(SPACEGROUP)[0]
    images = np.einsum("mi,oij->moj", numbers.hkl, np.concatenate([rotations, -rotations]))
    # The equivalent that sorts last stands for all.
    codes = (images @ np.array([10**6, 10**3, 1])).max(axis=1)
    groups: dict[int, list[int]] = {}
    for row, code in enumerate(codes.tolist()):
        groups.setdefault(code, []).append(row)
    own_images = np.einsum("mi,oij->moj", merged.hkl, np.concatenate([rotations, -rotations]))
    own_codes = (own_images @ np.array([10**6, 10**3, 1])).max(axis=1).tolist()
    if sorted(own_codes) != sorted(groups):
        return 1.0
    deviation = total = 0.0
    means = np.empty(len(own_codes))
    for number, code in enumerate(own_codes):
        rows = groups[code]
        weight = numbers.sigma[rows] ** -2.0
        means[number] = weight @ numbers.intensity[rows] / weight.sum()
        if len(rows) > 1:
            deviation += np.abs(numbers.intensity[rows] - means[number]).sum()
            total += numbers.intensity[rows].sum()
    of_means = np.abs(means - merged.intensity).max() / means.max()
    return float(max(of_means, abs(merged.r_int / (deviation / total) - 1.0)))


def tasks(folder: Path) -> list[Task]:
    """Write the files, check what argand reads, and list what is timed."""
    numbers = measured()
    hklf4 = folder / "w7.hkl"
    write_hklf4(numbers, hklf4)
    read = argand.read_reflections(hklf4, cell=CELL, spacegroup=SPACEGROUP)
    of_merged = error_of_merged(merge(read, outliers=None), numbers)
    listed = [
        Task(
            "read HKLF 4",
            ROWS,
            lambda: argand.read_reflections(hklf4),
            error_of_list(hklf4, numbers),
            seconds(0.15),
        ),
        Task("merge", ROWS, lambda: merge(read), of_merged, seconds(0.15)),
    ]
    frame = pandas_task(hklf4, numbers)
    if frame is not None:
        listed.append(frame)
    distinct = unique()
    writers: Sequence[tuple[str, Callable[[Numbers, Path], None]]] = (
        ("fcf", write_fcf),
        ("mtz", write_mtz),
    )
    for suffix, write in writers:
        path = folder / f"w7.{suffix}"
        write(distinct, path)
        name = f"read {suffix.upper()}"
        error = error_of_list(path, distinct)
        listed.append(Task(name, REFLECTIONS, reader(path), error, seconds(1.0)))
    return listed


def reader(path: Path) -> Run:
    """Prepare the reading of a list."""
    return lambda: argand.read_reflections(path)


def pandas_task(path: Path, numbers: Numbers) -> Task | None:
    """Prepare pandas' reader of fixed columns; None where it is not installed."""
    try:
        import pandas
    except ImportError:
        return None

    def run() -> Any:
        return pandas.read_fwf(path, widths=[4, 4, 4, 8, 8], header=None)

    table = run().to_numpy()[:-1]
    columns = (numbers.hkl, numbers.intensity[:, None], numbers.sigma[:, None])
    error = float(np.abs(table - np.concatenate(columns, axis=1)).max())
    return Task("pandas.read_fwf, HKLF 4", ROWS, run, error, None)


def measure() -> Section:
    """Measure how long lists take."""
    argand.set_num_threads(1)
    lines: list[tuple[str, ...]] = [HEAD]
    goals = []
    data = []
    with tempfile.TemporaryDirectory() as name:
        listed = tasks(Path(name))
        # A float32 of an MTZ file has seven digits.
        for task in listed:
            assert task.error < 1e-6, f"{task.name} is off by {task.error:.1e}"
        times = interleaved(
            {task.name: task.run for task in listed}, seconds=SECONDS, rounds=ROUNDS
        )
    for task in listed:
        median = float(np.median(times[task.name]))
        judged = task.goal.judge(median) if task.goal else None
        if judged:
            goals.append({"group": "W7", "who": task.name, **judged})
        cell = verdict(judged) if judged else ""
        milliseconds = f"{1e3 * median:.0f}"
        lines.append((task.name, f"{task.rows:,}", milliseconds, cell, f"{task.error:.0e}"))
        data.append({"task": task.name, "rows": task.rows, "seconds": median})
    return Section(
        title="W7: long lists of reflections",
        command="python benchmarks/lists.py",
        notes=NOTES,
        lines=lines,
        figures=(1, 2, 4),
        goals=goals,
        data=data,
    )


if __name__ == "__main__":
    main(measure)
