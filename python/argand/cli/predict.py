"""``argand predict``: one verb for both that find phases, an adaptation to a known crystal and a trained network."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from argand.errors import ArgandError
from argand.series import Record, SeriesFolder, load_estimator, predict_series
from argand.series.record import write_text

_ROWS = 20  # files that a terminal shows


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
    progress: bool = True,
) -> None:
    """Phases, and a density, from measured amplitudes.

    argand predict KNOWN FILES... -o FOLDER finds how crystals differ from a known one, in one reflection file, several,
    or folders of thousands: phases (MTZ), displaced atoms (CIF), a table and a report. KNOWN is what argand adapt has
    made of it, or its CIF. Stopped with Ctrl-C, or killed, it goes on where it was when it is called again.

    argand predict FILE --weights TRAINED --contents Pb4 -o phased.mtz asks a trained network.

    Parameters
    ----------
    files
        The known crystal (folder of argand adapt, or CIF), then reflection files or folders of them; or one reflection
        file, with weights.
    output
        Folder for all results; with weights, the reflections to write (MTZ, columns F and PHI).
    refine
        Follow the displacements of each file to the end; without it they are estimated quickly.
    maps
        Also write the density of each file (CCP4).
    workers
        Processes; 0: one for each core.
    report
        Write report.html.
    cell
        Of the measured crystals, a b c alpha beta gamma, where the files do not state it.
    weights
        Folder or file that `argand train` wrote.
    contents
        With weights: atoms in the cell, such as "Pb4" or "Na4 Cl4".
    map
        With weights: also write the density (CCP4 map).
    progress
        Show how far it is (only ever in a terminal).
    """
    if weights is not None:
        if len(files) != 1 or contents is None:
            lacks = "--contents" if contents is None else "one file"
            raise ArgandError(
                f"a network needs {lacks}: argand predict FILE --weights TRAINED --contents Pb4"
            )
        from argand.cli import networks

        networks.predict(files[0], weights=weights, contents=contents, output=output, map=map)
        return
    known, *measured = files
    if not measured:
        raise ArgandError(
            "needs the known crystal and reflection files, or one file and a network: --weights TRAINED --contents Pb4"
        )
    if contents is not None or map is not None:
        raise ArgandError(
            "--contents and --map go with --weights; a known crystal has contents, and --maps are written"
        )
    records = predict_series(
        known,
        measured,
        output,
        refine=refine,
        maps=maps,
        cell=cell,
        workers=workers or None,
        progress=progress and sys.stderr.isatty(),
        say=print,
    )
    _show(records)
    if report:
        from argand.report.series import series_page

        estimator = load_estimator(known)
        settings = {
            "method": "refined" if refine else "quick estimate",
            "known crystal": known.name,
        }
        page = series_page(
            SeriesFolder(output), records, estimator.crystal, settings, estimator.warning
        )
        write_text(output / "report.html", page)
        print(f"{output / 'report.html'}: the series as a page")


def _show(records: Sequence[Record]) -> None:
    """A few lines for a terminal; table.csv has all of it."""
    print(
        f"{'file':<24}{'reflections':>12}{'R known':>9}{'R':>8}{'R1':>8}{'rms (Å)':>9}  {'largest (Å)':<18}remarks"
    )
    shown = (
        records
        if len(records) <= _ROWS
        else [*records[: _ROWS // 2], None, *records[-_ROWS // 2 :]]
    )
    for record in shown:
        if record is None:
            print(f"... {len(records) - _ROWS} more in table.csv")
        elif record.error:
            print(f"{record.name:<24}{record.error}")
        else:
            largest = f"{record.largest:.3f} {record.atom}"
            numbers = f"{record.reflections:>12}{record.r_known:>9.4f}{record.r:>8.4f}{record.r1:>8.4f}{record.rms:>9.3f}"
            print(f"{record.name:<24}{numbers}  {largest:<18}{'; '.join(record.flags)}")
    failed = sum(bool(record.error) for record in records)
    if failed:
        print(f"{failed} of {len(records)} files could not be used")
