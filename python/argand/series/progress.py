"""Show on standard error how far a series is: data sets, rate, time left, and starts."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from argand.jobs.parallel import SharedCount
from argand.jobs.progress import ProgressLine

__all__ = ["SeriesProgress", "progress_line"]

# Seconds between two lines: often enough that the eye sees it move, seldom enough for a log.
_PERIOD = 0.5

_MINUTE = 60.0
_HOUR = 3600.0

# Above so many seconds a time is written in minutes, above so many minutes in hours.
_LONGEST_COUNT = 120.0


class SeriesProgress:
    """Count the files and starts of a series, and show them: on a terminal twice a second.

    Starts of refinements move within a data set, so that the line shows that work goes on.

    Parameters
    ----------
    files : int
        Files to predict.

    Attributes
    ----------
    done : files that are done
    starts : starts that all processes have refined, a number that processes share
    """

    def __init__(self, files: int) -> None:
        self.files = files
        self.done = 0
        self.starts: SharedCount = multiprocessing.get_context("spawn").Value("Q", 0)
        self._begin = time.monotonic()
        self._ended = threading.Event()
        self._line = ProgressLine()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the line while the block runs."""
        ticker = threading.Thread(target=self._show_until_ended, daemon=True)
        ticker.start()
        try:
            yield
        finally:
            self._ended.set()
            ticker.join()
            self._show()
            self._line.end()

    def _show_until_ended(self) -> None:
        """Show the line again and again."""
        while not self._ended.wait(_PERIOD):
            self._show()

    def _show(self) -> None:
        """Show the line."""
        seconds = time.monotonic() - self._begin
        self._line.show(progress_line(self.done, self.files, seconds, self.starts.value))


def progress_line(done: int, files: int, seconds: float, starts: int) -> str:
    """Return the line that says how many files were done in `seconds`, and what is left."""
    line = f"{done} of {files} files"
    if done and seconds > 0.0:
        rate = done / seconds
        line += f", {rate:.3g} a second" if rate >= 1.0 else f", {1.0 / rate:.3g} s each"
        if done < files:
            line += f", {_duration((files - done) / rate)} left"
    if starts:
        line += f"; {starts} starts refined"
    return line


def _duration(seconds: float) -> str:
    """Write a time in the unit that suits it."""
    if seconds < _LONGEST_COUNT:
        return f"{seconds:.0f} s"
    if seconds < _LONGEST_COUNT * _MINUTE:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"
