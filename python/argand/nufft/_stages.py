"""Work in stages, each task of which is done by whichever thread is free.

A stage is a list of tasks that need nothing of each other, and may have to wait for earlier stages. A thread takes
the first task that can be begun, so that one which the machine slows down does less, and none waits while there is
something to do. Threads only help: the caller's alone would come to the same end, whenever the others arrive.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

Task = Callable[[], None]


class Stage(NamedTuple):
    tasks: Callable[[], Sequence[Task]]  # asked for when the stage begins
    after: Sequence[int] = ()  # numbers of stages that must be done before


def in_stages(stages: Sequence[Stage], threads: int) -> None:
    """Do all tasks with so many threads, this one among them; raise what the first to fail has raised."""
    team = _Team(stages)
    for _ in range(threads - 1):
        _pool_of(threads - 1).submit(team.work)
    try:
        team.work()
        team.finish()
    except BaseException as error:  # an interrupt while waiting
        team.stop(error)
        raise


class _Team:
    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages = stages
        # What follows only for who holds `_changed`. Tasks of each stage that are not begun; None: nor is the stage
        self._waiting: list[list[Task] | None] = [None] * len(stages)
        self._left = [0] * len(stages)  # tasks that are not done, of stages that have begun
        self._running = 0
        self._failure: BaseException | None = None
        self._changed = threading.Condition(threading.Lock())

    def work(self) -> None:
        """Do tasks until there is none left to begin."""
        while (found := self._next()) is not None:
            number, task = found
            failure = None
            try:
                task()
            except BaseException as error:  # the caller raises it when all have stopped
                failure = error
            with self._changed:
                self._running -= 1
                self._left[number] -= 1
                self._failure = self._failure or failure
                if not self._left[number] or self._failure:
                    self._changed.notify_all()

    def finish(self) -> None:
        """Wait for what others have begun."""
        with self._changed:
            while self._running:
                self._changed.wait()
        if self._failure:
            raise self._failure

    def stop(self, failure: BaseException) -> None:
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def _next(self) -> tuple[int, Task] | None:
        """Number of the stage and the task; waits while there are tasks that cannot be begun yet."""
        with self._changed:
            while not self._failure:
                try:
                    found, later = self._first()
                except BaseException as error:
                    self._failure = error
                    self._changed.notify_all()
                    break
                if found or not later:
                    return found
                self._changed.wait()
        return None

    def _first(self) -> tuple[tuple[int, Task] | None, bool]:
        """The first task that can be begun, and whether there will be others."""
        later = False
        for number, stage in enumerate(self._stages):
            if self._waiting[number] is None and all(self._is_done(other) for other in stage.after):
                self._waiting[number] = tasks = [*reversed(stage.tasks())]
                self._left[number] = len(tasks)
            waiting = self._waiting[number]
            if waiting:
                self._running += 1
                return (number, waiting.pop()), True
            later = later or waiting is None
        return None, later

    def _is_done(self, number: int) -> bool:
        return self._waiting[number] is not None and not self._left[number]


_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_workers = 0  # of the pool


def _pool_of(least: int) -> ThreadPoolExecutor:
    global _pool, _workers
    with _lock:
        if _pool is None or _workers < least:
            _pool, _workers = ThreadPoolExecutor(least, "argand"), least
        return _pool


def _after_fork() -> None:
    """Threads do not survive, and whoever held the lock may be one of them."""
    global _lock, _pool, _workers
    _lock, _pool, _workers = threading.Lock(), None, 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
