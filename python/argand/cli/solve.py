"""The verb ``argand solve``: density, atoms and space group of an unknown crystal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from argand.cli._extras import need_installed, need_scheduler
from argand.cli._json import say_on_stderr
from argand.cli._outputs import check_output_folder
from argand.errors import ArgandError
from argand.jobs.progress import ProgressLine
from argand.jobs.sources import printable
from argand.solve.folder import SolveRecord, solve_folder
from argand.solve.known_start import known_start
from argand.solve.problem import Problem, data_name, read_problem
from argand.solve.solution import Solution
from argand.solve.solver import SolveOptions, solve_problem
from argand.solve.write import write_solution
from argand.store import write_text

if TYPE_CHECKING:
    from argand.solve.search import SearchProgress

__all__ = ["solve"]

# Exit code when a file could not be used, or its crystal was not solved.
_SOME_FILES_UNSOLVED = 3

# What a report is made with.
_REPORT_PACKAGES = ("matplotlib", "plotly")

# Rows of the table that a terminal shows.
_TERMINAL_ROWS = 40


def solve(
    files: list[Path],
    *,
    output: Path | None = None,
    cell: tuple[float, float, float, float, float, float] | None = None,
    spacegroup: str | None = None,
    contents: str | None = None,
    wavelength: float | None = None,
    hklf: int | None = None,
    start: Path | None = None,
    time_limit: float = 60.0,
    seed: int = 0,
    threads: int | None = None,
    workers: int = 0,
    scheduler: str | None = None,
    report: bool = True,
    json: bool = False,
    force: bool = False,
    progress: bool = True,
) -> int:
    """Solve the structure of an unknown crystal from its Bragg reflections.

    argand solve data.hkl finds phases, space group and atoms, says how far they can be trusted, and
    writes them into the folder data-solved: CIF, SHELX files, MTZ, density (CCP4 map), JSON, and a
    report. Cell, space group, content and wavelength are read from data.ins, data.res or data.cif
    in the same folder, or from the file itself (CIF, FCF, MTZ); options replace them.

    argand solve FOLDER works through all files of a folder. After Ctrl-C, or when it was killed,
    the same command goes on where it stopped.

    The exit code is 0 when all crystals are solved, or probably so, and 3 when one is not, or when
    one of several files could not be used.

    Parameters
    ----------
    files : FILE...
        Reflections (HKL, CIF, FCF, MTZ), or the .ins or .res that goes with them; several files,
        or folders of them.
    output : FOLDER
        Write all results into this folder (default: the name of the data with -solved).
    cell : A B C ALPHA BETA GAMMA
        Unit cell in angstrom and degrees.
    spacegroup : SYMBOL
        Space group, or one of its Laue group: the others are considered all the same.
    contents : FORMULA
        Atoms of the unit cell or of a formula unit, such as "C24 H30 N2 O4".
    wavelength : A
        Wavelength in angstrom.
    hklf : N
        3 when a SHELX list holds amplitudes, 4, 5 or 6 for intensities.
    start : FILE
        Begin with the phases of this file, before random ones: some atoms of the structure (CIF,
        .res), reflections with phases (MTZ, FCF), or a CCP4 map, in the same cell.
    time_limit : SECONDS
        End the work on one crystal after so many seconds, with the best phases and atoms so far.
    seed : N
        Seed of the random starts.
    threads : N
        Threads for one crystal (default: all cores, or one where several crystals are solved).
    workers : N
        Solve several crystals in N processes; 0 starts one for each core.
    scheduler : ADDRESS
        Solve several crystals on this dask.distributed scheduler, such as tcp://host:8786.
    report
        Write a report (HTML) beside each solution.
    json
        Print JSON instead of the summary or the table.
    force
        Take data that look wrong as they are.
    progress
        Show how many starts or files are done: on a terminal all the time, in a log now and then.
    """
    if report:
        need_installed(_REPORT_PACKAGES, "a report (--no-report leaves it out)")
    need_scheduler(scheduler)
    if workers < 0:
        raise ArgandError(f"workers is {workers}, needs to be 0 or more")
    options = SolveOptions(
        cell=cell,
        spacegroup=spacegroup,
        contents=contents,
        wavelength=wavelength,
        hklf=hklf,
        time_limit=time_limit,
        seed=seed,
        threads=threads,
        report=report,
        force=force,
    )
    if len(files) > 1 or files[0].is_dir():
        if start is not None:
            raise ArgandError(f"--start is {start}, the phases of one crystal: give one file")
        folder = output or _default_folder(files[0])
        check_output_folder(folder)
        records = solve_folder(
            files,
            folder,
            options,
            workers=workers or None,
            scheduler=scheduler,
            page=_page() if report else None,
            progress=progress,
            say=say_on_stderr if json else print,
        )
        return _finish_folder(records, folder, as_json=json)
    if scheduler is not None:
        raise ArgandError("--scheduler goes with a folder or several files")
    return _solve_one(files[0], output, options, start, as_json=json, progress=progress)


def _solve_one(
    path: Path,
    output: Path | None,
    options: SolveOptions,
    start: Path | None,
    *,
    as_json: bool,
    progress: bool,
) -> int:
    """Solve one crystal, write its files, print what was found, and return the exit code."""
    if output is not None:
        check_output_folder(output)
    known = None if start is None else known_start(start)
    problem = read_problem(path, **options.reading())
    folder = output or _default_folder(path)
    check_output_folder(folder)
    _check_inputs(problem, folder, path)
    line = ProgressLine()
    try:
        report_progress = partial(_show_progress, line) if progress else None
        solution = solve_problem(problem, options, report_progress, known)
    finally:
        line.end()
    files = write_solution(solution, folder)
    if options.report:
        files.append(_write_report(solution, folder))
    if as_json:
        print(solution.to_json())
    else:
        print(solution.summary())
        names = ", ".join(file.name for file in files)
        print(f"written to {folder}: {names}")
    return 0 if solution.is_solved else _SOME_FILES_UNSOLVED


def _check_inputs(problem: Problem, folder: Path, path: Path) -> None:
    """Refuse a folder in which a result would replace the file that was read."""
    for source in (problem.source, path):
        if source.resolve().parent == folder.resolve():
            raise ArgandError(f"{folder}: holds the input {source.name}, needs another folder")


def _default_folder(path: Path) -> Path:
    """Return the folder for results beside the working directory: the name with -solved."""
    name = path.resolve().name if path.is_dir() else data_name(path)
    return Path(f"{name}-solved")


def _write_report(solution: Solution, folder: Path) -> Path:
    """Write the report of a solution into a folder, and return its path."""
    path = folder / f"{solution.name}.html"
    write_text(path, _page()(solution))
    return path


def _page() -> Callable[[Solution], str]:
    """Import the function that makes a report, which needs packages for pictures."""
    from argand.report.solution import solution_page

    return solution_page


def _finish_folder(records: Sequence[SolveRecord], folder: Path, *, as_json: bool) -> int:
    """Print the table of all files, and return the exit code."""
    if as_json:
        print((folder / "table.json").read_text(encoding="utf-8"))
    else:
        _print_table(records)
        print(f"{folder / 'table.csv'}: all files")
    solved = all(record.is_solved for record in records)
    return 0 if solved else _SOME_FILES_UNSOLVED


def _print_table(records: Sequence[SolveRecord]) -> None:
    """Print a line for each file; of a long list the first and the last ones."""
    print(f"{'file':<24}{'verdict':<12}{'space group':<14}{'d (Å)':>6}{'R1':>8}  content")
    lines = [_table_line(record) for record in records]
    if len(lines) > _TERMINAL_ROWS:
        half = _TERMINAL_ROWS // 2
        left_out = f"... {len(lines) - _TERMINAL_ROWS} more in table.csv"
        lines = [*lines[:half], left_out, *lines[-half:]]
    print("\n".join(lines))
    solved = sum(record.is_solved for record in records)
    unusable = sum(bool(record.error) for record in records)
    print(f"{solved} of {len(records)} solved or probable, {unusable} could not be used")


def _table_line(record: SolveRecord) -> str:
    """Return the record of a file as a line of the table."""
    if record.error:
        return f"{printable(record.name):<24}{printable(record.error)}"
    r1 = "–" if record.r1 != record.r1 else f"{record.r1:.4f}"
    return (
        f"{printable(record.name):<24}{record.verdict:<12}{record.spacegroup:<14}{record.d_min:>6.2f}{r1:>8}"
        f"  {record.formula}"
    )


def _show_progress(line: ProgressLine, progress: SearchProgress) -> None:
    """Show how many starts there were, and how good the best one is."""
    line.show(f"{progress.starts} starts, best probability {progress.probability:.2f}")
