"""Show how far long work is on standard error, on a terminal and in a log."""

from __future__ import annotations

import sys
import time

__all__ = ["ProgressLine"]

# Seconds between two lines of a log: a day of work makes a log of some thousand lines.
_LOG_PERIOD = 30.0

# Characters that a line on a terminal overwrites.
_WIDTH = 72


class ProgressLine:
    """Overwrite one line on a terminal; where there is none, print a line now and then.

    Parameters
    ----------
    log_period : float
        Seconds between two lines where standard error is no terminal. Work that ends sooner prints
        none.
    """

    def __init__(self, log_period: float = _LOG_PERIOD) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._log_period = log_period
        self._last = time.monotonic()
        self._is_open = False

    def show(self, line: str) -> None:
        """Show a line, or keep it to itself where the last one of a log is recent."""
        if self._is_terminal:
            print(f"\r{line:<{_WIDTH}}", end="", file=sys.stderr, flush=True)
            self._is_open = True
        elif time.monotonic() - self._last >= self._log_period:
            print(line, file=sys.stderr, flush=True)
            self._last = time.monotonic()

    def end(self) -> None:
        """Leave the line on the terminal, so that the next output begins below it."""
        if self._is_open:
            print(file=sys.stderr)
            self._is_open = False
