"""Hear Ctrl-C during long calls of libraries that do not listen.

Python handles signals in its main thread, between two steps of Python. A transform or a sort of a
hundred million numbers is one step. The core of argand listens by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeVar

T = TypeVar("T")

# A library goes over so many numbers in some tenths of a second at most: nobody waits for that, and
# a thread would take a good part of the time of small calls.
_SOON = 4_000_000

# Seconds between two looks at signals where a waiting thread is not woken by them (Windows).
_BETWEEN_LOOKS = 0.1


def interruptible(numbers: int, call: Callable[..., T], *arguments: Any) -> T:
    """Return the result of a call; Ctrl-C ends the waiting for it at once.

    A large call runs in a thread of its own while the main thread waits. After Ctrl-C that thread
    goes on to the end of the call, and its result is dropped: the call must change nothing that
    anybody else sees.

    Parameters
    ----------
    numbers
        How many numbers the call goes over; a call of few is made directly.
    call, arguments
        A function that spends its time in libraries which release Python's lock.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if numbers < _SOON or not is_main:
        return call(*arguments)
    results: list[T] = []
    failures: list[BaseException] = []
    ended = threading.Event()
    # numpy keeps its treatment of floating-point errors in the context.
    context = copy_context()

    def work() -> None:
        try:
            results.append(context.run(call, *arguments))
        except BaseException as error:
            failures.append(error)
        finally:
            ended.set()

    threading.Thread(target=work, daemon=True, name="argand-call").start()
    while not ended.wait(_BETWEEN_LOOKS):
        pass
    if failures:
        raise failures[0]
    return results[0]
