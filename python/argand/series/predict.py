"""Predict a series, from its reflection files to its table; files that are done are left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path

from argand._config import num_threads
from argand.cell import cell_parameters
from argand.errors import ArgandError
from argand.estimate.estimate import Estimator
from argand.jobs.parallel import in_chunks, spread
from argand.jobs.sources import Source, find_sources
from argand.series.folder import SeriesFolder
from argand.series.progress import SeriesProgress
from argand.series.record import Record
from argand.series.settings import SeriesSettings
from argand.series.tables import table_csv, table_json
from argand.series.work import prepare_worker, process_chunk
from argand.store import write_text

__all__ = ["predict_series"]

# Files of one chunk: some seconds of work, so that an interruption loses little.
_REFINED_CHUNK = 8
_QUICK_CHUNK = 32

# So few files are estimated quickly before a second process would have started.
_FILES_FOR_ONE_PROCESS = 48


def _print_nothing(line: str) -> None:
    """Ignore a line for people."""


def predict_series(
    estimator: Estimator,
    files: Iterable[str | Path],
    out: str | Path,
    *,
    refine: bool = True,
    maps: bool = False,
    cell: Sequence[float] | None = None,
    force: bool = False,
    reindex: bool = False,
    time_limit: float | None = None,
    workers: int | None = None,
    progress: bool = False,
    say: Callable[[str], object] = _print_nothing,
) -> list[Record]:
    """Find displacements, phases and R of every file of a series, and write them into a folder.

    A file is done when its record is written, which happens after all its other results. After an
    interruption the same call goes on with the files that are not done. Files that have changed
    since, and files that could not be used, are done again.

    Parameters
    ----------
    estimator : Estimator
        Estimates displacements of the known crystal: an adaptation, or
        `argand.estimate.least_squares.LeastSquares`. With several workers it must pickle.
    files : paths
        Reflection files, and folders of them.
    out : path
        Folder for phases/ (MTZ: F PHI and FC PHIC on an absolute scale), atoms/ (CIF), results/
        (JSON), table.csv, table.json, and maps/ (CCP4, with `maps`).
    refine : bool
        Whether to refine displacements to convergence, or to estimate them quickly.
    maps : bool
        Whether to write a density for each file.
    cell : (a, b, c, alpha, beta, gamma), optional
        Unit cell of the measured crystals, angstrom and degrees, instead of the one that files
        state; None uses the cell of each file, or that of the known crystal.
    force : bool
        Whether to predict files that are unlike what the estimator was made for, with a flag,
        instead of refusing them: another cell, content or space group, a lower resolution.
    reindex : bool
        Whether to reindex each file to the axes in which it follows the known crystal best; else
        this is done only where R proves the axes. The record says so.
    time_limit : float, optional
        Seconds that the search for one file may take. At the limit it keeps the best answer so far
        and flags it. Without a limit the results are the same on every machine.
    workers : int, optional
        Number of processes; None uses as many as `argand.num_threads` returns.
    progress : bool
        Whether to show on standard error how many files are done, how fast, and what is left.
    say : function
        Takes lines of text for people, such as how many files were done before.

    Returns
    -------
    list of Record
        The records in the order of the files.

    Raises
    ------
    ArgandError
        Names a file or folder that does not exist, a setting that is not possible, or a folder that
        holds another series or is in use.
    """
    folder = SeriesFolder(out)
    sources = find_sources(files)
    settings = SeriesSettings(
        estimator=estimator.fingerprint,
        refine=refine,
        maps=maps,
        cell=None if cell is None else cell_parameters(cell),
        force=force,
        reindex=reindex,
        time_limit=time_limit,
    )
    processes = num_threads() if workers is None else workers
    if processes < 1:
        raise ArgandError(f"workers is {workers}, needs to be 1 or more")
    with folder.locked():
        folder.open(settings)
        records = {}
        for source in sources:
            record = folder.record(source, len(estimator.crystal.types))
            if record is not None:
                records[source.name] = record
        remaining = [source for source in sources if source.name not in records]
        if records:
            say(f"{folder.path}: {len(records)} of {len(sources)} files are done already")
        records |= _predict(estimator, folder, settings, remaining, processes, progress)
        ordered = [records[source.name] for source in sources]
        labels = estimator.crystal.labels
        write_text(folder.path / "table.csv", table_csv(ordered, labels))
        write_text(folder.path / "table.json", table_json(ordered, labels))
    return ordered


def _predict(
    estimator: Estimator,
    folder: SeriesFolder,
    settings: SeriesSettings,
    sources: Sequence[Source],
    processes: int,
    progress: bool,
) -> dict[str, Record]:
    """Predict files in several processes, and return their records by name.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C; says how many files were done.
    """
    if len(sources) <= _FILES_FOR_ONE_PROCESS and not settings.refine:
        processes = 1
    files_per_process = -(-len(sources) // processes)
    largest_chunk = _REFINED_CHUNK if settings.refine else _QUICK_CHUNK
    chunks = in_chunks(sources, max(1, min(largest_chunk, files_per_process)))
    records: dict[str, Record] = {}
    shown = SeriesProgress(len(sources)) if progress and sources else None
    starts = None if shown is None else shown.starts
    arguments = (estimator, folder.path, settings, starts)
    results = spread(process_chunk, chunks, processes, setup=prepare_worker, arguments=arguments)
    try:
        with nullcontext() if shown is None else shown.shown():
            for chunk_records in results:
                records |= {record.name: record for record in chunk_records}
                if shown is not None:
                    shown.done = len(records)
    except KeyboardInterrupt:
        # Chunks that other processes had begun have been finished and recorded by now.
        done = sum(folder.record(source) is not None for source in sources)
        raise KeyboardInterrupt(
            f"stopped after {done} of {len(sources)} files; the same call goes on there"
        ) from None
    return records
