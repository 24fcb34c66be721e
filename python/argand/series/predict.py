"""Predict a series, from its reflection files to its table; files that are done are left alone."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path

from argand._config import num_threads
from argand.cell import cell_parameters
from argand.errors import ArgandError
from argand.estimate.estimate import Estimator
from argand.jobs.parallel import in_chunks, spread, spread_on_scheduler
from argand.jobs.sources import Source, find_sources
from argand.series.folder import SeriesFolder
from argand.series.ledger import Ledger
from argand.series.parquet import check_pyarrow
from argand.series.progress import SeriesProgress
from argand.series.record import Record
from argand.series.settings import SeriesSettings
from argand.series.watch import Watch, complete_files
from argand.series.work import prepare_worker, process_chunk

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
    parquet: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    watch: Watch | None = None,
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
    parquet : bool
        Whether to write table.parquet beside table.csv and table.json, which needs pyarrow.
    workers : int, optional
        Number of processes; None uses as many as `argand.num_threads` returns.
    scheduler : str, optional
        Address of a dask.distributed scheduler, whose workers see the same files; it does the work
        instead of processes of this machine.
    watch : Watch, optional
        Watch the folders, and predict files when they come, until Ctrl-C or until none comes any
        more; tables are kept current. None predicts the files that are there.
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
        Names a file or folder that does not exist, a setting that is not possible, a package that
        is missing, or a folder that holds another series or is in use.
    """
    if parquet:
        check_pyarrow()
    folder = SeriesFolder(out)
    paths = list(files)
    # What is not there is an error before a folder is made.
    sources = find_sources(paths, may_be_empty=watch is not None)
    listings = iter([sources]) if watch is None else complete_files(paths, watch, say)
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
        ledger = Ledger(folder, estimator.crystal, parquet)
        predict = partial(_predict, estimator, folder, settings, processes, progress, scheduler)
        try:
            for sources in listings:
                remaining = ledger.list_files(sources)
                if ledger.found:
                    say(f"{folder.path}: {ledger.found} of {len(sources)} files are done already")
                with closing(predict(remaining)) as chunks:
                    for records in chunks:
                        ledger.add(records)
                        _tell(watch, ledger, records)
                _tell(watch, ledger, ())
        except KeyboardInterrupt:
            # Chunks that other processes had begun have been finished and recorded by now.
            remaining = ledger.list_files(ledger.sources)
            if watch is None:
                total = len(ledger.sources)
                raise KeyboardInterrupt(
                    f"stopped after {total - len(remaining)} of {total} files; "
                    "the same call goes on there"
                ) from None
        ledger.tables.finish()
    return ledger.records()


def _tell(watch: Watch | None, ledger: Ledger, new: Sequence[Record]) -> None:
    """Bring the tables of a series that is watched up to date, and report its records."""
    if watch is not None:
        ledger.tables.attend()
        watch.on_change(ledger.records(), new)


def _predict(
    estimator: Estimator,
    folder: SeriesFolder,
    settings: SeriesSettings,
    processes: int,
    progress: bool,
    scheduler: str | None,
    sources: Sequence[Source],
) -> Generator[list[Record], None, None]:
    """Predict files in several processes, and yield the records of each chunk when it is done."""
    if not sources:
        return
    if len(sources) <= _FILES_FOR_ONE_PROCESS and not settings.refine:
        processes = 1
    files_per_process = -(-len(sources) // processes)
    largest_chunk = _REFINED_CHUNK if settings.refine else _QUICK_CHUNK
    chunks = in_chunks(sources, max(1, min(largest_chunk, files_per_process)))
    shown = SeriesProgress(len(sources)) if progress else None
    if scheduler is None:
        starts = None if shown is None else shown.starts
        arguments = (estimator, folder.path, settings, starts)
        results = spread(
            process_chunk, chunks, processes, setup=prepare_worker, arguments=arguments
        )
    else:
        # Processes of other machines cannot count starts in the memory of this one.
        remote = (estimator, folder.path.resolve(), settings)
        results = spread_on_scheduler(
            process_chunk, chunks, scheduler, setup=prepare_worker, arguments=remote
        )
    with nullcontext() if shown is None else shown.shown(), closing(results):
        for records in results:
            if shown is not None:
                shown.done += len(records)
            yield records
