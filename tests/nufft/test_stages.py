"""Threads that take tasks in stages, and the libraries below that must not get in their way."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from argand.nufft import _stages, _threads


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_stages_are_done_in_their_order(threads):
    """Every task once, none before the stages that it waits for are done; several calls at a time."""

    def call() -> None:
        rng = np.random.default_rng(23)
        stages, done, early = [], [0] * 30, []
        sizes = rng.integers(0, 6, 30)
        for number, size in enumerate(sizes):
            after = (
                sorted({int(i) for i in rng.integers(0, number, min(number, 3))}) if number else []
            )

            def task(number: int = number, after: list[int] = after) -> None:
                early.extend(i for i in after if done[i] != sizes[i])
                time.sleep(1e-4)
                with lock:
                    done[number] += 1

            stages.append(_stages.Stage(lambda task=task, size=size: [task] * size, after))
        _stages.in_stages(stages, threads)
        assert done == list(sizes)
        assert not early
        ended.append(True)

    lock, ended = threading.Lock(), []
    calls = [threading.Thread(target=call) for _ in range(3)]
    for one in calls:
        one.start()
    for one in calls:
        one.join(60)
    assert len(ended) == 3


def test_nobody_waits_for_threads_that_are_busy_elsewhere():
    stop = threading.Event()
    blocked = [_stages._pool_of(2).submit(stop.wait, 60) for _ in range(_stages._workers)]
    done: list[int] = []
    first, then = [lambda: done.append(1)] * 3, [lambda: done.append(2)]
    _stages.in_stages([_stages.Stage(lambda: first), _stages.Stage(lambda: then, [0])], 2)
    assert done == [1, 1, 1, 2]
    assert not any(one.done() for one in blocked)
    stop.set()


def test_products_are_sequential_inside_and_threads_come_back_after():
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def numbers() -> list[int]:
        return [
            one["num_threads"]
            for one in threadpoolctl.threadpool_info()
            if one["user_api"] == "blas"
        ]

    before = numbers()
    with _threads.sequential_blas():
        assert set(numbers()) <= {1}
        with _threads.sequential_blas():
            pass
        assert set(numbers()) <= {1}
    assert numbers() == before


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_an_error_in_a_thread_is_raised_when_all_have_stopped(error):
    begun = threading.Event()
    ended, late = [], []

    def fail() -> None:
        begun.wait(60)
        raise error("too much")

    def work() -> None:
        begun.set()
        time.sleep(0.05)
        ended.append(True)

    for first in ([fail, work], [work, fail]):
        ended.clear()
        begun.clear()
        stages = [
            _stages.Stage(lambda first=first: first),
            _stages.Stage(lambda: [lambda: late.append(True)], [0]),
        ]
        with pytest.raises(error, match="too much"):
            _stages.in_stages(stages, 2)
        assert ended
    assert not late
    with pytest.raises(error, match="none"):
        _stages.in_stages(
            [
                _stages.Stage(lambda: [lambda: None]),
                _stages.Stage(lambda: _raise(error("none")), [0]),
            ],
            2,
        )


def _raise(error: BaseException) -> list[_stages.Task]:
    raise error
