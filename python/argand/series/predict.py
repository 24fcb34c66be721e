"""A series from its files to its table: what is done already is not done again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from argand import num_threads
from argand.cell import cell_parameters
from argand.errors import ArgandError
from argand.estimate.estimate import Estimator
from argand.series.folder import SeriesFolder
from argand.series.loading import load_estimator
from argand.series.parallel import in_chunks, spread
from argand.series.record import Record, table_csv, table_json, write_text
from argand.series.sources import Source, find_sources
from argand.series.work import Options, prepare, work

__all__ = ["predict_series"]

_CHUNK = {
    True: 8,
    False: 32,
}  # files at once, refined or not: some seconds of work at most, so that little is lost
_ALONE = 48  # files that are done sooner than further processes would have begun


def predict_series(
    adapted: str | Path,
    files: Iterable[str | Path],
    out: str | Path,
    *,
    refine: bool = True,
    maps: bool = False,
    cell: Sequence[float] | None = None,
    workers: int | None = None,
    progress: bool = False,
    say: Callable[[str], Any] = lambda line: None,
    load: Callable[[Path], Estimator] = load_estimator,
) -> list[Record]:
    """Displacements, phases and R of every file of a series; the records in the order of the files.

    Parameters
    ----------
    adapted : what `load_estimator` knows: a folder that `argand adapt` wrote, or the known structure (CIF)
    files : reflection files, and folders of them
    out : folder for phases/ (MTZ: F PHI, FC PHIC on an absolute scale), atoms/ (CIF), results/ (JSON), table.csv,
        table.json, and maps/ (CCP4, with `maps`)
    refine : follow the displacements of each file to the end, or make a quick estimate
    cell : of the measured crystals where the files do not state it; None: that of the known crystal
    workers : processes; None: as many as `argand.num_threads`
    progress : show how far it is, on the standard error stream
    say : is given lines for people
    load : makes another kind of estimator of `adapted`, in every process: a function of a module

    A file is done when its record is written, after all else of it. Interrupted or killed, the same call goes on
    there; files that have changed since are done again, as are those from which nothing was found.

    Raises
    ------
    ArgandError
        Names what is not there, is no adaptation, or the folder that holds something else.
    """
    adapted, folder = Path(adapted), SeriesFolder(out)
    sources = find_sources(files)
    options = Options(refine, maps, None if cell is None else cell_parameters(cell))
    estimator = load(adapted)
    processes = num_threads() if workers is None else workers
    if processes < 1:
        raise ArgandError(f"workers is {workers}, needs to be 1 or more")
    with folder.locked():
        folder.open(
            {
                "estimator": estimator.fingerprint,
                "refine": refine,
                "maps": maps,
                "cell": options.cell,
            }
        )
        found = {source.name: folder.record(source) for source in sources}
        todo = [source for source in sources if found[source.name] is None]
        if len(todo) < len(sources):
            say(
                f"{folder.path}: {len(sources) - len(todo)} of {len(sources)} files are done already"
            )
        arguments = (load, adapted, folder.path, options)
        _run(arguments, todo, processes, found, progress)
        records = [
            record
            for source in sources
            if (record := found[source.name] or folder.failed(source)) is not None
        ]
        labels = estimator.crystal.labels
        write_text(folder.path / "table.csv", table_csv(records, labels))
        write_text(folder.path / "table.json", table_json(records, labels))
    return records


def _run(
    arguments: tuple[Callable[[Path], Estimator], Path, Path, Options],
    todo: Sequence[Source],
    processes: int,
    found: dict[str, Record | None],
    progress: bool,
) -> None:
    refine = arguments[-1].refine
    chunks = in_chunks(todo, max(1, min(_CHUNK[refine], -(-len(todo) // processes))))
    if len(todo) <= _ALONE and not refine:
        processes = 1
    done = 0
    try:
        for records in spread(work, chunks, processes, setup=prepare, arguments=arguments):
            for record in records:
                found[record.name] = record
            done += len(records)
            if progress:
                print(f"\r{done} of {len(todo)} files", end="", file=sys.stderr, flush=True)
    except KeyboardInterrupt:  # chunks that were being worked on have been ended
        folder = SeriesFolder(arguments[2])
        ready = sum(folder.record(source) is not None for source in todo)
        raise KeyboardInterrupt(
            f"stopped after {ready} of {len(todo)} files; the same call goes on there"
        ) from None
    finally:
        if progress and done:
            print(file=sys.stderr)
