"""The verb ``argand predict``: phases of crystals like a known one, or by a trained network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from argand.cli._estimator import load_estimator
from argand.cli._extras import INSTALL_LIVE, INSTALL_PARQUET, need_installed, need_scheduler
from argand.cli._json import json_text, say_on_stderr
from argand.cli._outputs import check_output_folder
from argand.cli._watched import watched_series
from argand.errors import ArgandError
from argand.estimate.estimate import Estimator
from argand.jobs.sources import printable
from argand.series import Record, SeriesFolder, Watch, predict_series
from argand.store import write_text

__all__ = ["predict"]

# Exit code when some of several files could not be used.
_SOME_FILES_UNUSABLE = 3

# Folders below the output folder that a series writes its results into.
_RESULT_FOLDERS = ("results", "phases", "atoms", "maps")

# What a report is made with.
_REPORT_PACKAGES = ("matplotlib", "plotly")

# Seconds for one file: a hundred times what a file of a small structure takes, so that it ends the
# search in data that nothing explains, and one such file cannot hold up a series.
_TIME_LIMIT = 60.0

# Rows of the table that a terminal shows.
_TERMINAL_ROWS = 20


def predict(
    files: list[Path],
    *,
    output: Path,
    refine: bool = True,
    maps: bool = False,
    workers: int = 0,
    scheduler: str | None = None,
    watch: bool = False,
    until_idle: float | None = None,
    serve: int | None = None,
    report: bool = True,
    parquet: bool = False,
    show: list[str] | None = None,
    cell: list[float] | None = None,
    time_limit: float = _TIME_LIMIT,
    reindex: bool = False,
    weights: Path | None = None,
    contents: str | None = None,
    map: Path | None = None,
    force: bool = False,
    progress: bool = True,
    json: bool = False,
) -> int:
    """Find phases, and a density, from measured amplitudes.

    argand predict KNOWN FILE... -o FOLDER finds how crystals differ from a known one, in one
    reflection file, several, or folders of thousands, and writes phases (MTZ), displaced atoms
    (CIF), a table and a report. KNOWN is the folder that argand adapt wrote, or the known structure
    (CIF, SHELX). After Ctrl-C, or when it was killed, the same command goes on where it stopped.

    argand predict FILE --weights TRAINED --contents Pb4 -o phased.mtz asks a trained network.

    argand predict KNOWN FOLDER -o FOLDER --watch predicts files when they come, and keeps table and
    report current until Ctrl-C, which is then no error; --serve shows the growing series in a
    browser.

    Files that could not be used are named at the end and give exit code 3; all others are done.

    Parameters
    ----------
    files : FILE...
        Give the known crystal (folder of argand adapt, or CIF), then reflection files or folders of
        them. With --weights, give one reflection file.
    output : FOLDER
        Write all results into this folder. With --weights, write the reflections to this file (MTZ,
        columns F and PHI).
    refine
        Refine the displacements of each file to convergence; --no-refine estimates them quickly.
    maps
        Also write the density of each file (CCP4 map).
    workers : N
        Work in N processes; 0 starts one for each core.
    scheduler : ADDRESS
        Work on this dask.distributed scheduler, such as tcp://host:8786, whose workers see the same
        files, instead of in processes of this machine.
    watch
        Watch folders of reflection files, and predict each file once it is complete. A file that
        changes is predicted again, and one that could not be used is named once.
    until_idle : SECONDS
        With --watch, end when no file has come for so long (default: at Ctrl-C).
    serve : [PORT]
        With --watch, show the series in a browser of this machine, and of no other; without PORT
        argand chooses a free one.
    report
        Write report.html into the folder.
    parquet
        Also write table.parquet, for pandas and other programs that read Apache Parquet.
    show : DATA_SET...
        Show the density of these files in the report, by their names in the table (default: all, or
        200 files spread over a longer series).
    cell : A B C ALPHA BETA GAMMA
        Use this unit cell of the measured crystals, angstrom and degrees, instead of the one that
        the files state.
    time_limit : SECONDS
        Search no longer than this for one file, keep the best answer so far, and flag it; 0 sets no
        limit. Without a limit results do not depend on the speed of the machine.
    reindex
        Reindex each file to the axes in which it follows the known crystal best; without this
        option only axes that R proves are used.
    weights : WEIGHTS
        Ask the network whose weights are in this folder or file, which argand train wrote, or
        "general" or "first", which come with the package.
    contents : FORMULA
        With --weights, state the atoms in the unit cell, such as "Pb4" or "Na4 Cl4".
    map : FILE
        With --weights, also write the density to this file (CCP4 map).
    force
        Predict, with a flag, files that are unlike what the known crystal, the adaptation or the
        network is made for.
    progress
        Show how many files are done, how fast, and what is left: on a terminal all the time, in a
        log now and then.
    json
        Print JSON instead of the table: a record of each file, and files that could not be used.
    """
    if weights is not None:
        if json:
            raise ArgandError("--json is of a series, and excludes --weights")
        _predict_with_network(files, weights, contents, output, map, force)
        return 0
    known, *measured = files
    if not measured:
        raise ArgandError(
            "needs the known crystal and reflection files, or one file and a network: "
            "--weights TRAINED --contents Pb4; argand solve needs no known crystal"
        )
    if contents is not None or map is not None:
        raise ArgandError(
            "--contents and --map go with --weights; a known crystal has contents, "
            "and --maps writes its densities"
        )
    if not 0.0 <= time_limit < math.inf:
        raise ArgandError(f"time_limit is {time_limit}, needs seconds, or 0 for no limit")
    check_output_folder(output)
    _check_not_in_results(files, output)
    if workers < 0:
        raise ArgandError(f"workers is {workers}, needs to be 0 or more")
    if watch and not any(path.is_dir() for path in measured):
        raise ArgandError("--watch needs a folder in which reflection files appear")
    if not watch and (until_idle is not None or serve is not None):
        raise ArgandError("--until-idle and --serve go with --watch")
    if report:
        need_installed(_REPORT_PACKAGES, "a report (--no-report leaves it out)")
    need_scheduler(scheduler)
    # A table of an earlier run is kept current.
    parquet = parquet or (output / "table.parquet").exists()
    if parquet:
        need_installed(("pyarrow",), "table.parquet", INSTALL_PARQUET)
    if serve is not None:
        need_installed(("starlette", "uvicorn", *_REPORT_PACKAGES), "--serve", INSTALL_LIVE)
    estimator = load_estimator(known)
    settings = {"method": "refined" if refine else "quick estimate", "known crystal": known.name}
    write_report = partial(_write_report, SeriesFolder(output), estimator, settings, show or ())
    # Lines of a watch are read while it goes on, also from a log.
    say = say_on_stderr if json else partial(print, flush=True)
    with ExitStack() as stack:
        watching = None
        if watch:
            print_record = partial(_say_record, say)
            series = watched_series(
                estimator, output, serve, print_record, write_report if report else None, say
            )
            watching = Watch(until_idle, stack.enter_context(series))
            names = ", ".join(str(path) for path in measured)
            say(f"watching {names}: Ctrl-C ends it")
        records = predict_series(
            estimator,
            measured,
            output,
            refine=refine,
            maps=maps,
            cell=cell,
            force=force,
            reindex=reindex,
            time_limit=time_limit or None,
            parquet=parquet,
            workers=workers or None,
            scheduler=scheduler,
            watch=watching,
            progress=progress and not watch,
            say=say,
        )
    if not json and not watch:
        _print_table(records)
    unknown_names = set(show or ()) - {record.name for record in records}
    if unknown_names and not watch:
        raise ArgandError(f"--show {unknown_names.pop()}: no file of the series has this name")
    if report:
        path = write_report(records)
        if not json:
            print(f"{path}: the series as a page")
    unusable = {record.name: record.error for record in records if record.error}
    if json:
        print(json_text({"folder": str(output), "unusable": unusable, "records": records}))
    elif unusable:
        _print_unusable(unusable, len(records))
    # A watch that has no other end than Ctrl-C has ended as it should.
    ended_by_hand = watch and until_idle is None
    return _SOME_FILES_UNUSABLE if unusable and not ended_by_hand else 0


def _predict_with_network(
    files: Sequence[Path],
    weights: Path,
    contents: str | None,
    output: Path,
    map: Path | None,
    force: bool,
) -> None:
    """Check what a network needs, and ask it."""
    from argand.cli._network import predict_with_network

    usage = "argand predict FILE --weights TRAINED --contents Pb4"
    if contents is None:
        raise ArgandError(f"a network needs --contents: {usage}")
    if len(files) != 1:
        raise ArgandError(f"a network needs one file: {usage}")
    predict_with_network(files[0], weights, contents, output, map, force)


def _check_not_in_results(files: Sequence[Path], output: Path) -> None:
    """Raise an `ArgandError` for an input that lies among the results, which would replace it."""
    for path in files:
        for name in _RESULT_FOLDERS:
            folder = (output / name).resolve()
            if path.resolve().is_relative_to(folder):
                raise ArgandError(f"{path}: lies in {output / name}, which the results overwrite")


def _print_unusable(error_by_name: Mapping[str, str], files: int) -> None:
    """Print which files could not be used, and why."""
    print(f"{len(error_by_name)} of {files} files could not be used:")
    for name, error in error_by_name.items():
        print(f"  {printable(name)}: {printable(error)}")


def _write_report(
    folder: SeriesFolder,
    estimator: Estimator,
    settings: dict[str, str],
    shown: Sequence[str],
    records: Sequence[Record],
) -> Path:
    """Write report.html into the folder of the series, and return its path."""
    from argand.report.series import series_page

    path = folder.path / "report.html"
    page = series_page(
        folder,
        records,
        estimator.crystal,
        settings,
        estimator.warning,
        shown,
        estimator.radiation.density_unit,
    )
    write_text(path, page)
    return path


def _say_record(say: Callable[[str], object], record: Record) -> None:
    """Print a record as a line of the table."""
    say(_table_line(record))


def _print_table(records: Sequence[Record]) -> None:
    """Print the first and the last records; table.csv has all of them."""
    print(
        f"{'file':<24}{'reflections':>12}{'R known':>9}{'R':>8}{'R1':>8}{'rms (Å)':>9}{'± (Å)':>8}"
        f"  {'largest (Å)':<18}remarks"
    )
    if len(records) <= _TERMINAL_ROWS:
        for record in records:
            print(_table_line(record))
    else:
        half = _TERMINAL_ROWS // 2
        for record in records[:half]:
            print(_table_line(record))
        print(f"... {len(records) - _TERMINAL_ROWS} more in table.csv")
        for record in records[-half:]:
            print(_table_line(record))


def _table_line(record: Record) -> str:
    """Return a record as a line of the table."""
    if record.error:
        return f"{printable(record.name):<24}{printable(record.error)}"
    r_values = f"{record.r_known:>9.4f}{record.r:>8.4f}{record.r1:>8.4f}"
    # The quick estimate of some estimators states no uncertainty.
    uncertainty = "" if math.isnan(record.uncertainty) else f"{record.uncertainty:.3f}"
    largest = f"{record.largest:.3f} {record.atom}"
    remarks = "; ".join(record.flags)
    return (
        f"{printable(record.name):<24}{record.reflections:>12}{r_values}{record.rms:>9.3f}"
        f"{uncertainty:>8}  {largest:<18}{remarks}"
    )
