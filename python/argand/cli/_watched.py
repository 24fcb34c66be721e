"""Show a series while it is watched: lines on the terminal, the report, and a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from argand.estimate.estimate import Estimator
from argand.jobs import Upkeep
from argand.series import Record, SeriesFolder

if TYPE_CHECKING:
    from argand.report.live import LiveSeries

__all__ = ["WatchedSeries", "watched_series"]


class WatchedSeries:
    """Print a line for each file that is done, and keep the report and the page current.

    Parameters
    ----------
    print_record : function
        Prints a record as a line.
    write_report : function, optional
        Writes the report of records; None writes none.
    live : LiveSeries, optional
        What the page shows; None where no page is served.
    """

    def __init__(
        self,
        print_record: Callable[[Record], object],
        write_report: Callable[[Sequence[Record]], object] | None,
        live: LiveSeries | None,
    ) -> None:
        self._print_record = print_record
        self._write_report = write_report
        self._live = live
        self._records: Sequence[Record] = ()
        self._report = Upkeep(self._write)

    def __call__(self, records: Sequence[Record], new: Sequence[Record]) -> None:
        """Take all records, and those that are new."""
        for record in new:
            self._print_record(record)
        if new or len(records) != len(self._records):
            self._records = records
            self._report.outdate()
            if self._live is not None:
                self._live.show(records)
        self._report.attend()

    def _write(self) -> None:
        """Write the report."""
        if self._write_report is not None:
            self._write_report(self._records)


@contextmanager
def watched_series(
    estimator: Estimator,
    output: Path,
    port: int | None,
    print_record: Callable[[Record], object],
    write_report: Callable[[Sequence[Record]], object] | None,
    say: Callable[[str], object],
) -> Iterator[WatchedSeries]:
    """Yield what a person sees of a series; a page is served while the block runs.

    Parameters
    ----------
    estimator : Estimator
        Gives the known crystal and the radiation.
    output : path
        Folder of the series.
    port : int, optional
        Port at which the page is served, 0 for a free one; None serves none.
    print_record, write_report
        As `WatchedSeries` takes them.
    say : function
        Takes lines of text for people.
    """
    if port is None:
        yield WatchedSeries(print_record, write_report, None)
        return
    from argand.report.live import LiveSeries
    from argand.report.live_server import served

    unit = estimator.radiation.density_unit
    live = LiveSeries(SeriesFolder(output), estimator.crystal, estimator.warning, unit)
    with served(live, port) as address:
        say(f"{address} shows the series in a browser of this machine; others cannot reach it")
        yield WatchedSeries(print_record, write_report, live)
