"""Share work in stages among Python threads, and keep libraries from getting in their way.

Work has stages. The tasks of a stage need nothing of each other, and a stage may have to wait for
earlier ones. A thread takes the first task that can be begun: a thread that the machine slows down
does less, and none waits while there is something to do. Threads only help: the caller alone would
finish the work, whenever the others join.

Two habits of libraries cost more than a second thread gains:

- numpy's BLAS shares out even a small product, and its threads then wait for the next one in a
  loop. For many milliseconds each of them keeps a core from other work (`sequential_blas`).
- glibc gives large blocks of memory back to the system when they are freed, and the system must
  clear each page before it is used again. A transform then spends a third of its time on pages
  (`keep_pages`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np

Task = Callable[[], None]
TaskMaker = Callable[[], Sequence[Task]]

# Bytes of a block that glibc then keeps: it goes up to 32 MiB, and keeps twice as much at the end
# of its heap.
_LARGEST_KEPT = 31 << 20

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_pool_size = 0
# Calls that have asked for a sequential BLAS, and what undoes that.
_sequential_calls = 0
_blas_limit: Any = None


class StagedWork:
    """Share stages of tasks among threads: `add` all stages, then `run` once."""

    def __init__(self) -> None:
        # For each stage the function that makes its tasks, and the stages that it waits for.
        self._stages: list[tuple[TaskMaker, Sequence[int]]] = []
        # Whoever reads or writes what follows holds the lock of this condition.
        self._changed = threading.Condition(threading.Lock())
        # Tasks of each stage that nobody has begun; None where the stage has not begun.
        self._waiting: list[list[Task] | None] = []
        # Tasks of each stage that are not finished, of stages that have begun.
        self._unfinished: list[int] = []
        self._running = 0
        self._failure: BaseException | None = None

    def add(self, tasks: TaskMaker, after: Sequence[int] = ()) -> int:
        """Add a stage, and return its number.

        Parameters
        ----------
        tasks
            Makes the tasks; called when the stage begins.
        after
            Numbers of the stages that must be finished before.
        """
        self._stages.append((tasks, after))
        self._waiting.append(None)
        self._unfinished.append(0)
        return len(self._stages) - 1

    def run(self, threads: int) -> None:
        """Do all tasks with so many threads, the caller's among them.

        Raises the error of the first task that fails, when all threads have stopped.
        """
        for _ in range(threads - 1):
            _pool_of(threads - 1).submit(self._work)
        try:
            self._work()
            self._wait_for_others()
        except BaseException as error:
            # An interrupt while waiting: the other threads begin nothing more.
            self._fail(error)
            raise

    def _work(self) -> None:
        """Do tasks until there is none that could be begun."""
        while (started := self._start_next()) is not None:
            number, task = started
            failure = None
            try:
                task()
            except BaseException as error:
                # The caller raises it when all threads have stopped.
                failure = error
            with self._changed:
                self._running -= 1
                self._unfinished[number] -= 1
                self._failure = self._failure or failure
                if not self._unfinished[number] or self._failure:
                    self._changed.notify_all()

    def _wait_for_others(self) -> None:
        """Wait for tasks that other threads have begun, and raise the first failure."""
        with self._changed:
            while self._running:
                self._changed.wait()
        if self._failure:
            raise self._failure

    def _fail(self, failure: BaseException) -> None:
        """Keep threads from beginning anything more."""
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def _start_next(self) -> tuple[int, Task] | None:
        """Return the next task and the number of its stage, None at the end.

        Waits while there are tasks, but none that can be begun yet.
        """
        with self._changed:
            while not self._failure:
                try:
                    started, more_to_come = self._first_ready()
                except BaseException as error:
                    self._failure = error
                    self._changed.notify_all()
                    break
                if started or not more_to_come:
                    return started
                self._changed.wait()
        return None

    def _first_ready(self) -> tuple[tuple[int, Task] | None, bool]:
        """Take the first task that can be begun; tell whether stages have yet to begin."""
        more_to_come = False
        for number, (make_tasks, after) in enumerate(self._stages):
            waiting = self._waiting[number]
            if waiting is None and all(self._is_finished(earlier) for earlier in after):
                waiting = [*reversed(make_tasks())]
                self._waiting[number] = waiting
                self._unfinished[number] = len(waiting)
            if waiting:
                self._running += 1
                return (number, waiting.pop()), True
            more_to_come = more_to_come or waiting is None
        return None, more_to_come

    def _is_finished(self, number: int) -> bool:
        """Tell whether a stage has begun and all of its tasks are finished."""
        return self._waiting[number] is not None and not self._unfinished[number]


@contextmanager
def sequential_blas() -> Iterator[None]:
    """Make products of numpy take one thread inside, in all threads of this process."""
    global _sequential_calls, _blas_limit
    with _lock:
        _sequential_calls += 1
        if _sequential_calls == 1:
            _blas_limit = _libraries().limit(limits=1, user_api="blas")
    try:
        yield
    finally:
        with _lock:
            _sequential_calls -= 1
            if _sequential_calls == 0:
                _blas_limit.restore_original_limits()


@lru_cache(maxsize=1)
def keep_pages() -> None:
    """Make glibc keep freed blocks: it learns the common size from the first large one freed."""
    np.empty(_LARGEST_KEPT, np.uint8)


@lru_cache(maxsize=1)
def _libraries() -> Any:
    """Look through all libraries of the process, which takes milliseconds and is done once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _pool_of(threads: int) -> ThreadPoolExecutor:
    """Return the pool of this process, with at least so many threads."""
    global _pool, _pool_size
    with _lock:
        if _pool is None or _pool_size < threads:
            _pool = ThreadPoolExecutor(threads, "argand")
            _pool_size = threads
        return _pool


def _after_fork() -> None:
    """Start afresh in a child: it has no threads, and the lock's holder may have been one."""
    global _lock, _pool, _pool_size
    _lock = threading.Lock()
    _pool = None
    _pool_size = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
