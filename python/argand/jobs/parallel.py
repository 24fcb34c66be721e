"""Chunks of work on several processor cores: in this process, or in processes that end with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from argand._config import num_threads, set_num_threads
from argand.errors import ArgandError

__all__ = ["SharedCount", "in_chunks", "spread", "spread_on_scheduler"]

Item = TypeVar("Item")
Result = TypeVar("Result")

# Linear algebra libraries read these variables when they are loaded.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class SharedCount(Protocol):
    """Describe a number that processes share, as `multiprocessing.Value` makes it."""

    value: int

    def get_lock(self) -> Any:
        """Return the lock that has to be held to change the value."""


def in_chunks(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """Divide items, in their order, into chunks of `size`; the last chunk may be shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def spread(
    work: Callable[[Sequence[Item]], Result],
    chunks: Sequence[Sequence[Item]],
    workers: int,
    *,
    setup: Callable[..., None],
    arguments: tuple[Any, ...],
) -> Generator[Result, None, None]:
    """Call `work` on chunks in several processes, and yield each result when it is ready.

    The calling process handles Ctrl-C: chunks that were begun are ended, others are not begun.

    Parameters
    ----------
    work : function of a module
        Takes a chunk of items.
    chunks : sequence of sequences
        Chunks of items; results may come in another order.
    workers : int
        Number of processes, each with one thread. They are started anew rather than forked, so
        that no thread is copied. With one worker, or one chunk, all work is done in this process.
    setup : function of a module
        Called as ``setup(*arguments)`` once in each process, before `work`.
    arguments : tuple
        Arguments of `setup`, which must pickle.
    """
    if workers < 2 or len(chunks) < 2:
        setup(*arguments)
        for chunk in chunks:
            yield work(chunk)
        return
    context = multiprocessing.get_context("spawn")
    start = (setup, arguments)
    with _single_threaded_children(), ProcessPoolExecutor(workers, context, _start, start) as pool:
        pending: set[Future[Result]] = {pool.submit(work, chunk) for chunk in chunks}
        try:
            while pending:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def spread_on_scheduler(
    work: Callable[[Sequence[Item]], Result],
    chunks: Sequence[Sequence[Item]],
    address: str,
    *,
    setup: Callable[..., None],
    arguments: tuple[Any, ...],
) -> Generator[Result, None, None]:
    """Call `work` on chunks by the workers of a dask.distributed scheduler, yield each result.

    Parameters
    ----------
    work, chunks, setup, arguments
        As `spread` takes them; `setup` is called before each chunk. The workers need argand, and
        see the same files under the same paths.
    address : str
        Address of the scheduler, such as tcp://host:8786.

    Raises
    ------
    ArgandError
        The package distributed is missing, or nobody answers at the address.
    """
    try:
        import distributed
    except ModuleNotFoundError:
        advice = "pip install distributed"
        raise ArgandError(f"a scheduler needs the package distributed: {advice}") from None
    try:
        client = distributed.Client(address)
    except (OSError, ValueError) as error:
        raise ArgandError(f"scheduler is {address!r}, which does not answer: {error}") from None
    with client:
        # A task is a function of its arguments for dask, which would call equal ones once.
        tasks = [(setup, arguments, work, chunk) for chunk in chunks]
        futures = client.map(_after_setup, tasks, pure=False)
        for finished in distributed.as_completed(futures):
            yield finished.result()


def _after_setup(
    task: tuple[
        Callable[..., None], tuple[Any, ...], Callable[[Sequence[Item]], Result], Sequence[Item]
    ],
) -> Result:
    """Prepare a process that may have worked for others, and do one chunk of work."""
    setup, arguments, work, chunk = task
    setup(*arguments)
    return work(chunk)


def _start(setup: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """Prepare a new process: one thread, no reaction to Ctrl-C, an end with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    set_num_threads(1)
    setup(*arguments)


def _end_with_parent() -> None:
    """End this process when its parent was killed; it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _single_threaded_children() -> Iterator[None]:
    """Give one thread to processes that are started inside the block, and restore the settings."""
    variables = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    threads = num_threads()
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        set_num_threads(threads)
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
