"""Threads do tasks in stages, and the libraries below do not get in their way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from argand.nufft import threads as argand_threads
from argand.nufft.threads import StagedWork, Task, sequential_blas


def do_random_stages(lock: threading.Lock, threads: int) -> None:
    """Do thirty stages of up to five tasks; check that each is done once, and none too early."""
    rng = np.random.default_rng(23)
    finished = [0] * 30
    too_early: list[int] = []
    sizes = rng.integers(0, 6, 30)
    work = StagedWork()

    def task_of(number: int, after: list[int]) -> Task:
        def task() -> None:
            too_early.extend(i for i in after if finished[i] != sizes[i])
            time.sleep(1e-4)
            with lock:
                finished[number] += 1

        return task

    def tasks_of(task: Task, size: int) -> Callable[[], list[Task]]:
        return lambda: [task] * size

    for number, size in enumerate(sizes):
        after: list[int] = []
        if number:
            after = sorted({int(i) for i in rng.integers(0, number, min(number, 3))})
        work.add(tasks_of(task_of(number, after), size), after)
    work.run(threads)
    assert finished == list(sizes)
    assert not too_early


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_stages_are_done_in_their_order(threads):
    """Several callers at a time have each of their tasks done once, in the order of the stages."""
    lock = threading.Lock()
    ended = []

    def call() -> None:
        do_random_stages(lock, threads)
        ended.append(True)

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert len(ended) == 3


def test_nobody_waits_for_threads_that_are_busy_elsewhere():
    """The caller finishes alone while all threads of the pool are blocked."""
    stop = threading.Event()
    pool = argand_threads._pool_of(2)
    blocked = [pool.submit(stop.wait, 60) for _ in range(argand_threads._pool_size)]
    finished: list[int] = []
    work = StagedWork()
    first = work.add(lambda: [lambda: finished.append(1)] * 3)
    work.add(lambda: [lambda: finished.append(2)], [first])
    work.run(2)
    assert finished == [1, 1, 1, 2]
    assert not any(future.done() for future in blocked)
    stop.set()


def test_products_are_sequential_inside_and_threads_come_back_after():
    """BLAS has one thread inside nested blocks, and as many as before when all have ended."""
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def blas_threads() -> list[int]:
        libraries = threadpoolctl.threadpool_info()
        return [library["num_threads"] for library in libraries if library["user_api"] == "blas"]

    before = blas_threads()
    with sequential_blas():
        assert set(blas_threads()) <= {1}
        with sequential_blas():
            pass
        assert set(blas_threads()) <= {1}
    assert blas_threads() == before


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_an_error_in_a_thread_is_raised_when_all_have_stopped(error):
    """The error of a task, or of the making of tasks, reaches the caller after all have ended."""
    begun = threading.Event()
    ended: list[bool] = []
    late: list[bool] = []

    def fail() -> None:
        begun.wait(60)
        raise error("too much")

    def slow() -> None:
        begun.set()
        time.sleep(0.05)
        ended.append(True)

    def no_tasks() -> list[Task]:
        raise error("none")

    for tasks in ([fail, slow], [slow, fail]):
        ended.clear()
        begun.clear()
        work = StagedWork()
        first = work.add(lambda tasks=tasks: tasks)
        work.add(lambda: [lambda: late.append(True)], [first])
        with pytest.raises(error, match="too much"):
            work.run(2)
        assert ended
    assert not late
    work = StagedWork()
    first = work.add(lambda: [lambda: None])
    work.add(no_tasks, [first])
    with pytest.raises(error, match="none"):
        work.run(2)
