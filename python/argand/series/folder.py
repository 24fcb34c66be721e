"""The result folder of a series: its settings, the files that are done, and a lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from argand.errors import ArgandError
from argand.files import locked_folder, remove_half_written, size_of
from argand.jobs.records import is_current
from argand.jobs.sources import Source, second_answer
from argand.series.record import Record, read_record, write_record
from argand.series.settings import SeriesSettings
from argand.store import read_json, write_json

__all__ = ["SeriesFolder"]

_KIND = "series"

# Raise this when fields of `SeriesSettings` change other than by new ones with a default.
_VERSION = 1

_RESULT_FOLDERS = ("results", "phases", "atoms")
_MAP_FOLDER = "maps"


class SeriesFolder:
    """Keep the results of a series in one folder.

    The folder holds series.json (the settings of the series), phases/NAME.mtz, atoms/NAME.cif,
    results/NAME.json and, where wanted, maps/NAME.ccp4. The record in results/ is written after
    all other results of a file: a file with a record is done.

    Parameters
    ----------
    path : path
        The folder; it is created by `locked` or `open`.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder for this process, and remove half-written files of killed processes.

        The operating system releases the lock when its process ends.

        Raises
        ------
        ArgandError
            Another process holds the lock.
        """
        with locked_folder(self.path):
            self._remove_half_written()
            yield
            # A worker of a scheduler may have been killed while it wrote.
            self._remove_half_written()

    def _remove_half_written(self) -> None:
        """Remove the temporary files of processes that were killed."""
        for name in (*_RESULT_FOLDERS, _MAP_FOLDER):
            remove_half_written(self.path / name)

    def open(self, settings: SeriesSettings) -> None:
        """Create the folder of a series, or check that it belongs to a series with these settings.

        Raises
        ------
        ArgandError
            The folder holds a series with other settings, which the message names, or its
            series.json is damaged.
        """
        for name in _RESULT_FOLDERS:
            (self.path / name).mkdir(parents=True, exist_ok=True)
        if settings.maps:
            (self.path / _MAP_FOLDER).mkdir(exist_ok=True)
        path = self.path / "series.json"
        if not path.exists():
            write_json(path, settings, kind=_KIND, version=_VERSION)
            return
        stored = read_json(SeriesSettings, path, kind=_KIND, version=_VERSION)
        differences = settings.differences(stored)
        if differences:
            raise ArgandError(
                f"{self.path}: holds a series with another {', '.join(differences)}, "
                "needs another folder"
            )

    def record(self, source: Source, sites: int | None = None) -> Record | None:
        """Read the record of a file that is done; None where the file has to be done (again).

        A file is done again when it has no record, has changed since, or could not be used; when
        its record is damaged or is not of a crystal with this number of sites; and when one of its
        results is missing or has another size than its record says.
        """
        record = read_record(self._record_path(source.name))
        if record is None or not is_current(record, source, self.path):
            return None
        if sites is not None:
            has_every_site = len(record.displacement) == sites
            if not has_every_site or len(record.sigma) not in (0, sites):
                return None
        return record

    def remove_renamed(self, sources: Sequence[Source]) -> None:
        """Remove the results of files that have a longer name since others share their bare one.

        Such a file is done again under its longer name. Results of files that are gone stay.
        """
        names = {source.name for source in sources}
        for source in sources:
            former = source.path.stem
            if former in names:
                continue
            record = read_record(self._record_path(former))
            if record is None or record.file != str(source.path):
                continue
            # A damaged record may list anything.
            possible = dict(self.outputs((former, second_answer(former))))
            for relative, _ in record.outputs:
                if relative in possible:
                    (self.path / relative).unlink()
            # The record goes last: after an interruption it tells what has to be removed.
            self._record_path(former).unlink()

    def write_record(self, record: Record) -> None:
        """Write the record of a file, by which the file is done."""
        write_record(self._record_path(record.name), record)

    def outputs(self, names: Sequence[str]) -> tuple[tuple[str, int], ...]:
        """Return the path inside the folder, and the size in bytes, of all results of names."""
        sizes: list[tuple[str, int]] = []
        for name in names:
            for relative in (f"phases/{name}.mtz", f"atoms/{name}.cif", f"maps/{name}.ccp4"):
                size = size_of(self.path / relative)
                if size is not None:
                    sizes.append((relative, size))
        return tuple(sizes)

    def _record_path(self, name: str) -> Path:
        """Return the path of the record of a file."""
        return self.path / "results" / f"{name}.json"
