"""Solve all crystals of a folder, on all cores; what is done already is left alone."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from argand._config import num_threads
from argand.errors import ArgandError
from argand.files import locked_folder, remove_half_written, size_of
from argand.jobs.parallel import in_chunks, spread, spread_on_scheduler
from argand.jobs.progress import ProgressLine
from argand.jobs.records import csv_text, is_current, read_record, write_record
from argand.jobs.sources import Source, find_sources
from argand.solve.problem import read_problem
from argand.solve.solution import Solution
from argand.solve.solver import SolveOptions, solve_problem
from argand.solve.write import write_solution
from argand.store import null_for_nan, read_json, to_builtins, write_json, write_text

__all__ = ["SolveRecord", "one_for_each_crystal", "solve_folder"]

_RECORD_KIND = "solve record"
_SERIES_KIND = "solve series"

# Raise these when the layout of a record, or of `SolveOptions`, changes.
_RECORD_VERSION = 1
_SERIES_VERSION = 1

# Folders below the output folder: records of files, and a folder of results for each file.
_RECORDS = "records"
_SOLUTIONS = "solutions"

# Endings of files that belong to one crystal, the one to solve it from first.
_PREFERRED = (".hkl", ".hklf", ".mtz", ".fcf", ".cif", ".res", ".ins")

# Fields of a record that help no reader of a table.
_NOT_IN_TABLE = ("size", "mtime_ns", "outputs")


@dataclass(frozen=True)
class SolveRecord:
    """Hold what was found out about the crystal of one file.

    Numbers are NaN where they could not be determined.

    Parameters
    ----------
    name
        Name of the results, unique within the folder.
    file
        Path of the file.
    size, mtime_ns
        Size in bytes and time of the last change in nanoseconds of the file that was read.
    error
        Why the file could not be used; empty where it could.
    verdict, probability
        "solved", "probable" or "not solved"; probability that the density is right.
    spacegroup
        Space group of the solution.
    reflections, d_min
        Number of unique reflections, and their smallest lattice spacing, angstrom.
    free_correlation, r1
        Free correlation of the density; R1 of the refined atoms, I > 2 sigma.
    formula
        Content of the cell that was found.
    notes
        Remarks for people.
    seconds
        Time spent on the file.
    outputs
        Path inside the output folder, and size in bytes, of every result.
    """

    name: str
    file: str
    size: int
    mtime_ns: int
    error: str = ""
    verdict: str = ""
    probability: float = math.nan
    spacegroup: str = ""
    reflections: int = 0
    d_min: float = math.nan
    free_correlation: float = math.nan
    r1: float = math.nan
    formula: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    outputs: tuple[tuple[str, int], ...] = ()

    @property
    def is_solved(self) -> bool:
        """Tell whether the crystal is solved, or probably so."""
        return self.verdict in ("solved", "probable")


def _print_nothing(line: str) -> None:
    """Ignore a line for people."""


def solve_folder(
    files: Iterable[str | Path],
    out: str | Path,
    options: SolveOptions,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    page: Callable[[Solution], str] | None = None,
    progress: bool = False,
    say: Callable[[str], object] = _print_nothing,
) -> list[SolveRecord]:
    """Solve the crystals of many files, and write their solutions into a folder.

    A file is done when its record is written, which happens after all its other results. After an
    interruption the same call goes on with the files that are not done. Files that have changed
    since, and files that could not be used, are done again.

    Parameters
    ----------
    files : paths
        Files of reflections, and folders of them. Of several files of one crystal, which have one
        name, the list of reflections is taken.
    out : path
        Folder for solutions/NAME/ (see `argand.solve.write.write_solution`), records/NAME.json,
        table.csv and table.json.
    options : SolveOptions
        How files are read and solved.
    workers : int, optional
        Number of processes; None uses as many as `argand.num_threads` returns.
    scheduler : str, optional
        Address of a dask.distributed scheduler, whose workers see the same files; it does the work
        instead of processes of this machine.
    page : function of a module, optional
        Makes the report of a solution, HTML; None makes none.
    progress : bool
        Whether to show on standard error how many files are done.
    say : function
        Takes lines of text for people.

    Returns
    -------
    list of SolveRecord
        The records in the order of the files.

    Raises
    ------
    ArgandError
        Names a file or folder that does not exist, or a folder that holds other results or is in
        use.
    """
    folder = Path(out)
    sources = find_sources(files, suffixes=_PREFERRED, choose=one_for_each_crystal)
    for source in sources:
        if source.path.is_relative_to(folder.resolve()):
            raise ArgandError(f"{source.path}: lies in {folder}, which the results overwrite")
    processes = num_threads() if workers is None else workers
    if processes < 1:
        raise ArgandError(f"workers is {workers}, needs to be 1 or more")
    if options.threads is None:
        # Every process has one crystal at a time.
        options = replace(options, threads=1)
    with locked_folder(folder):
        _open(folder, options)
        records: dict[str, SolveRecord] = {}
        for source in sources:
            record = _record_of(folder, source)
            if record is not None:
                records[source.name] = record
        if records:
            say(f"{folder}: {len(records)} of {len(sources)} files are done already")
        remaining = [source for source in sources if source.name not in records]
        arguments = (folder.resolve(), options, page)
        # A crystal takes a second or more: each is a chunk of its own.
        chunks = in_chunks(remaining, 1)
        if scheduler is None:
            results = spread(_solve_chunk, chunks, processes, setup=_prepare, arguments=arguments)
        else:
            results = spread_on_scheduler(
                _solve_chunk, chunks, scheduler, setup=_prepare, arguments=arguments
            )
        line = ProgressLine()
        try:
            for chunk_records in results:
                records |= {record.name: record for record in chunk_records}
                if progress:
                    line.show(f"{len(records)} of {len(sources)} files")
        except KeyboardInterrupt:
            done = sum(_record_of(folder, source) is not None for source in sources)
            raise KeyboardInterrupt(
                f"stopped after {done} of {len(sources)} files; the same call goes on there"
            ) from None
        finally:
            line.end()
        ordered = [records[source.name] for source in sources]
        _write_tables(folder, ordered)
    return ordered


def one_for_each_crystal(paths: list[Path]) -> list[Path]:
    """Choose of the files of one crystal the list of reflections, or else what comes nearest.

    Files of one folder that have one name, NAME or NAME_hkl, belong to one crystal.
    """
    chosen: dict[tuple[Path, str], Path] = {}
    for path in paths:
        key = (path.parent, path.stem.removesuffix("_hkl"))
        if key not in chosen or _rank(path) < _rank(chosen[key]):
            chosen[key] = path
    kept = set(chosen.values())
    return [path for path in paths if path in kept]


def _rank(path: Path) -> int:
    """Return the place of a file's ending in the order of preference."""
    suffix = path.suffix.lower()
    return _PREFERRED.index(suffix) if suffix in _PREFERRED else len(_PREFERRED)


def _open(folder: Path, options: SolveOptions) -> None:
    """Make the folders for results, or check that they are of the same options."""
    for name in (_RECORDS, _SOLUTIONS):
        (folder / name).mkdir(exist_ok=True)
    for path in (folder / _RECORDS, *(folder / _SOLUTIONS).iterdir()):
        remove_half_written(path)
    path = folder / "solve.json"
    if not path.exists():
        write_json(path, options, kind=_SERIES_KIND, version=_SERIES_VERSION)
        return
    stored = read_json(SolveOptions, path, kind=_SERIES_KIND, version=_SERIES_VERSION)
    differences = options.differences(stored)
    if differences:
        raise ArgandError(
            f"{folder}: holds solutions with another {', '.join(differences)}, needs another folder"
        )


def _record_path(folder: Path, name: str) -> Path:
    """Return the path of the record of a file."""
    return folder / _RECORDS / f"{name}.json"


def _record_of(folder: Path, source: Source) -> SolveRecord | None:
    """Read the record of a file that is done; None where the file has to be done (again)."""
    path = _record_path(folder, source.name)
    record = read_record(SolveRecord, path, kind=_RECORD_KIND, version=_RECORD_VERSION)
    return record if record is not None and is_current(record, source, folder) else None


# Folder, options and report of this process, which the first chunk is given.
_work_of_process: list[tuple[Path, SolveOptions, Callable[[Solution], str] | None]] = []


def _prepare(folder: Path, options: SolveOptions, page: Callable[[Solution], str] | None) -> None:
    """Tell this process what it needs for `_solve_chunk`."""
    _work_of_process[:] = [(folder, options, page)]


def _solve_chunk(sources: Sequence[Source]) -> list[SolveRecord]:
    """Solve files one after another, and return their records, each written after its results."""
    folder, options, page = _work_of_process[0]
    records: list[SolveRecord] = []
    for source in sources:
        start = time.perf_counter()
        try:
            record = _solve(source, folder, options, page)
        except (ArgandError, OSError, MemoryError) as error:
            reason = str(error).removeprefix(f"{source.path}: ") or type(error).__name__
            record = _begun(source, error=reason)
        except Exception as error:
            # One crystal must not end the work on hundreds of others.
            words = " ".join(str(error).split())
            record = _begun(source, error=f"a fault of argand: {type(error).__name__}: {words}")
        record = replace(record, seconds=round(time.perf_counter() - start, 3))
        path = _record_path(folder, source.name)
        write_record(path, record, kind=_RECORD_KIND, version=_RECORD_VERSION)
        records.append(record)
    return records


def _begun(source: Source, error: str = "") -> SolveRecord:
    """Return the record of a file with nothing but its stamp, and what went wrong."""
    return SolveRecord(source.name, str(source.path), source.size, source.mtime_ns, error)


def _solve(
    source: Source,
    folder: Path,
    options: SolveOptions,
    page: Callable[[Solution], str] | None,
) -> SolveRecord:
    """Solve the crystal of one file, write its results, and return its record."""
    problem = read_problem(source.path, **options.reading())
    solution = replace(solve_problem(problem, options), name=source.name)
    files = write_solution(solution, folder / _SOLUTIONS / source.name)
    if page is not None:
        files.append(folder / _SOLUTIONS / source.name / f"{source.name}.html")
        write_text(files[-1], page(solution))
    outputs: list[tuple[str, int]] = []
    for file in files:
        outputs.append((file.relative_to(folder).as_posix(), size_of(file) or 0))
    model = solution.model
    return replace(
        _begun(source),
        verdict=solution.verdict,
        probability=float(solution.probability),
        spacegroup=solution.spacegroup,
        reflections=len(solution.merged.hkl),
        d_min=solution.merged.d_min,
        free_correlation=float(solution.figures.free_correlation),
        r1=math.nan if model is None else float(model.r1),
        formula="" if model is None else model.crystal.formula,
        notes=tuple(solution.description()["notes"]),
        outputs=tuple(outputs),
    )


def _write_tables(folder: Path, records: Sequence[SolveRecord]) -> None:
    """Write the records of all files as CSV for spreadsheets and as JSON for programs."""
    columns = [field.name for field in fields(SolveRecord) if field.name not in _NOT_IN_TABLE]
    rows = [[getattr(record, column) for column in columns] for record in records]
    write_text(folder / "table.csv", csv_text(columns, rows))
    content = {"files": [null_for_nan(to_builtins(record)) for record in records]}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / "table.json", text + "\n")
