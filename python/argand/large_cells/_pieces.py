"""Long arrays in pieces that fit the cache."""

from __future__ import annotations

from collections.abc import Iterator

AT_A_TIME = 8192


def pieces(length: int, at_a_time: int = AT_A_TIME) -> Iterator[slice]:
    return (slice(start, min(start + at_a_time, length)) for start in range(0, length, at_a_time))
