"""Threads of Python's side that do not get in each other's way.

Two habits of the libraries below cost more than a second thread gains, if they are let go on:

- numpy's BLAS shares out even a small product, and its threads then wait for the next one busily: for many milliseconds
  each of them keeps a core from whoever has work to do.
- glibc gives large blocks of memory back to the system when they are freed, and every page that comes back must be
  cleared by the system when it is next touched. A transform then spends a third of its time on pages.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np

_LARGEST_KEPT = (
    31 << 20
)  # bytes; glibc goes up to 32 MiB, and keeps twice as much at the end of its heap

_lock = threading.Lock()
_inside = 0  # calls that have asked for a sequential BLAS
_limit: Any = None


def _after_fork() -> None:
    """Whoever held the lock may be a thread that the child does not have."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def sequential_blas() -> Iterator[None]:
    """Products of numpy take one thread inside, in all threads of this process; afterwards as many as before."""
    global _inside, _limit
    with _lock:
        _inside += 1
        if _inside == 1:
            _limit = _libraries().limit(limits=1, user_api="blas")
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limit.restore_original_limits()


@lru_cache(maxsize=1)
def _libraries() -> Any:
    """Looks through all libraries of the process, which takes milliseconds: once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@lru_cache(maxsize=1)
def keep_pages() -> None:
    """Freed blocks stay with the process: glibc learns from the first large one that is freed which size is common."""
    np.empty(_LARGEST_KEPT, np.uint8)
