"""The folder of a series: what is in it, what is done, and that all of it belongs together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # not everywhere: without it nobody is kept from working in one folder twice
    fcntl = None  # type: ignore[assignment]

from argand.errors import ArgandError
from argand.series.record import Record, read_json, read_record, write_text
from argand.series.sources import Source

__all__ = ["SeriesFolder"]

_PARTS = ("results", "phases", "atoms", "maps")


class SeriesFolder:
    """results/NAME.json is written last of all that belongs to a file: with it the file is done.

    phases/NAME.mtz, atoms/NAME.cif and, where wanted, maps/NAME.ccp4 lie beside; series.json says what made them.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """For one at a time. What a killed process left half-written is taken away; the lock dies with its owner."""
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.path / "lock", "w") as file:
            if fcntl is not None:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise ArgandError(
                        f"{self.path}: another process is at work in this folder"
                    ) from None
            for part in _PARTS:
                for left in (self.path / part).glob(".*"):
                    left.unlink(missing_ok=True)
            yield

    def open(self, about: dict[str, Any]) -> None:
        """Make the folder; refuse one that holds results of something else than `about`."""
        for part in _PARTS[:3] if not about.get("maps") else _PARTS:
            (self.path / part).mkdir(parents=True, exist_ok=True)
        file = self.path / "series.json"
        if file.exists():
            found = read_json(file)
            if found != json.loads(json.dumps(about)):
                differs = [
                    key
                    for key in about
                    if not isinstance(found, dict) or found.get(key) != about[key]
                ]
                raise ArgandError(
                    f"{self.path}: holds a series with another {', '.join(differs) or 'content'}, needs another folder"
                )
            return
        write_text(file, json.dumps(about, indent=1) + "\n")

    def record(self, source: Source) -> Record | None:
        """What was found in a file; None when it was not done, has changed since, or could not be read."""
        found = read_record(self.path / "results" / f"{source.name}.json")
        if found is None or found.error:
            return None
        return found if (found.size, found.mtime_ns) == (source.size, source.mtime_ns) else None

    def failed(self, source: Source) -> Record | None:
        """What was said of a file from which nothing was found."""
        found = read_record(self.path / "results" / f"{source.name}.json")
        return found if found is not None and found.error else None

    def write_record(self, record: Record) -> None:
        write_text(self.path / "results" / f"{record.name}.json", record.to_json() + "\n")
