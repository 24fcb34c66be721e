"""Keep a result current while its sources change, in a small share of the time."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Upkeep"]

# Share of the time in which a result is made again and again; the rest is for the work itself.
_SHARE = 0.2


class Upkeep:
    """Make a result again when it is out of date, and not more often than its cost allows.

    A table of ten files is made again after each file, a report that takes seconds now and then.

    Parameters
    ----------
    make : function
        Makes the result.
    """

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._is_outdated = True
        self._earliest = -1.0

    def outdate(self) -> None:
        """Note that the result is out of date."""
        self._is_outdated = True

    def attend(self) -> None:
        """Make the result again where it is out of date and was not made too recently."""
        if time.monotonic() >= self._earliest:
            self.finish()

    def finish(self) -> None:
        """Make the result again where it is out of date."""
        if not self._is_outdated:
            return
        begin = time.monotonic()
        self._make()
        end = time.monotonic()
        self._is_outdated = False
        self._earliest = end + (end - begin) * (1.0 / _SHARE - 1.0)
