"""The records of a series in memory: which files are done, and the tables of all of them."""

from __future__ import annotations

from collections.abc import Sequence

from argand.crystal import Crystal
from argand.jobs.sources import Source
from argand.jobs.upkeep import Upkeep
from argand.series.folder import SeriesFolder
from argand.series.parquet import write_parquet
from argand.series.record import Record
from argand.series.tables import table_csv, table_json
from argand.store import write_text

__all__ = ["Ledger"]


class Ledger:
    """Keep the records of the files of a series in their order, and write its tables.

    Parameters
    ----------
    folder : SeriesFolder
        Folder of the series, in which records of earlier runs are found.
    known : Crystal
        The known crystal.
    parquet : bool
        Whether to write table.parquet too.

    Attributes
    ----------
    sources : files of the series, in their order
    found : number of records that the last list of files had in the folder and not in memory
    tables : makes table.csv, table.json and perhaps table.parquet of the files that are done
    """

    def __init__(self, folder: SeriesFolder, known: Crystal, parquet: bool = False) -> None:
        self.folder = folder
        self.sources: Sequence[Source] = ()
        self.found = 0
        self.tables = Upkeep(self._write_tables)
        self._labels = known.labels
        self._parquet = parquet
        self._records: dict[str, Record] = {}

    def list_files(self, sources: Sequence[Source]) -> list[Source]:
        """Take the files of the series as they are now, and return those that have to be done.

        A file whose record is in memory is done unless it has changed since, even where it could
        not be used; other files are done where the folder has their record.
        """
        self.sources = sources
        self.found = 0
        self.folder.remove_renamed(sources)
        records: dict[str, Record] = {}
        remaining = []
        for source in sources:
            record = self._records.get(source.name)
            if record is None or not _is_of(record, source):
                record = self.folder.record(source, len(self._labels))
                self.found += record is not None
            if record is None:
                remaining.append(source)
            else:
                records[source.name] = record
        if self.found or len(records) != len(self._records):
            self.tables.outdate()
        self._records = records
        return remaining

    def add(self, records: Sequence[Record]) -> None:
        """Take records of files that have just been done."""
        self._records |= {record.name: record for record in records}
        self.tables.outdate()

    def records(self) -> list[Record]:
        """Return the records of the files that are done, in the order of the files."""
        names = [source.name for source in self.sources if source.name in self._records]
        return [self._records[name] for name in names]

    def _write_tables(self) -> None:
        """Write the tables of all records."""
        records = self.records()
        write_text(self.folder.path / "table.csv", table_csv(records, self._labels))
        write_text(self.folder.path / "table.json", table_json(records, self._labels))
        if self._parquet:
            write_parquet(self.folder.path / "table.parquet", records, self._labels)


def _is_of(record: Record, source: Source) -> bool:
    """Tell whether a record is that of a file as it is now."""
    return (record.size, record.mtime_ns) == (source.size, source.mtime_ns)
