"""Long arrays in pieces that fit the cache, shared out to threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from argand._config import num_threads

AT_A_TIME = 8192


def pieces(length: int, at_a_time: int = AT_A_TIME) -> Iterator[slice]:
    return (slice(start, min(start + at_a_time, length)) for start in range(0, length, at_a_time))


def for_pieces(length: int, work: Callable[[slice], None]) -> None:
    """`work` on every piece, by as many threads as a call may use; numpy lets others run while it computes."""
    if num_threads() == 1 or length <= 2 * AT_A_TIME:
        for piece in pieces(length):
            work(piece)
    else:
        with ThreadPoolExecutor(num_threads()) as pool:
            for _ in pool.map(work, pieces(length)):
                pass
