"""Watch folders in which reflection files appear, and list those that are complete."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from argand.errors import ArgandError
from argand.jobs.sources import Source, find_sources
from argand.series.record import Record

__all__ = ["Watch", "complete_files"]

# Seconds between two looks at the folders: a person who waits for a file does not notice them.
_PERIOD = 0.5

# Seconds in which size and time of a file have to stay as they are before it is read. Programs that
# write a list of reflections in one go pause for less.
_SETTLING = 1.0

# Share of the time in which folders are listed, which takes long where they have many files.
_LISTING_SHARE = 0.2


def _ignore(records: Sequence[Record], new: Sequence[Record]) -> None:
    """Ignore records."""


@dataclass(frozen=True)
class Watch:
    """Say how long a growing series is watched, and who is told of it.

    Parameters
    ----------
    until_idle : float, optional
        End when for so many seconds no file has come or changed; None watches until Ctrl-C.
    on_change : function
        Called as ``on_change(records, new)`` when files were done, and at each look at the folders:
        all records in the order of the files, and those that are new, perhaps none.
    period : float
        Seconds between two looks at the folders.
    settling : float
        Seconds in which a file must not have changed before it is read.

    Raises
    ------
    ArgandError
        Names a number of seconds that is not possible.
    """

    until_idle: float | None = None
    on_change: Callable[[Sequence[Record], Sequence[Record]], object] = _ignore
    period: float = _PERIOD
    settling: float = _SETTLING

    def __post_init__(self) -> None:
        for name in ("until_idle", "period", "settling"):
            seconds = getattr(self, name)
            if seconds is not None and not 0.0 <= seconds < math.inf:
                raise ArgandError(f"{name} is {seconds}, needs seconds, 0 or more")


def complete_files(
    paths: Sequence[str | Path], watch: Watch, say: Callable[[str], object]
) -> Iterator[list[Source]]:
    """Look at files and folders again and again, and yield their complete files at each look.

    A file is complete when its size and the time of its last change have stayed the same for
    `watch.settling` seconds. A look that fails, as while a network drive is away, is reported once
    and repeated. The looks end when nothing has changed for `watch.until_idle` seconds.

    Parameters
    ----------
    paths : paths
        Reflection files, and folders of them, which may be empty at first.
    watch : Watch
        How often to look, and when to end.
    say : function
        Takes lines of text for people.

    Raises
    ------
    ArgandError
        Names a file or folder that does not exist at the first look.
    """
    stamps: dict[Path, tuple[int, int]] = {}
    since: dict[Path, float] = {}
    sources = find_sources(paths, may_be_empty=True)
    last_change = time.monotonic()
    last_failure = ""
    while True:
        now = time.monotonic()
        for source in sources:
            stamp = (source.size, source.mtime_ns)
            if stamps.get(source.path) != stamp:
                stamps[source.path] = stamp
                since[source.path] = last_change = now
        complete = [source for source in sources if now - since[source.path] >= watch.settling]
        yield complete
        is_idle = watch.until_idle is not None and now - last_change >= watch.until_idle
        if is_idle and len(complete) == len(sources):
            return
        time.sleep(watch.period)
        begin = time.monotonic()
        try:
            sources = find_sources(paths, may_be_empty=True)
            last_failure = ""
        except (ArgandError, OSError) as error:
            if str(error) != last_failure:
                last_failure = str(error)
                say(f"cannot be watched at present: {error}")
        # A look at ten thousand files on a network drive takes seconds.
        time.sleep((time.monotonic() - begin) * (1.0 / _LISTING_SHARE - 1.0))
