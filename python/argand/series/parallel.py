"""Chunks of work on all cores: in this process, or in several that end with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

from argand import num_threads, set_num_threads

__all__ = ["in_chunks", "spread"]

Item = TypeVar("Item")
Done = TypeVar("Done")

_BLAS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def in_chunks(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """Items in order, `size` at a time."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def spread(
    work: Callable[[Sequence[Item]], Done],
    chunks: Sequence[Sequence[Item]],
    workers: int,
    *,
    setup: Callable[..., None],
    arguments: tuple[Any, ...],
) -> Iterator[Done]:
    """What `work` makes of each chunk, as it becomes ready; `setup(*arguments)` goes before, once a process.

    Both must be functions of a module. Several processes are started anew, so that no thread is copied; each uses one
    thread. Ctrl-C is for this process: chunks that are being worked on are ended, the others are not begun.
    """
    if workers < 2 or len(chunks) < 2:
        setup(*arguments)
        for chunk in chunks:
            yield work(chunk)
        return
    context = multiprocessing.get_context("spawn")
    with _one_thread(), ProcessPoolExecutor(workers, context, _start, (setup, arguments)) as pool:
        waiting: set[Future[Done]] = {pool.submit(work, chunk) for chunk in chunks}
        try:
            while waiting:
                ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ready:
                    yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _start(setup: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    set_num_threads(1)
    setup(*arguments)


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes that are started inside have one thread each; libraries look at these names when they are loaded."""
    before = {name: os.environ.get(name) for name in _BLAS}
    threads = num_threads()
    os.environ.update(dict.fromkeys(_BLAS, "1"))
    try:
        yield
    finally:
        set_num_threads(threads)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
