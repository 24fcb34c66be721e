"""The verb ``argand predict``: phases of crystals like a known one, or by a trained network."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from argand.cli._estimator import load_estimator
from argand.cli._extras import need_installed
from argand.cli._outputs import check_output_folder
from argand.errors import ArgandError
from argand.estimate.estimate import Estimator
from argand.series import Record, SeriesFolder, predict_series
from argand.store import write_text

__all__ = ["predict"]

# Rows of the table that a terminal shows.
_TERMINAL_ROWS = 20


def predict(
    files: list[Path],
    *,
    output: Path,
    refine: bool = True,
    maps: bool = False,
    workers: int = 0,
    report: bool = True,
    cell: list[float] | None = None,
    weights: Path | None = None,
    contents: str | None = None,
    map: Path | None = None,
    force: bool = False,
    progress: bool = True,
) -> None:
    """Find phases, and a density, from measured amplitudes.

    argand predict KNOWN FILE... -o FOLDER finds how crystals differ from a known one, in one
    reflection file, several, or folders of thousands, and writes phases (MTZ), displaced atoms
    (CIF), a table and a report. KNOWN is the folder that argand adapt wrote, or the known structure
    (CIF, SHELX). After Ctrl-C, or when it was killed, the same command goes on where it stopped.

    argand predict FILE --weights TRAINED --contents Pb4 -o phased.mtz asks a trained network.

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
    report
        Write report.html into the folder.
    cell : A B C ALPHA BETA GAMMA
        Use this unit cell of the measured crystals, angstrom and degrees, instead of the one that
        the files state.
    weights : WEIGHTS
        Ask the network whose weights are in this folder or file, which argand train wrote.
    contents : FORMULA
        With --weights, state the atoms in the unit cell, such as "Pb4" or "Na4 Cl4".
    map : FILE
        With --weights, also write the density to this file (CCP4 map).
    force
        With --weights, ask the network even where it was not trained for such a crystal.
    progress
        Show how many files are done when standard error is a terminal.
    """
    if weights is not None:
        _predict_with_network(files, weights, contents, output, map, force)
        return
    known, *measured = files
    if not measured:
        raise ArgandError(
            "needs the known crystal and reflection files, or one file and a network: "
            "--weights TRAINED --contents Pb4"
        )
    if contents is not None or map is not None or force:
        raise ArgandError(
            "--contents, --map and --force go with --weights; a known crystal has contents, "
            "and --maps writes its densities"
        )
    check_output_folder(output)
    if report:
        need_installed(("matplotlib", "plotly"), "a report (--no-report leaves it out)")
    estimator = load_estimator(known)
    records = predict_series(
        estimator,
        measured,
        output,
        refine=refine,
        maps=maps,
        cell=cell,
        workers=workers or None,
        progress=progress and sys.stderr.isatty(),
        say=print,
    )
    _print_table(records)
    if report:
        method = "refined" if refine else "quick estimate"
        settings = {"method": method, "known crystal": known.name}
        _write_report(SeriesFolder(output), records, estimator, settings)


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


def _write_report(
    folder: SeriesFolder, records: Sequence[Record], estimator: Estimator, settings: dict[str, str]
) -> None:
    """Write report.html into the folder of the series, and print where it is."""
    from argand.report.series import series_page

    path = folder.path / "report.html"
    page = series_page(folder, records, estimator.crystal, settings, estimator.warning)
    write_text(path, page)
    print(f"{path}: the series as a page")


def _print_table(records: Sequence[Record]) -> None:
    """Print the first and the last records; table.csv has all of them."""
    print(
        f"{'file':<24}{'reflections':>12}{'R known':>9}{'R':>8}{'R1':>8}{'rms (Å)':>9}"
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
    failures = sum(bool(record.error) for record in records)
    if failures:
        print(f"{failures} of {len(records)} files could not be used")


def _table_line(record: Record) -> str:
    """Return a record as a line of the table."""
    if record.error:
        return f"{record.name:<24}{record.error}"
    r_values = f"{record.r_known:>9.4f}{record.r:>8.4f}{record.r1:>8.4f}"
    largest = f"{record.largest:.3f} {record.atom}"
    remarks = "; ".join(record.flags)
    return (
        f"{record.name:<24}{record.reflections:>12}{r_values}{record.rms:>9.3f}"
        f"  {largest:<18}{remarks}"
    )
