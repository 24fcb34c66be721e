"""Keep a process on one core and its numerical libraries on one thread.

This module imports no numerical library, so that it can be imported before all of them.
"""

from __future__ import annotations

import os
import sys

#: Environment variables that tell a numerical library how many threads it may start.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "DUCC0_NUM_THREADS",
)


def pin() -> None:
    """Bind this process to one core and one thread.

    Call it before a numerical library is imported: libraries count their threads at import.
    """
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    if hasattr(os, "sched_setaffinity"):
        last_core = max(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {last_core})


def restart_with_one_thread() -> None:
    """Start the running script once more, with one thread for each numerical library.

    Threads of BLAS and OpenMP spin while they wait for work and slow down what is timed.
    A library reads its number of threads at import, so the environment must be set before.
    The function returns at once where the environment is set already.
    """
    if _has_one_thread():
        return
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    os.execv(sys.executable, [sys.executable, *sys.argv])


def restart_on_one_core() -> None:
    """Start the running script once more, on one core and with one thread for each library.

    The function returns at once where the process is bound to one core already.
    """
    has_affinity = hasattr(os, "sched_getaffinity")
    is_bound = not has_affinity or len(os.sched_getaffinity(0)) == 1
    if is_bound and _has_one_thread():
        return
    pin()
    os.execv(sys.executable, [sys.executable, *sys.argv])


def _has_one_thread() -> bool:
    """Say whether the environment gives every numerical library one thread."""
    return all(os.environ.get(name) == "1" for name in THREAD_VARIABLES)
